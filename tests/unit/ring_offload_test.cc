// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Offload words (B23): what a receiver passes on is what the stack can bear, for every value of each
 * word; the rest is a drop that costs the frame alone.
 */
#include "support/liar.hh"

#include <gtest/gtest.h>

namespace shmnet::test {

namespace {

/* The rules of docs/protocol.md, 4.4, once more in other words. */
bool allowed(const shmnet_offload& offload, u32 frame_len)
{
	bool needs = offload.flags & SHMNET_DESC_NEEDS_CSUM;
	if (needs) {
		u32 field = u32{offload.csum_start} + u32{offload.csum_offset};
		if (field + 2 > frame_len)
			return false;
	}
	switch (offload.gso_type) {
	case 0x00:
		return true;
	case 0x01:
	case 0x02:
	case 0x81:
	case 0x82:
	case 0x03:
		return needs && offload.gso_size > 0;
	default:
		return false;
	}
}

class Offload : public testing::Test {
protected:
	Offload() : region(small_request(2)), pair(region), liar(pair) {}

	/* What the receiver makes of the words; the buffers come back either way. */
	shmnet_receive pass(const shmnet_descriptor& descriptor)
	{
		liar.put(descriptor);
		liar.show();
		shmnet_receive outcome = pair.receiver->next(frame);
		pair.receiver->release();
		pair.receiver->publish();
		return outcome;
	}

	Region region;
	Pair<> pair;
	LyingSender liar;
	shmnet_frame frame;
};

} // namespace

TEST_F(Offload, WordsPassExactlyIfTheRulesAllowThem)
{
	const u16 flags[] = {0,
			     SHMNET_DESC_NEEDS_CSUM,
			     SHMNET_DESC_DATA_VALID,
			     SHMNET_DESC_NEEDS_CSUM | SHMNET_DESC_DATA_VALID,
			     0xfff8,
			     0xfffe};
	const u16 values[] = {0, 1, 12, 13, 14, 57, 58, 59, 60, 61, 0x7fff, 0x8000, 0xfffe, 0xffff};
	u32 passed = 0;
	u32 dropped = 0;
	for (u16 flag : flags)
		for (u32 type = 0; type < 256; type++)
			for (u16 gso_size : {0, 1, 1448, 0xffff})
				for (u16 start : values)
					for (u16 offset : values) {
						shmnet_descriptor descriptor =
							liar.descriptor(0, 60);
						descriptor.flags = flag;
						descriptor.gso_type = static_cast<u8>(type);
						descriptor.gso_size = gso_size;
						descriptor.csum_start = start;
						descriptor.csum_offset = offset;
						shmnet_offload words = {
							flag,     descriptor.gso_type,
							gso_size, start,
							offset,   0};
						bool good = allowed(words, 60);
						ASSERT_EQ(pass(descriptor),
							  good ? SHMNET_RECEIVE_FRAME
							       : SHMNET_RECEIVE_OFFLOAD)
							<< "flags " << flag << " type " << type
							<< " size " << gso_size << " start "
							<< start << " offset " << offset;
						(good ? passed : dropped)++;
						/* Unknown flags go no further. */
						ASSERT_EQ(frame.offload.flags &
								  ~(SHMNET_DESC_NEEDS_CSUM |
								    SHMNET_DESC_DATA_VALID),
							  0);
					}
	EXPECT_GT(passed, 1000u);
	EXPECT_GT(dropped, 10000u);
}

/* The field lies in the frame that is passed on, whatever its length. */
TEST_F(Offload, ChecksumFieldLiesInTheFrame)
{
	for (u32 len = 14; len <= pair.network().frame_max; len++) {
		shmnet_descriptor descriptor = liar.descriptor(0, len);
		descriptor.flags = SHMNET_DESC_NEEDS_CSUM;
		descriptor.csum_start = static_cast<u16>(len - 10);
		descriptor.csum_offset = 8;
		ASSERT_EQ(pass(descriptor), SHMNET_RECEIVE_FRAME) << len;
		descriptor.csum_offset = 9;
		ASSERT_EQ(pass(descriptor), SHMNET_RECEIVE_OFFLOAD) << len;
	}
}

/* What lies behind the flags of a frame's later descriptors is not read. */
TEST_F(Offload, WordsOfLaterDescriptorsDoNotCount)
{
	shmnet_descriptor first = liar.descriptor(0, 2048);
	first.flags = SHMNET_DESC_NEXT | SHMNET_DESC_DATA_VALID;
	first.pieces = 2;
	first.frame_len = 2048 + 60;
	first.gso_type = SHMNET_GSO_TCP4;
	first.gso_size = 1448;
	first.csum_start = 34;
	first.csum_offset = 16;
	first.flags |= SHMNET_DESC_NEEDS_CSUM;
	shmnet_descriptor second = liar.descriptor(1, 60);
	second.flags = 0xfffe;
	second.gso_type = 0xff;
	second.pieces = 0xff;
	second.frame_len = ~0u;
	second.csum_start = 0xffff;
	liar.put(first);
	liar.put(second);
	liar.show();
	ASSERT_EQ(pair.receiver->next(frame), SHMNET_RECEIVE_FRAME);
	EXPECT_EQ(frame.len, 2108u);
	EXPECT_EQ(frame.offload.gso_type, SHMNET_GSO_TCP4);
	EXPECT_EQ(frame.offload.csum_start, 34);
}

/* B19: a drop takes nothing but the frame: the ring goes on, and no buffer is lost. */
TEST_F(Offload, DropCostsTheFrameAlone)
{
	pair.reconnect();
	shmnet_offload bad = {0, SHMNET_GSO_TCP4, 0, 0, 0, 0};
	u32 rounds = 4 * pair.network().pool;
	for (u32 i = 0; i < rounds; i++) {
		ASSERT_TRUE(pair.sender.commit(5000, i, bad));
		pair.sender->publish();
		ASSERT_EQ(pair.receiver->next(frame), SHMNET_RECEIVE_OFFLOAD);
		pair.receiver->release();
		pair.receiver->publish();
		ASSERT_TRUE(pair.passes(60, i));
	}
}

} // namespace shmnet::test
