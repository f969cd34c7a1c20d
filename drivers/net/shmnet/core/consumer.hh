/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The receiving end of a pair ring.
 *
 * One thread at a time (the NAPI context, or set-up while that is disabled). The receiver opens
 * connections: it picks the epoch, grants the buffers, and takes a frame only if every word of its
 * descriptors, copied once, holds against what it granted. Buffers go back one by one, in any
 * order; a receiver that copies gives them back at once.
 */
#pragma once

#include "core_types.h"
#include "producer.hh"

namespace shmnet {

/* Whether the offload words of a frame whose structure holds may be passed on. */
constexpr bool offload_is_valid(const shmnet_offload& offload, u32 frame_len)
{
	if (offload.flags & SHMNET_DESC_NEEDS_CSUM) {
		if (static_cast<u32>(offload.csum_start) + offload.csum_offset + 2 > frame_len)
			return false;
	}
	u8 type = offload.gso_type & ~SHMNET_GSO_ECN;
	bool ecn = offload.gso_type & SHMNET_GSO_ECN;
	switch (type) {
	case SHMNET_GSO_NONE:
		return !ecn;
	case SHMNET_GSO_UDP_L4:
		if (ecn)
			return false;
		break;
	case SHMNET_GSO_TCP4:
	case SHMNET_GSO_TCP6:
		break;
	default:
		return false;
	}
	/* A segment of a frame gets a checksum of its own: the frame itself cannot have one. */
	return offload.gso_size != 0 && offload.flags & SHMNET_DESC_NEEDS_CSUM;
}

template <typename Memory> class Consumer {
public:
	/* Bytes of private memory behind a consumer of @pool buffers. */
	static constexpr size_t memory_size(u32 pool) { return (pool + 63) / 64 * sizeof(u64); }

	Consumer(const Layout& layout, const RingId& id, void* memory)
	{
		const NetworkLayout& net = layout.network[id.network];
		RingPlaces places = ring_places(layout, id);
		words_ = places.consumer;
		grants_ = places.grants;
		peer_ = places.producer;
		descriptors_ = places.descriptors;
		buffers_ = places.buffers;
		first_buffer_ = places.first_buffer;
		pool_ = net.pool;
		ring_ = net.ring;
		buffer_size_ = net.buffer_size;
		frame_max_ = net.frame_max;
		pieces_max_ = net.pieces_max;
		out_ = static_cast<u64*>(memory);
		for (u32 i = 0; i < (pool_ + 63) / 64; i++)
			out_[i] = 0;
	}

	/*
	 * Opens a connection for the sender's @peer_incarnation; ends the one before, if any. The
	 * epoch is made of this node's @own_incarnation and a count, and never the one that the
	 * sender's words still show.
	 */
	void open(u32 own_incarnation, u32 peer_incarnation, u32 doorbell)
	{
		SHMNET_AT(connection_O1);
		close();
		SHMNET_AT(connection_O2);
		u32 shown = epoch_of(Memory::load_relaxed(&peer_->produced));
		do
			epoch_ = own_incarnation << 16 | (++opened_ & 0xffff);
		while (epoch_ == shown || epoch_ == 0);

		adopted_ = false;
		fault_ = SHMNET_FAULT_NONE;
		next_ = available_ = granted_ = published_ = published_grants_ = INDEX_START;
		frame_pieces_ = 0;
		for (u32 buffer = 0; buffer < pool_; buffer++) {
			if (buffer == pool_ / 2)
				SHMNET_AT(connection_O3_1);
			grant(buffer);
		}
		SHMNET_AT(connection_O3_2);
		published_grants_ = granted_;
		Memory::store_relaxed(&words_->doorbell, doorbell);
		Memory::store_relaxed(&words_->event, next_);
		Memory::store_relaxed(&words_->consumed, pack_index(epoch_, next_));
		Memory::store_relaxed(&words_->granted, pack_index(epoch_, granted_));
		open_ = pack_index(epoch_, peer_incarnation);
		SHMNET_AT(connection_O4_1);
		/* Pairs with the acquire in Producer::connect(): all of the above comes first. */
		Memory::store_release(&words_->open, open_);
	}

	/* Ends the connection: the sender finds it closed and sends nothing more. */
	void close()
	{
		Memory::store_relaxed(&words_->open, u64{0});
		/* Pairs with the fence in Producer::take_grants(): the next grants come after. */
		Memory::release_fence();
		epoch_ = 0;
		available_ = next_;
		for (u32 i = 0; i < (pool_ + 63) / 64; i++)
			out_[i] = 0;
	}

	bool is_open() const { return epoch_ != 0; }
	bool adopted() const { return adopted_; }
	shmnet_fault fault() const { return fault_; }

	/*
	 * Whether the connection that is open here has no future: the sender refuses it, or it sees
	 * other words of this end than this end wrote, and would wait on them for ever.
	 */
	bool refused() const
	{
		return is_open() &&
		       (Memory::load_relaxed(&peer_->refused) == epoch_ ||
			Memory::load_relaxed(&words_->open) != open_ ||
			Memory::load_relaxed(&words_->consumed) != pack_index(epoch_, published_) ||
			Memory::load_relaxed(&words_->granted) !=
				pack_index(epoch_, published_grants_));
	}

	/* Descriptors that wait to be read. */
	u32 waiting()
	{
		if (next_ == available_)
			refresh();
		return available_ - next_;
	}

	/* The next frame. Its bytes stand until release(). */
	shmnet_receive next(shmnet_frame& frame)
	{
		if (waiting() == 0)
			return fault_ ? SHMNET_RECEIVE_FAULT : SHMNET_RECEIVE_EMPTY;
		shmnet_fault fault = parse(frame);
		if (fault) {
			fault_ = fault;
			available_ = next_;
			return SHMNET_RECEIVE_FAULT;
		}
		return offload_is_valid(frame.offload, frame.len) ? SHMNET_RECEIVE_FRAME
								  : SHMNET_RECEIVE_OFFLOAD;
	}

	/* Gives back all buffers of the frame that next() returned last. */
	void release()
	{
		SHMNET_AT(connection_R4);
		for (u32 i = 0; i < frame_pieces_; i++)
			grant(frame_buffers_[i]);
		next_ += frame_pieces_;
		frame_pieces_ = 0;
	}

	/* Shows the sender what was read and granted; true: it wants its doorbell rung. */
	bool publish()
	{
		if (!is_open() || (next_ == published_ && granted_ == published_grants_))
			return false;
		SHMNET_AT(connection_R5);
		/*
		 * Consumed before granted, so that whoever has a buffer back has room for its
		 * descriptor too. Of itself it hands over nothing: buffers come back by grants.
		 */
		Memory::store_relaxed(&words_->consumed, pack_index(epoch_, next_));
		SHMNET_AT(connection_R6);
		/*
		 * Pairs with the acquire in Producer::take_grants(): the grants, and our reads of
		 * descriptors and bytes, come first.
		 */
		Memory::store_release(&words_->granted, pack_index(epoch_, granted_));
		SHMNET_AT(connection_R7);
		/* Pairs with the fences in Producer::arm_consumed() and arm_granted(). */
		Memory::full_fence();
		u32 consumed_event = Memory::load_relaxed(&peer_->consumed_event);
		u32 granted_event = Memory::load_relaxed(&peer_->granted_event);
		bool wanted = passes_event(published_, next_, consumed_event) ||
			      passes_event(published_grants_, granted_, granted_event);
		published_ = next_;
		published_grants_ = granted_;
		return wanted;
	}

	u32 sender_doorbell() const { return Memory::load_relaxed(&peer_->doorbell); }

	/*
	 * Asks for a doorbell at the next frame. The caller then calls Memory::full_fence(), once
	 * for all that it arms, and looks at waiting() again: pairs with Producer::publish().
	 */
	void arm() { Memory::store_relaxed(&words_->event, next_); }

	u32 consumed() const { return next_; }

	/* Changes nothing, and may be called beside the thread that receives. */
	shmnet_ring_view view() const
	{
		if (!is_open())
			return {};
		u64 word = Memory::load_relaxed(&peer_->produced);
		u32 waiting = index_of(word) - next_;
		bool shown = epoch_of(word) == epoch_;
		u32 out = 0;
		for (u32 buffer = 0; buffer < pool_; buffer++)
			out += out_[buffer / 64] >> buffer % 64 & 1;
		return {
			.epoch = epoch_,
			.descriptors = shown && waiting <= ring_ ? waiting : 0,
			.buffers = out,
			.adopted = adopted_ || shown,
			.armed = Memory::load_relaxed(&words_->event) == next_,
		};
	}

private:
	void refresh()
	{
		if (!is_open() || fault_)
			return;
		SHMNET_AT(connection_R1);
		/* Pairs with the release in Producer::publish(): descriptors and bytes are there. */
		u64 word = Memory::load_acquire(&peer_->produced);
		if (epoch_of(word) != epoch_)
			return;
		adopted_ = true;
		if (index_of(word) - next_ > ring_)
			fault_ = SHMNET_FAULT_INDEX;
		else
			available_ = index_of(word);
	}

	/* Copies and checks the descriptors of one frame. Takes nothing unless all hold. */
	shmnet_fault parse(shmnet_frame& frame)
	{
		shmnet_descriptor descriptor;
		copy_from_region<Memory>(&descriptor, &descriptors_[next_ & (ring_ - 1)],
					 sizeof(descriptor));
		SHMNET_AT(connection_R2);
		u32 pieces = descriptor.pieces;
		u32 frame_len = descriptor.frame_len;
		u32 longest = descriptor.gso_type ? GSO_FRAME_MAX : frame_max_;
		if (pieces == 0 || pieces > pieces_max_ || pieces > available_ - next_)
			return SHMNET_FAULT_CHAIN;
		if (frame_len < ETHERNET_HEADER || frame_len > longest)
			return SHMNET_FAULT_LENGTH;
		frame.len = frame_len;
		frame.pieces = pieces;
		frame.offload = {
			.flags = static_cast<u16>(descriptor.flags & OFFLOAD_FLAGS),
			.gso_type = descriptor.gso_type,
			.gso_size = descriptor.gso_size,
			.csum_start = descriptor.csum_start,
			.csum_offset = descriptor.csum_offset,
			.hash = descriptor.hash,
		};

		u32 left = frame_len;
		for (u32 i = 0; i < pieces; i++) {
			if (i > 0)
				copy_from_region<Memory>(&descriptor,
							 &descriptors_[(next_ + i) & (ring_ - 1)],
							 PIECE_BYTES);
			bool last = i + 1 == pieces;
			if (!(descriptor.flags & SHMNET_DESC_NEXT) != last)
				return restore(i, SHMNET_FAULT_CHAIN);
			if (descriptor.len == 0 || descriptor.len > left ||
			    descriptor.len > buffer_size_ ||
			    descriptor.offset > buffer_size_ - descriptor.len)
				return restore(i, SHMNET_FAULT_LENGTH);
			u32 buffer = descriptor.buffer - first_buffer_;
			if (buffer >= pool_ || !take(buffer))
				return restore(i, SHMNET_FAULT_BUFFER);
			frame_buffers_[i] = buffer;
			frame.span[i] = {
				buffers_ + static_cast<u64>(descriptor.buffer) * buffer_size_ +
					descriptor.offset,
				descriptor.len};
			left -= descriptor.len;
		}
		if (left != 0)
			return restore(pieces, SHMNET_FAULT_CHAIN);
		frame_pieces_ = pieces;
		return SHMNET_FAULT_NONE;
	}

	/* A buffer comes with a descriptor only if it was granted, and once. */
	bool take(u32 buffer)
	{
		u64 bit = 1ULL << buffer % 64;
		if (!(out_[buffer / 64] & bit))
			return false;
		out_[buffer / 64] &= ~bit;
		return true;
	}

	shmnet_fault restore(u32 pieces, shmnet_fault fault)
	{
		for (u32 i = 0; i < pieces; i++)
			out_[frame_buffers_[i] / 64] |= 1ULL << frame_buffers_[i] % 64;
		return fault;
	}

	void grant(u32 buffer)
	{
		out_[buffer / 64] |= 1ULL << buffer % 64;
		Memory::store_relaxed(&grants_[granted_++ & (ring_ - 1)], first_buffer_ + buffer);
	}

	static constexpr u32 ETHERNET_HEADER = 14;
	static constexpr u16 OFFLOAD_FLAGS = SHMNET_DESC_NEEDS_CSUM | SHMNET_DESC_DATA_VALID;

	/* Set once. */
	shmnet_consumer* words_;
	u32* grants_;
	const shmnet_producer* peer_;
	const shmnet_descriptor* descriptors_;
	u8* buffers_;
	u32 first_buffer_;
	u32 pool_;
	u32 ring_;
	u32 buffer_size_;
	u32 frame_max_;
	u32 pieces_max_;
	u64* out_; /* bit by buffer: the sender has it, by grant */

	/* Of the connection. */
	u64 open_ = 0;
	u32 epoch_ = 0; /* 0: closed */
	u32 opened_ = 0;
	bool adopted_ = false;
	shmnet_fault fault_ = SHMNET_FAULT_NONE;
	u32 next_ = 0;
	u32 available_ = 0;
	u32 granted_ = 0;
	u32 published_ = 0;
	u32 published_grants_ = 0;
	u32 frame_pieces_ = 0;
	u32 frame_buffers_[SHMNET_PIECES_MAX];
};

} // namespace shmnet
