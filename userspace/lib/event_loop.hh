/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* sd-event with owners: a source lives as long as the object that stands for it. */
#pragma once

#include "memory.hh"

#include <systemd/sd-event.h>

#include <exception>
#include <functional>
#include <memory>

namespace shmnet {

class EventLoop;

class EventSource {
public:
	EventSource() = default;
	EventSource(EventSource&& other) noexcept = default;
	EventSource& operator=(EventSource&& other) noexcept;
	EventSource(const EventSource&) = delete;
	EventSource& operator=(const EventSource&) = delete;
	~EventSource() { reset(); }

	/* May be called from the source's own handler. */
	void reset();
	explicit operator bool() const { return handler_ != nullptr; }

	/* Handled after all others that are due. */
	void yield_to_others();
	/* Of a file descriptor's source: EPOLLIN, EPOLLOUT. */
	void watch(u32 events);
	/* Of a timer, which fires once. */
	void fire_after(u64 microseconds);
	void stop();

private:
	friend class EventLoop;

	struct Handler : std::enable_shared_from_this<Handler> {
		EventLoop* loop = nullptr;
		sd_event_source* source = nullptr;
		std::function<void(u32)> call;
	};

	std::shared_ptr<Handler> handler_;
};

class EventLoop {
public:
	EventLoop();
	EventLoop(const EventLoop&) = delete;
	EventLoop& operator=(const EventLoop&) = delete;
	~EventLoop();

	/* @call gets the EPOLL* events that occurred. */
	[[nodiscard]] EventSource add_fd(int fd, u32 events, std::function<void(u32)> call);
	/* Blocks the signal's ordinary delivery. */
	[[nodiscard]] EventSource add_signal(int signal, std::function<void()> call);
	/* A timer that is not running yet. */
	[[nodiscard]] EventSource add_timer(std::function<void()> call);
	/* Called at the end of each turn in which anything happened. */
	[[nodiscard]] EventSource add_post(std::function<void()> call);

	/* Returns when stop() was called; throws what a handler threw. */
	void run();
	void stop();

private:
	static int dispatch(EventSource::Handler* handler, u32 events) noexcept;
	static int on_fd(sd_event_source*, int, uint32_t events, void* data);
	static int on_signal(sd_event_source*, const struct signalfd_siginfo*, void* data);
	static int on_time(sd_event_source*, uint64_t, void* data);
	static int on_post(sd_event_source*, void* data);
	std::shared_ptr<EventSource::Handler> make_handler(std::function<void(u32)> call);
	EventSource finish(std::shared_ptr<EventSource::Handler> handler, int result,
			   const char* what);

	sd_event* event_ = nullptr;
	std::exception_ptr failure_;
};

} // namespace shmnet
