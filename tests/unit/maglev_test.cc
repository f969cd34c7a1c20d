// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Shares as the weights are, and how little changes hands when a node comes or goes. */
#include "maglev.hh"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace shmnet::test {

namespace {

using Weights = u32[Maglev::NODES];
using Table = std::vector<u8>;

Table built(const Weights& weights)
{
	Table table(MAGLEV_ENTRIES, 0x55);
	Maglev::build(weights, table.data());
	return table;
}

u32 share(const Table& table, u32 node)
{
	return static_cast<u32>(std::count(table.begin(), table.end(), static_cast<u8>(node)));
}

double moved(const Table& before, const Table& after)
{
	u32 moved = 0;
	for (u32 i = 0; i < MAGLEV_ENTRIES; i++)
		moved += before[i] != after[i];
	return 100.0 * moved / MAGLEV_ENTRIES;
}

TEST(Maglev, NobodyServesWhereThereIsNoNode)
{
	const Weights none = {};
	EXPECT_EQ(share(built(none), Maglev::NOBODY), MAGLEV_ENTRIES);
}

TEST(Maglev, SharesOfEqualNodesDifferByOne)
{
	for (u32 count : {1u, 2u, 3u, 16u, 63u, 64u}) {
		Weights weights = {};
		std::fill_n(weights, count, 1u);
		Table table = built(weights);
		for (u32 node = 0; node < count; node++) {
			EXPECT_GE(share(table, node), MAGLEV_ENTRIES / count) << count;
			EXPECT_LE(share(table, node), MAGLEV_ENTRIES / count + 1) << count;
		}
	}
}

/* Whatever the weights and whoever has them: within one per cent of what is due, and an entry. */
RC_GTEST_PROP(Maglev, SharesAreAsTheWeights, ())
{
	Weights weights = {};
	u32 sum = 0;
	for (u32& weight : weights) {
		weight = *rc::gen::inRange<u32>(0, Maglev::WEIGHT_MAX + 1);
		sum += weight;
	}
	RC_PRE(sum > 0);
	Table table = built(weights);
	for (u32 node = 0; node < Maglev::NODES; node++) {
		double due = static_cast<double>(MAGLEV_ENTRIES) * weights[node] / sum;
		RC_ASSERT(std::abs(share(table, node) - due) <= due / 100 + 1);
	}
}

/* The least that can move when one of 64 goes is 1.56 %; the paper has 2.05 %. */
TEST(Maglev, LittleMovesWhenOneOfManyGoes)
{
	Weights weights;
	std::fill(std::begin(weights), std::end(weights), 1u);
	Table all = built(weights);
	double sum = 0;
	for (u32 gone = 0; gone < Maglev::NODES; gone++) {
		weights[gone] = 0;
		double percent = moved(all, built(weights));
		weights[gone] = 1;
		EXPECT_LT(percent, 3) << gone;
		sum += percent;
	}
	EXPECT_LT(sum / Maglev::NODES, 2.3);
	RecordProperty("moved_percent", std::to_string(sum / Maglev::NODES));
}

TEST(Maglev, WhoComesBackHasWhatItHad)
{
	Weights weights = {1, 1, 1, 1};
	Table before = built(weights);
	weights[2] = 0;
	EXPECT_EQ(share(built(weights), 2), 0u);
	weights[2] = 1;
	EXPECT_EQ(built(weights), before);
}

/* Each node makes the table for itself: it is part of the protocol, and stays as it is. */
TEST(Maglev, IsTheSameEverywhere)
{
	Weights weights = {1, 2, 3};
	Table table = built(weights);
	u64 sum = 0;
	for (u32 i = 0; i < MAGLEV_ENTRIES; i++)
		sum = sum * 31 + table[i];
	EXPECT_EQ(sum, 17684722064158783620u);
}

TEST(Maglev, EveryHashHasAnEntry)
{
	EXPECT_EQ(Maglev::entry_of(0), 0u);
	EXPECT_EQ(Maglev::entry_of(~u64{0}), MAGLEV_ENTRIES - 1);
	EXPECT_EQ(Maglev::entry_of(u64{0xffffffff}), 0u) << "the upper half counts";
}

} // namespace

} // namespace shmnet::test
