// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The two ends of a ring as threads that sleep and wake each other by doorbells alone: a wake-up
 * that gets lost (B15, B21) ends a test here, for nothing else would ever wake them.
 */
#include "support/traffic.hh"

#include <gtest/gtest.h>

namespace shmnet::test {

namespace {

#ifdef SHMNET_THREAD_SANITIZER
constexpr u64 FRAMES = 100000;
#else
constexpr u64 FRAMES = 1000000;
#endif

void pass_frames(Pair<>& pair, TrafficOptions options)
{
	options.seed = run_seed();
	Traffic traffic(pair, options);
	traffic.run();
	ASSERT_EQ(traffic.failure(), "");
	EXPECT_EQ(traffic.received(), options.frames);
	EXPECT_GT(traffic.receiver_sleeps() + traffic.sender_sleeps(), 0u)
		<< "nobody slept: this tested nothing";
	/* No buffer was lost on the way. */
	u32 pool = pair.network().pool;
	for (u32 i = 0; i < pool; i++)
		ASSERT_TRUE(pair.sender.send(14, i));
	EXPECT_FALSE(pair.sender->has_room(1));
}

} // namespace

/* One frame at a time: the receiver goes to sleep behind each. */
TEST(RingThreads, WakeEachOtherForEveryFrame)
{
	Region region(small_request(2));
	Pair<> pair(region);
	pass_frames(pair, {FRAMES / 4, 256, 1, true, 0});
}

/* A pool that is full nearly always: the sender sleeps, and is woken by grants. */
TEST(RingThreads, WakeEachOtherOverAFullRing)
{
	Region region(small_request(2, 1500, 65536), 3, 4);
	Pair<> pair(region);
	pass_frames(pair, {FRAMES, 1500, 3, false, 0});
}

TEST(RingThreads, PassAMillionFramesOfAllSizes)
{
	Region region(default_request(2));
	Pair<> pair(region);
	pass_frames(pair, {FRAMES, SHMNET_MTU_MAX, 32, true, 0});
}

} // namespace shmnet::test
