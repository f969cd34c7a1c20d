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

namespace shmnet {

/* 48 bits of an Ethernet address, the first byte uppermost; 0: none. */
using Group = u64;

constexpr u32 BROADCAST_TAPE = 0;

constexpr Group label_group(u64 label)
{
	return label >> SHMNET_TAPE_GROUP_SHIFT;
}

template <typename Memory> class Groups {
public:
	Groups(const Layout& layout, u32 network) : layout_(layout), network_(network) {}

	u64 label(u32 tape) const
	{
		/* A hint: nothing else is read because of what it says. */
		return Memory::load_relaxed(&layout_.tape(network_, tape)->label);
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
	u32 count() const { return layout_.network[network_].tapes; }

	bool change(u32 tape, u64 found, Group group, u32 owner)
	{
		u64 epoch = ((found >> SHMNET_TAPE_EPOCH_SHIFT) + 1) & SHMNET_TAPE_EPOCH_MASK;
		return Memory::compare_exchange(&layout_.tape(network_, tape)->label, found,
						group << SHMNET_TAPE_GROUP_SHIFT |
							epoch << SHMNET_TAPE_EPOCH_SHIFT | owner);
	}

	const Layout& layout_;
	const u32 network_;
};

} // namespace shmnet
