// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Pins: which node serves a flow, as other nodes read it; and who places it. */
#include "pins.hh"

#include "support/flow_table_memory.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace shmnet::test {

namespace {

using Table = PinTable<HardwareMemory>;
using Decision = Pinning<HardwareMemory>;

class Pins : public ::testing::Test {
protected:
	static constexpr u32 WORDS = 4096;

	static constexpr u32 HEADER = sizeof(shmnet_pins) / sizeof(u64);

	void SetUp() override
	{
		own_.open({{1, 0}});
		other_.open({{1, 1}});
	}

	shmnet_pins* area(u32 node) { return reinterpret_cast<shmnet_pins*>(words_[node].data()); }

	/* Of node 0 and node 1. */
	std::vector<u64> words_[2] = {std::vector<u64>(HEADER + WORDS),
				      std::vector<u64>(HEADER + WORDS)};
	Table own_{area(0), WORDS};
	Table other_{area(1), WORDS};
	/* Of the node of each pin. */
	u32 living_ = 9;

	Decision::Outcome place(u32 which, FlowTarget& target)
	{
		return Decision(own_, 0).place(
			flow_key(which), target, 0, [&](const auto& look) { look(1, other_); },
			[&](const Pin& pin) { return is_incarnation_of(pin, living_); },
			[] { return false; });
	}
};

TEST_F(Pins, AreFoundUntilTheyAreErased)
{
	EXPECT_EQ(own_.find(flow_key(1)).state, SHMNET_PIN_NONE);
	own_.store(flow_key(1), {5, 0x12345}, SHMNET_PIN_CONFIRMED, 0);
	Pin pin = own_.find(flow_key(1));
	EXPECT_EQ(pin.state, SHMNET_PIN_CONFIRMED);
	EXPECT_EQ(pin.target.node, 5u);
	EXPECT_EQ(pin.target.incarnation, 0x12345u & ((1u << PIN_INCARNATION_BITS) - 1));
	EXPECT_EQ(own_.find(flow_key(2)).state, SHMNET_PIN_NONE);
	own_.erase(flow_key(1));
	EXPECT_EQ(own_.find(flow_key(1)).state, SHMNET_PIN_NONE);
}

TEST_F(Pins, OfOneFlowThereIsOne)
{
	for (u32 node : {1u, 2u, 63u})
		own_.store(flow_key(1), {node, 1}, SHMNET_PIN_CONFIRMED, 0);
	EXPECT_EQ(own_.find(flow_key(1)).target.node, 63u);
	own_.erase(flow_key(1));
	EXPECT_EQ(std::count(words_[0].begin() + HEADER, words_[0].end(), 0u), WORDS);
}

/* In a table of one line the oldest goes, also where the clock has wrapped. */
TEST_F(Pins, TheOldestGivesWay)
{
	Table small(area(0), SHMNET_PIN_WAYS);
	for (u32 i = 0; i < SHMNET_PIN_WAYS; i++)
		small.store(flow_key(i), {1, 1}, SHMNET_PIN_CONFIRMED, 60 + i);
	small.store(flow_key(0), {1, 1}, SHMNET_PIN_CONFIRMED, 69);
	small.store(flow_key(100), {2, 1}, SHMNET_PIN_CONFIRMED, 70);
	EXPECT_EQ(small.find(flow_key(1)).state, SHMNET_PIN_NONE);
	for (u32 i : {0u, 2u, 7u, 100u})
		EXPECT_EQ(small.find(flow_key(i)).state, SHMNET_PIN_CONFIRMED) << i;
}

TEST_F(Pins, SeldomTakeEachOthersPlaces)
{
	for (u32 i = 0; i < WORDS / 4; i++)
		own_.store(flow_key(i), {i % 64, 1}, SHMNET_PIN_CONFIRMED, 0);
	u32 found = 0;
	for (u32 i = 0; i < WORDS / 4; i++)
		found += own_.find(flow_key(i)).state == SHMNET_PIN_CONFIRMED;
	EXPECT_GT(found, WORDS / 4 * 99 / 100);
}

TEST_F(Pins, AFlowThatNobodyHasIsPlaced)
{
	FlowTarget target = {7, 1};
	EXPECT_EQ(place(1, target), Decision::Placed);
	EXPECT_EQ(target, (FlowTarget{7, 1}));
	EXPECT_EQ(own_.find(flow_key(1)).state, SHMNET_PIN_CONFIRMED);
}

TEST_F(Pins, AFlowThatAnotherHasIsFound)
{
	other_.store(flow_key(1), {3, 9}, SHMNET_PIN_CONFIRMED, 0);
	FlowTarget target = {7, 1};
	EXPECT_EQ(place(1, target), Decision::Found);
	EXPECT_EQ(target, (FlowTarget{3, 9}));
	EXPECT_EQ(own_.find(flow_key(1)).state, SHMNET_PIN_NONE);
}

TEST_F(Pins, WhereAnotherIsAboutToNothingIsPlaced)
{
	other_.store(flow_key(1), {3, 9}, SHMNET_PIN_PROPOSED, 0);
	FlowTarget target = {7, 1};
	EXPECT_EQ(place(1, target), Decision::Undecided);
	EXPECT_EQ(own_.find(flow_key(1)).state, SHMNET_PIN_NONE);
}

TEST_F(Pins, AFlowThatThisNodeHasStaysWhereItIs)
{
	own_.store(flow_key(1), {3, 9}, SHMNET_PIN_CONFIRMED, 0);
	FlowTarget target = {7, 1};
	EXPECT_EQ(place(1, target), Decision::Found);
	EXPECT_EQ(target, (FlowTarget{3, 9}));
}

/* Its node has started anew since. */
TEST_F(Pins, ToADeadNodeAreNone)
{
	own_.store(flow_key(1), {3, 9}, SHMNET_PIN_CONFIRMED, 0);
	other_.store(flow_key(1), {4, 9}, SHMNET_PIN_CONFIRMED, 0);
	living_ = 10;
	FlowTarget target = {7, 10};
	EXPECT_EQ(place(1, target), Decision::Placed);
	EXPECT_EQ(target, (FlowTarget{7, 10}));
	EXPECT_FALSE(is_incarnation_of(own_.find(flow_key(1)), 0)) << "nobody is there";
}

TEST_F(Pins, AreNoneWhereThereIsNoSecret)
{
	other_.store(flow_key(1), {3, 9}, SHMNET_PIN_CONFIRMED, 0);
	ASSERT_TRUE(other_.is_open());
	area(1)->secret[0] = 0;
	EXPECT_FALSE(other_.is_open());
	EXPECT_EQ(other_.find(flow_key(1)).state, SHMNET_PIN_NONE);
}

TEST_F(Pins, OfAnotherLifeAreNotFound)
{
	for (u32 i = 0; i < 1000; i++)
		own_.store(flow_key(i), {3, 9}, SHMNET_PIN_CONFIRMED, 0);
	own_.open({{77, 78}});
	for (u32 i = 0; i < 1000; i++)
		EXPECT_EQ(own_.find(flow_key(i)).state, SHMNET_PIN_NONE) << i;
}

TEST_F(Pins, AreForgotten)
{
	for (u32 i = 0; i < 64; i++)
		own_.store(flow_key(i), {3, 9}, SHMNET_PIN_CONFIRMED, 100 + i);
	own_.expire(0, WORDS / 2, 163, 37);
	own_.expire(WORDS / 2, WORDS / 2, 163, 37);
	for (u32 i = 0; i < 64; i++)
		EXPECT_EQ(own_.find(flow_key(i)).state,
			  i < 26 ? SHMNET_PIN_NONE : SHMNET_PIN_CONFIRMED)
			<< i;
}

/* The first in order waits for those behind it; they do not wait for it. */
TEST_F(Pins, TheFirstInOrderWaits)
{
	FlowTarget target = {7, 1};
	other_.store(flow_key(1), {3, 9}, SHMNET_PIN_PROPOSED, 0);
	auto gives_way = [&] {
		other_.erase(flow_key(1));
		return true;
	};
	auto stands = [](const Pin&) { return true; };
	EXPECT_EQ(Decision(own_, 0).place(
			  flow_key(1), target, 0, [&](const auto& look) { look(1, other_); },
			  stands, gives_way),
		  Decision::Placed);
	own_.store(flow_key(2), {3, 9}, SHMNET_PIN_PROPOSED, 0);
	auto never = [] {
		ADD_FAILURE() << "it waits";
		return false;
	};
	EXPECT_EQ(Decision(other_, 1).place(
			  flow_key(2), target, 0, [&](const auto& look) { look(0, own_); }, stands,
			  never),
		  Decision::Undecided);
}

} // namespace

} // namespace shmnet::test
