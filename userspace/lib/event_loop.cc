// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "event_loop.hh"

#include "error.hh"

#include <csignal>
#include <ctime>
#include <utility>

namespace shmnet {

EventSource& EventSource::operator=(EventSource&& other) noexcept
{
	if (this != &other) {
		reset();
		handler_ = std::move(other.handler_);
	}
	return *this;
}

void EventSource::reset()
{
	if (handler_)
		sd_event_source_disable_unref(std::exchange(handler_->source, nullptr));
	handler_.reset();
}

void EventSource::yield_to_others()
{
	(void)sd_event_source_set_priority(handler_->source, SD_EVENT_PRIORITY_NORMAL + 1);
}

void EventSource::watch(u32 events)
{
	if (int result = sd_event_source_set_io_events(handler_->source, events); result < 0) {
		errno = -result;
		throw system_error("sd_event_source_set_io_events");
	}
}

void EventSource::fire_after(u64 microseconds)
{
	int result = sd_event_source_set_time_relative(handler_->source, microseconds);
	if (result >= 0)
		result = sd_event_source_set_enabled(handler_->source, SD_EVENT_ONESHOT);
	if (result < 0) {
		errno = -result;
		throw system_error("setting a timer");
	}
}

void EventSource::stop()
{
	(void)sd_event_source_set_enabled(handler_->source, SD_EVENT_OFF);
}

EventLoop::EventLoop()
{
	int result = sd_event_new(&event_);
	if (result >= 0)
		result = sd_event_set_watchdog(event_, true);
	if (result < 0) {
		errno = -result;
		throw system_error("starting the event loop");
	}
}

EventLoop::~EventLoop()
{
	sd_event_unref(event_);
}

/* The handler may release its own source: what runs here is kept until it returns. */
int EventLoop::dispatch(EventSource::Handler* handler, u32 events) noexcept
{
	std::shared_ptr<EventSource::Handler> keep = handler->shared_from_this();
	try {
		keep->call(events);
	} catch (...) {
		if (!keep->loop->failure_)
			keep->loop->failure_ = std::current_exception();
		keep->loop->stop();
	}
	return 0;
}

int EventLoop::on_fd(sd_event_source*, int, uint32_t events, void* data)
{
	return dispatch(static_cast<EventSource::Handler*>(data), events);
}

int EventLoop::on_signal(sd_event_source*, const struct signalfd_siginfo*, void* data)
{
	return dispatch(static_cast<EventSource::Handler*>(data), 0);
}

int EventLoop::on_time(sd_event_source*, uint64_t, void* data)
{
	return dispatch(static_cast<EventSource::Handler*>(data), 0);
}

int EventLoop::on_post(sd_event_source*, void* data)
{
	return dispatch(static_cast<EventSource::Handler*>(data), 0);
}

std::shared_ptr<EventSource::Handler> EventLoop::make_handler(std::function<void(u32)> call)
{
	auto handler = std::make_shared<EventSource::Handler>();
	handler->loop = this;
	handler->call = std::move(call);
	return handler;
}

EventSource EventLoop::finish(std::shared_ptr<EventSource::Handler> handler, int result,
			      const char* what)
{
	if (result < 0) {
		errno = -result;
		throw system_error("adding {} to the event loop", what);
	}
	EventSource source;
	source.handler_ = std::move(handler);
	return source;
}

EventSource EventLoop::add_fd(int fd, u32 events, std::function<void(u32)> call)
{
	auto handler = make_handler(std::move(call));
	int result = sd_event_add_io(event_, &handler->source, fd, events, on_fd, handler.get());
	return finish(std::move(handler), result, "a file descriptor");
}

EventSource EventLoop::add_signal(int signal, std::function<void()> call)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, signal);
	sigprocmask(SIG_BLOCK, &set, nullptr);
	auto handler = make_handler([call = std::move(call)](u32) { call(); });
	int result =
		sd_event_add_signal(event_, &handler->source, signal, on_signal, handler.get());
	return finish(std::move(handler), result, "a signal");
}

EventSource EventLoop::add_timer(std::function<void()> call)
{
	auto handler = make_handler([call = std::move(call)](u32) { call(); });
	int result = sd_event_add_time(event_, &handler->source, CLOCK_MONOTONIC, 0, 1, on_time,
				       handler.get());
	if (result >= 0)
		result = sd_event_source_set_enabled(handler->source, SD_EVENT_OFF);
	return finish(std::move(handler), result, "a timer");
}

EventSource EventLoop::add_post(std::function<void()> call)
{
	auto handler = make_handler([call = std::move(call)](u32) { call(); });
	int result = sd_event_add_post(event_, &handler->source, on_post, handler.get());
	return finish(std::move(handler), result, "a post handler");
}

void EventLoop::run()
{
	int result = sd_event_loop(event_);
	if (failure_)
		std::rethrow_exception(std::exchange(failure_, nullptr));
	if (result < 0) {
		errno = -result;
		throw system_error("the event loop");
	}
}

void EventLoop::stop()
{
	(void)sd_event_exit(event_, 0);
}

} // namespace shmnet
