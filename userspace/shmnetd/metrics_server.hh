/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Serves metrics over HTTP, at /metrics, with libmicrohttpd: prometheus-cpp's own Exposer has no IPv6
 * in Debian 12, needs seconds to close, and then leaves clients that come meanwhile without an end.
 */
#pragma once

#include "address.hh"

#include <prometheus/collectable.h>

#include <memory>
#include <optional>
#include <thread>

namespace shmnet::shmnetd {

/* Its owner's thread says where to serve; threads without signals call Collect() and answer. */
class MetricsServer {
public:
	explicit MetricsServer(std::shared_ptr<const prometheus::Collectable> metrics);
	/* Hangs up on who is being answered; waits for Collect(). */
	~MetricsServer();

	/*
	 * Serves there, and nowhere else; nothing: not at all. Who is being answered gets the rest,
	 * and is not waited for; a second move ends that as the destructor does. What fails is logged
	 * as a warning, and another call tries again.
	 */
	void listen(const std::optional<End>& end);

private:
	struct Site;
	void close();

	std::shared_ptr<const prometheus::Collectable> metrics_;
	std::unique_ptr<Site> site_;
	std::jthread closing_; /* has the site that was before */
};

} // namespace shmnet::shmnetd
