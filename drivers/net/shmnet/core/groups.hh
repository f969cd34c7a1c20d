/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which multicast group has which tape. A label is one word and changes by compare-and-swap only, so
 * of several nodes that claim or give back one tape at once, one does. Nobody owns a tape: who
 * claimed it may die, and all others go on using it.
 *
 * A label is a hint to both ends. A cast that lands on a tape whose label has just changed is read by
 * those who read that tape, and dropped for its destination; to lose one at that moment is what
 * multicast may do.
 */
#pragma once

#include "layout.hh"
#include "steps.h"
#include "tape.hh"

namespace shmnet {

/* 48 bits of an Ethernet address, the first byte uppermost; 0: none. */
using Group = u64;

/* What a hardened region has instead: a tape for each node, and none for groups. */
constexpr u32 BROADCAST_TAPE = 0;

constexpr Group label_group(u64 label)
{
	return label >> SHMNET_TAPE_GROUP_SHIFT;
}

/* Counts a tape's labels. */
constexpr u64 label_epoch(u64 label)
{
	return label >> SHMNET_TAPE_EPOCH_SHIFT & SHMNET_TAPE_EPOCH_MASK;
}

template <typename Memory> class Groups {
public:
	Groups(const Layout& layout, u32 network) : layout_(layout), network_(network) {}

	u64 label(u32 tape) const
	{
		/* Pairs with change(): a tape's end is no older than the label that is seen of it. */
		return Memory::load_acquire(&layout_.tape(network_, tape)->label);
	}

	/* The group's tape, the first if two were claimed at once; the broadcast tape if it has none. */
	u32 find(Group group) const
	{
		for (u32 tape = BROADCAST_TAPE + 1; tape < count(); tape++)
			if (label_group(label(tape)) == group)
				return tape;
		return BROADCAST_TAPE;
	}

	/* Gives the group a tape that no group has. False: there is none, or another took it first. */
	bool claim(Group group, u32 owner)
	{
		for (u32 tape = BROADCAST_TAPE + 1; tape < count(); tape++) {
			u64 found = label(tape);
			if (label_group(found) != 0)
				continue;
			SHMNET_AT(group_G1);
			return change(tape, found, group, owner + 1);
		}
		return false;
	}

	/* Gives a tape back, if its label is still the one that was found unused. */
	bool release(u32 tape, u64 found) { return change(tape, found, 0, 0); }

private:
	u32 count() const { return layout_.hardened ? 0 : layout_.network[network_].tapes; }

	bool change(u32 tape, u64 found, Group group, u32 owner)
	{
		u64 epoch = (label_epoch(found) + 1) & SHMNET_TAPE_EPOCH_MASK;
		return Memory::compare_exchange(&layout_.tape(network_, tape)->label, found,
						group << SHMNET_TAPE_GROUP_SHIFT |
							epoch << SHMNET_TAPE_EPOCH_SHIFT | owner);
	}

	const Layout& layout_;
	const u32 network_;
};

/*
 * Has a reader read a tape's casts while the tape is that of a group which its node has joined, by
 * looks at the label now and then. A cast during whose sending no label changed is heard by all who
 * had looked since they joined (tests/model/groups.pml).
 */
template <typename Memory> class Follower {
public:
	Follower(const Layout& layout, u32 network, u32 tape, TapeReader<Memory>& reader)
	    : groups_(layout, network), tape_(tape), reader_(reader)
	{
		start();
	}

	/* From now on: what is on the tape already is not read. */
	void start()
	{
		reader_.start();
		label_ = groups_.label(tape_);
		until_ = 0;
		reading_ = false;
	}

	/* Begins a look; returns the label. follow() ends it. */
	u64 look()
	{
		/*
		 * The end (acquire) before the label. A writer loads the label before it publishes; so
		 * what lies before the end was cast under this label or an older one, and what comes
		 * under one that this look does not see lies behind.
		 */
		end_ = reader_.head();
		seen_ = groups_.label(tape_);
		return seen_;
	}

	/* Whether to read until the next look. @wanted: the node has joined the label's group. */
	bool follow(bool wanted)
	{
		u64 epochs = (label_epoch(seen_) - label_epoch(label_)) & SHMNET_TAPE_EPOCH_MASK;
		/*
		 * What has come by now came under the label of the last look, or under this one, or
		 * under some that came and went between: if any of them may be ours, it is read.
		 */
		if (seen_ != label_ && (reading_ || wanted || epochs != 1))
			until_ = reader_.head();
		else if (until_ > end_)
			until_ = end_; /* that head was a lie */
		label_ = seen_;
		bool owed = reader_.position() < until_;
		if (!owed && !(wanted && reading_))
			reader_.skip_to(end_);
		return reading_ = wanted || owed;
	}

private:
	const Groups<Memory> groups_;
	const u32 tape_;
	TapeReader<Memory>& reader_;
	u64 label_ = 0; /* at the last look */
	u64 until_ = 0; /* casts before this one are read, whatever the label is by now */
	bool reading_ = false;

	/* Of the look that look() has begun. */
	u64 end_ = 0;
	u64 seen_ = 0;
};

} // namespace shmnet
