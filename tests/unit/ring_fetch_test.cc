// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * One snapshot of each word (B1): an end of a ring loads what the other end may change once, and
 * what changes between two of its loads leads nowhere that the words before or after would not.
 */
#include "support/pair.hh"
#include "support/random.hh"
#include "support/stepped_memory.hh"

#include <gtest/gtest.h>

#include <map>

namespace shmnet::test {

namespace {

/* Loads of one call, by address; stores are of the own part and do not count. */
class Loads {
public:
	SteppedMemory::Hook hook()
	{
		return [this](const Step& step) {
			if (step.kind == Step::LOAD)
				counts_[step.address]++;
		};
	}

	u32 most() const
	{
		u32 most = 0;
		for (auto [address, count] : counts_)
			most = std::max(most, count);
		return most;
	}

	size_t words() const { return counts_.size(); }
	void clear() { counts_.clear(); }

private:
	std::map<const void*, u32> counts_;
};

class RingFetch : public testing::Test {
protected:
	RingFetch() : region(small_request(3, 9000, 2048, 2), 64, 64), pair(region, {0, 1, 2, 1}) {}

	/* Any word of either end, to anything. */
	void scribble(Random& random)
	{
		const RingPlaces& places = pair.places();
		struct {
			void* begin;
			size_t bytes;
		} targets[] = {{places.producer, sizeof(*places.producer)},
			       {places.consumer, sizeof(*places.consumer)},
			       {places.descriptors, 64 * sizeof(*places.descriptors)},
			       {places.grants, 64 * sizeof(u32)}};
		auto [begin, bytes] = targets[random.below(4)];
		u32* word = static_cast<u32*>(begin) + random.below(static_cast<u32>(bytes / 4));
		const u32 values[] = {0, 1, ~0u, *word + 1, *word - 1, *word + 64, 2048, 1u << 31};
		*word = random.one_in(4) ? static_cast<u32>(random.next()) : random.of(values);
	}

	Region region;
	Pair<SteppedMemory> pair;
	shmnet_frame frame;
};

} // namespace

TEST_F(RingFetch, ReceiverLoadsEachWordOfAFrameOnce)
{
	Loads loads;
	for (u32 i = 0; i < 300; i++) {
		ASSERT_TRUE(pair.sender.send(60 + i * 29, i));
		loads.clear();
		{
			SteppedMemory::Watch watch(loads.hook());
			ASSERT_EQ(pair.receiver->next(frame), SHMNET_RECEIVE_FRAME);
		}
		ASSERT_EQ(loads.most(), 1u) << i;
		/* The index; four words of the first descriptor and two of each other. */
		ASSERT_EQ(loads.words(), 1 + 4 + 2 * (frame.pieces - 1));
		pair.receiver->release();
		pair.receiver->publish();
	}
}

TEST_F(RingFetch, SenderLoadsEachWordOnce)
{
	Loads loads;
	for (u32 i = 0; i < 300; i++) {
		for (auto call : {+[](Producer<SteppedMemory>& ring) { ring.has_room(9000); },
				  +[](Producer<SteppedMemory>& ring) { ring.consumed(); },
				  +[](Producer<SteppedMemory>& ring) { ring.still_open(); },
				  +[](Producer<SteppedMemory>& ring) { ring.receiver_sleeps(); }}) {
			loads.clear();
			SteppedMemory::Watch watch(loads.hook());
			call(*pair.sender);
			ASSERT_LE(loads.most(), 1u);
		}
		ASSERT_TRUE(pair.passes(60 + i * 29, i));
	}
}

/* With somebody who writes between any two steps: no span leads out, and every call ends. */
TEST_F(RingFetch, WordsThatChangeBetweenTwoLoadsLeadNowhereElse)
{
	Random random;
	u32 frames = 0;
	u32 faults = 0;
	for (u32 round = 0; round < 4000; round++) {
		pair.reconnect();
		u32 rarely = 1u << random.between(2, 9);
		SteppedMemory::Watch watch([&](const Step&) {
			if (random.one_in(rarely))
				scribble(random);
		});
		for (u32 step = 0; step < 20; step++) {
			u32 len = random.between(14, 9000);
			if (pair.sender->reserve(len, frame)) {
				ASSERT_TRUE(pair.owns(frame));
				frame.offload = {};
				pair.sender->commit(frame);
			}
			pair.sender->publish();
			pair.sender->arm_granted(len);
			pair.sender->consumed();
			for (u32 budget = 4; budget > 0; budget--) {
				shmnet_receive outcome = pair.receiver->next(frame);
				if (outcome != SHMNET_RECEIVE_FRAME &&
				    outcome != SHMNET_RECEIVE_OFFLOAD)
					break;
				ASSERT_TRUE(pair.owns(frame));
				ASSERT_LE(frame.len, GSO_FRAME_MAX);
				frames++;
				pair.receiver->release();
			}
			faults += pair.receiver->fault() != SHMNET_FAULT_NONE;
			pair.receiver->publish();
			pair.receiver->arm();
		}
	}
	EXPECT_GT(frames, 1000u);
	EXPECT_GT(faults, 100u);
}

} // namespace shmnet::test
