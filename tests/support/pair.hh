/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Both ends of one ring, each with private memory of exactly the size that it asked for. */
#pragma once

#include "consumer.hh"
#include "support/frame.hh"
#include "support/region.hh"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

namespace shmnet::test {

/* Not a byte more than asked for, so that the address sanitizer sees one too far; not zeroed. */
class PrivateMemory {
public:
	explicit PrivateMemory(size_t size) : memory_(::malloc(size))
	{
		memset(memory_, 0xa5, size);
	}
	PrivateMemory(const PrivateMemory&) = delete;
	PrivateMemory& operator=(const PrivateMemory&) = delete;
	~PrivateMemory() { ::free(memory_); }

	void* get() const { return memory_; }

private:
	void* memory_;
};

template <typename Memory = HardwareMemory> class SendingEnd {
public:
	SendingEnd(const Layout& layout, const RingId& id)
	    : memory_(Producer<Memory>::memory_size(layout.network[id.network].pool)),
	      ring_(layout, id, memory_.get())
	{
	}

	Producer<Memory>& operator*() { return ring_; }
	Producer<Memory>* operator->() { return &ring_; }

	/* Puts one frame behind the others, to be published; false: no room. */
	bool commit(u32 len, u64 seed, std::optional<shmnet_offload> offload = std::nullopt)
	{
		shmnet_frame frame;
		if (!ring_.reserve(len, frame))
			return false;
		fill_frame(frame, seed);
		frame.offload = offload.value_or(offload_of(seed, len));
		ring_.commit(frame);
		return true;
	}

	bool send(u32 len, u64 seed)
	{
		bool sent = commit(len, seed);
		ring_.publish();
		return sent;
	}

private:
	PrivateMemory memory_;
	Producer<Memory> ring_;
};

template <typename Memory = HardwareMemory> class ReceivingEnd {
public:
	ReceivingEnd(const Layout& layout, const RingId& id)
	    : memory_(Consumer<Memory>::memory_size(layout.network[id.network].pool)),
	      ring_(layout, id, memory_.get())
	{
	}

	Consumer<Memory>& operator*() { return ring_; }
	Consumer<Memory>* operator->() { return &ring_; }

	/* Whether the next frame is this one; it is released then. */
	bool receive(u32 len, u64 seed)
	{
		shmnet_frame frame;
		if (ring_.next(frame) != SHMNET_RECEIVE_FRAME)
			return false;
		bool right = frame.len == len && frame_holds(frame, seed) &&
			     same_offload(frame.offload, offload_of(seed, len));
		ring_.release();
		return right;
	}

private:
	PrivateMemory memory_;
	Consumer<Memory> ring_;
};

constexpr u32 SENDER_DOORBELL = SHMNET_DOORBELL(7, 3);
constexpr u32 RECEIVER_DOORBELL = SHMNET_DOORBELL(9, 2);

/* A ring with an end on either side, connected. */
template <typename Memory = HardwareMemory> class Pair {
public:
	explicit Pair(const Region& region, const RingId& id = {0, 0, 1, 0})
	    : layout_(region.layout()), id_(id), places_(ring_places(layout_, id)),
	      sender(layout_, id), receiver(layout_, id)
	{
		reconnect();
	}

	/* The receiver opens a connection and the sender adopts it. */
	bool reconnect()
	{
		receiver->open(RECEIVER_INCARNATION, SENDER_INCARNATION, RECEIVER_DOORBELL);
		return sender->connect(SENDER_INCARNATION, SENDER_DOORBELL);
	}

	/* Sends one frame and receives it, and the sender has its buffers back. */
	bool passes(u32 len, u64 seed)
	{
		return sender.send(len, seed) && receiver.receive(len, seed) &&
		       (receiver->publish(), sender->has_room(len));
	}

	/* Whether @span lies in the ring's own buffers. */
	bool owns(const shmnet_span& span) const
	{
		const NetworkLayout& net = layout_.network[id_.network];
		const u8* begin =
			places_.buffers + static_cast<u64>(places_.first_buffer) * net.buffer_size;
		auto* at = static_cast<const u8*>(span.data);
		u64 room = static_cast<u64>(net.pool) * net.buffer_size;
		return at >= begin && at < begin + room &&
		       span.len <= static_cast<u64>(begin + room - at);
	}

	bool owns(const shmnet_frame& frame) const
	{
		for (u32 i = 0; i < frame.pieces; i++)
			if (!owns(frame.span[i]))
				return false;
		return true;
	}

	const NetworkLayout& network() const { return layout_.network[id_.network]; }
	/* The words in the region, for a peer that lies. */
	const RingPlaces& places() const { return places_; }
	u32 epoch() const
	{
		return epoch_of(HardwareMemory::load_relaxed(&places_.consumer->open));
	}

	static constexpr u32 SENDER_INCARNATION = 5;
	static constexpr u32 RECEIVER_INCARNATION = 8;

private:
	const Layout& layout_;
	RingId id_;
	RingPlaces places_;

public:
	SendingEnd<Memory> sender;
	ReceivingEnd<Memory> receiver;
};

} // namespace shmnet::test
