// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A sender whose receiver lies (bug classes B2, B6, B19). For each lie: a fault, or no effect; never
 * memory outside the ring's own buffers; and in the next connection the next good frame passes.
 */
#include "support/liar.hh"
#include "support/random.hh"

#include <gtest/gtest.h>

#include <set>

namespace shmnet::test {

namespace {

class HostileReceiver : public testing::Test {
protected:
	/* A pool so small that half of it is less than the longest chain. */
	HostileReceiver()
	    : region(small_request(3, 1500, 2048, 2), 64, 64), pair(region, {0, 1, 2, 1}),
	      liar(pair)
	{
	}

	/* Whether the sender has seen through the lie; it has left the connection then. */
	bool faulty(shmnet_fault fault)
	{
		return pair.sender->fault() == fault && !pair.sender->connected();
	}

	/* Sends all that the sender can be brought to; returns how many frames of @pieces. */
	u32 drain(u32 pieces = 1)
	{
		u32 frames = 0;
		shmnet_frame frame;
		while (pair.sender->reserve(pieces * 2048, frame)) {
			EXPECT_TRUE(pair.owns(frame));
			std::set<void*> buffers;
			for (u32 i = 0; i < frame.pieces; i++)
				EXPECT_TRUE(buffers.insert(frame.span[i].data).second)
					<< "one twice";
			frame.offload = {};
			pair.sender->commit(frame);
			/* What is granted ahead of its time may be used once more, not for ever. */
			if (++frames > 2 * pool())
				break;
		}
		return frames;
	}

	void next_good_frame_passes()
	{
		pair.reconnect();
		ASSERT_TRUE(pair.passes(60, ++seed_));
	}

	u32 pool() const { return pair.network().pool; }

	Region region;
	Pair<> pair;
	LyingReceiver liar;

private:
	u64 seed_ = 0;
};

} // namespace

/* B2: all 2^16 deltas, and some of 2^32. */
TEST_F(HostileReceiver, ConsumedBeyondWhatWasProducedIsAFault)
{
	constexpr u32 SENT = 10;
	liar.reconnect(SENT);
	for (u32 delta = 0; delta < 1u << 16; delta++) {
		u32 jump = delta % 16 ? delta : delta << 16 | delta;
		u32 before = pair.sender->consumed();
		liar.show_consumed(pack_index(pair.epoch(), INDEX_START + jump));
		u32 consumed = pair.sender->consumed();
		/* Forward only, and as far as was produced. */
		bool good = INDEX_START + jump - before <= INDEX_START + SENT - before;
		ASSERT_EQ(pair.sender->connected(), good) << jump;
		ASSERT_EQ(consumed, good ? INDEX_START + jump : before);
		if (good)
			continue;
		ASSERT_TRUE(faulty(SHMNET_FAULT_INDEX)) << jump;
		ASSERT_EQ(pair.sender->consumed(), before) << "not looked at any more";
		liar.reconnect(SENT);
	}
	next_good_frame_passes();
}

TEST_F(HostileReceiver, ConsumedThatGoesBackIsAFault)
{
	for (u32 back = 1; back < 300; back++) {
		pair.reconnect();
		ASSERT_TRUE(pair.passes(60, back));
		ASSERT_EQ(pair.sender->consumed(), INDEX_START + 1);
		liar.show_consumed(pack_index(pair.epoch(), INDEX_START + 1 - back));
		pair.sender->consumed();
		ASSERT_TRUE(faulty(SHMNET_FAULT_INDEX));
	}
	next_good_frame_passes();
}

/* B2: all 2^16 deltas of granted; what lies in the grants is legal, as far as it goes. */
TEST_F(HostileReceiver, GrantedBeyondTheBuffersThatAreOutIsAFault)
{
	for (u32 delta = 0; delta < 1u << 16; delta++) {
		u32 jump = delta % 16 ? delta : delta << 16 | delta;
		/* Everything is granted at once by the opening; take it back to nothing. */
		pair.receiver->open(pair.RECEIVER_INCARNATION, pair.SENDER_INCARNATION, 0);
		ASSERT_TRUE(pair.sender->connect(pair.SENDER_INCARNATION, 0));
		liar.show_granted(pack_index(pair.epoch(), INDEX_START + jump));
		bool room = pair.sender->has_room(60);
		ASSERT_EQ(room, jump > 0 && jump <= pool()) << jump;
		ASSERT_EQ(faulty(SHMNET_FAULT_GRANT), jump > pool()) << jump;
	}
	next_good_frame_passes();
}

TEST_F(HostileReceiver, WordsOfAnotherEpochSayNothing)
{
	liar.reconnect(10);
	u32 epoch = pair.epoch();
	for (u32 other : {0u, 1u, epoch - 1, epoch + 1, epoch ^ 1u << 31, ~0u})
		for (u32 index : {0u, 1u, INDEX_START, INDEX_START + 5, INDEX_START + 1000, ~0u}) {
			liar.show_consumed(pack_index(other, index));
			liar.show_granted(pack_index(other, index));
			ASSERT_EQ(pair.sender->consumed(), INDEX_START);
			pair.sender->has_room(GSO_FRAME_MAX);
			ASSERT_TRUE(pair.sender->connected());
		}
	next_good_frame_passes();
}

/* B6: a grant that is not the ring's, or of a buffer that the sender has already. */
TEST_F(HostileReceiver, GrantOfAForeignBufferIsAFault)
{
	for (u32 buffer : {~0u, pool(), pool() + 1, 2 * pool(), 1u << 31, 0u - pool(), 1u << 21}) {
		liar.reconnect(pool());
		liar.grant(buffer);
		liar.show_granted();
		ASSERT_FALSE(pair.sender->has_room(60)) << buffer;
		ASSERT_TRUE(faulty(SHMNET_FAULT_GRANT)) << buffer;
		next_good_frame_passes();
	}
}

TEST_F(HostileReceiver, GrantOfABufferThatTheSenderHasIsAFault)
{
	/* Half of the buffers are with the sender; each of those once more. */
	liar.reconnect(pool() / 2);
	std::set<u32> out;
	for (u32 i = 0; i < pool() / 2; i++) {
		shmnet_descriptor descriptor;
		copy_from_region<HardwareMemory>(
			&descriptor,
			&pair.places().descriptors[(INDEX_START + i) & (pair.network().ring - 1)],
			sizeof(descriptor));
		out.insert(descriptor.buffer - pair.places().first_buffer);
	}
	ASSERT_EQ(out.size(), pool() / 2);
	for (u32 buffer = 0; buffer < pool(); buffer++) {
		liar.reconnect(pool() / 2);
		liar.grant(buffer);
		liar.show_granted();
		/* Makes it look. */
		pair.sender->has_room(GSO_FRAME_MAX);
		u32 room = drain();
		if (out.contains(buffer)) {
			/* Given back early, which harms the liar alone; and no descriptor is left for it. */
			ASSERT_EQ(room, pool() / 2);
			ASSERT_TRUE(pair.sender->connected());
		} else {
			ASSERT_TRUE(faulty(SHMNET_FAULT_GRANT)) << buffer;
		}
	}
	next_good_frame_passes();
}

TEST_F(HostileReceiver, GrantTwiceAtOnceIsAFault)
{
	for (u32 buffer : {0u, 1u, pool() - 1}) {
		liar.reconnect(pool());
		liar.grant(buffer);
		liar.grant(buffer);
		liar.show_granted();
		ASSERT_FALSE(pair.sender->has_room(60));
		ASSERT_TRUE(faulty(SHMNET_FAULT_GRANT));
		next_good_frame_passes();
	}
}

/* Buffers that are granted before they were read: never more of them than there are. */
TEST_F(HostileReceiver, GrantingEverythingAtOnceGivesNoFrameABufferTwice)
{
	liar.reconnect(pool());
	for (u32 round = 0; round < 50; round++) {
		for (u32 buffer = 0; buffer < pool(); buffer++)
			liar.grant(buffer);
		liar.show_granted();
		drain(round % 33 + 1);
		pair.sender->publish();
		liar.show_consumed(pack_index(pair.epoch(), pair.sender->produced()));
		if (!pair.sender->connected())
			liar.reconnect(pool());
	}
	next_good_frame_passes();
}

TEST_F(HostileReceiver, RandomGrantsNeverLeadOutsideAndGiveNoFrameABufferTwice)
{
	Random random;
	u32 faults = 0;
	u32 frames = 0;
	for (u32 round = 0; round < 20000; round++) {
		liar.reconnect(random.below(pool() + 1));
		for (u32 step = 0; step < 8; step++) {
			for (u32 i = random.below(12); i > 0; i--)
				liar.grant(random.one_in(200) ? static_cast<u32>(random.next())
							      : random.below(pool()));
			liar.show_granted(pack_index(
				pair.epoch(), random.one_in(100) ? static_cast<u32>(random.next())
								 : liar.granted()));
			if (random.one_in(2))
				liar.show_consumed(pack_index(
					pair.epoch(), random.one_in(50)
							      ? static_cast<u32>(random.next())
							      : pair.sender->produced()));
			pair.sender->has_room(random.between(14, GSO_FRAME_MAX));
			frames += drain(random.between(1, 33));
			pair.sender->publish();
		}
		faults += pair.sender->fault() != SHMNET_FAULT_NONE;
	}
	EXPECT_GT(faults, 100u);
	EXPECT_GT(frames, 10000u);
	next_good_frame_passes();
}

/* ---- The word that opens a connection --------------------------------------------------------- */

TEST_F(HostileReceiver, OpenForAnotherIncarnationIsNotAdopted)
{
	pair.sender->disconnect();
	u64* open = &pair.places().consumer->open;
	u32 epoch = pair.epoch() + 1;
	for (u32 incarnation :
	     {0u, pair.SENDER_INCARNATION - 1, pair.SENDER_INCARNATION + 1, ~0u}) {
		HardwareMemory::store_release(open, pack_index(epoch, incarnation));
		EXPECT_FALSE(pair.sender->connect(pair.SENDER_INCARNATION, 0)) << incarnation;
	}
	HardwareMemory::store_release(open, pack_index(0, pair.SENDER_INCARNATION));
	EXPECT_FALSE(pair.sender->connect(pair.SENDER_INCARNATION, 0)) << "epoch 0";
	HardwareMemory::store_release(open, u64{0});
	EXPECT_FALSE(pair.sender->connect(pair.SENDER_INCARNATION, 0));
	next_good_frame_passes();
}

TEST_F(HostileReceiver, EpochThatWasLeftIsNotAdoptedAgain)
{
	pair.sender->disconnect();
	EXPECT_FALSE(pair.sender->connect(pair.SENDER_INCARNATION, 0));
	EXPECT_TRUE(pair.receiver->refused());
	next_good_frame_passes();
}

/* A forged opening: what it leads to lies in the ring all the same. */
TEST_F(HostileReceiver, ForgedOpeningLeadsNowhereElse)
{
	Random random;
	for (u32 round = 0; round < 2000; round++) {
		auto* words = reinterpret_cast<u64*>(pair.places().consumer);
		for (u32 i = 0; i < sizeof(shmnet_consumer) / 8; i++)
			HardwareMemory::store_relaxed(&words[i], random.next());
		HardwareMemory::store_release(
			&pair.places().consumer->open,
			pack_index(static_cast<u32>(random.next()) | 1, pair.SENDER_INCARNATION));
		pair.sender->disconnect();
		ASSERT_TRUE(pair.sender->connect(pair.SENDER_INCARNATION, 0));
		liar.show_granted(pack_index(pair.epoch(), INDEX_START + random.below(2 * pool())));
		drain();
		pair.sender->publish();
		pair.sender->consumed();
	}
	next_good_frame_passes();
}

} // namespace shmnet::test
