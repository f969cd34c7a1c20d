/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Fault mode: doorbells that are dropped, delayed and repeated on their way. What happens to the
 * n-th ring of one vector of one peer is a function of the seed alone.
 */
#pragma once

#include "doorbells.hh"
#include "event_loop.hh"

#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace shmnet::hub {

struct FaultOptions {
	double drop = 0; /* probability that a ring is lost */
	u32 delay = 0;   /* milliseconds before a ring is passed on */
	u32 repeat = 0;  /* how often more it is then rung, a millisecond apart */
	u64 seed = 1;
};

/* "drop=P,delay=MS,repeat=N,seed=S". Throws UsageError. */
FaultOptions parse_fault(std::string_view text);

extern const char* const FAULT_SYNTAX;

class Relay {
public:
	Relay(EventLoop& loop, const FaultOptions& options);

	void attach(u32 id, std::shared_ptr<Doorbells> doorbells);

	/* Of all rings since the start. */
	std::string counts() const;

private:
	using Clock = std::chrono::steady_clock;

	/* All vectors of one peer. */
	struct Receiver {
		std::shared_ptr<Doorbells> doorbells;
		std::vector<EventSource> sources;
		std::vector<std::mt19937_64> randoms;
	};

	struct Pending {
		Clock::time_point due;
		std::weak_ptr<Receiver> receiver;
		u32 vector;
		u32 rings; /* to be done */
	};

	void on_ring(const std::shared_ptr<Receiver>& receiver, u32 vector);
	void schedule(Pending pending);
	void on_timer();
	void set_timer();

	EventLoop& loop_;
	FaultOptions options_;
	std::map<u32, std::shared_ptr<Receiver>> receivers_;
	std::multimap<Clock::time_point, Pending> pending_;
	EventSource timer_;

	u64 rung_ = 0;
	u64 dropped_ = 0;
	u64 relayed_ = 0;
	u64 repeated_ = 0;
};

} // namespace shmnet::hub
