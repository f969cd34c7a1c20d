/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Where each flow of a table lies: a hash table of numbers, in buckets of a cache line.
 *
 * One writer at a time; readers beside it, without a lock. A number stays in its slot until it is
 * removed, so that who looks for it finds it, whatever else comes and goes. What finds its bucket full lies
 * in one of the next: each bucket that it passed counts it, and who looks goes on while that is not 0.
 */
#pragma once

#include "memory.hh"

namespace shmnet {

struct FlowBucket {
	static constexpr u32 SLOTS = 8, LANES = 4;

	u64 tags[SLOTS / LANES]; /* 16 bits of the hash for each slot */
	u32 number[SLOTS];       /* 0: none */
	u32 passed;              /* numbers that lie behind, and belong here or before */
	u32 pad[3];
};
static_assert(sizeof(FlowBucket) == 64);

template <typename Memory> class FlowIndex {
public:
	/* @buckets: a power of two of them, aligned to their size, zeroed. */
	FlowIndex(FlowBucket* buckets, u32 count) : buckets_(buckets), mask_(count - 1) {}

	FlowBucket* buckets() const { return buckets_; }
	u32 count() const { return mask_ + 1; }

	/* The number of this hash for which @matches says so, or 0. Any thread. */
	template <typename Match> u32 find(u64 hash, const Match& matches) const
	{
		const u64 pattern = tag_of(hash) * EACH_LANE;
		u32 at = home(hash);
		for (u32 looked = 0; looked <= mask_; looked++) {
			const FlowBucket& bucket = buckets_[at];
			for (u32 half = 0; half < FlowBucket::SLOTS / FlowBucket::LANES; half++) {
				u64 hits = zero_lanes(Memory::load_relaxed(&bucket.tags[half]) ^
						      pattern);
				for (; hits != 0; hits &= hits - 1) {
					u32 slot =
						half * FlowBucket::LANES +
						static_cast<u32>(__builtin_ctzll(hits)) / LANE_BITS;
					/* Pairs with the release fence of who wrote what it stands for. */
					u32 number = Memory::load_acquire(&bucket.number[slot]);
					if (number != 0 && matches(number))
						return number;
				}
			}
			if (Memory::load_relaxed(&bucket.passed) == 0)
				return 0;
			at = (at + 1) & mask_;
		}
		return 0;
	}

	/* The writer, behind a release fence behind what the number stands for. There must be room. */
	void insert(u64 hash, u32 number)
	{
		for (u32 at = home(hash);; at = (at + 1) & mask_) {
			FlowBucket& bucket = buckets_[at];
			u32 slot = slot_of(bucket, 0);
			if (slot < FlowBucket::SLOTS) {
				u64* tags = &bucket.tags[slot / FlowBucket::LANES];
				u32 shift = slot % FlowBucket::LANES * LANE_BITS;
				u64 others = Memory::load_relaxed(tags) & ~(LANE_MASK << shift);
				Memory::store_relaxed(tags, others | tag_of(hash) << shift);
				Memory::store_relaxed(&bucket.number[slot], number);
				return;
			}
			count_passed(bucket, 1);
		}
	}

	/* The writer. False: it is not here. */
	bool remove(u64 hash, u32 number)
	{
		u32 at = home(hash), looked = 0;
		while (slot_of(buckets_[at], number) == FlowBucket::SLOTS) {
			if (Memory::load_relaxed(&buckets_[at].passed) == 0 || ++looked > mask_)
				return false;
			at = (at + 1) & mask_;
		}
		Memory::store_relaxed(&buckets_[at].number[slot_of(buckets_[at], number)], 0u);
		for (u32 before = home(hash); before != at; before = (before + 1) & mask_)
			count_passed(buckets_[before], ~0u);
		return true;
	}

	/* The writer: what lies in a slot, or 0. */
	u32 number_at(u32 bucket, u32 slot) const
	{
		return Memory::load_relaxed(&buckets_[bucket].number[slot]);
	}

private:
	static constexpr u32 LANE_BITS = 16;
	static constexpr u64 LANE_MASK = 0xffff;
	static constexpr u64 EACH_LANE = 0x0001000100010001;

	/* Bits that home() does not use, of however many buckets. */
	static u64 tag_of(u64 hash) { return hash >> 48; }
	u32 home(u64 hash) const { return static_cast<u32>(hash) & mask_; }

	/* The highest bit of each lane that is zero. */
	static u64 zero_lanes(u64 word)
	{
		constexpr u64 LOW = EACH_LANE * 0x7fff;
		return ~(((word & LOW) + LOW) | word | LOW);
	}

	static u32 slot_of(const FlowBucket& bucket, u32 number)
	{
		u32 slot = 0;
		while (slot < FlowBucket::SLOTS &&
		       Memory::load_relaxed(&bucket.number[slot]) != number)
			slot++;
		return slot;
	}

	static void count_passed(FlowBucket& bucket, u32 change)
	{
		Memory::store_relaxed(&bucket.passed,
				      Memory::load_relaxed(&bucket.passed) + change);
	}

	FlowBucket* buckets_;
	u32 mask_;
};

} // namespace shmnet
