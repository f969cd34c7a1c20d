/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Ends of a ring that write what they like: straight into the region, past all rules. */
#pragma once

#include "support/pair.hh"

#include <vector>

namespace shmnet::test {

/* In the sender's place: descriptors and produced. */
class LyingSender {
public:
	explicit LyingSender(Pair<>& pair) : pair_(pair) { reconnect(); }

	/* A connection that no honest sender has used: all buffers are granted, nothing is sent. */
	void reconnect()
	{
		pair_.reconnect();
		next_ = INDEX_START;
	}

	/* One that is legal, for a caller to spoil. */
	shmnet_descriptor descriptor(u32 buffer, u32 len) const
	{
		shmnet_descriptor descriptor = {};
		descriptor.buffer = pair_.places().first_buffer + buffer;
		descriptor.len = len;
		descriptor.pieces = 1;
		descriptor.frame_len = len;
		return descriptor;
	}

	void put(const shmnet_descriptor& descriptor)
	{
		copy_to_region<HardwareMemory>(
			&pair_.places().descriptors[next_++ & (pair_.network().ring - 1)],
			&descriptor, sizeof(descriptor));
	}

	void show() { show(pack_index(pair_.epoch(), next_)); }

	void show(u64 produced)
	{
		HardwareMemory::store_release(&pair_.places().producer->produced, produced);
	}

private:
	Pair<>& pair_;
	u32 next_ = INDEX_START;
};

/* In the receiver's place: grants, granted and consumed. */
class LyingReceiver {
public:
	explicit LyingReceiver(Pair<>& pair) : pair_(pair) {}

	/* A connection in which the sender has sent @frames small frames, none of them read. */
	void reconnect(u32 frames)
	{
		pair_.reconnect();
		granted_ = INDEX_START + pair_.network().pool;
		for (u32 i = 0; i < frames; i++)
			pair_.sender.send(60, i);
	}

	/* Grants, in the terms of the ring's own buffers: to be shown. */
	void grant(u32 buffer)
	{
		HardwareMemory::store_relaxed(
			&pair_.places().grants[granted_++ & (pair_.network().ring - 1)],
			pair_.places().first_buffer + buffer);
	}

	void show_granted() { show_granted(pack_index(pair_.epoch(), granted_)); }

	void show_granted(u64 granted)
	{
		HardwareMemory::store_release(&pair_.places().consumer->granted, granted);
	}

	void show_consumed(u64 consumed)
	{
		HardwareMemory::store_release(&pair_.places().consumer->consumed, consumed);
	}

	u32 granted() const { return granted_; }

private:
	Pair<>& pair_;
	u32 granted_ = 0;
};

/* Around all that a length is compared with (B3). */
inline std::vector<u32> boundary_lengths(const NetworkLayout& net)
{
	std::vector<u32> values = {0,
				   1,
				   2,
				   13,
				   14,
				   15,
				   59,
				   60,
				   1u << 15,
				   0xffff,
				   1u << 16,
				   1u << 31,
				   ~0u,
				   0x7fffffff,
				   GSO_FRAME_MAX,
				   GSO_FRAME_MAX + 1};
	for (u32 centre : {net.mtu, net.frame_max, net.buffer_size})
		for (u32 value = centre - 4; value <= centre + 4; value++)
			values.push_back(value);
	for (u32 len : {14u, 60u})
		values.push_back(net.buffer_size - len);
	return values;
}

} // namespace shmnet::test
