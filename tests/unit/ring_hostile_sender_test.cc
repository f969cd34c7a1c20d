// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A receiver whose sender lies (bug classes B2, B3, B4, B6, B19). For each lie: a fault or a drop, as
 * the rules have it; no span outside the ring's own buffers; and after the receiver has opened the
 * ring anew, the next good frame passes.
 */
#include "support/liar.hh"
#include "support/random.hh"

#include <gtest/gtest.h>

#include <vector>

namespace shmnet::test {

namespace {

class HostileSender : public testing::Test {
protected:
	explicit HostileSender(u32 mtu = 1500, u32 buffer_size = 2048)
	    : region(small_request(3, mtu, buffer_size, 2)), pair(region, {0, 1, 2, 1}), liar(pair)
	{
	}

	/* What the receiver makes of what is shown. Nothing may point outside of the ring's own. */
	shmnet_receive receive()
	{
		shmnet_receive outcome = pair.receiver->next(frame);
		if (outcome == SHMNET_RECEIVE_FRAME || outcome == SHMNET_RECEIVE_OFFLOAD) {
			EXPECT_TRUE(pair.owns(frame));
			u64 sum = 0;
			for (u32 i = 0; i < frame.pieces; i++) {
				EXPECT_GT(frame.span[i].len, 0u);
				sum += frame.span[i].len;
			}
			EXPECT_EQ(sum, frame.len);
			pair.receiver->release();
		}
		return outcome;
	}

	shmnet_receive receive(const std::vector<shmnet_descriptor>& descriptors)
	{
		for (const shmnet_descriptor& descriptor : descriptors)
			liar.put(descriptor);
		liar.show();
		return receive();
	}

	/* B19: whatever it was, it has moved on, or was one fault and a reset. */
	void next_good_frame_passes()
	{
		liar.reconnect();
		ASSERT_TRUE(pair.passes(60, ++seed_));
	}

	Region region;
	Pair<> pair;
	LyingSender liar;
	shmnet_frame frame;

private:
	u64 seed_ = 0;
};

} // namespace

/* B2: all 2^16 deltas, and those of 2^32 that differ in the upper half, for four sizes of ring. */
TEST(HostileIndex, BeyondTheRingIsAFaultWhateverItIs)
{
	for (u32 size : {64u, 128u, 256u, 1024u}) {
		SCOPED_TRACE(size);
		GeometryRequest request = small_request(2);
		request.region_size = 32 << 20;
		Region region(request, 2, size);
		Pair<> pair(region);
		LyingSender liar(pair);
		shmnet_frame frame;
		for (u32 delta = 0; delta < 1u << 16; delta++) {
			u32 jump = delta % 16 ? delta : delta << 16 | delta;
			liar.show(pack_index(pair.epoch(), INDEX_START + jump));
			shmnet_receive outcome = pair.receiver->next(frame);
			if (jump == 0) {
				ASSERT_EQ(outcome, SHMNET_RECEIVE_EMPTY);
			} else {
				ASSERT_EQ(outcome, SHMNET_RECEIVE_FAULT) << jump;
				/* Inside the ring it is the descriptors, zeros, that are no frame. */
				ASSERT_EQ(pair.receiver->fault(),
					  jump > size ? SHMNET_FAULT_INDEX : SHMNET_FAULT_CHAIN)
					<< jump;
				ASSERT_EQ(pair.receiver->next(frame), SHMNET_RECEIVE_FAULT);
			}
			liar.reconnect();
			if (delta % 64 != 0)
				continue;
			ASSERT_TRUE(pair.passes(60, delta));
			/* What that left in the ring would be a good frame again. */
			zero_in_region<HardwareMemory>(
				&pair.places().descriptors[INDEX_START & (size - 1)],
				sizeof(shmnet_descriptor));
			liar.reconnect();
		}
	}
}

/* An index of another epoch says nothing, however large. */
TEST(HostileIndex, OfAnotherEpochIsNotLookedAt)
{
	Region region(small_request(2));
	Pair<> pair(region);
	LyingSender liar(pair);
	shmnet_frame frame;
	for (u32 epoch : {0u, 1u, pair.epoch() - 1, pair.epoch() + 1, pair.epoch() ^ 1u << 31, ~0u})
		for (u32 index : {0u, 1u, INDEX_START, INDEX_START + 1, ~0u}) {
			liar.show(pack_index(epoch, index));
			ASSERT_EQ(pair.receiver->next(frame), SHMNET_RECEIVE_EMPTY);
		}
	liar.show(pack_index(pair.epoch(), INDEX_START));
	EXPECT_TRUE(pair.passes(60, 1));
}

TEST(HostileIndex, ThatGoesBackIsAFault)
{
	Region region(small_request(2));
	Pair<> pair(region);
	LyingSender liar(pair);
	shmnet_frame frame;
	for (u32 back = 1; back < 300; back++) {
		ASSERT_TRUE(pair.passes(60, 1));
		liar.show(pack_index(pair.epoch(), INDEX_START + 1 - back));
		ASSERT_EQ(pair.receiver->next(frame), SHMNET_RECEIVE_FAULT);
		ASSERT_EQ(pair.receiver->fault(), SHMNET_FAULT_INDEX);
		liar.reconnect();
	}
}

/* B3: each boundary value in each of offset, len, frame_len and pieces, all at once. */
class HostileLength : public HostileSender, public testing::WithParamInterface<u32> {
protected:
	HostileLength() : HostileSender(1500, GetParam()) {}
};

TEST_P(HostileLength, IsTakenExactlyIfItLiesInBufferAndFrame)
{
	const NetworkLayout& net = pair.network();
	std::vector<u32> values = boundary_lengths(net);
	u32 taken = 0;
	for (u8 pieces : {0, 1, 2, 33, 34, 64, 65, 255})
		for (u32 offset : values)
			for (u32 len : values)
				for (u32 frame_len : values) {
					shmnet_descriptor descriptor = liar.descriptor(1, len);
					descriptor.offset = offset;
					descriptor.pieces = pieces;
					descriptor.frame_len = frame_len;
					bool good = pieces == 1 && frame_len >= 14 &&
						    frame_len <= net.frame_max &&
						    len == frame_len &&
						    u64{offset} + len <= net.buffer_size;
					shmnet_receive outcome = receive({descriptor});
					ASSERT_EQ(outcome, good ? SHMNET_RECEIVE_FRAME
								: SHMNET_RECEIVE_FAULT)
						<< "pieces " << int{pieces} << " offset " << offset
						<< " len " << len << " frame " << frame_len;
					taken += good;
					liar.reconnect();
				}
	EXPECT_GT(taken, 100u);
	next_good_frame_passes();
}

INSTANTIATE_TEST_SUITE_P(OfBuffers, HostileLength, testing::Values(2048, 65536),
			 testing::PrintToStringParamName());

/* B4: all chains of up to four, with every length of {0, 1, all of a buffer} and every NEXT. */
TEST_F(HostileSender, ChainIsTakenExactlyIfItIsOne)
{
	const NetworkLayout& net = pair.network();
	const u32 lengths[] = {0, 1, net.buffer_size};
	u32 taken = 0;
	for (u32 depth = 1; depth <= 4; depth++)
		for (u32 choice = 0; choice < 81u * 16; choice++)
			for (u32 pieces = 1; pieces <= 5; pieces++)
				for (u32 more = 0; more < 3; more++) {
					std::vector<shmnet_descriptor> chain;
					u32 sum = 0;
					bool good = pieces <= depth;
					for (u32 i = 0, c = choice / 16; i < depth; i++, c /= 3) {
						chain.push_back(liar.descriptor(i, lengths[c % 3]));
						bool next = choice >> i & 1;
						chain[i].flags = next ? SHMNET_DESC_NEXT : 0;
						/* What follows the frame is another's. */
						if (i >= pieces)
							continue;
						sum += chain[i].len;
						good &= chain[i].len > 0 &&
							next == (i + 1 < pieces);
					}
					chain[0].pieces = static_cast<u8>(pieces);
					chain[0].frame_len = sum + more - 1;
					chain[0].gso_type = SHMNET_GSO_TCP4;
					good &= more == 1 && sum >= 14;
					/* As GSO it may be longer than the network's frames; it lacks
					 * the other words for that, so a good chain is a drop. */
					shmnet_receive outcome = receive(chain);
					ASSERT_EQ(outcome, good ? SHMNET_RECEIVE_OFFLOAD
								: SHMNET_RECEIVE_FAULT)
						<< "depth " << depth << " choice " << choice
						<< " pieces " << pieces << " frame_len "
						<< sum + more - 1;
					taken += good;
					liar.reconnect();
				}
	EXPECT_GT(taken, 10u);
	next_good_frame_passes();
}

/* A chain that says it goes on behind what is shown. */
TEST_F(HostileSender, ChainThatIsNotAllThereIsAFault)
{
	for (u32 shown = 1; shown < 33; shown++) {
		std::vector<shmnet_descriptor> chain;
		for (u32 i = 0; i < 33; i++) {
			chain.push_back(liar.descriptor(i, 40));
			chain[i].flags = i < 32 ? SHMNET_DESC_NEXT : 0;
		}
		chain[0].pieces = 33;
		chain[0].frame_len = 33 * 40;
		for (const shmnet_descriptor& descriptor : chain)
			liar.put(descriptor);
		liar.show(pack_index(pair.epoch(), INDEX_START + shown));
		ASSERT_EQ(receive(), SHMNET_RECEIVE_FAULT) << shown;
		ASSERT_EQ(pair.receiver->fault(), SHMNET_FAULT_CHAIN);
		next_good_frame_passes();
		liar.reconnect();
	}
}

/* B6: buffers that are not the ring's. */
TEST_F(HostileSender, BufferOfAnotherRingOrNoneIsAFault)
{
	u32 first = pair.places().first_buffer;
	u32 pool = pair.network().pool;
	ASSERT_GT(first, 0u);
	for (u32 buffer : {first - 1, first + pool, 0u, pool, first + 2 * pool, 1u << 16, 1u << 31,
			   first + (1u << 31), first - pool, ~0u, ~0u - 1, 1u << 21, 1u << 20}) {
		shmnet_descriptor descriptor = liar.descriptor(0, 60);
		descriptor.buffer = buffer;
		ASSERT_EQ(receive({descriptor}), SHMNET_RECEIVE_FAULT) << buffer;
		ASSERT_EQ(pair.receiver->fault(), SHMNET_FAULT_BUFFER);
		liar.reconnect();
	}
	for (u32 buffer : {0u, pool - 1}) {
		ASSERT_EQ(receive({liar.descriptor(buffer, 60)}), SHMNET_RECEIVE_FRAME);
		liar.reconnect();
	}
	next_good_frame_passes();
}

TEST_F(HostileSender, BufferTwiceInAFrameIsAFault)
{
	for (u32 depth = 2; depth <= 4; depth++)
		for (u32 i = 0; i < depth; i++)
			for (u32 twin = i + 1; twin < depth; twin++) {
				std::vector<shmnet_descriptor> chain;
				for (u32 k = 0; k < depth; k++) {
					chain.push_back(liar.descriptor(k == twin ? i : k, 30));
					chain[k].flags = k + 1 < depth ? SHMNET_DESC_NEXT : 0;
				}
				chain[0].pieces = static_cast<u8>(depth);
				chain[0].frame_len = 30 * depth;
				ASSERT_EQ(receive(chain), SHMNET_RECEIVE_FAULT);
				ASSERT_EQ(pair.receiver->fault(), SHMNET_FAULT_BUFFER);
				next_good_frame_passes();
				liar.reconnect();
			}
}

/* A buffer that the receiver still reads: it was taken from the sender with the descriptor. */
TEST_F(HostileSender, BufferThatIsBeingReadIsAFault)
{
	liar.put(liar.descriptor(3, 60));
	liar.put(liar.descriptor(3, 60));
	liar.show();
	ASSERT_EQ(pair.receiver->next(frame), SHMNET_RECEIVE_FRAME);
	shmnet_frame second;
	/* The index has not moved, so this is the same descriptor once more. */
	ASSERT_EQ(pair.receiver->next(second), SHMNET_RECEIVE_FAULT);
	ASSERT_EQ(pair.receiver->fault(), SHMNET_FAULT_BUFFER);
	next_good_frame_passes();
}

/* A fault half-way through a chain takes none of its buffers. */
TEST_F(HostileSender, FaultTakesNoBuffer)
{
	std::vector<shmnet_descriptor> chain;
	for (u32 i = 0; i < 4; i++) {
		chain.push_back(liar.descriptor(i, 30));
		chain[i].flags = SHMNET_DESC_NEXT;
	}
	chain[0].pieces = 4;
	chain[0].frame_len = 120;
	ASSERT_EQ(receive(chain), SHMNET_RECEIVE_FAULT);
	liar.reconnect();
	for (u32 i = 0; i < pair.network().pool; i++)
		ASSERT_EQ(receive({liar.descriptor(i, 60)}), SHMNET_RECEIVE_FRAME) << i;
}

TEST_F(HostileSender, RandomDescriptorsNeverLeadOutside)
{
	Random random;
	const u32 interesting[] = {0, 1, 14, 60, 1522, 2047, 2048, 2049, 65557, ~0u};
	u32 outcomes[SHMNET_RECEIVE_FAULT + 1] = {};
	for (u32 round = 0; round < 200000; round++) {
		u32 count = random.between(1, 6);
		for (u32 i = 0; i < count; i++) {
			shmnet_descriptor descriptor =
				liar.descriptor(random.below(8), random.between(14, 300));
			/* Mostly legal, so that the later checks are reached too. */
			auto* words = reinterpret_cast<u32*>(&descriptor);
			if (random.one_in(2))
				words[random.below(8)] = random.one_in(2)
								 ? random.of(interesting)
								 : static_cast<u32>(random.next());
			liar.put(descriptor);
		}
		liar.show();
		for (u32 i = 0; i < count; i++) {
			shmnet_receive outcome = receive();
			outcomes[outcome]++;
			if (outcome == SHMNET_RECEIVE_FAULT || outcome == SHMNET_RECEIVE_EMPTY)
				break;
		}
		liar.reconnect();
	}
	for (auto outcome : {SHMNET_RECEIVE_FRAME, SHMNET_RECEIVE_OFFLOAD, SHMNET_RECEIVE_FAULT})
		EXPECT_GT(outcomes[outcome], 5u) << outcome;
	next_good_frame_passes();
}

} // namespace shmnet::test
