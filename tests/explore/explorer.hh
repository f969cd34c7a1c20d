/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Runs a scene, a few threads that use the core, in every order of their accesses to shared memory
 * and with every outcome of their loads, as far as given bounds go; and with threads that end for
 * good between any two accesses.
 *
 * It runs the scene again and again from its start, each time with other choices. What a thread does
 * follows from what its loads returned; so two runs that have come to the same memory, with threads
 * that have loaded the same, go on alike, and the later one is given up: these are the states that
 * are counted.
 */
#pragma once

#include "weak_memory.hh"

#include <memory>
#include <string>

namespace shmnet::explore {

struct Bounds {
	u32 preemptions; /* switches away from a thread that could have gone on */
	u32 stale;       /* loads that return another than the newest store */
	u32 crashes;
};

/*
 * What is explored. Runs share nothing but this object, whose begin() makes it as new. A thread's
 * frames may own no memory: one that is given up or crashes is not unwound.
 */
class Scene {
public:
	virtual ~Scene() = default;

	virtual u32 threads() const = 0;
	/* Before the threads: what is stored is seen by all. */
	virtual void begin() = 0;
	virtual void run(u32 thread) = 0;
	/* When all threads have ended: loads return the newest store. */
	virtual void end() {}

	virtual bool may_crash(u32) const { return false; }
	/* Whether accesses to that word must be ordered by others. */
	virtual bool is_plain(const void*) const { return false; }
	/* Whether a word is always seen as it is, and no other thread comes between at its accesses. */
	virtual bool is_left_out(const void*) const { return false; }
};

struct Report {
	std::string
		failure; /* what does not hold, and the steps that lead there; empty: it holds */
	u64 runs;
	u64 states;
	u64 steps;
};

/* All of it, or up to the first failure. */
Report explore(Scene& scene, const Bounds& bounds);

/* ---- For scenes, in run() and end() ------------------------------------------------------------ */

/* Ends the exploration, as a failure. */
[[noreturn]] void fail(const char* what, const char* file, int line);

/* The thread goes on when it is rung, or has been since it slept last; how a doorbell works. */
void sleep();
void ring(u32 thread);

/* In end(): how the thread has ended. */
bool has_crashed(u32 thread);
bool sleeps(u32 thread);

#define SHMNET_HOLDS(condition)                                                                    \
	do {                                                                                       \
		if (!(condition))                                                                  \
			shmnet::explore::fail(#condition, __FILE__, __LINE__);                     \
	} while (0)

/* ---- For ExploredMemory ------------------------------------------------------------------------ */

u64 load(const void* address, u32 bytes, Order order);
void store(void* address, u32 bytes, u64 value, Order order);
/* @expected takes what was found. */
bool exchange(void* address, u32 bytes, u64& expected, u64 desired, Order success, Order failure);
void fence(Order order);

} // namespace shmnet::explore
