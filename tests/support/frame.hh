/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The bytes of a test's frames: a function of a seed, so that any place of any frame can be told. */
#pragma once

#include "core_types.h"
#include "memory.hh"

#include <cstring>

namespace shmnet::test {

/* Eight bytes of the frame of @seed, from @index * 8. */
constexpr u64 pattern(u64 seed, u64 index)
{
	u64 z = seed * 0x9e3779b97f4a7c15 + index * 0xbf58476d1ce4e5b9 + 1;
	z = (z ^ z >> 29) * 0x94d049bb133111eb;
	return z ^ z >> 32;
}

inline void fill_bytes(u8* to, u64 begin, u32 len, u64 seed)
{
	for (u32 i = 0; i < len; i++)
		to[i] = static_cast<u8>(pattern(seed, (begin + i) / 8) >> (begin + i) % 8 * 8);
}

inline bool bytes_hold(const u8* at, u64 begin, u32 len, u64 seed)
{
	u32 i = 0;
	/* Whole words, which is nearly all. */
	for (; begin % 8 == 0 && i + 8 <= len; i += 8) {
		u64 expected = pattern(seed, (begin + i) / 8);
		if (memcmp(at + i, &expected, 8) != 0)
			return false;
	}
	for (; i < len; i++)
		if (at[i] != static_cast<u8>(pattern(seed, (begin + i) / 8) >> (begin + i) % 8 * 8))
			return false;
	return true;
}

inline void fill_frame(const shmnet_frame& frame, u64 seed)
{
	u64 begin = 0;
	for (u32 i = 0; i < frame.pieces; i++) {
		fill_bytes(static_cast<u8*>(frame.span[i].data), begin, frame.span[i].len, seed);
		begin += frame.span[i].len;
	}
}

inline bool frame_holds(const shmnet_frame& frame, u64 seed)
{
	u64 begin = 0;
	for (u32 i = 0; i < frame.pieces; i++) {
		if (!bytes_hold(static_cast<const u8*>(frame.span[i].data), begin,
				frame.span[i].len, seed))
			return false;
		begin += frame.span[i].len;
	}
	return begin == frame.len;
}

/* Offload words that a receiver takes, and that differ from seed to seed. */
inline shmnet_offload offload_of(u64 seed, u32 len)
{
	shmnet_offload offload = {};
	offload.hash = static_cast<u32>(pattern(seed, 1000));
	switch (pattern(seed, 1001) % 5) {
	case 0:
		offload.flags = SHMNET_DESC_DATA_VALID;
		break;
	case 1:
		break;
	default:
		offload.flags = SHMNET_DESC_NEEDS_CSUM;
		offload.csum_start = static_cast<u16>(pattern(seed, 1002) % (len - 10));
		offload.csum_offset = static_cast<u16>(pattern(seed, 1003) % 8);
		constexpr u8 TYPES[] = {SHMNET_GSO_NONE, SHMNET_GSO_TCP4, SHMNET_GSO_TCP6,
					SHMNET_GSO_TCP4 | SHMNET_GSO_ECN, SHMNET_GSO_UDP_L4};
		offload.gso_type = TYPES[pattern(seed, 1004) % 5];
		if (offload.gso_type)
			offload.gso_size = static_cast<u16>(pattern(seed, 1005) % 9000 + 1);
	}
	return offload;
}

inline bool same_offload(const shmnet_offload& a, const shmnet_offload& b)
{
	return a.flags == b.flags && a.gso_type == b.gso_type && a.gso_size == b.gso_size &&
	       a.csum_start == b.csum_start && a.csum_offset == b.csum_offset && a.hash == b.hash;
}

} // namespace shmnet::test
