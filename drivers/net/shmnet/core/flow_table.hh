/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which node serves a flow: the connection table of a network whose nodes share addresses. It is
 * private to its kernel; nothing in it comes from a peer unchecked.
 *
 * find() is for any number of threads at once, without a lock, where memory that it reads is not freed
 * (in the kernel: under RCU). All else is for one at a time, the writer. Time is in milliseconds that
 * wrap.
 *
 * It allocates nothing. Entries lie in chunks, which are brought when wants_chunk() says so and stay; the
 * index doubles when wants_buckets() says so: grow() begins that, migrate() carries it on in slices, and
 * what looks for a flow meanwhile looks in both.
 */
#pragma once

#include "flow_index.hh"
#include "flow_state.hh"
#include "siphash.hh"

#include <linux/shmnet_shm.h>

namespace shmnet {

/* A node, in the life of it that the flow began in. */
struct FlowTarget {
	u32 node;
	u32 incarnation;

	bool operator==(const FlowTarget&) const = default;
};

/* A packet, for the timers. */
struct FlowTouch {
	u32 now;
	u8 tcp_flags;
};

enum class FlowInsert : u8 {
	Added,
	Changed, /* the flow was there: it goes to this target now */
	Full,    /* not remembered; whoever needs it asks the owners */
};

/* A flow as it is at a moment, to be shown. */
struct FlowView {
	FlowKey key;
	FlowTarget target;
	FlowState state;
	u32 used;
};

/* By which equal keys fall together; who does not know the secret cannot tell which others do. */
inline u64 flow_hash(const SipKey& secret, const FlowKey& key)
{
	SipHash<> hash(secret);
	const auto* words = reinterpret_cast<const aliasing_u64*>(&key);
	for (u32 i = 0; i < sizeof(key) / sizeof(u64); i++)
		hash.add(words[i]);
	return hash.end();
}

template <typename Memory> class FlowTable {
public:
	static constexpr u32 CHUNK_FLOWS = 1024;
	static constexpr u32 NODES = SHMNET_NODES_MAX;
	static constexpr u32 FLOWS_MIN = CHUNK_FLOWS, FLOWS_MAX = 1u << 27;

	struct Entry {
		u32 sequence; /* odd while the key changes: the entry becomes another flow's */
		u32 state;    /* FlowState; readers change it */
		FlowKey key;
		u64 target;    /* packed, so that both parts are of one target; FREE: none */
		u32 used;      /* when a packet was last seen, to a second; readers change it */
		u32 next_free; /* the writer's */
	};
	static_assert(sizeof(Entry) == 64, "a flow costs 64 bytes, and its share of the index");

	static constexpr u64 CHUNK_BYTES = CHUNK_FLOWS * sizeof(Entry);
	static constexpr u32 BUCKETS_MIN = 128;

	/* Of the memory for the table of chunks. */
	static constexpr u64 chunks_bytes(u32 flows_max)
	{
		return chunks_of(flows_max) * sizeof(u64);
	}

	/*
	 * At most @flows_max flows, from FLOWS_MIN to FLOWS_MAX. @chunks: chunks_bytes(), zeroed; @buckets:
	 * BUCKETS_MIN of them, aligned to 64, zeroed. @secret: random.
	 */
	FlowTable(u32 flows_max, const SipKey& secret, const FlowTimeouts& timeouts, u64* chunks,
		  FlowBucket* buckets)
	    : secret_(secret), timeouts_(timeouts), flows_max_(flows_max), chunks_(chunks),
	      index_(pack(FlowIndex<Memory>(buckets, BUCKETS_MIN)))
	{
	}

	/* ---- Any thread ---------------------------------------------------------------------- */

	/*
	 * Where a packet of this flow goes. False: it is not known here. @anew: the flow had ended, and the
	 * packet begins another one by its ports.
	 */
	bool find(const FlowKey& key, const FlowTouch& packet, FlowTarget& target, bool& anew)
	{
		u64 hash = hash_of(key);
		for (;;) {
			u32 moves = Memory::load_relaxed(&moves_);
			u32 number = find_number(hash, key, target);
			if (number != 0) {
				anew = begins_anew(touch(entry(number), packet), packet.tcp_flags);
				return true;
			}
			/* It was moved from the one into the other while this looked in the other first. */
			if (Memory::load_relaxed(&moves_) == moves)
				return false;
		}
	}

	bool find(const FlowKey& key, const FlowTouch& packet, FlowTarget& target)
	{
		bool anew;
		return find(key, packet, target, anew);
	}

	u64 hash_of(const FlowKey& key) const { return flow_hash(secret_, key); }

	u32 flows() const { return Memory::load_relaxed(&flows_); }
	/* That a node serves. */
	u32 flows_of(u32 node) const { return Memory::load_relaxed(&flows_of_[node]); }

	/* ---- The writer ---------------------------------------------------------------------- */

	/*
	 * @state: as the flow's first packet here says. What is full takes the place of another: of one
	 * whose time is over, or, unless this one is itself only opening, of the longest unused that it
	 * comes by; a flow that is only opening never displaces one that is established.
	 */
	FlowInsert insert(const FlowKey& key, const FlowTarget& target, FlowState state, u32 now)
	{
		u64 hash = hash_of(key);
		u32 number = find_writing(hash, key);
		if (number != 0) {
			count(target_of(entry(number)).node, ~0u);
			Memory::store_relaxed(&entry(number).target, pack_target(target));
			count(target.node, 1);
			return FlowInsert::Changed;
		}
		if (free_ == 0)
			displace(state, now);
		/* The second: a larger index was wanted before, and did not come. */
		if (free_ == 0 || flows() >= newest().count() * (FlowBucket::SLOTS - 1))
			return FlowInsert::Full;
		number = free_;
		Entry& fresh = entry(number);
		free_ = fresh.next_free;
		free_count_--;
		Memory::store_relaxed(&fresh.state, static_cast<u32>(state));
		Memory::store_relaxed(&fresh.used, now);
		write(fresh, key, pack_target(target));
		newest().insert(hash, number);
		count(target.node, 1);
		Memory::store_relaxed(&flows_, flows() + 1);
		return FlowInsert::Added;
	}

	/* False: it is not here. */
	bool erase(const FlowKey& key)
	{
		u32 number = find_writing(hash_of(key), key);
		if (number != 0)
			remove(number);
		return number != 0;
	}

	/*
	 * Looks at @looks entries, from where the last call ended, and removes those whose time is over
	 * and those whose target is not @alive. Returns how many it removed.
	 */
	template <typename Alive> u32 collect(u32 now, u32 looks, const Alive& alive)
	{
		u32 removed = 0;
		for (u32 i = 0; i < looks && i < capacity(); i++) {
			Entry& candidate = entry(advance());
			FlowTarget target = target_of(candidate);
			if (target.node == NODES)
				continue;
			if (is_over(candidate, now) || !alive(target)) {
				remove(hand_);
				removed++;
			}
		}
		return removed;
	}

	/* The flow of this number, from 0 to capacity(). False: there is none. */
	bool view(u32 number, FlowView& view) const
	{
		if (number >= capacity())
			return false;
		const Entry& shown = entry(number);
		view = {key_of(shown), target_of(shown),
			static_cast<FlowState>(Memory::load_relaxed(&shown.state)),
			Memory::load_relaxed(&shown.used)};
		return view.target.node < NODES;
	}

	/* ---- Memory: the writer -------------------------------------------------------------- */

	/* Whether a chunk should be brought before long. */
	bool wants_chunk() const
	{
		return free_count_ < CHUNK_FLOWS / 2 && chunk_count_ < chunks_of(flows_max_);
	}

	/* @memory: CHUNK_BYTES, aligned to 64; the table's from now on. */
	void add_chunk(void* memory)
	{
		auto* entries = static_cast<Entry*>(memory);
		u32 first = chunk_count_ * CHUNK_FLOWS;
		for (u32 i = 0; i < CHUNK_FLOWS; i++) {
			entries[i] = {};
			entries[i].target = FREE;
		}
		/* Ordered by the index: who has a number from there finds its chunk. */
		Memory::store_relaxed(&chunks_[chunk_count_], reinterpret_cast<u64>(memory));
		Memory::store_relaxed(&chunk_count_, chunk_count_ + 1);
		/* Number 0 is none. */
		for (u32 i = CHUNK_FLOWS; i-- > (first == 0 ? 1 : 0);)
			set_free(entries[i], first + i);
	}

	/* How many buckets a larger index should have; 0: none is needed, or one is on its way. */
	u32 wants_buckets() const
	{
		u32 count = newest().count();
		/* Three quarters full. */
		return !growing() && flows() > count * (FlowBucket::SLOTS / 4 * 3) ? count * 2 : 0;
	}

	/* @buckets: what wants_buckets() wanted, aligned to 64, zeroed. */
	void grow(FlowBucket* buckets, u32 count)
	{
		Memory::store_relaxed(&older_, newest_word());
		/* Pairs with find_number(): the older one is named before it stops being the newest. */
		Memory::store_release(&index_, pack(FlowIndex<Memory>(buckets, count)));
		migrated_ = 0;
	}

	bool growing() const { return older_word() != 0; }

	/*
	 * Takes @count buckets over into the larger index, while growing(). The older one's memory, to be
	 * freed when no reader is left in it, when that was the last; before that NULL.
	 */
	FlowBucket* migrate(u32 count)
	{
		FlowIndex<Memory> from = unpack(older_word()), to = newest();
		for (; count > 0 && migrated_ < from.count(); count--, migrated_++)
			for (u32 slot = 0; slot < FlowBucket::SLOTS; slot++)
				if (u32 number = from.number_at(migrated_, slot))
					to.insert(hash_of(key_of(entry(number))), number);
		if (migrated_ < from.count())
			return nullptr;
		/* Before the store below: who sees that looks once more, and sees all in the newer. */
		Memory::store_relaxed(&moves_, Memory::load_relaxed(&moves_) + 1);
		/* Pairs with find_number(). */
		Memory::store_release(&older_, u64{0});
		return from.buckets();
	}

	/* Any thread: how many chunks there are. For who takes the table apart: their memory, the index's. */
	void* chunk(u32 number) const { return reinterpret_cast<void*>(chunks_[number]); }
	u32 chunk_count() const { return Memory::load_relaxed(&chunk_count_); }
	/* Entries, used or not. */
	u32 capacity() const { return chunk_count() * CHUNK_FLOWS; }
	FlowBucket* buckets() const { return newest().buckets(); }

private:
	/* Entries that are looked at for one to displace. */
	static constexpr u32 LOOKS = 16;
	/* How exact `used` is, ms: so that not each packet writes to the entry. */
	static constexpr u32 TOUCH_MS = 1000;

	static constexpr u64 FREE = u64{NODES} << 32;

	static u64 pack_target(const FlowTarget& target)
	{
		return u64{target.node} << 32 | target.incarnation;
	}

	static FlowTarget unpack_target(u64 word)
	{
		return {static_cast<u32>(word >> 32), static_cast<u32>(word)};
	}

	static FlowTarget target_of(const Entry& entry)
	{
		return unpack_target(Memory::load_relaxed(&entry.target));
	}

	static FlowKey key_of(const Entry& entry)
	{
		FlowKey key;
		copy_from_region<Memory>(&key, &entry.key, sizeof(key));
		return key;
	}

	static constexpr u32 chunks_of(u32 flows)
	{
		/* And one for number 0. */
		return flows / CHUNK_FLOWS + 1;
	}

	/* An index in one word, for readers to see it whole: buckets are aligned to 64. */
	static u64 pack(const FlowIndex<Memory>& index)
	{
		return reinterpret_cast<u64>(index.buckets()) |
		       static_cast<u32>(__builtin_ctz(index.count()));
	}

	static FlowIndex<Memory> unpack(u64 word)
	{
		return {reinterpret_cast<FlowBucket*>(word & ~u64{63}), 1u << (word & 63)};
	}

	/* The writer's own. */
	u64 newest_word() const { return Memory::load_relaxed(&index_); }
	u64 older_word() const { return Memory::load_relaxed(&older_); }
	FlowIndex<Memory> newest() const { return unpack(newest_word()); }

	Entry& entry(u32 number) const
	{
		u64 chunk = Memory::load_relaxed(&chunks_[number / CHUNK_FLOWS]);
		return reinterpret_cast<Entry*>(chunk)[number % CHUNK_FLOWS];
	}

	static bool is_key(const Entry& entry, const FlowKey& key)
	{
		const auto* there = reinterpret_cast<const aliasing_u64*>(&entry.key);
		const auto* wanted = reinterpret_cast<const aliasing_u64*>(&key);
		u64 differs = 0;
		for (u32 i = 0; i < sizeof(key) / sizeof(u64); i++)
			differs |= Memory::load_relaxed(&there[i]) ^ wanted[i];
		return differs == 0;
	}

	u32 find_number(u64 hash, const FlowKey& key, FlowTarget& target) const
	{
		/* Pairs with grow(): who finds the newer one finds the older one below. */
		u64 newer = Memory::load_acquire(&index_);
		u32 number = find_in(newer, hash, key, target);
		if (number != 0)
			return number;
		/* Pairs with migrate(): who finds none sees in find() that there was one. */
		u64 older = Memory::load_acquire(&older_);
		return older == 0 || older == newer ? 0 : find_in(older, hash, key, target);
	}

	u32 find_in(u64 index, u64 hash, const FlowKey& key, FlowTarget& target) const
	{
		return unpack(index).find(
			hash, [&](u32 number) { return read(entry(number), key, target); });
	}

	/*
	 * Whether the entry is this flow's, and its target. An entry that becomes another's meanwhile is
	 * this flow's no more, and is not found under the new key before that is there.
	 */
	static bool read(const Entry& entry, const FlowKey& key, FlowTarget& target)
	{
		/* Pairs with the release fence in write(): what is read below is no older than that. */
		u32 sequence = Memory::load_acquire(&entry.sequence);
		bool same = is_key(entry, key);
		target = target_of(entry);
		/* Pairs with the release fence in write(): nor younger. */
		Memory::acquire_fence();
		return same && sequence % 2 == 0 && target.node < NODES &&
		       Memory::load_relaxed(&entry.sequence) == sequence;
	}

	/*
	 * By any thread, beside others: one of them wins. The entry may be another flow's by now, whose
	 * timer is then wrong by that, once. Returns what its state was.
	 */
	FlowState touch(Entry& entry, const FlowTouch& packet)
	{
		auto state = static_cast<FlowState>(Memory::load_relaxed(&entry.state));
		FlowState next = next_state(state, packet.tcp_flags);
		if (next != state)
			Memory::store_relaxed(&entry.state, static_cast<u32>(next));
		if (next != state || packet.now - Memory::load_relaxed(&entry.used) >= TOUCH_MS)
			Memory::store_relaxed(&entry.used, packet.now);
		return state;
	}

	u32 find_writing(u64 hash, const FlowKey& key) const
	{
		auto matches = [&](u32 number) { return is_key(entry(number), key); };
		u32 number = newest().find(hash, matches);
		return number != 0 || !growing() ? number
						 : unpack(older_word()).find(hash, matches);
	}

	/* The entry becomes another flow's, or nobody's. */
	void write(Entry& entry, const FlowKey& key, u64 target)
	{
		u32 sequence = Memory::load_relaxed(&entry.sequence);
		Memory::store_relaxed(&entry.sequence, sequence + 1);
		/*
		 * Pairs with the acquire fence in read(): who sees a word of what follows sees that it is odd;
		 * and with FlowIndex::find(): who has the number has the chunk.
		 */
		Memory::release_fence();
		copy_to_region<Memory>(&entry.key, &key, sizeof(key));
		Memory::store_relaxed(&entry.target, target);
		/* Not ordered: who sees this and not yet what is above does not find the flow, yet. */
		Memory::store_relaxed(&entry.sequence, sequence + 2);
	}

	void remove(u32 number)
	{
		Entry& old = entry(number);
		u64 hash = hash_of(key_of(old));
		newest().remove(hash, number);
		if (growing())
			unpack(older_word()).remove(hash, number);
		count(target_of(old).node, ~0u);
		Memory::store_relaxed(&flows_, flows() - 1);
		write(old, FlowKey{}, FREE);
		set_free(old, number);
	}

	void set_free(Entry& entry, u32 number)
	{
		entry.next_free = free_;
		free_ = number;
		free_count_++;
	}

	void count(u32 node, u32 change)
	{
		Memory::store_relaxed(&flows_of_[node], flows_of(node) + change);
	}

	/* The hand goes round all numbers, over 0 too, which is always free. */
	u32 advance()
	{
		hand_ = hand_ + 1 < capacity() ? hand_ + 1 : 0;
		return hand_;
	}

	u32 age(const Entry& entry, u32 now) const
	{
		/* A reader may have a later time than the writer. */
		u32 age = now - Memory::load_relaxed(&entry.used);
		return age < 1u << 31 ? age : 0;
	}

	bool is_over(const Entry& entry, u32 now) const
	{
		return age(entry, now) >= timeouts_.ms[Memory::load_relaxed(&entry.state)];
	}

	/* Frees an entry, if there is one that is worth less than a flow of @state. */
	void displace(FlowState state, u32 now)
	{
		u32 chosen = 0, oldest = 0;
		for (u32 i = 0; i < LOOKS && i < capacity(); i++) {
			Entry& candidate = entry(advance());
			if (target_of(candidate).node == NODES)
				continue;
			if (is_over(candidate, now)) {
				chosen = hand_;
				break;
			}
			auto its = static_cast<FlowState>(Memory::load_relaxed(&candidate.state));
			bool may = its == FlowState::Opening || state != FlowState::Opening;
			if (may && age(candidate, now) >= oldest) {
				oldest = age(candidate, now);
				chosen = hand_;
			}
		}
		if (chosen != 0)
			remove(chosen);
	}

	const SipKey secret_;
	const FlowTimeouts timeouts_;
	const u32 flows_max_;
	u64* const chunks_; /* addresses */
	u64 index_;         /* the newest, packed */
	u64 older_ = 0;     /* while it is taken over; else 0 */
	u32 migrated_ = 0;  /* buckets of it */
	u32 moves_ = 0;     /* how often one was taken over */
	u32 chunk_count_ = 0;
	u32 free_ = 0; /* a number, or 0 */
	u32 free_count_ = 0;
	u32 hand_ = 0;
	u32 flows_ = 0;
	u32 flows_of_[NODES] = {};
};

} // namespace shmnet
