/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the code under test logs, whichever thread does. */
#pragma once

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>
#include <string>

namespace shmnet::test {

class KeptLog {
public:
	/* Takes all that is logged from now on. */
	KeptLog() { spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink_)); }

	bool has(const std::string& text) const
	{
		return sink_->text().find(text) != std::string::npos;
	}
	std::string text() const { return sink_->text(); }

private:
	class Sink final : public spdlog::sinks::base_sink<std::mutex> {
	public:
		std::string text()
		{
			std::lock_guard lock(mutex_);
			return text_;
		}

	protected:
		void sink_it_(const spdlog::details::log_msg& message) override
		{
			spdlog::memory_buf_t line;
			formatter_->format(message, line);
			text_.append(line.data(), line.size());
		}
		void flush_() override {}

	private:
		std::string text_;
	};

	std::shared_ptr<Sink> sink_ = std::make_shared<Sink>();
};

} // namespace shmnet::test
