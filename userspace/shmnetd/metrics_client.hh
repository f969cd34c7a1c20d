/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Somebody who asks for metrics: one request of HTTP, one answer, and the connection ends. */
#pragma once

#include "unique_fd.hh"

#include <prometheus/collectable.h>

#include <chrono>
#include <string>
#include <string_view>

namespace shmnet::shmnetd {

/* The whole answer to a request, of which @head is all up to its empty line. */
std::string answer_request(std::string_view head, const prometheus::Collectable& metrics);

class MetricsClient {
public:
	using Clock = std::chrono::steady_clock;

	/* @socket does not block. */
	explicit MetricsClient(UniqueFd socket) : socket_(std::move(socket)) {}

	int descriptor() const { return socket_.get(); }
	/* What it waits for: POLLIN or POLLOUT. */
	short events() const;
	/* When it has had time enough, if it does not go on before. */
	Clock::time_point deadline() const { return deadline_; }
	/* Goes as far as it can without waiting. False when it is done, or nothing will come of it. */
	bool proceed(const prometheus::Collectable& metrics);

private:
	/* Prometheus has no more either, by default. */
	static constexpr std::chrono::seconds PATIENCE{10};

	bool receive(const prometheus::Collectable& metrics);
	bool send();

	UniqueFd socket_;
	Clock::time_point deadline_ = Clock::now() + PATIENCE;
	std::string request_;
	std::string answer_; /* empty: the request is not whole yet */
	size_t sent_ = 0;    /* bytes of the answer */
};

} // namespace shmnet::shmnetd
