/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A thread that writes over words of the region as fast as it can (B1): of some ranges, values at
 * random, boundaries, or nearly what stands there. In turn it is wild, so that nothing lasts; or
 * sparing and at one range only, so that what it hits is deep in its work; or it pauses, so that it
 * shows whether good traffic comes back.
 */
#pragma once

#include "support/random.hh"

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

namespace shmnet::stress {

using test::Random;

class Flipper {
public:
	void add(void* begin, size_t bytes)
	{
		ranges_.push_back(
			{static_cast<u32*>(begin), static_cast<u32>(bytes / sizeof(u32))});
	}

	void start()
	{
		thread_ = std::thread([this] { run(); });
	}

	void stop()
	{
		stop_ = true;
		thread_.join();
	}

	bool pausing() const { return pausing_; }
	u64 flips() const { return flips_; }
	/* How often it has paused, long enough for a repair, and what it was that did not come. */
	u64 pauses() const { return pauses_; }
	bool failed() const { return failed_; }

	/* Whether good traffic is there; asked while it pauses. */
	std::function<u64()> good;

private:
	struct Range {
		u32* begin;
		u32 words;
	};

	static constexpr u64 GOOD_ENOUGH = 50;

	void run()
	{
		using namespace std::chrono_literals;
		Random random(999);
		while (!stop_) {
			flip_for(random, 50ms, nullptr, 0);
			for (u32 i = 0; i < 5; i++) {
				const Range& range = any_range(random);
				flip_for(random, 20ms, &range, 1u << random.between(6, 17));
			}
			pause();
		}
	}

	const Range& any_range(Random& random) const
	{
		return ranges_[random.below(static_cast<u32>(ranges_.size()))];
	}

	/* @only: nothing but this range, if there is one; @spin: turns between two flips. */
	void flip_for(Random& random, std::chrono::milliseconds duration, const Range* only,
		      u32 spin)
	{
		auto end = std::chrono::steady_clock::now() + duration;
		while (!stop_ && std::chrono::steady_clock::now() < end) {
			u32 count = spin ? 4 : 1000;
			for (u32 i = 0; i < count; i++) {
				flip(random, only ? *only : any_range(random));
				for (u32 wait = spin; wait > 0; wait--)
					asm volatile("" ::: "memory");
			}
			flips_ += count;
		}
	}

	static void flip(Random& random, const Range& range)
	{
		u32* word = range.begin + random.below(range.words);
		u32 found = HardwareMemory::load_relaxed(word);
		const u32 boundaries[] = {0,        1,      14,       60,  2048,
					  1u << 15, 0xffff, 1u << 31, ~0u, 0xffffff00};
		u32 value;
		switch (random.below(4)) {
		case 0:
			value = static_cast<u32>(random.next());
			break;
		case 1:
			value = random.of(boundaries);
			break;
		case 2:
			value = found + random.below(5) - 2;
			break;
		default:
			/* What is right elsewhere. */
			value = HardwareMemory::load_relaxed(range.begin +
							     random.below(range.words));
		}
		HardwareMemory::store_relaxed(word, value);
	}

	/* B19: within so many ticks good frames pass. */
	void pause()
	{
		auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
		pausing_ = true;
		u64 before = good();
		while (!stop_ && good() < before + GOOD_ENOUGH) {
			if (std::chrono::steady_clock::now() >= end) {
				failed_ = true;
				return;
			}
			std::this_thread::yield();
		}
		pausing_ = false;
		pauses_++;
	}

	std::vector<Range> ranges_;
	std::thread thread_;
	std::atomic<bool> stop_ = false;
	std::atomic<bool> pausing_ = false;
	std::atomic<bool> failed_ = false;
	std::atomic<u64> flips_ = 0;
	std::atomic<u64> pauses_ = 0;
};

} // namespace shmnet::stress
