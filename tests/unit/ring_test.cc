// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A pair ring between two ends that keep the rules. */
#include "support/pair.hh"
#include "support/stepped_memory.hh"

#include <gtest/gtest.h>

#include <set>

namespace shmnet::test {

namespace {

/* Descriptors until the indexes wrap. */
constexpr u32 TO_WRAP = 0u - INDEX_START;

} // namespace

TEST(Ring, PassesAFrameWithItsBytesAndOffloadWords)
{
	Region region(small_request(2));
	Pair<> pair(region);
	shmnet_offload offload = {
		SHMNET_DESC_NEEDS_CSUM, SHMNET_GSO_TCP6 | SHMNET_GSO_ECN, 1440, 54, 16, 0xdeadbeef};
	ASSERT_TRUE(pair.sender.commit(1400, 1, offload));
	pair.sender->publish();
	shmnet_frame frame;
	ASSERT_EQ(pair.receiver->next(frame), SHMNET_RECEIVE_FRAME);
	EXPECT_EQ(frame.len, 1400u);
	EXPECT_EQ(frame.pieces, 1u);
	EXPECT_TRUE(same_offload(frame.offload, offload));
	EXPECT_TRUE(frame_holds(frame, 1));
	EXPECT_TRUE(pair.owns(frame));
}

TEST(Ring, ShowsNothingBeforePublish)
{
	Region region(small_request(2));
	Pair<> pair(region);
	shmnet_frame frame;
	EXPECT_EQ(pair.receiver->next(frame), SHMNET_RECEIVE_EMPTY);
	ASSERT_TRUE(pair.sender.commit(100, 1));
	EXPECT_EQ(pair.receiver->next(frame), SHMNET_RECEIVE_EMPTY);
	pair.sender->publish();
	EXPECT_EQ(pair.receiver->waiting(), 1u);
	EXPECT_TRUE(pair.receiver.receive(100, 1));
	EXPECT_EQ(pair.receiver->next(frame), SHMNET_RECEIVE_EMPTY);
}

/* Each length that differs in its number of pieces or in what the last one holds. */
TEST(Ring, PassesEveryLengthFromTheLeastToTheLargest)
{
	for (u32 buffer_size : {2048u, 4096u, 65536u}) {
		SCOPED_TRACE(buffer_size);
		Region region(small_request(2, SHMNET_MTU_MAX, buffer_size));
		Pair<> pair(region);
		std::set<u32> lengths = {14, 15, 59, 60, 61, GSO_FRAME_MAX - 1, GSO_FRAME_MAX};
		for (u32 len = buffer_size; len <= GSO_FRAME_MAX; len += buffer_size)
			lengths.insert({len - 1, len, len + 1});
		lengths.erase(lengths.upper_bound(GSO_FRAME_MAX), lengths.end());
		for (u32 len : lengths)
			ASSERT_TRUE(pair.passes(len, len)) << len;
	}
}

TEST(Ring, PassesUnsegmentedFramesLongerThanTheNetworksOwn)
{
	Region region(small_request(2, 1500));
	Pair<> pair(region);
	u32 longest = pair.network().frame_max;
	shmnet_offload gso = {SHMNET_DESC_NEEDS_CSUM, SHMNET_GSO_TCP4, 1448, 34, 16, 0};
	shmnet_frame frame;
	ASSERT_TRUE(pair.sender.commit(GSO_FRAME_MAX, 1, gso));
	pair.sender->publish();
	ASSERT_EQ(pair.receiver->next(frame), SHMNET_RECEIVE_FRAME);
	EXPECT_TRUE(frame_holds(frame, 1));
	pair.receiver->release();

	ASSERT_TRUE(pair.sender.commit(longest, 2, shmnet_offload{}));
	ASSERT_TRUE(pair.sender.commit(longest + 1, 3, shmnet_offload{}));
	pair.sender->publish();
	ASSERT_EQ(pair.receiver->next(frame), SHMNET_RECEIVE_FRAME);
	pair.receiver->release();
	EXPECT_EQ(pair.receiver->next(frame), SHMNET_RECEIVE_FAULT);
}

/* Every connection crosses the wrap early; here it does so with each number of pieces. */
TEST(Ring, KeepsOrderAcrossTheWrapOfTheIndexes)
{
	for (u32 pieces : {1u, 2u, 3u, 33u}) {
		SCOPED_TRACE(pieces);
		Region region(small_request(2));
		Pair<> pair(region);
		u32 len = pieces == 33 ? GSO_FRAME_MAX : pieces * 2048 - 1;
		shmnet_offload gso = {SHMNET_DESC_NEEDS_CSUM, SHMNET_GSO_TCP4, 1448, 34, 16, 0};
		for (u32 i = 0; i < 2 * TO_WRAP / pieces + 2; i++) {
			shmnet_frame frame;
			ASSERT_TRUE(pair.sender.commit(len, i, gso));
			pair.sender->publish();
			ASSERT_EQ(pair.receiver->next(frame), SHMNET_RECEIVE_FRAME) << i;
			ASSERT_TRUE(frame_holds(frame, i));
			pair.receiver->release();
			pair.receiver->publish();
		}
		EXPECT_LT(pair.sender->produced(), INDEX_START) << "the wrap was not crossed";
		EXPECT_EQ(pair.sender->consumed(), pair.sender->produced());
	}
}

TEST(Ring, TakesAsManyFramesAsItHasBuffersAndThenNone)
{
	Region region(small_request(2));
	Pair<> pair(region);
	for (unsigned round = 0; round < 10; round++) {
		u32 sent = 0;
		while (pair.sender.send(60, sent))
			sent++;
		ASSERT_EQ(sent, pair.network().pool);
		EXPECT_FALSE(pair.sender->has_room(60));
		for (u32 i = 0; i < sent; i++)
			ASSERT_TRUE(pair.receiver.receive(60, i));
		EXPECT_FALSE(pair.sender->has_room(60)) << "nothing was published yet";
		pair.receiver->publish();
	}
}

TEST(Ring, FindsRoomForAChainOnlyWhenAllOfItFits)
{
	Region region(small_request(2));
	Pair<> pair(region);
	u32 pool = pair.network().pool;
	for (u32 i = 0; i < pool - 3; i++)
		ASSERT_TRUE(pair.sender.send(60, i));
	EXPECT_FALSE(pair.sender->has_room(3 * 2048 + 1));
	EXPECT_TRUE(pair.sender->has_room(3 * 2048));
	EXPECT_FALSE(pair.sender.send(3 * 2048 + 1, 1000));
	EXPECT_TRUE(pair.sender.send(3 * 2048, 1000));
	EXPECT_FALSE(pair.sender->has_room(14));
}

/* Rings with as few descriptors as buffers; the two then run out together. */
TEST(Ring, WorksWithTwoBuffersAndTwoDescriptors)
{
	Region region(small_request(2, 1500, 65536), 2, 2);
	Pair<> pair(region);
	for (u32 i = 0; i < 2 * TO_WRAP; i++) {
		ASSERT_TRUE(pair.sender.send(100, i));
		ASSERT_TRUE(pair.sender.send(200, i));
		ASSERT_FALSE(pair.sender->has_room(60));
		ASSERT_TRUE(pair.receiver.receive(100, i));
		pair.receiver->publish();
		ASSERT_TRUE(pair.sender->has_room(60));
		ASSERT_FALSE(pair.sender->has_room(65537));
		ASSERT_TRUE(pair.receiver.receive(200, i));
		pair.receiver->publish();
		ASSERT_TRUE(pair.passes(60, i));
	}
}

TEST(Ring, SaysWhichDoorbellsToRing)
{
	Region region(small_request(2));
	Pair<> pair(region);
	EXPECT_EQ(pair.sender->receiver_doorbell(), RECEIVER_DOORBELL);
	EXPECT_EQ(pair.receiver->sender_doorbell(), SENDER_DOORBELL);
}

/* A node writes its own part and nothing else, whatever it does with a ring. */
TEST(Ring, EachEndWritesInItsOwnPartOnly)
{
	Region region(small_request(3));
	RingId id = {0, 2, 1, 0};
	Pair<SteppedMemory> pair(region, id);
	auto only_into = [&region](u32 slot) {
		return [&region, slot](const Step& step) {
			EXPECT_TRUE(!step.writes() || region.part_of(step.address) == slot);
		};
	};
	for (u32 i = 0; i < 2 * TO_WRAP; i++) {
		bool reconnect = i % 100 == 99;
		{
			SteppedMemory::Watch watch(only_into(id.source));
			if (reconnect)
				pair.sender->disconnect();
			pair.sender->connect(pair.SENDER_INCARNATION, SENDER_DOORBELL);
			pair.sender->arm_granted(5000);
			pair.sender->arm_consumed(pair.sender->produced());
			shmnet_frame frame;
			if (pair.sender->reserve(5000, frame)) {
				for (u32 piece = 0; piece < frame.pieces; piece++)
					ASSERT_EQ(region.part_of(frame.span[piece].data),
						  id.source);
				frame.offload = {0, SHMNET_GSO_TCP4, 1, 0, 0, 0};
				pair.sender->commit(frame);
			}
			pair.sender->publish();
		}
		SteppedMemory::Watch watch(only_into(id.destination));
		if (pair.receiver->refused())
			pair.receiver->open(pair.RECEIVER_INCARNATION, pair.SENDER_INCARNATION,
					    RECEIVER_DOORBELL);
		shmnet_frame frame;
		while (pair.receiver->next(frame) != SHMNET_RECEIVE_EMPTY) {
			ASSERT_EQ(pair.receiver->fault(), SHMNET_FAULT_NONE);
			pair.receiver->release();
		}
		pair.receiver->publish();
		pair.receiver->arm();
	}
}

} // namespace shmnet::test
