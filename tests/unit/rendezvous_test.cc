// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Shares as the weights are, and how little changes hands when a node comes or goes. */
#include "rendezvous.hh"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace shmnet::test {

namespace {

using Weights = std::vector<u32>;

u32 chosen(const Weights& weights, u64 hash)
{
	Rendezvous rendezvous(hash);
	for (u32 node = 0; node < weights.size(); node++)
		if (weights[node] != 0)
			rendezvous.consider(node, weights[node]);
	return rendezvous.best();
}

/* Of so many flows, by their node. */
std::vector<u32> given(const Weights& weights, u32 flows)
{
	std::mt19937_64 hashes(1);
	std::vector<u32> nodes(flows);
	for (u32& node : nodes)
		node = chosen(weights, hashes());
	return nodes;
}

double share(const std::vector<u32>& nodes, u32 node)
{
	return static_cast<double>(std::count(nodes.begin(), nodes.end(), node)) /
	       static_cast<double>(nodes.size());
}

TEST(Rendezvous, NobodyHasItWhereThereIsNoNode)
{
	EXPECT_EQ(chosen({}, 1), Rendezvous::NOBODY);
	EXPECT_EQ(chosen({0, 0, 7}, 1), 2u);
}

TEST(Rendezvous, LogarithmsAreRight)
{
	std::mt19937_64 random(1);
	for (u32 i = 0; i < 10000; i++) {
		u64 number = random() >> random() % 64 | 1;
		double exact = 64 - std::log2(static_cast<double>(number));
		double ours = std::ldexp(static_cast<double>(negative_logarithm(number)), -30);
		/* Of numbers near 2^64 the double itself is not exact. */
		EXPECT_NEAR(ours, exact, exact * 2e-3 + 1e-8) << number;
	}
	EXPECT_GE(negative_logarithm(~u64{0}), 1u);
	EXPECT_EQ(negative_logarithm(0), negative_logarithm(1));
	EXPECT_EQ(negative_logarithm(1), u64{64} << 30);
	EXPECT_EQ(negative_logarithm(u64{1} << 63), u64{1} << 30);
}

/* Whatever the weights and whoever has them: within one per cent of all, and chance's own spread. */
RC_GTEST_PROP(Rendezvous, SharesAreAsTheWeights, ())
{
	constexpr u32 FLOWS = 20000;
	Weights weights(*rc::gen::inRange<size_t>(1, 65));
	u32 sum = 0;
	for (u32& weight : weights) {
		weight = *rc::gen::inRange<u32>(0, 257);
		sum += weight;
	}
	RC_PRE(sum > 0);
	std::vector<u32> nodes = given(weights, FLOWS);
	for (u32 node = 0; node < weights.size(); node++) {
		double due = static_cast<double>(weights[node]) / sum;
		double chance = 6 * std::sqrt(due * (1 - due) / FLOWS);
		RC_ASSERT(std::abs(share(nodes, node) - due) <= 0.001 + chance);
	}
}

/* One of 64: what it had, 1.56 % of all, and nothing else. */
TEST(Rendezvous, NothingMovesButWhatTheLostNodeHad)
{
	Weights weights(64, 1);
	std::vector<u32> before = given(weights, 100000);
	for (u32 gone : {0u, 31u, 63u}) {
		weights[gone] = 0;
		std::vector<u32> after = given(weights, 100000);
		weights[gone] = 1;
		u32 moved = 0;
		for (u32 i = 0; i < before.size(); i++) {
			moved += before[i] != after[i];
			EXPECT_TRUE(before[i] == after[i] || before[i] == gone);
		}
		EXPECT_NEAR(moved / 100000.0, 1.0 / 64, 0.003);
	}
}

/* A node that is given more weight takes from others, and they give nothing to each other. */
TEST(Rendezvous, MoreWeightTakesOnly)
{
	Weights weights = {10, 20, 30, 40};
	std::vector<u32> before = given(weights, 100000);
	weights[1] = 60;
	std::vector<u32> after = given(weights, 100000);
	for (u32 i = 0; i < before.size(); i++)
		EXPECT_TRUE(before[i] == after[i] || after[i] == 1);
	EXPECT_NEAR(share(after, 1), 60.0 / 140, 0.01);
}

/* Each node chooses for itself: it is part of the protocol, and stays as it is. */
TEST(Rendezvous, IsTheSameEverywhere)
{
	u64 sum = 0;
	for (u64 hash = 0; hash < 1000; hash++)
		sum = sum * 31 + chosen({1, 2, 3, 250}, hash * 0x9e3779b97f4a7c15);
	EXPECT_EQ(sum, 11684958083924160600u);
}

} // namespace

} // namespace shmnet::test
