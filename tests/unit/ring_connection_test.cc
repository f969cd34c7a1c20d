// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * How connections begin and end, and that none is for ever broken: whatever one write, at whatever
 * time, does to the words of a ring (B5, B19), the ticks of its two ends bring it back.
 */
#include "support/pair.hh"
#include "support/random.hh"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace shmnet::test {

TEST(RingConnection, WithoutASenderReceivesNothing)
{
	Region region(small_request(2, 9000));
	RingId id = {0, 0, 1, 0};
	ReceivingEnd<> receiver(region.layout(), id);
	shmnet_frame frame;
	EXPECT_EQ(receiver->next(frame), SHMNET_RECEIVE_EMPTY) << "not open";
	EXPECT_FALSE(receiver->publish());
	EXPECT_FALSE(receiver->refused());
	receiver->open(1, 1, 0);
	EXPECT_TRUE(receiver->is_open());
	EXPECT_FALSE(receiver->adopted());
	EXPECT_EQ(receiver->next(frame), SHMNET_RECEIVE_EMPTY);
}

TEST(RingConnection, WithoutAReceiverSendsNothing)
{
	Region region(small_request(2, 9000));
	SendingEnd<> sender(region.layout(), {0, 0, 1, 0});
	EXPECT_FALSE(sender->connect(1, 0));
	EXPECT_FALSE(sender->has_room(60));
	EXPECT_FALSE(sender.send(60, 1));
	EXPECT_FALSE(sender->publish());
	sender->disconnect();
	EXPECT_FALSE(sender->connected());
}

TEST(RingConnection, IsAdoptedBeforeTheFirstFrame)
{
	Region region(small_request(2, 9000));
	Pair<> pair(region);
	EXPECT_FALSE(pair.receiver->adopted());
	EXPECT_EQ(pair.receiver->waiting(), 0u);
	EXPECT_TRUE(pair.receiver->adopted());
}

TEST(RingConnection, EndsWithTheReceiversClose)
{
	Region region(small_request(2, 9000));
	Pair<> pair(region);
	shmnet_frame frame;
	for (u32 i = 0; i < 5; i++)
		ASSERT_TRUE(pair.sender.send(60, i));
	/* Some were seen, and are not read. */
	ASSERT_TRUE(pair.receiver.receive(60, 0));
	pair.receiver->close();
	EXPECT_FALSE(pair.sender->still_open());
	EXPECT_FALSE(pair.receiver->is_open());
	EXPECT_EQ(pair.receiver->waiting(), 0u);
	EXPECT_EQ(pair.receiver->next(frame), SHMNET_RECEIVE_EMPTY);
	EXPECT_FALSE(pair.receiver->publish());
}

TEST(RingConnection, EpochsDifferFromOneToTheNext)
{
	Region region(small_request(2, 9000));
	Pair<> pair(region);
	u32 last = 0;
	/* More than the count in an epoch has bits. */
	for (u32 i = 0; i < 70000; i++) {
		ASSERT_TRUE(pair.reconnect());
		ASSERT_NE(pair.epoch(), last);
		ASSERT_NE(pair.epoch(), 0u);
		last = pair.epoch();
	}
}

/* A receiver that was made anew begins to count again; the sender must see that it is another. */
TEST(RingConnection, OfANewReceiverDiffersFromTheOneThatTheSenderIsIn)
{
	Region region(small_request(2, 9000));
	RingId id = {0, 0, 1, 0};
	SendingEnd<> sender(region.layout(), id);
	for (u32 i = 0; i < 10; i++) {
		ReceivingEnd<> receiver(region.layout(), id);
		receiver->open(3, 4, 0);
		ASSERT_TRUE(sender->connect(4, 0)) << i;
		ASSERT_TRUE(sender.send(60, i));
		ASSERT_TRUE(receiver.receive(60, i));
	}
}

TEST(RingConnection, BeginsWithAllBuffersThoughAFrameWasNotReleased)
{
	Region region(small_request(2, 9000));
	Pair<> pair(region);
	shmnet_frame frame;
	ASSERT_TRUE(pair.sender.send(5000, 1));
	ASSERT_EQ(pair.receiver->next(frame), SHMNET_RECEIVE_FRAME);
	pair.reconnect();
	/* Of the connection before: there is nothing to give back any more. */
	pair.receiver->release();
	pair.receiver->publish();
	for (u32 i = 0; i < 3 * pair.network().pool; i++)
		ASSERT_TRUE(pair.passes(5000, i)) << i;
}

TEST(RingConnection, StaysFaultyUntilItIsOpenedAnew)
{
	Region region(small_request(2, 9000));
	Pair<> pair(region);
	shmnet_frame frame;
	ASSERT_TRUE(pair.sender.send(60, 1));
	shmnet_descriptor* first =
		&pair.places().descriptors[INDEX_START & (pair.network().ring - 1)];
	u32 frame_len = first->frame_len;
	first->frame_len = 3;
	ASSERT_EQ(pair.receiver->next(frame), SHMNET_RECEIVE_FAULT);
	/* Repaired: too late, it was reported. */
	first->frame_len = frame_len;
	EXPECT_EQ(pair.receiver->next(frame), SHMNET_RECEIVE_FAULT);
	EXPECT_EQ(pair.receiver->fault(), SHMNET_FAULT_LENGTH);
	EXPECT_EQ(pair.receiver->waiting(), 0u);
	EXPECT_TRUE(pair.reconnect());
	EXPECT_TRUE(pair.passes(60, 2));
}

/* ---- Any word, at any time ------------------------------------------------------------------- */

namespace {

/* What the glue does at its ticks, and on a doorbell. */
void tick_sender(Pair<>& pair)
{
	if (pair.sender->connected() && !pair.sender->still_open())
		pair.sender->disconnect();
	pair.sender->consumed();
	if (!pair.sender->connected())
		pair.sender->connect(pair.SENDER_INCARNATION, SENDER_DOORBELL);
}

void tick_receiver(Pair<>& pair)
{
	if (pair.receiver->fault() || pair.receiver->refused())
		pair.receiver->open(pair.RECEIVER_INCARNATION, pair.SENDER_INCARNATION,
				    RECEIVER_DOORBELL);
	/* Frames of before the damage may come, or be drops. */
	shmnet_frame frame;
	for (u32 i = 0; i < 2 * pair.network().ring; i++) {
		shmnet_receive outcome = pair.receiver->next(frame);
		if (outcome == SHMNET_RECEIVE_EMPTY || outcome == SHMNET_RECEIVE_FAULT)
			break;
		pair.receiver->release();
	}
	pair.receiver->publish();
}

/* The moments at which damage may come. */
constexpr const char* MOMENTS[] = {
	"idle",    "frames wait", "all buffers are out",      "opened and not adopted",
	"refused", "closed",      "committed, not published", "read, not published",
};

void go_to(Pair<>& pair, u32 moment)
{
	pair.reconnect();
	pair.passes(60, 1);
	switch (moment) {
	case 0:
		break;
	case 1:
		pair.sender.send(60, 1);
		pair.sender.send(3000, 2);
		break;
	case 2:
		while (pair.sender.send(60, 3))
			;
		break;
	case 3:
		pair.receiver->open(pair.RECEIVER_INCARNATION, pair.SENDER_INCARNATION,
				    RECEIVER_DOORBELL);
		break;
	case 4:
		pair.sender->disconnect();
		break;
	case 5:
		pair.receiver->close();
		pair.receiver->open(pair.RECEIVER_INCARNATION, pair.SENDER_INCARNATION,
				    RECEIVER_DOORBELL);
		tick_sender(pair);
		break;
	case 6:
		pair.sender.commit(60, 4);
		break;
	case 7:
		pair.sender.send(60, 5);
		pair.receiver.receive(60, 5);
		break;
	}
}

/* Whether good frames pass within a few ticks, some of which may show the damage only then. */
bool heals(Pair<>& pair)
{
	pair.sender->publish();
	for (u32 round = 0; round < 6; round++) {
		tick_sender(pair);
		tick_receiver(pair);
		if (pair.passes(5000, 77) && pair.passes(60, 78))
			return true;
	}
	return false;
}

class Damage : public testing::TestWithParam<u32> {
protected:
	Damage() : region(small_request(2, 9000), 64, 64), pair(region) {}

	/* Overwrites each word of @bytes from @begin in turn, with each of some values. */
	void damage_each_word(void* begin, size_t bytes)
	{
		for (size_t i = 0; i < bytes / sizeof(u64); i++)
			for (u32 value = 0; value < 8; value++) {
				go_to(pair, GetParam());
				u64* word = static_cast<u64*>(begin) + i;
				const u64 values[] = {0,
						      ~0ULL,
						      *word ^ 1,
						      *word + 1,
						      *word - 1,
						      *word ^ 1ULL << 32,
						      *word ^ 1ULL << 63,
						      0x5a5a5a5a5a5a5a5a};
				HardwareMemory::store_relaxed(word, values[value]);
				ASSERT_TRUE(heals(pair))
					<< "word " << i << ", value " << values[value];
			}
	}

	Region region;
	Pair<> pair;
};

} // namespace

TEST_P(Damage, ToASendersWordsHeals)
{
	damage_each_word(pair.places().producer, sizeof(shmnet_producer));
}

TEST_P(Damage, ToAReceiversWordsHeals)
{
	damage_each_word(pair.places().consumer, sizeof(shmnet_consumer));
}

TEST_P(Damage, ToDescriptorsHeals)
{
	damage_each_word(pair.places().descriptors, 64 * sizeof(shmnet_descriptor));
}

TEST_P(Damage, ToGrantsHeals)
{
	damage_each_word(pair.places().grants, 64 * sizeof(u32));
}

TEST_P(Damage, ToEverythingAtOnceHeals)
{
	Random random;
	for (u32 round = 0; round < 300; round++) {
		go_to(pair, GetParam());
		auto scribble = [&](void* at, size_t bytes) {
			bool zero = random.one_in(3);
			for (size_t i = 0; i < bytes / sizeof(u64); i++)
				HardwareMemory::store_relaxed(static_cast<u64*>(at) + i,
							      zero ? 0 : random.next());
		};
		scribble(pair.places().producer, sizeof(shmnet_producer));
		scribble(pair.places().consumer, sizeof(shmnet_consumer));
		scribble(pair.places().descriptors, 64 * sizeof(shmnet_descriptor));
		scribble(pair.places().grants, 64 * sizeof(u32));
		ASSERT_TRUE(heals(pair)) << round;
	}
}

static std::string moment_name(const testing::TestParamInfo<u32>& info)
{
	std::string name = MOMENTS[info.param];
	for (char& c : name)
		c = isalnum(c) ? c : '_';
	return name;
}

INSTANTIATE_TEST_SUITE_P(When, Damage, testing::Range(0u, u32{std::size(MOMENTS)}), moment_name);

} // namespace shmnet::test
