// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "witness.hh"

namespace shmnet::hub {

namespace {

bool holds(u64 claim, u32 incarnation)
{
	return (claim & SHMNET_CLAIM_CLAIMED) && epoch_of(claim) == incarnation;
}

} // namespace

std::vector<Sighting> Witness::look() const
{
	std::vector<Sighting> found;
	for (u32 slot = 0; slot < layout_.nodes; slot++) {
		u64 claim = HardwareMemory::load_acquire(&layout_.claim(slot)->word);
		if (!holds(claim, epoch_of(claim)) || epoch_of(claim) == 0)
			continue;
		const shmnet_node* node = layout_.node(slot);
		/* Stored last by its owner: with it, the peer id is that incarnation's. */
		if (HardwareMemory::load_acquire(&node->incarnation) != epoch_of(claim))
			continue;
		u32 peer = HardwareMemory::load_relaxed(&node->peer);
		found.push_back({peer, slot, epoch_of(claim)});
	}
	return found;
}

bool Witness::claimed(const Sighting& sighting) const
{
	return holds(HardwareMemory::load_acquire(&layout_.claim(sighting.slot)->word),
		     sighting.incarnation);
}

bool Witness::declared_dead(const Sighting& sighting) const
{
	return HardwareMemory::load_relaxed(&layout_.witness(sighting.slot)->word) ==
	       pack_index(sighting.incarnation, SHMNET_WITNESS_DEAD);
}

bool Witness::declare_dead(const Sighting& sighting) const
{
	if (!claimed(sighting))
		return false;
	/* Pairs with the nodes' acquire load of the witness word. */
	HardwareMemory::store_release(&layout_.witness(sighting.slot)->word,
				      pack_index(sighting.incarnation, SHMNET_WITNESS_DEAD));
	return true;
}

} // namespace shmnet::hub
