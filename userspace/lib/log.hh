/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The log of a program that runs on: standard error, with priorities for systemd's journal. Once it
 * is started, any thread may write to it; a LimitedLog is one thread's.
 */
#pragma once

#include "memory.hh"

#include <fmt/core.h>

#include <chrono>
#include <string_view>
#include <utility>

namespace shmnet {

enum class LogLevel : u8 { Debug, Info, Warning, Error };

/* @verbose: what is of Debug, too. */
void start_log(const char* program, bool verbose = false);
void write_log(LogLevel level, std::string_view text);

template <typename... Args> void log_debug(fmt::format_string<Args...> text, Args&&... args)
{
	write_log(LogLevel::Debug, fmt::format(text, std::forward<Args>(args)...));
}

template <typename... Args> void log_info(fmt::format_string<Args...> text, Args&&... args)
{
	write_log(LogLevel::Info, fmt::format(text, std::forward<Args>(args)...));
}

template <typename... Args> void log_warning(fmt::format_string<Args...> text, Args&&... args)
{
	write_log(LogLevel::Warning, fmt::format(text, std::forward<Args>(args)...));
}

template <typename... Args> void log_error(fmt::format_string<Args...> text, Args&&... args)
{
	write_log(LogLevel::Error, fmt::format(text, std::forward<Args>(args)...));
}

/* Lines about what others can cause at will: a few in each interval, then a count of the rest. */
class LimitedLog {
public:
	explicit LimitedLog(int burst) : burst_(burst) {}

	template <typename... Args>
	void write(LogLevel level, fmt::format_string<Args...> text, Args&&... args)
	{
		if (allow())
			write_log(level, fmt::format(text, std::forward<Args>(args)...) + tail());
	}

private:
	static constexpr std::chrono::seconds INTERVAL{10};

	bool allow();
	std::string tail();

	std::chrono::steady_clock::time_point begin_{};
	int burst_;
	int written_ = 0;
	u64 omitted_ = 0;
};

} // namespace shmnet
