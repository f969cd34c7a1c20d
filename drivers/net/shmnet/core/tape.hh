/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Tapes: casts that all nodes of a network read in one order.
 *
 * A cast's bytes lie in its writer's arena. One compare-and-swap of a tape slot puts it in order:
 * the slot's word holds sequence, writer and place, so there is no state in which a writer could
 * stop half-way and no lock that it could die with (docs/decisions/tape-without-lock.md). A writer
 * never looks at readers. A reader keeps its place in private memory and finds by the sequences
 * that it was lapped, by the arena's reserve that the bytes were overwritten while it copied.
 */
#pragma once

#include "core_types.h"
#include "layout.hh"
#include "steps.h"

namespace shmnet {

constexpr u64 TAPE_SEQUENCE_MASK = (1ULL << 40) - 1;
constexpr u64 TAPE_FIRST_SEQUENCE = 1;
/* No tape lives to see this one: a head from here on is a lie. */
constexpr u64 TAPE_END_OF_SEQUENCES = 1ULL << 62;
constexpr u32 ETHERNET_HEADER = 14;

constexpr u64 pack_slot(u64 sequence, u32 writer, u32 place)
{
	return sequence << SHMNET_TAPE_SEQUENCE_SHIFT |
	       static_cast<u64>(writer) << SHMNET_TAPE_WRITER_SHIFT | place;
}

/* How far the sequence of a slot's word is ahead of @sequence; negative: behind. */
constexpr long long slot_ahead(u64 word, u64 sequence)
{
	u64 difference = (word >> SHMNET_TAPE_SEQUENCE_SHIFT) - (sequence & TAPE_SEQUENCE_MASK);
	return static_cast<long long>(difference << SHMNET_TAPE_SEQUENCE_SHIFT) >>
	       SHMNET_TAPE_SEQUENCE_SHIFT;
}

/* The next sequence of a tape, as its head says; the first for one that lies. */
constexpr u64 sequence_of_head(u64 head)
{
	return head - TAPE_FIRST_SEQUENCE < TAPE_END_OF_SEQUENCES ? head : TAPE_FIRST_SEQUENCE;
}

/*
 * The writing end of a node, for all tapes of all its networks. The caller serialises: one
 * spinlock of the device.
 */
template <typename Memory> class CastWriter {
public:
	CastWriter(const Layout& layout, u32 slot, u32 incarnation)
	    : layout_(layout), slot_(slot), incarnation_(incarnation),
	      /* Not where an earlier incarnation was, unless that cast 4 GiB. */
	      position_(static_cast<u64>(incarnation) << 32)
	{
	}

	/* Names the memory for a cast of @len bytes: the caller fills it, then calls publish(). */
	u8* begin(u32 len, u32 network, u32 tape, u32 flags)
	{
		u64 bytes = round_up(sizeof(shmnet_cast) + len, SHMNET_LINE);
		u64 offset = position_ % SHMNET_CASTS_SIZE;
		if (offset + bytes > SHMNET_CASTS_SIZE)
			position_ += SHMNET_CASTS_SIZE - offset;
		cast_ = {
			.sequence = 0,
			.position = position_,
			.tape = network << 16 | tape,
			.incarnation = incarnation_,
			.len = len,
			.flags = flags,
		};
		position_ += bytes;
		SHMNET_AT(tape_W1);
		Memory::store_relaxed(&layout_.node(slot_)->casts_reserved, position_);
		SHMNET_AT(tape_W2);
		Memory::store_relaxed(&header()->sequence, u64{0});
		/*
		 * Pairs with the acquire fence in TapeReader::confirm(): a reader that copied any of
		 * the bytes written from here on sees the reserve; and, if its header has words of the
		 * cast that was here and of this one, that the sequence is neither's.
		 */
		Memory::release_fence();
		SHMNET_AT(tape_W3_1);
		return layout_.arena(slot_) + cast_.position % SHMNET_CASTS_SIZE +
		       sizeof(shmnet_cast);
	}

	/*
	 * Puts the cast on its tape. False: other writers were faster for so long that the bound was
	 * reached; the cast is not on the tape.
	 */
	bool publish()
	{
		u32 network = cast_.tape >> 16;
		shmnet_tape* tape = layout_.tape(network, cast_.tape & 0xffff);
		u32 slots = layout_.network[network].tape_slots;
		SHMNET_AT(tape_W3_2);
		u64 sequence = sequence_of_head(Memory::load_relaxed(&tape->head));
		copy_to_region<Memory>(header(), &cast_, sizeof(cast_));

		/* Head and slots that lie end in at most a lap of them to look at. */
		for (u32 tries = 0; tries < slots + CONTENTION_TRIES; tries++) {
			SHMNET_AT(tape_W4);
			u64* slot = &tape->slots[sequence & (slots - 1)];
			u64 found = Memory::load_acquire(slot);
			long long ahead = slot_ahead(found, sequence);
			if (ahead == 0) {
				sequence++;
				continue;
			}
			if (ahead > 0) {
				/* The others went around while this writer stood still, or head lied. */
				u64 before = Memory::load_relaxed(
					&tape->slots[(sequence - 1) & (slots - 1)]);
				if (slot_ahead(before, sequence - 1) == ahead) {
					sequence += ahead + 1;
					continue;
				}
				/*
				 * Two slots that do not agree: they are being written, and head was moved
				 * on before that, which the acquire above pairs with; or this one lies, and
				 * is written to as if it were behind.
				 */
				u64 head = sequence_of_head(Memory::load_relaxed(&tape->head));
				if (head > sequence) {
					sequence = head;
					continue;
				}
			}
			SHMNET_AT(tape_W5_1);
			Memory::store_relaxed(&header()->sequence, sequence);
			SHMNET_AT(tape_W5_2);
			u32 place = cast_.position % SHMNET_CASTS_SIZE / SHMNET_LINE;
			/*
			 * Pairs with the acquire in TapeReader::next(): header and bytes come first. A
			 * writer that was overtaken while it stood here finds another word and fails.
			 */
			if (Memory::compare_exchange(slot, found,
						     pack_slot(sequence, slot_, place))) {
				SHMNET_AT(tape_W6_1);
				advance_head(tape, sequence + 1);
				return true;
			}
		}
		return false;
	}

private:
	static constexpr u32 CONTENTION_TRIES = 4 * SHMNET_NODES_MAX;

	shmnet_cast* header() const
	{
		return reinterpret_cast<shmnet_cast*>(layout_.arena(slot_) +
						      cast_.position % SHMNET_CASTS_SIZE);
	}

	/*
	 * Head only grows: a writer that stood still before this, and was overtaken, changes nothing.
	 * One that stops here is helped by the next, who steps over full slots.
	 */
	void advance_head(shmnet_tape* tape, u64 sequence)
	{
		u64 head = Memory::load_relaxed(&tape->head);
		for (u32 tries = 0; tries < CONTENTION_TRIES && sequence_of_head(head) < sequence;
		     tries++) {
			SHMNET_AT(tape_W6_2);
			/* Pairs with the acquire of head in TapeReader: the slots below are full. */
			if (Memory::compare_exchange(&tape->head, head, sequence))
				return;
		}
	}

	const Layout& layout_;
	const u32 slot_;
	const u32 incarnation_;
	u64 position_; /* of the next cast */
	shmnet_cast cast_ = {};
};

/* The reading end of one tape. One thread at a time. */
template <typename Memory> class TapeReader {
public:
	TapeReader(const Layout& layout, u32 network, u32 tape, u32 own_slot)
	    : layout_(layout), tape_(layout.tape(network, tape)), id_(network << 16 | tape),
	      own_slot_(own_slot), slots_(layout.network[network].tape_slots),
	      frame_max_(layout.network[network].frame_max)
	{
		start();
	}

	/* From now on: what is on the tape already is not read. */
	void start() { next_ = load_head(); }

	/* Casts before @sequence are passed over. It does not go back, unless a lie had led it away. */
	void skip_to(u64 sequence)
	{
		if (next_ - sequence > slots_)
			next_ = sequence;
	}

	/* The sequence that is read next. */
	u64 position() const { return next_; }

	/* The sequence that is written next, as the tape says. */
	u64 head() const { return load_head(); }

	/* Casts that were on the tape and could not be read: lapped, or overwritten. */
	u64 missed() const { return missed_; }

	/* Whether the next slot was written, so that next() would not find the tape empty. */
	bool waiting() const
	{
		long long ahead = slot_ahead(load_slot(next_), next_);
		return ahead == 0 || (ahead > 0 && load_head() > next_);
	}

	/*
	 * The next cast of another node. After SHMNET_RECEIVE_FRAME the caller copies and calls
	 * confirm(). Every outcome but SHMNET_RECEIVE_EMPTY is progress.
	 */
	shmnet_receive next(shmnet_cast_view& view)
	{
		u64 word;
		u32 own = 0;
		for (;; next_++) {
			word = load_slot(next_);
			long long ahead = slot_ahead(word, next_);
			if (ahead != 0)
				return not_there(ahead > 0);
			if (writer_of(word) != own_slot_)
				break;
			if (++own == slots_)
				return SHMNET_RECEIVE_MISSED;
		}
		SHMNET_AT(tape_R1);
		return read_header(word, view) ? SHMNET_RECEIVE_FRAME : miss(1);
	}

	/* Whether the bytes of the last cast stood while they were copied. Moves on either way. */
	bool confirm()
	{
		SHMNET_AT(tape_R3);
		/* Pairs with the release fence in CastWriter::begin(). */
		Memory::acquire_fence();
		const shmnet_node* node = layout_.node(writer_);
		u64 reserved = Memory::load_relaxed(&node->casts_reserved);
		/* Another incarnation may be at the same positions, and shows itself before it writes. */
		if (reserved - position_ > SHMNET_CASTS_SIZE ||
		    Memory::load_relaxed(&header_->sequence) != next_ ||
		    Memory::load_relaxed(&node->incarnation) != incarnation_) {
			miss(1);
			return false;
		}
		SHMNET_AT(tape_R4);
		next_++;
		return true;
	}

private:
	static constexpr u32 writer_of(u64 word) { return word >> SHMNET_TAPE_WRITER_SHIFT & 0xff; }

	u64 load_slot(u64 sequence) const
	{
		/* Pairs with the compare-and-swap in CastWriter::publish(). */
		return Memory::load_acquire(&tape_->slots[sequence & (slots_ - 1)]);
	}

	u64 load_head() const { return sequence_of_head(Memory::load_acquire(&tape_->head)); }

	shmnet_receive miss(u64 count)
	{
		/* More than could ever be sent in a lap of ours is a head that lies: one event. */
		missed_ += count <= 1ULL << 32 ? count : 1;
		next_ += count;
		return SHMNET_RECEIVE_MISSED;
	}

	/*
	 * The slot shows another sequence. That is so when nothing was cast since, when the writers
	 * have gone around, or when a peer scribbled over slot or head; head tells.
	 */
	shmnet_receive not_there(bool ahead)
	{
		u64 head = load_head();
		if (head > next_) {
			if (ahead || head - next_ > slots_)
				return lapped(head);
			/* It may have been written just now: look again before giving up. */
			return slot_ahead(load_slot(next_), next_) < 0 ? miss(1)
								       : SHMNET_RECEIVE_MISSED;
		}
		/*
		 * Readers may be ahead of head, over slots that are written, while writers are at work.
		 * Else it was a head that lied that brought them here, and casts go on at this one.
		 */
		if (head == next_ ||
		    (next_ - head <= slots_ && slot_ahead(load_slot(head), head) >= 0))
			return SHMNET_RECEIVE_EMPTY;
		next_ = head;
		return SHMNET_RECEIVE_MISSED;
	}

	/* Takes up again a quarter of the tape behind what is being overwritten. */
	shmnet_receive lapped(u64 head)
	{
		u64 oldest = head - (slots_ - slots_ / 4);
		return miss(head > slots_ && oldest > next_ ? oldest - next_ : 1);
	}

	bool read_header(u64 word, shmnet_cast_view& view)
	{
		u32 writer = writer_of(word);
		u64 offset = (word & SHMNET_TAPE_PLACE_MASK) * SHMNET_LINE;
		if (writer >= layout_.nodes || offset > SHMNET_CASTS_SIZE - sizeof(shmnet_cast))
			return false;
		/* On a hardened node's own tape only that node casts. */
		if (layout_.hardened && writer != (id_ & 0xffff))
			return false;
		shmnet_cast cast;
		const u8* at = layout_.arena(writer) + offset;
		copy_from_region<Memory>(&cast, at, sizeof(cast));
		if (cast.sequence != next_ || cast.tape != id_ ||
		    cast.position % SHMNET_CASTS_SIZE != offset || cast.len < ETHERNET_HEADER ||
		    cast.len > frame_max_ ||
		    cast.len > SHMNET_CASTS_SIZE - sizeof(shmnet_cast) - offset)
			return false;
		writer_ = writer;
		incarnation_ = cast.incarnation;
		position_ = cast.position;
		header_ = reinterpret_cast<const shmnet_cast*>(at);
		view = {at + sizeof(shmnet_cast), cast.len, cast.flags, writer};
		SHMNET_AT(tape_R2);
		return true;
	}

	const Layout& layout_;
	shmnet_tape* tape_;
	const u32 id_;
	const u32 own_slot_;
	const u32 slots_;
	const u32 frame_max_;
	u64 next_ = 0;
	u64 missed_ = 0;

	/* Of the cast that next() returned last. */
	u32 writer_ = 0;
	u32 incarnation_ = 0;
	u64 position_ = 0;
	const shmnet_cast* header_ = nullptr;
};

} // namespace shmnet
