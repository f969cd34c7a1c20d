/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which node a new flow is given to, by a table that all nodes make alike: Maglev's (Eisenbud and
 * others, NSDI 2016, section 3.4). Each node has a share as its weight is, to one entry; and when a node
 * comes or goes, little changes hands but what was, or becomes, its own.
 */
#pragma once

#include "memory.hh"

#include <linux/shmnet_shm.h>

namespace shmnet {

/* A prime, over a hundred times as many as there are nodes: a share is then exact to one per cent. */
constexpr u32 MAGLEV_ENTRIES = 65537;

class Maglev {
public:
	static constexpr u32 NODES = SHMNET_NODES_MAX;
	static constexpr u32 WEIGHT_MAX = 255;
	/* An entry of a table of no nodes. */
	static constexpr u8 NOBODY = 0xff;

	/*
	 * @weight by node: 0: it takes no part. @table has MAGLEV_ENTRIES; what it becomes follows from
	 * the weights alone. About a millisecond, so not with interrupts disabled.
	 */
	static void build(const u32 (&weight)[NODES], u8* table)
	{
		Turn turns[NODES];
		u32 count = 0, most = 0;
		for (u32 node = 0; node < NODES; node++)
			most = weight[node] > most ? weight[node] : most;
		for (u32 node = 0; node < NODES; node++)
			if (weight[node] != 0)
				turns[count++] = first_turn(node, weight[node]);
		for (u32 i = 0; i < MAGLEV_ENTRIES; i++)
			table[i] = NOBODY;
		if (count != 0)
			fill(turns, count, most, table);
	}

	/* @hash: at its upper bits, which a hash table does not use. */
	static u32 entry_of(u64 hash)
	{
		return static_cast<u32>((hash >> 32) * MAGLEV_ENTRIES >> 32);
	}

private:
	/* A node's preferences are place, place + skip, place + 2 skip ... */
	struct Turn {
		u32 place;
		u32 skip;
		u16 due; /* of a turn: one for each `most` */
		u8 weight;
		u8 node;
	};

	/* Any mapping that scatters will do; it is a part of the protocol. */
	static u64 scatter(u64 word)
	{
		word += 0x9e3779b97f4a7c15;
		word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
		word = (word ^ word >> 27) * 0x94d049bb133111eb;
		return word ^ word >> 31;
	}

	static Turn first_turn(u32 node, u32 weight)
	{
		return {static_cast<u32>(scatter(2 * node) % MAGLEV_ENTRIES),
			static_cast<u32>(scatter(2 * node + 1) % (MAGLEV_ENTRIES - 1) + 1), 0,
			static_cast<u8>(weight), static_cast<u8>(node)};
	}

	/* In rounds: the heaviest has a turn in each, the others as often as their weights say. */
	static void fill(Turn* turns, u32 count, u32 most, u8* table)
	{
		for (u32 left = MAGLEV_ENTRIES;;)
			for (u32 i = 0; i < count; i++) {
				Turn& turn = turns[i];
				turn.due = static_cast<u16>(turn.due + turn.weight);
				if (turn.due < most)
					continue;
				turn.due = static_cast<u16>(turn.due - most);
				u32 place = turn.place;
				while (table[place] != NOBODY)
					place = after(place, turn.skip);
				table[place] = turn.node;
				turn.place = after(place, turn.skip);
				if (--left == 0)
					return;
			}
	}

	static u32 after(u32 place, u32 skip)
	{
		place += skip;
		return place < MAGLEV_ENTRIES ? place : place - MAGLEV_ENTRIES;
	}
};

} // namespace shmnet
