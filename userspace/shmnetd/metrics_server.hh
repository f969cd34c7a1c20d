/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Serves metrics over HTTP, at /metrics. Not with prometheus-cpp's own server, which in Debian 12 has
 * no IPv6, needs seconds to close, and then leaves clients that come meanwhile without an end.
 */
#pragma once

#include "address.hh"
#include "unique_fd.hh"

#include <prometheus/collectable.h>

#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace shmnet::shmnetd {

/*
 * Its owner's thread says where to serve, and never waits for those who ask. A thread of the server
 * does all else: it has the sockets, opens and closes them, calls Collect(), and answers.
 */
class MetricsServer {
public:
	/* Throws Error. */
	explicit MetricsServer(std::shared_ptr<const prometheus::Collectable> metrics);
	MetricsServer(const MetricsServer&) = delete;
	MetricsServer& operator=(const MetricsServer&) = delete;
	/* Hangs up on who is being answered. */
	~MetricsServer();

	/*
	 * Serves there, and nowhere else; nothing: not at all. Returns at once. Who is being answered
	 * gets the rest. What fails is logged as a warning, and another call tries again.
	 */
	void listen(const std::optional<End>& end);

private:
	struct Order {
		bool is_new = false;
		bool stop = false;
		std::optional<End> end;
	};

	void tell(const Order& order);
	Order take_order();
	void run();

	std::shared_ptr<const prometheus::Collectable> metrics_;
	UniqueFd told_; /* eventfd: there is an order */
	std::mutex mutex_;
	Order order_;        /* under mutex_; the last one counts */
	std::thread thread_; /* from when there was an address on */
};

} // namespace shmnet::shmnetd
