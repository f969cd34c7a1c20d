/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Numbers at random, which a failure can be repeated with: SHMNET_SEED=N. */
#pragma once

#include "memory.hh"

#include <cstdio>
#include <cstdlib>
#include <random>

namespace shmnet::test {

/* One for the whole run; shown, so that the log of a failure has it. */
inline u64 run_seed()
{
	static const u64 seed = [] {
		const char* given = ::getenv("SHMNET_SEED");
		u64 chosen = given ? ::strtoull(given, nullptr, 0) : std::random_device()();
		::printf("seed: SHMNET_SEED=%llu\n", chosen);
		return chosen;
	}();
	return seed;
}

class Random {
public:
	/* @stream: of several with one seed, which. */
	explicit Random(u64 stream = 0, u64 seed = run_seed()) : state_(seed + stream * STEP) {}

	/* splitmix64: quick enough for a thread that does nothing but scribble. */
	u64 next()
	{
		u64 z = state_ += STEP;
		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
		z = (z ^ z >> 27) * 0x94d049bb133111eb;
		return z ^ z >> 31;
	}

	u32 below(u32 bound) { return static_cast<u32>((next() >> 32) * bound >> 32); }
	u32 between(u32 least, u32 most) { return least + below(most - least + 1); }
	bool one_in(u32 count) { return below(count) == 0; }

	template <typename T, size_t N> T of(const T (&values)[N])
	{
		return values[below(static_cast<u32>(N))];
	}

private:
	static constexpr u64 STEP = 0x9e3779b97f4a7c15;

	u64 state_;
};

} // namespace shmnet::test
