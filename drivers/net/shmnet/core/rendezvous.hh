/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which node a flow is given to, chosen alike by all who see the same nodes and weights (rendezvous
 * hashing: Thaler and Ravishankar, 1998). Each node draws a number for the flow, and the best one has it: so
 * when a node comes or goes, nothing changes hands but what becomes, or was, its own.
 *
 * With weights, a node's lot is weight / -ln(u), u its number between 0 and 1: it is the largest as often
 * as the weights say (docs/decisions/rendezvous-in-place-of-tables.md).
 */
#pragma once

#include "memory.hh"

namespace shmnet {

/* log2(1 + i / 256), and 1 behind the last, in 2^-30. */
struct LogarithmTable {
	static constexpr u32 STEPS_SHIFT = 8, STEPS = 1u << STEPS_SHIFT, ONE_SHIFT = 30;
	u32 at[STEPS + 1];

	/* By squaring: each time that it passes 2, the next digit is 1. */
	constexpr LogarithmTable() : at()
	{
		for (u32 i = 0; i < STEPS; i++) {
			u64 x = u64{STEPS + i} << (31 - STEPS_SHIFT);
			for (u32 digit = 0; digit < ONE_SHIFT; digit++) {
				x = x * x >> 31;
				at[i] = at[i] << 1 | static_cast<u32>(x >> 32);
				x >>= x >> 32;
			}
		}
		at[STEPS] = 1u << ONE_SHIFT;
	}
};

inline constexpr LogarithmTable LOGARITHM;

/* -log2(@number / 2^64), in 2^-30, at least 1. */
constexpr u64 negative_logarithm(u64 number)
{
	u32 zeros = static_cast<u32>(__builtin_clzll(number | 1));
	u64 fraction = (number | 1) << zeros << 1;
	u64 step = fraction >> (64 - LogarithmTable::STEPS_SHIFT);
	u64 rest = fraction << LogarithmTable::STEPS_SHIFT >> 32;
	u64 low = LOGARITHM.at[step], high = LOGARITHM.at[step + 1];
	u64 log = low + ((high - low) * rest >> 32);
	u64 negative = (u64{zeros + 1} << LogarithmTable::ONE_SHIFT) - log;
	return negative ? negative : 1;
}

/* Takes candidates one by one, and knows the best. */
class Rendezvous {
public:
	static constexpr u32 NOBODY = ~0u;

	/* @hash: of the flow, or of what else is to have one node. */
	explicit constexpr Rendezvous(u64 hash) : hash_(hash) {}

	/* In the order of their numbers, each once. @weight: at least 1, below 2^16. */
	constexpr void consider(u32 node, u32 weight)
	{
		u64 lot = negative_logarithm(scatter(hash_ ^ scatter(node + 1)));
		/* weight / lot > best weight / best lot */
		if (best_ != NOBODY && weight * best_lot_ <= best_weight_ * lot)
			return;
		best_ = node;
		best_weight_ = weight;
		best_lot_ = lot;
	}

	constexpr u32 best() const { return best_; }

private:
	/* Any mapping that scatters will do; it is a part of the protocol. */
	static constexpr u64 scatter(u64 word)
	{
		word += 0x9e3779b97f4a7c15;
		word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
		word = (word ^ word >> 27) * 0x94d049bb133111eb;
		return word ^ word >> 31;
	}

	u64 hash_;
	u32 best_ = NOBODY;
	u64 best_weight_ = 0;
	u64 best_lot_ = 1;
};

} // namespace shmnet
