/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Pins: which node serves a flow, told by the node that packets of it came in by to all others, in a
 * table in its part. A node writes its own table, and reads those of others. A pin is one word.
 *
 * That two nodes by which the same new flow comes in at once give it to one server is Pinning's doing.
 */
#pragma once

#include "flow_table.hh"
#include "layout.hh"

namespace shmnet {

struct Pin {
	shmnet_pin_state state;
	FlowTarget target; /* of the incarnation the lower PIN_INCARNATION_BITS */
};

constexpr u32 PIN_INCARNATION_BITS = 10;

/* Whether a pin is to a node as it lives now. */
constexpr bool is_incarnation_of(const Pin& pin, u32 living)
{
	return living != 0 &&
	       ((living ^ pin.target.incarnation) & ((1u << PIN_INCARNATION_BITS) - 1)) == 0;
}

template <typename Memory> class PinTable {
public:
	/* @count words in @area, a power of two, at least SHMNET_PIN_WAYS. */
	explicit PinTable(shmnet_pins* area, u32 count = SHMNET_PINS)
	    : area_(area), mask_(count / SHMNET_PIN_WAYS - 1)
	{
	}

	/*
	 * The owner, before its first store(): @secret is random, and this incarnation's. What lies there
	 * of another one's is found by no flow of this one, but once in 2^37 times.
	 */
	void open(const SipKey& secret)
	{
		Memory::store_relaxed(&area_->secret[0], secret.word[0] | 1);
		Memory::store_relaxed(&area_->secret[1], secret.word[1]);
	}

	bool is_open() const { return secret().word[0] != 0; }

	/*
	 * Any node. What is found may be another flow's once in 2^37 times. Who sees a secret in part
	 * finds nothing, as if it had looked before.
	 */
	Pin find(const FlowKey& key) const
	{
		SipKey by = secret();
		if (by.word[0] == 0)
			return {SHMNET_PIN_NONE, {}};
		u64 hash = flow_hash(by, key);
		for (const u64* word = line(hash); word < line(hash) + SHMNET_PIN_WAYS; word++) {
			/* One word says it all: nothing else is read by what it says. */
			u64 found = Memory::load_relaxed(word);
			if (is_of(found, hash))
				return pin_of(found);
		}
		return {SHMNET_PIN_NONE, {}};
	}

	/*
	 * The owner: a pin in the place of the flow's, or of none, or of the oldest. @now: in units of
	 * SHMNET_PIN_AGE_MS.
	 */
	void store(const FlowKey& key, const FlowTarget& target, shmnet_pin_state state, u32 now)
	{
		u64 hash = flow_hash(secret(), key);
		u64 pin = hash & FINGERPRINT;
		pin |= (target.incarnation & INCARNATION_MASK) << INCARNATION_SHIFT;
		pin |= u64{target.node} << NODE_SHIFT;
		pin |= (now & AGE_MASK) << AGE_SHIFT;
		Memory::store_relaxed(place_for(hash, now), pin | state);
	}

	/* The owner. */
	void erase(const FlowKey& key)
	{
		u64 hash = flow_hash(secret(), key);
		for (u64* word = line(hash); word < line(hash) + SHMNET_PIN_WAYS; word++)
			if (is_of(Memory::load_relaxed(word), hash))
				Memory::store_relaxed(word, u64{0});
	}

	/*
	 * The owner: forgets what is older than @most, of @count words from @first on. Must be called for
	 * each word once while a pin's age counts to 63, or an old one is young again.
	 */
	void expire(u32 first, u32 count, u32 now, u32 most)
	{
		for (u64* word = area_->words + first; word < area_->words + first + count;
		     word++) {
			u64 found = Memory::load_relaxed(word);
			if (found != 0 && age_of(found, now) > most)
				Memory::store_relaxed(word, u64{0});
		}
	}

private:
	/* Bits 63..24 fingerprint, 23..14 incarnation, 13..8 node, 7..2 age, 1..0 state. */
	static constexpr u64 FINGERPRINT = ~u64{0xffffff};
	static constexpr u32 INCARNATION_SHIFT = 14, NODE_SHIFT = 8, AGE_SHIFT = 2;
	static constexpr u64 INCARNATION_MASK = (1u << PIN_INCARNATION_BITS) - 1;
	static constexpr u64 NODE_MASK = SHMNET_NODES_MAX - 1;
	static constexpr u64 AGE_MASK = 63, STATE_MASK = 3;

	SipKey secret() const
	{
		return {{Memory::load_relaxed(&area_->secret[0]),
			 Memory::load_relaxed(&area_->secret[1])}};
	}

	/* The fingerprint's bits are not these. */
	u64* line(u64 hash) const
	{
		return area_->words + (hash & 0xffffff & mask_) * SHMNET_PIN_WAYS;
	}

	static bool is_of(u64 word, u64 hash)
	{
		return pin_of(word).state != SHMNET_PIN_NONE && ((word ^ hash) & FINGERPRINT) == 0;
	}

	static Pin pin_of(u64 word)
	{
		u64 state = word & STATE_MASK;
		return {state <= SHMNET_PIN_CONFIRMED ? static_cast<shmnet_pin_state>(state)
						      : SHMNET_PIN_NONE,
			{static_cast<u32>(word >> NODE_SHIFT & NODE_MASK),
			 static_cast<u32>(word >> INCARNATION_SHIFT & INCARNATION_MASK)}};
	}

	static u64 age_of(u64 word, u32 now) { return (now - (word >> AGE_SHIFT)) & AGE_MASK; }

	u64* place_for(u64 hash, u32 now)
	{
		u64* oldest = line(hash);
		u64 most = 0;
		for (u64* word = line(hash); word < line(hash) + SHMNET_PIN_WAYS; word++) {
			u64 found = Memory::load_relaxed(word);
			if (is_of(found, hash))
				return word;
			u64 age = pin_of(found).state == SHMNET_PIN_NONE ? AGE_MASK + 1
									 : age_of(found, now);
			if (age > most) {
				most = age;
				oldest = word;
			}
		}
		return oldest;
	}

	shmnet_pins* area_;
	u64 mask_;
};

/*
 * Two nodes that give the same flow a server at once agree on one, or leave it to a later packet. Each
 * proposes, looks at the others' pins behind a full fence, and confirms only if there is none: of two, one
 * at least sees the other's. Who sees a proposal of a node before it in order gives way; of a node behind
 * it, waits until that node has seen this one's, or has confirmed. A pin to a node that does not live any
 * more is none.
 */
template <typename Memory> class Pinning {
public:
	enum Outcome : u8 {
		Placed,    /* with this node's target, which is confirmed */
		Found,     /* it was placed before, with the target that was found */
		Undecided, /* somebody is just about to: the packet has to wait */
	};

	/* @own is open. */
	Pinning(PinTable<Memory>& own, u32 id) : own_(own), id_(id) {}

	/*
	 * @others(look) calls look(id, table) for each other node that lives, until it returns false;
	 * @stands(pin) says whether the node of a pin lives as it did; @wait() passes a little time, and
	 * returns false when that was enough.
	 */
	template <typename Others, typename Stands, typename Wait>
	Outcome place(const FlowKey& key, FlowTarget& target, u32 now, const Others& others,
		      const Stands& stands, const Wait& wait)
	{
		Pin before = own_.find(key);
		if (before.state == SHMNET_PIN_CONFIRMED && stands(before)) {
			target = before.target;
			return Found;
		}
		own_.store(key, target, SHMNET_PIN_PROPOSED, now);
		/* Pairs with the same of another node: it sees this proposal, or this sees its. */
		Memory::full_fence();
		Outcome outcome = look(key, target, others, stands, wait);
		if (outcome == Placed)
			own_.store(key, target, SHMNET_PIN_CONFIRMED, now);
		else
			own_.erase(key);
		return outcome;
	}

private:
	template <typename Others, typename Stands, typename Wait>
	Outcome look(const FlowKey& key, FlowTarget& target, const Others& others,
		     const Stands& stands, const Wait& wait)
	{
		Outcome outcome = Placed;
		others([&](u32 id, const PinTable<Memory>& table) {
			Pin pin = table.find(key);
			while (pin.state == SHMNET_PIN_PROPOSED && id > id_ && wait())
				pin = table.find(key);
			if (pin.state == SHMNET_PIN_PROPOSED) {
				outcome = Undecided;
			} else if (pin.state == SHMNET_PIN_CONFIRMED && stands(pin)) {
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
