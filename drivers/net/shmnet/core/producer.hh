/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The sending end of a pair ring.
 *
 * One thread at a time (the transmit queue's lock). Indexes, free buffers and the connection's
 * epoch live here, in private memory; of the receiver's words each is loaded once, checked against
 * what this end knows, and used from the copy.
 */
#pragma once

#include "core_types.h"
#include "layout.hh"
#include "steps.h"

namespace shmnet {

/* Indexes of a new epoch start near their wrap, so that every connection crosses it early. */
constexpr u32 INDEX_START = 0xffffff00u;

/* Of a descriptor: what there is in each piece; the rest is in a frame's first. */
constexpr size_t PIECE_BYTES = offsetof(shmnet_descriptor, frame_len);

template <typename Memory> class Producer {
public:
	/* Bytes of private memory behind a producer of @pool buffers. */
	static constexpr size_t memory_size(u32 pool)
	{
		return pool * sizeof(u32) + (pool + 63) / 64 * sizeof(u64);
	}

	Producer(const Layout& layout, const RingId& id, void* memory)
	{
		const NetworkLayout& net = layout.network[id.network];
		RingPlaces places = ring_places(layout, id);
		words_ = places.producer;
		descriptors_ = places.descriptors;
		buffers_ = places.buffers;
		peer_ = places.consumer;
		grants_ = places.grants;
		first_buffer_ = places.first_buffer;
		pool_ = net.pool;
		ring_ = net.ring;
		buffer_size_ = net.buffer_size;
		owned_ = static_cast<u64*>(memory);
		free_ = reinterpret_cast<u32*>(owned_ + (pool_ + 63) / 64);
	}

	bool connected() const { return epoch_ != 0; }
	shmnet_fault fault() const { return fault_; }

	/*
	 * Adopts the epoch that the receiver has opened for this incarnation, if it is one that was
	 * not used or refused before. @doorbell: what the receiver rings for this end.
	 */
	bool connect(u32 own_incarnation, u32 doorbell)
	{
		/* Pairs with the release in Consumer::open(): consumed, granted, grants are set. */
		u64 open = Memory::load_acquire(&peer_->open);
		u32 epoch = epoch_of(open);
		if (open == 0 || index_of(open) != own_incarnation || epoch == 0)
			return false;
		if (epoch == last_epoch_) {
			/* Said once more, should somebody have overwritten it: the receiver waits. */
			if (!connected())
				Memory::store_relaxed(&words_->refused, epoch);
			return false;
		}

		SHMNET_AT(connection_A1);
		epoch_ = last_epoch_ = epoch;
		open_ = open;
		fault_ = SHMNET_FAULT_NONE;
		produced_ = published_ = consumed_ = granted_ = INDEX_START;
		free_count_ = 0;
		for (u32 i = 0; i < (pool_ + 63) / 64; i++)
			owned_[i] = 0;
		Memory::store_relaxed(&words_->consumed_event, INDEX_START - 1);
		Memory::store_relaxed(&words_->granted_event, INDEX_START - 1);
		Memory::store_relaxed(&words_->doorbell, doorbell);
		SHMNET_AT(connection_A2);
		/* No order needed: nothing was produced yet, and what we arm comes behind a fence. */
		Memory::store_relaxed(&words_->produced, pack_index(epoch_, produced_));
		SHMNET_AT(connection_A3);
		return true;
	}

	/*
	 * Whether the connection stands: the receiver holds open what this end adopted, and sees
	 * what this end wrote, not what somebody wrote over it.
	 */
	bool still_open() const
	{
		return opened_here() &&
		       Memory::load_relaxed(&words_->produced) == pack_index(epoch_, published_);
	}

	/* Leaves the connection; the receiver sees the refusal and opens another epoch. */
	void disconnect()
	{
		if (!connected())
			return;
		SHMNET_AT(connection_A4);
		/* No order needed: the receiver acts on this word alone. */
		Memory::store_relaxed(&words_->refused, epoch_);
		epoch_ = 0;
	}

	/* Whether a frame of @len bytes fits now. False also after a fault. */
	bool has_room(u32 len)
	{
		u32 pieces = pieces_of(len, buffer_size_);
		if (free_count_ < pieces)
			take_grants();
		if (produced_ + pieces - consumed_ > ring_)
			consumed();
		return connected() && free_count_ >= pieces &&
		       produced_ + pieces - consumed_ <= ring_;
	}

	/*
	 * Names the memory for a frame of @len bytes, at most GSO_FRAME_MAX. False: it does not fit
	 * now, or a fault. Nothing is taken until commit().
	 */
	bool reserve(u32 len, shmnet_frame& frame)
	{
		if (!has_room(len))
			return false;
		frame.len = len;
		frame.pieces = pieces_of(len, buffer_size_);
		for (u32 i = 0; i < frame.pieces; i++) {
			u32 part = len < buffer_size_ ? len : buffer_size_;
			frame.span[i] = {address(free_[free_count_ - 1 - i]), part};
			len -= part;
		}
		return true;
	}

	/* Puts the frame, whose bytes are copied by now, behind those that wait for publish(). */
	void commit(const shmnet_frame& frame)
	{
		SHMNET_AT(connection_S4);
		shmnet_descriptor first = {};
		first.pieces = static_cast<u8>(frame.pieces);
		first.gso_type = frame.offload.gso_type;
		first.frame_len = frame.len;
		first.gso_size = frame.offload.gso_size;
		first.csum_start = frame.offload.csum_start;
		first.csum_offset = frame.offload.csum_offset;
		first.hash = frame.offload.hash;
		copy_to_region<Memory>(&descriptors_[produced_ & (ring_ - 1)].frame_len,
				       &first.frame_len, sizeof(first) - PIECE_BYTES);
		SHMNET_AT(connection_S5);
		u16 flags = frame.offload.flags;
		for (u32 i = 0; i < frame.pieces; i++) {
			u32 buffer = free_[--free_count_];
			owned_[buffer / 64] &= ~(1ULL << buffer % 64);
			first.buffer = first_buffer_ + buffer;
			first.len = frame.span[i].len;
			first.flags = flags | (i + 1 < frame.pieces ? SHMNET_DESC_NEXT : 0);
			copy_to_region<Memory>(&descriptors_[produced_++ & (ring_ - 1)], &first,
					       PIECE_BYTES);
			flags = 0;
		}
	}

	/* Shows the receiver all that was committed; true: it wants its doorbell rung. */
	bool publish()
	{
		if (produced_ == published_ || !connected())
			return false;
		SHMNET_AT(connection_S6);
		/* Pairs with the acquire in Consumer::refresh(): descriptors and bytes come first. */
		Memory::store_release(&words_->produced, pack_index(epoch_, produced_));
		SHMNET_AT(connection_S7);
		/*
		 * Pairs with the fence behind Consumer::arm(): either this load sees the event that
		 * it stored, or its next load of produced sees ours.
		 */
		Memory::full_fence();
		bool wanted =
			passes_event(published_, produced_, Memory::load_relaxed(&peer_->event));
		published_ = produced_;
		return wanted;
	}

	/* What to ring for the receiver: its own word, which harms nobody but itself. */
	u32 receiver_doorbell() const { return Memory::load_relaxed(&peer_->doorbell); }

	/* Whether the receiver sleeps though frames wait: it may have missed its doorbell. */
	bool receiver_sleeps() const
	{
		u32 event = Memory::load_relaxed(&peer_->event);
		return published_ != consumed_ && passes_event(consumed_, published_, event);
	}

	/* Index behind the last frame that was committed; frames below consumed() are done. */
	u32 produced() const { return produced_; }

	/* Index up to which the receiver has read. */
	u32 consumed()
	{
		if (!connected())
			return consumed_;
		SHMNET_AT(connection_S9);
		/* No order needed: memory comes back by grants, this is a count. */
		u64 word = Memory::load_relaxed(&peer_->consumed);
		if (epoch_of(word) != epoch_)
			return consumed_;
		if (index_of(word) - consumed_ > published_ - consumed_)
			fail(SHMNET_FAULT_INDEX);
		else
			consumed_ = index_of(word);
		return consumed_;
	}

	/* Asks for a doorbell when the receiver has read up to @index. True: it has by now. */
	bool arm_consumed(u32 index)
	{
		Memory::store_relaxed(&words_->consumed_event, index - 1);
		SHMNET_AT(connection_S10);
		/* Pairs with the fence in Consumer::publish(). */
		Memory::full_fence();
		return static_cast<int>(consumed() - index) >= 0;
	}

	/*
	 * Asks for a doorbell when a frame of @len bytes fits and, if so much is out, a quarter of
	 * the pool is free. True: the frame fits by now.
	 */
	bool arm_granted(u32 len)
	{
		u32 pieces = pieces_of(len, buffer_size_);
		u32 wanted = pieces > pool_ / 4 ? pieces : pool_ / 4;
		u32 missing = wanted > free_count_ ? wanted - free_count_ : 1;
		Memory::store_relaxed(&words_->granted_event, granted_ + missing - 1);
		/* Pairs with the fence in Consumer::publish(). */
		Memory::full_fence();
		return has_room(len);
	}

	/* Changes nothing: what the peer's words say is used only where it could be true. */
	shmnet_ring_view view() const
	{
		if (!connected())
			return {};
		u32 consumed = claimed(Memory::load_relaxed(&peer_->consumed), consumed_,
				       published_ - consumed_);
		u32 granted = claimed(Memory::load_relaxed(&peer_->granted), granted_,
				      pool_ - free_count_);
		return {
			.epoch = epoch_,
			.descriptors = published_ - consumed,
			.buffers = free_count_ + granted - granted_,
			.adopted = true,
			.armed = Memory::load_relaxed(&peer_->event) == published_,
		};
	}

private:
	/* An index of the peer's that may be ahead of ours by at most @most; else ours. */
	u32 claimed(u64 word, u32 index, u32 most) const
	{
		return epoch_of(word) == epoch_ && index_of(word) - index <= most ? index_of(word)
										  : index;
	}

	u8* address(u32 buffer) const
	{
		return buffers_ + static_cast<u64>(first_buffer_ + buffer) * buffer_size_;
	}

	bool opened_here() const { return Memory::load_relaxed(&peer_->open) == open_; }

	/* Takes what the receiver granted since, each buffer once. */
	void take_grants()
	{
		if (!connected())
			return;
		SHMNET_AT(connection_S1);
		/* Pairs with the release in Consumer::publish(): the grants, and its reads of the bytes. */
		u64 word = Memory::load_acquire(&peer_->granted);
		if (epoch_of(word) != epoch_)
			return;
		u32 end = index_of(word);
		if (end - granted_ > pool_ - free_count_)
			return fail(SHMNET_FAULT_GRANT);
		for (; granted_ != end; granted_++) {
			SHMNET_AT(connection_S2);
			u32 buffer = Memory::load_relaxed(&grants_[granted_ & (ring_ - 1)]) -
				     first_buffer_;
			if (buffer >= pool_ || owned_[buffer / 64] >> buffer % 64 & 1) {
				/*
				 * Pairs with the release fence in Consumer::close(): a grant of the next
				 * connection is no fault of this one.
				 */
				Memory::acquire_fence();
				return opened_here() ? fail(SHMNET_FAULT_GRANT) : disconnect();
			}
			owned_[buffer / 64] |= 1ULL << buffer % 64;
			free_[free_count_++] = buffer;
		}
	}

	void fail(shmnet_fault fault)
	{
		fault_ = fault;
		disconnect();
	}

	/* Set once. */
	shmnet_producer* words_;
	shmnet_descriptor* descriptors_;
	u8* buffers_;
	const shmnet_consumer* peer_;
	const u32* grants_;
	u32 first_buffer_;
	u32 pool_;
	u32 ring_;
	u32 buffer_size_;
	u64* owned_; /* bit by buffer: this end may fill it */
	u32* free_;  /* stack of those; the last returned is the first used, for the cache */

	/* Of the connection. */
	u64 open_ = 0;
	u32 epoch_ = 0; /* 0: not connected */
	u32 last_epoch_ = 0;
	shmnet_fault fault_ = SHMNET_FAULT_NONE;
	u32 produced_ = 0;
	u32 published_ = 0;
	u32 consumed_ = 0;
	u32 granted_ = 0;
	u32 free_count_ = 0;
};

} // namespace shmnet
