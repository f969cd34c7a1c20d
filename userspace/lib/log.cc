// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "log.hh"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include <cstdlib>
#include <string>

namespace shmnet {

namespace {

bool journal = false;

/* JOURNAL_STREAM names the journal's stream; standard error may since have been redirected. */
bool stderr_is_journal()
{
	const char* stream = ::getenv("JOURNAL_STREAM");
	struct stat status;
	return stream && ::fstat(STDERR_FILENO, &status) == 0 &&
	       fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

const char* priority(LogLevel level)
{
	switch (level) {
	case LogLevel::Debug:
		return SD_DEBUG;
	case LogLevel::Info:
		return SD_INFO;
	case LogLevel::Warning:
		return SD_WARNING;
	case LogLevel::Error:
		break;
	}
	return SD_ERR;
}

spdlog::level::level_enum spdlog_level(LogLevel level)
{
	switch (level) {
	case LogLevel::Debug:
		return spdlog::level::debug;
	case LogLevel::Info:
		return spdlog::level::info;
	case LogLevel::Warning:
		return spdlog::level::warn;
	case LogLevel::Error:
		break;
	}
	return spdlog::level::err;
}

} // namespace

void start_log(const char* program, bool verbose)
{
	journal = stderr_is_journal();
	auto logger = spdlog::stderr_logger_mt(program);
	logger->set_pattern(journal ? "%v" : "%Y-%m-%dT%H:%M:%S.%e %n %l: %v");
	logger->set_level(verbose ? spdlog::level::debug : spdlog::level::info);
	logger->flush_on(spdlog::level::debug);
	spdlog::set_default_logger(std::move(logger));
}

void write_log(LogLevel level, std::string_view text)
{
	if (journal)
		spdlog::log(spdlog_level(level), "{}{}", priority(level), text);
	else
		spdlog::log(spdlog_level(level), "{}", text);
}

bool LimitedLog::allow()
{
	auto now = std::chrono::steady_clock::now();
	if (written_ == 0 || now - begin_ >= INTERVAL) {
		begin_ = now;
		written_ = 0;
	}
	if (written_ >= burst_) {
		omitted_++;
		return false;
	}
	written_++;
	return true;
}

std::string LimitedLog::tail()
{
	u64 omitted = std::exchange(omitted_, 0);
	return omitted ? fmt::format(" ({} such lines were left out)", omitted) : std::string();
}

} // namespace shmnet
