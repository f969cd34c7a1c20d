/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The directory: who owns a slot (claims, in the common part), and what each node says of itself
 * (its entry, in its own part).
 */
#pragma once

#include "core_types.h"
#include "layout.hh"
#include "steps.h"

namespace shmnet {

constexpr u32 claim_incarnation(u64 word)
{
	return static_cast<u32>(word >> 32);
}

/* 31 bits, never 0: enough to find one's own slot again, or to see that it is another's. */
constexpr u64 identity_tag(const shmnet_identity& identity)
{
	u32 digest = 0x811c9dc5;
	auto mix = [&digest](u8 byte) { digest = (digest ^ byte) * 0x01000193; };
	for (u8 byte : identity.machine)
		mix(byte);
	for (int shift = 0; shift < 32; shift += 8)
		mix(static_cast<u8>(identity.device >> shift));
	u64 tag = digest & SHMNET_CLAIM_TAG_MASK;
	return tag ? tag : 2;
}

template <typename Memory> class Directory {
public:
	explicit Directory(const Layout& layout) : layout_(layout) {}

	/*
	 * Looks for the slot to claim: one that bears this identity, else one never used, else one
	 * that its owner left, else one whose owner was seen to end. What is found must be claimed
	 * with the word that was found. In a hardened region the host has chosen the slot.
	 */
	shmnet_slot_search find(const shmnet_identity& identity) const
	{
		if (layout_.hardened)
			return find_own();
		u64 tag = identity_tag(identity);
		shmnet_slot_search fresh = {SHMNET_SLOT_FULL, 0, 0, 0};
		shmnet_slot_search left = fresh;
		shmnet_slot_search dead = fresh;
		for (u32 slot = 0; slot < layout_.nodes; slot++) {
			u64 word = claim_word(slot);
			bool claimed = word & SHMNET_CLAIM_CLAIMED;
			if ((word & SHMNET_CLAIM_TAG_MASK) == tag &&
			    !is_others(slot, word, identity))
				return {claimed ? SHMNET_SLOT_OWN_CLAIMED : SHMNET_SLOT_FREE, slot,
					word, heartbeat(slot)};
			if (word == 0 && fresh.outcome == SHMNET_SLOT_FULL)
				fresh = {SHMNET_SLOT_FREE, slot, word, 0};
			else if (!claimed && left.outcome == SHMNET_SLOT_FULL)
				left = {SHMNET_SLOT_FREE, slot, word, 0};
			else if (claimed && witnessed_dead(slot, claim_incarnation(word)))
				dead = {SHMNET_SLOT_FREE, slot, word, 0};
		}
		if (fresh.outcome == SHMNET_SLOT_FREE)
			return fresh;
		return left.outcome == SHMNET_SLOT_FREE ? left : dead;
	}

	/* Whether the owner of a slot that was found claimed has shown life since. */
	bool shows_life(const shmnet_slot_search& found) const
	{
		return Memory::load_relaxed(&layout_.claim(found.slot)->word) != found.claim ||
		       heartbeat(found.slot) != found.heartbeat;
	}

	/*
	 * Claims the slot that was found; returns the new incarnation, or 0 if somebody else changed
	 * the claim meanwhile: then find() again.
	 */
	u32 claim(const shmnet_slot_search& found, const shmnet_identity& identity)
	{
		u32 incarnation = claim_incarnation(found.claim) + 1;
		if (incarnation == 0)
			incarnation = 1;
		u64 expected = found.claim;
		u64 word = static_cast<u64>(incarnation) << 32 | identity_tag(identity) |
			   SHMNET_CLAIM_CLAIMED;
		SHMNET_AT(membership_C);
		/* Pairs with itself: of two that claim at once, one finds another word. */
		return Memory::compare_exchange(&layout_.claim(found.slot)->word, expected, word)
			       ? incarnation
			       : 0;
	}

	/* Takes a slot out of use: 0 if the claim is not @incarnation's any more. */
	bool release(u32 slot, u32 incarnation)
	{
		SHMNET_AT(membership_L4);
		u64 word = Memory::load_relaxed(&layout_.claim(slot)->word);
		if (claim_incarnation(word) != incarnation)
			return false;
		SHMNET_AT(membership_L5);
		return Memory::compare_exchange(&layout_.claim(slot)->word, word,
						word & ~SHMNET_CLAIM_CLAIMED);
	}

	/*
	 * Zeroes all words that this slot's node writes, so that nothing of an earlier incarnation is
	 * taken for this one's. The entry first: it is nobody's meanwhile. Not payload, nor
	 * descriptors: a receiver that does not know yet may be copying one, and would see half of
	 * it cleared; without an index of this incarnation nobody looks at either.
	 */
	void clear_part(u32 slot)
	{
		SHMNET_AT(membership_P1);
		Memory::store_relaxed(&layout_.node(slot)->incarnation, u32{0});
		/* Pairs with the acquire fence in read_consistent(): who copies zeros sees nobody. */
		Memory::release_fence();
		SHMNET_AT(membership_P2);
		zero_in_region<Memory>(layout_.node(slot), sizeof(shmnet_node));
		SHMNET_AT(membership_P3);
		for (u32 i = 0; i < layout_.networks; i++) {
			const NetworkLayout& net = layout_.network[i];
			u64 rings = (layout_.nodes - 1) * net.queues;
			zero_in_region<Memory>(layout_.in_part<u64>(slot, net.producers),
					       rings * net.producers_stride);
			zero_in_region<Memory>(layout_.in_part<u64>(slot, net.consumers),
					       rings * net.consumers_stride);
			zero_in_region<Memory>(layout_.in_part<u64>(slot, net.grants),
					       rings * net.grants_stride);
			if (net.kind != SHMNET_NETWORK_GLOBAL)
				continue;
			zero_in_region<Memory>(layout_.services(i, slot), sizeof(shmnet_services));
			/* Pins of another secret are no flow's. */
			zero_in_region<Memory>(layout_.pins(i, slot), sizeof(shmnet_pins));
		}
	}

	/* Writes what does not change while an incarnation lives, then shows the entry. */
	void publish_entry(u32 slot, const shmnet_node& entry)
	{
		shmnet_node* node = layout_.node(slot);
		constexpr size_t FIXED = offsetof(shmnet_node, vectors);
		SHMNET_AT(membership_P4);
		copy_to_region<Memory>(&node->vectors, &entry.vectors,
				       offsetof(shmnet_node, probe) - FIXED);
		SHMNET_AT(membership_P5);
		Memory::store_relaxed(&node->peer, entry.peer);
		SHMNET_AT(membership_P6);
		/*
		 * Pairs with the acquires in living() and read_consistent(): the entry and the cleared
		 * part come first.
		 */
		Memory::store_release(&node->incarnation, entry.incarnation);
		SHMNET_AT(membership_P7);
	}

	/*
	 * The word of a part, or of the hub's, that shows whether this node can write there: whether what
	 * it stores lasts. It is the same thread's, so that no order is needed.
	 */
	void probe(u32 part, u64 value) { Memory::store_relaxed(probe_word(part), value); }
	u64 probed(u32 part) const { return Memory::load_relaxed(probe_word(part)); }

	void beat(u32 slot, u64 count)
	{
		SHMNET_AT(membership_R1);
		Memory::store_relaxed(&layout_.node(slot)->heartbeat, count);
	}

	/* This node on one network. Order between the words does not matter: each stands alone. */
	void publish_network(u32 slot, u32 network, u32 state, u32 mtu, u64 capabilities)
	{
		shmnet_node_network* words = &layout_.node(slot)->networks[network];
		SHMNET_AT(membership_N1);
		Memory::store_relaxed(&words->mtu, mtu);
		Memory::store_relaxed(&words->capabilities, capabilities);
		SHMNET_AT(membership_N2);
		Memory::store_relaxed(&words->state, state);
	}

	/* Asks who writes on @tapes, a set of bits, to ring; the caller fences and looks again. */
	void arm_casts(u32 slot, u32 network, u32 doorbell, u32 tapes)
	{
		shmnet_node_network* words = &layout_.node(slot)->networks[network];
		SHMNET_AT(tape_R5);
		Memory::store_relaxed(&words->cast_doorbell, doorbell);
		Memory::store_relaxed(&words->cast_armed, tapes);
	}

	void disarm_casts(u32 slot, u32 network)
	{
		Memory::store_relaxed(&layout_.node(slot)->networks[network].cast_armed, u32{0});
	}

	/* For which tapes a node's receiver sleeps and wants to be rung (after a full fence). */
	u32 casts_armed(u32 slot, u32 network) const
	{
		return Memory::load_relaxed(&layout_.node(slot)->networks[network].cast_armed);
	}

	u32 cast_doorbell(u32 slot, u32 network) const
	{
		return Memory::load_relaxed(&layout_.node(slot)->networks[network].cast_doorbell);
	}

	/* Only of a node that lives: an entry that is nobody's names nobody to ring. */
	u32 doorbell_peer(u32 slot) const
	{
		return living(slot) ? Memory::load_relaxed(&layout_.node(slot)->peer)
				    : SHMNET_NO_PEER;
	}

	u64 capabilities(u32 slot, u32 network) const
	{
		return Memory::load_relaxed(&layout_.node(slot)->networks[network].capabilities);
	}

	u32 network_state(u32 slot, u32 network) const
	{
		return Memory::load_relaxed(&layout_.node(slot)->networks[network].state);
	}

	u64 heartbeat(u32 slot) const
	{
		return Memory::load_relaxed(&layout_.node(slot)->heartbeat);
	}

	/* No order needed: of a slot's part nothing counts until its entry shows the incarnation. */
	u64 claim_word(u32 slot) const { return Memory::load_relaxed(&layout_.claim(slot)->word); }

	/* Whether the hub saw this incarnation's machine end. */
	bool witnessed_dead(u32 slot, u32 incarnation) const
	{
		u64 dead = static_cast<u64>(incarnation) << 32 | SHMNET_WITNESS_DEAD;
		return Memory::load_relaxed(&layout_.witness(slot)->word) == dead;
	}

	/* The incarnation that owns a slot and has shown its entry and is not witnessed dead; or 0. */
	u32 living(u32 slot) const
	{
		u64 word = claim_word(slot);
		if (!(word & SHMNET_CLAIM_CLAIMED))
			return 0;
		/* Pairs with the release in publish_entry(): the part was cleared before. */
		u32 incarnation = Memory::load_acquire(&layout_.node(slot)->incarnation);
		if (incarnation != claim_incarnation(word))
			return 0;
		return witnessed_dead(slot, incarnation) ? 0 : incarnation;
	}

	/* Whether @slot has opened a ring for @incarnation of @own: it lives, and knows us. */
	bool has_opened_for(u32 slot, u32 own, u32 incarnation) const
	{
		for (u32 i = 0; i < layout_.networks; i++) {
			RingPlaces places = ring_places(layout_, {i, own, slot, 0});
			u64 open = Memory::load_relaxed(&places.consumer->open);
			if (open != 0 && index_of(open) == incarnation)
				return true;
		}
		return false;
	}

	/* Copies a node's entry; false: it changed hands meanwhile, or nobody is there. */
	bool read_entry(u32 slot, shmnet_node& entry) const
	{
		if (!read_consistent(slot, &entry, sizeof(entry)))
			return false;
		entry.name[sizeof(entry.name) - 1] = '\0';
		return true;
	}

private:
	u64* probe_word(u32 part) const
	{
		return part == SHMNET_HUB_PART ? &layout_.at<shmnet_superblock>(0)->probe
					       : &layout_.node(part)->probe;
	}

	shmnet_slot_search find_own() const
	{
		u32 slot = layout_.own;
		u64 word = claim_word(slot);
		bool stands = (word & SHMNET_CLAIM_CLAIMED) &&
			      !witnessed_dead(slot, claim_incarnation(word));
		return {stands ? SHMNET_SLOT_OWN_CLAIMED : SHMNET_SLOT_FREE, slot, word,
			heartbeat(slot)};
	}

	/* Whether a claim with our tag is another machine's after all. */
	bool is_others(u32 slot, u64 word, const shmnet_identity& identity) const
	{
		struct {
			u32 incarnation, peer, vectors, device;
			u8 machine[16];
		} entry;
		static_assert(sizeof(entry) == offsetof(shmnet_node, name));
		if (!read_consistent(slot, &entry, sizeof(entry)) ||
		    entry.incarnation != claim_incarnation(word))
			return false;
		return entry.device != identity.device ||
		       __builtin_memcmp(entry.machine, identity.machine, sizeof(entry.machine)) !=
			       0;
	}

	/* Copies the first @bytes of an entry, all of one incarnation. */
	bool read_consistent(u32 slot, void* to, size_t bytes) const
	{
		const shmnet_node* node = layout_.node(slot);
		/* Pairs with the release in publish_entry(). */
		u32 incarnation = Memory::load_acquire(&node->incarnation);
		if (incarnation == 0)
			return false;
		copy_from_region<Memory>(to, node, bytes);
		u32 copied;
		__builtin_memcpy(&copied, to, sizeof(copied));
		Memory::acquire_fence();
		return copied == incarnation &&
		       Memory::load_relaxed(&node->incarnation) == incarnation;
	}

	const Layout& layout_;
};

} // namespace shmnet
