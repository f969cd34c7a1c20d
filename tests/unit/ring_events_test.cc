// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Doorbells are asked for exactly when somebody waits for them: the arithmetic for all small cases,
 * and the two ends against each other at every step.
 */
#include "support/pair.hh"
#include "support/stepped_memory.hh"

#include <gtest/gtest.h>

namespace shmnet::test {

/* The index that is waited for is one of those that the step went over. */
TEST(RingEvent, IsPassedExactlyIfItLiesInTheStep)
{
	for (u32 start : {0u, 1u, 0x7ffffff0u, 0x80000000u, INDEX_START, 0xfffffff0u, 0xffffffffu})
		for (u32 step = 0; step <= 70; step++)
			for (u32 event = start - 150; event != start + 150; event++) {
				bool inside = false;
				for (u32 i = 0; i < step; i++)
					inside |= start + i == event;
				ASSERT_EQ(passes_event(start, start + step, event), inside)
					<< start << " + " << step << ", event " << event;
			}
}

TEST(RingEvent, OfAReceiverThatSleepsIsAskedForOnce)
{
	Region region(small_request(2));
	Pair<> pair(region);
	/* A connection begins armed: the first frame is announced. */
	ASSERT_TRUE(pair.sender.commit(60, 0));
	EXPECT_TRUE(pair.sender->publish());
	ASSERT_TRUE(pair.sender.commit(60, 1));
	EXPECT_FALSE(pair.sender->publish()) << "one is on its way";
	EXPECT_TRUE(pair.sender->receiver_sleeps());
	for (u32 i = 0; i < 2; i++)
		ASSERT_TRUE(pair.receiver.receive(60, i));
	ASSERT_TRUE(pair.sender.commit(60, 2));
	EXPECT_FALSE(pair.sender->publish()) << "it is awake";
	ASSERT_TRUE(pair.receiver.receive(60, 2));
	pair.receiver->arm();
	EXPECT_EQ(pair.receiver->waiting(), 0u);
	ASSERT_TRUE(pair.sender.commit(60, 3));
	ASSERT_TRUE(pair.sender.commit(60, 4));
	EXPECT_TRUE(pair.sender->publish());
	EXPECT_FALSE(pair.sender->publish()) << "nothing new";
}

TEST(RingEvent, OfConsumptionIsAskedForWhenTheIndexIsReached)
{
	Region region(small_request(2));
	Pair<> pair(region);
	for (u32 i = 0; i < 10; i++)
		ASSERT_TRUE(pair.sender.send(60, i));
	ASSERT_FALSE(pair.sender->arm_consumed(INDEX_START + 5));
	for (u32 i = 0; i < 10; i++) {
		ASSERT_TRUE(pair.receiver.receive(60, i));
		EXPECT_EQ(pair.receiver->publish(), i == 4) << i;
	}
	EXPECT_TRUE(pair.sender->arm_consumed(INDEX_START + 10));
}

TEST(RingEvent, OfGrantsIsAskedForWhenAQuarterOfThePoolIsFree)
{
	Region region(small_request(2));
	Pair<> pair(region);
	u32 pool = pair.network().pool;
	for (u32 i = 0; i < pool; i++)
		ASSERT_TRUE(pair.sender.send(60, i));
	ASSERT_FALSE(pair.sender->arm_granted(60));
	for (u32 i = 0; i < pool; i++) {
		ASSERT_TRUE(pair.receiver.receive(60, i));
		EXPECT_EQ(pair.receiver->publish(), i + 1 == pool / 4) << i;
	}
	EXPECT_TRUE(pair.sender->has_room(60));
}

TEST(RingEvent, OfGrantsIsAskedForWhenALongChainFits)
{
	Region region(small_request(2), 64, 64);
	Pair<> pair(region);
	u32 pool = pair.network().pool;
	u32 pieces = pair.network().pieces_max;
	ASSERT_GT(pieces, pool / 4);
	for (u32 i = 0; i < pool; i++)
		ASSERT_TRUE(pair.sender.send(60, i));
	ASSERT_FALSE(pair.sender->arm_granted(GSO_FRAME_MAX));
	for (u32 i = 0; i < pool; i++) {
		ASSERT_TRUE(pair.receiver.receive(60, i));
		EXPECT_EQ(pair.receiver->publish(), i + 1 == pieces) << i;
		EXPECT_EQ(pair.sender->has_room(GSO_FRAME_MAX), i + 1 >= pieces) << i;
	}
}

/*
 * One end publishes while the other goes to sleep, or looks once more before it does: for every
 * step of the one at which the whole of the other happens. Either the sleeper sees the news, or it
 * is rung.
 */
namespace {

enum class Sleeper { Receiver, SenderForRoom, SenderForReading };

/* True: awake, by what it saw itself. */
bool go_to_sleep(Pair<SteppedMemory>& pair, Sleeper sleeper)
{
	switch (sleeper) {
	case Sleeper::Receiver:
		pair.receiver->arm();
		SteppedMemory::full_fence();
		return pair.receiver->waiting() > 0;
	case Sleeper::SenderForRoom:
		return pair.sender->arm_granted(60);
	case Sleeper::SenderForReading:
		return pair.sender->arm_consumed(pair.sender->produced());
	}
	return false;
}

bool publish(Pair<SteppedMemory>& pair, Sleeper sleeper)
{
	return sleeper == Sleeper::Receiver ? pair.sender->publish() : pair.receiver->publish();
}

/* Makes the sleeper have nothing to do and the other something to publish. */
void prepare(Pair<SteppedMemory>& pair, Sleeper sleeper)
{
	pair.reconnect();
	u32 pool = pair.network().pool;
	if (sleeper == Sleeper::Receiver) {
		ASSERT_TRUE(pair.sender.send(60, 1));
		ASSERT_TRUE(pair.receiver.receive(60, 1));
		pair.receiver->publish();
		ASSERT_EQ(pair.receiver->waiting(), 0u);
		ASSERT_TRUE(pair.sender.commit(60, 2));
		return;
	}
	for (u32 i = 0; i < pool; i++)
		ASSERT_TRUE(pair.sender.send(60, i));
	ASSERT_FALSE(pair.sender->has_room(60));
	for (u32 i = 0; i < pool; i++)
		ASSERT_TRUE(pair.receiver.receive(60, i));
}

} // namespace

class RingWakeUp : public testing::TestWithParam<Sleeper> {};

TEST_P(RingWakeUp, IsNotLostWhereverThePublisherStands)
{
	Region region(small_request(2));
	Pair<SteppedMemory> pair(region);
	prepare(pair, GetParam());
	u64 steps = count_steps([&] { publish(pair, GetParam()); });
	for (u64 step = 1; step <= steps; step++) {
		prepare(pair, GetParam());
		bool rung = false;
		bool awake = false;
		interrupt_at(
			step, [&] { rung = publish(pair, GetParam()); },
			[&] { awake = go_to_sleep(pair, GetParam()); });
		EXPECT_TRUE(rung || awake) << "at step " << step << " of " << steps;
	}
}

TEST_P(RingWakeUp, IsNotLostWhereverTheSleeperStands)
{
	Region region(small_request(2));
	Pair<SteppedMemory> pair(region);
	prepare(pair, GetParam());
	u64 steps = count_steps([&] { go_to_sleep(pair, GetParam()); });
	for (u64 step = 1; step <= steps; step++) {
		prepare(pair, GetParam());
		bool rung = false;
		bool awake = false;
		interrupt_at(
			step, [&] { awake = go_to_sleep(pair, GetParam()); },
			[&] { rung = publish(pair, GetParam()); });
		EXPECT_TRUE(rung || awake) << "at step " << step << " of " << steps;
	}
}

static std::string sleeper_name(const testing::TestParamInfo<Sleeper>& info)
{
	constexpr const char* NAMES[] = {"TheReceiver", "ASenderForRoom", "ASenderForReading"};
	return NAMES[static_cast<int>(info.param)];
}

INSTANTIATE_TEST_SUITE_P(Of, RingWakeUp,
			 testing::Values(Sleeper::Receiver, Sleeper::SenderForRoom,
					 Sleeper::SenderForReading),
			 sleeper_name);

} // namespace shmnet::test
