/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A doorbell for a thread that really sleeps. It orders nothing that is said in shared memory: the
 * count is relaxed and the sleeping is the kernel's, so an acquire or a fence that the core lacks
 * is not made good for here.
 */
#pragma once

#include "memory.hh"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>

namespace shmnet::test {

class Bell {
public:
	/* Taken before the sleeper arms, so that no ring between that and wait() is lost. */
	u32 rings() const { return rings_.load(std::memory_order_relaxed); }

	void ring()
	{
		rings_.fetch_add(1, std::memory_order_relaxed);
		::syscall(SYS_futex, &rings_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
	}

	/*
	 * Sleeps until it was rung since rings() was @seen, or for the end of the program; false:
	 * nobody rang for so long.
	 */
	bool wait(u32 seen, std::chrono::seconds patience, const std::atomic<bool>& stop)
	{
		auto end = std::chrono::steady_clock::now() + patience;
		while (rings() == seen && !stop.load(std::memory_order_relaxed)) {
			if (std::chrono::steady_clock::now() >= end)
				return false;
			timespec pause = {1, 0};
			::syscall(SYS_futex, &rings_, FUTEX_WAIT_PRIVATE, seen, &pause, nullptr, 0);
		}
		return true;
	}

private:
	std::atomic<u32> rings_ = 0;
	static_assert(sizeof(rings_) == sizeof(u32));
};

} // namespace shmnet::test
