/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Pins: which node serves a flow, told by the node that packets of it came in by to all others, in a
 * table in its part. A node writes its own table, and reads those of others. A pin is one word.
 *
 * That two nodes by which the same new flow comes in at once give it to one server is Pinning's doing.
 */
#pragma once

#include "flow_table.hh"

namespace shmnet {

struct Pin {
	enum State : u8 {
		None,
		Proposed,  /* the writer has not yet seen whether another was faster */
		Confirmed, /* from now on it stands */
	};
	State state;
	FlowTarget target; /* of the incarnation the lower PIN_INCARNATION_BITS */
};

constexpr u32 PIN_INCARNATION_BITS = 10;

template <typename Memory> class PinTable {
public:
	/* Words of a line, that a flow's pin is one of. */
	static constexpr u32 WAYS = 8;

	/* @count words at @words, a power of two, at least WAYS, zeroed; @secret: of this table. */
	PinTable(u64* words, u32 count, const SipKey& secret)
	    : words_(words), mask_(count / WAYS - 1), secret_(secret)
	{
	}

	/* Any node. What is found may be another flow's once in 2^37 times. */
	Pin find(const FlowKey& key) const
	{
		u64 hash = flow_hash(secret_, key);
		for (const u64* word = line(hash); word < line(hash) + WAYS; word++) {
			/* One word says it all: nothing else is read by what it says. */
			u64 found = Memory::load_relaxed(word);
			if (is_of(found, hash))
				return pin_of(found);
		}
		return {Pin::None, {}};
	}

	/*
	 * The owner: a pin in the place of the flow's, or of none, or of the oldest. @now: in units of
	 * which 64 are more than a pin lasts.
	 */
	void store(const FlowKey& key, const FlowTarget& target, Pin::State state, u32 now)
	{
		u64 hash = flow_hash(secret_, key);
		u64 pin = hash & FINGERPRINT;
		pin |= (target.incarnation & INCARNATION_MASK) << INCARNATION_SHIFT;
		pin |= u64{target.node} << NODE_SHIFT;
		pin |= (now & AGE_MASK) << AGE_SHIFT;
		Memory::store_relaxed(place_for(hash, now), pin | state);
	}

	/* The owner. */
	void erase(const FlowKey& key)
	{
		u64 hash = flow_hash(secret_, key);
		for (u64* word = line(hash); word < line(hash) + WAYS; word++)
			if (is_of(Memory::load_relaxed(word), hash))
				Memory::store_relaxed(word, u64{0});
	}

private:
	/* Bits 63..24 fingerprint, 23..14 incarnation, 13..8 node, 7..2 age, 1..0 state. */
	static constexpr u64 FINGERPRINT = ~u64{0xffffff};
	static constexpr u32 INCARNATION_SHIFT = 14, NODE_SHIFT = 8, AGE_SHIFT = 2;
	static constexpr u64 INCARNATION_MASK = (1u << PIN_INCARNATION_BITS) - 1;
	static constexpr u64 NODE_MASK = SHMNET_NODES_MAX - 1;
	static constexpr u64 AGE_MASK = 63, STATE_MASK = 3;

	/* The fingerprint's bits are not these. */
	u64* line(u64 hash) const { return words_ + (hash & 0xffffff & mask_) * WAYS; }

	static bool is_of(u64 word, u64 hash)
	{
		return pin_of(word).state != Pin::None && ((word ^ hash) & FINGERPRINT) == 0;
	}

	static Pin pin_of(u64 word)
	{
		u64 state = word & STATE_MASK;
		return {state <= Pin::Confirmed ? static_cast<Pin::State>(state) : Pin::None,
			{static_cast<u32>(word >> NODE_SHIFT & NODE_MASK),
			 static_cast<u32>(word >> INCARNATION_SHIFT & INCARNATION_MASK)}};
	}

	u64* place_for(u64 hash, u32 now)
	{
		u64* oldest = line(hash);
		u64 most = 0;
		for (u64* word = line(hash); word < line(hash) + WAYS; word++) {
			u64 found = Memory::load_relaxed(word);
			if (is_of(found, hash))
				return word;
			u64 age = pin_of(found).state == Pin::None
					  ? AGE_MASK + 1
					  : (now - (found >> AGE_SHIFT)) & AGE_MASK;
			if (age > most) {
				most = age;
				oldest = word;
			}
		}
		return oldest;
	}

	u64* words_;
	u64 mask_;
	SipKey secret_;
};

/*
 * Two nodes that give the same flow a server at once agree on one, or leave it to a later packet. Each
 * proposes, looks at the others' pins behind a full fence, and confirms only if there is none: of two, one
 * at least sees the other's. Who sees a proposal of a node before it in order gives way; of a node behind
 * it, waits until that node has seen this one's, or has confirmed.
 */
template <typename Memory> class Pinning {
public:
	enum Outcome : u8 {
		Placed,    /* with this node's target, which is confirmed */
		Found,     /* another node has placed it, with the target that was found */
		Undecided, /* somebody is just about to: the packet is dropped, and will come again */
	};

	Pinning(PinTable<Memory>& own, u32 id) : own_(own), id_(id) {}

	/*
	 * @others(look) calls look(id, table) for each other node that lives, until it returns false;
	 * @wait() passes a little time, and returns false when that was enough.
	 */
	template <typename Others, typename Wait>
	Outcome place(const FlowKey& key, FlowTarget& target, u32 now, const Others& others,
		      const Wait& wait)
	{
		own_.store(key, target, Pin::Proposed, now);
		/* Pairs with the same of another node: it sees this proposal, or this sees its. */
		Memory::full_fence();
		Outcome outcome = look(key, target, others, wait);
		if (outcome == Placed)
			own_.store(key, target, Pin::Confirmed, now);
		else
			own_.erase(key);
		return outcome;
	}

private:
	template <typename Others, typename Wait>
	Outcome look(const FlowKey& key, FlowTarget& target, const Others& others, const Wait& wait)
	{
		Outcome outcome = Placed;
		others([&](u32 id, const PinTable<Memory>& table) {
			Pin pin = table.find(key);
			while (pin.state == Pin::Proposed && id > id_ && wait())
				pin = table.find(key);
			if (pin.state == Pin::Proposed) {
				outcome = Undecided;
			} else if (pin.state == Pin::Confirmed) {
				outcome = Found;
				target = pin.target;
			}
			return outcome == Placed;
		});
		return outcome;
	}

	PinTable<Memory>& own_;
	const u32 id_;
};

} // namespace shmnet
