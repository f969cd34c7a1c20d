/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* One small ring, the same for each input. */
#pragma once

#include "fuzzed_memory.hh"
#include "support/pair.hh"

namespace shmnet::fuzz {

constexpr RingId RING = {0, 0, 1, 0};
/* The largest frame takes 33 buffers. */
constexpr u32 POOL = 40;
constexpr u32 DESCRIPTORS = 64;

inline const test::Region& ring_region()
{
	static const test::Region made(test::small_request(2), POOL, DESCRIPTORS);
	return made;
}

inline const NetworkLayout& ring_network()
{
	return ring_region().layout().network[RING.network];
}

/* As if nobody had used it. */
inline void forget_ring()
{
	const RingPlaces places = ring_places(ring_region().layout(), RING);
	memset(static_cast<void*>(places.producer), 0, sizeof(*places.producer));
	memset(static_cast<void*>(places.consumer), 0, sizeof(*places.consumer));
	memset(static_cast<void*>(places.descriptors), 0,
	       DESCRIPTORS * sizeof(*places.descriptors));
	memset(places.grants, 0, DESCRIPTORS * sizeof(*places.grants));
}

/* Where a piece of a frame lies in the ring's own buffers, in one of them whole. */
inline u64 offset_in_pool(const shmnet_span& span)
{
	const RingPlaces places = ring_places(ring_region().layout(), RING);
	u64 size = ring_network().buffer_size;
	const u8* pool = places.buffers + places.first_buffer * size;
	u64 offset = static_cast<u64>(static_cast<const u8*>(span.data) - pool);
	SHMNET_MUST(offset < POOL * size);
	SHMNET_MUST(span.len > 0 && offset % size + span.len <= size);
	return offset;
}

} // namespace shmnet::fuzz
