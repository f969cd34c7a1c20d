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

	/* Of node 0 and node 1. */
	std::vector<u64> words_[2] = {std::vector<u64>(WORDS), std::vector<u64>(WORDS)};
	Table own_{words_[0].data(), WORDS, {{1, 0}}};
	Table other_{words_[1].data(), WORDS, {{1, 1}}};

	Decision::Outcome place(u32 which, FlowTarget& target)
	{
		return Decision(own_, 0).place(
			flow_key(which), target, 0, [&](const auto& look) { look(1, other_); },
			[] { return false; });
	}
};

TEST_F(Pins, AreFoundUntilTheyAreErased)
{
	EXPECT_EQ(own_.find(flow_key(1)).state, Pin::None);
	own_.store(flow_key(1), {5, 0x12345}, Pin::Confirmed, 0);
	Pin pin = own_.find(flow_key(1));
	EXPECT_EQ(pin.state, Pin::Confirmed);
	EXPECT_EQ(pin.target.node, 5u);
	EXPECT_EQ(pin.target.incarnation, 0x12345u & ((1u << PIN_INCARNATION_BITS) - 1));
	EXPECT_EQ(own_.find(flow_key(2)).state, Pin::None);
	own_.erase(flow_key(1));
	EXPECT_EQ(own_.find(flow_key(1)).state, Pin::None);
}

TEST_F(Pins, OfOneFlowThereIsOne)
{
	for (u32 node : {1u, 2u, 63u})
		own_.store(flow_key(1), {node, 1}, Pin::Confirmed, 0);
	EXPECT_EQ(own_.find(flow_key(1)).target.node, 63u);
	own_.erase(flow_key(1));
	EXPECT_EQ(std::count(words_[0].begin(), words_[0].end(), 0u), WORDS);
}

/* In a table of one line the oldest goes, also where the clock has wrapped. */
TEST_F(Pins, TheOldestGivesWay)
{
	Table small(words_[0].data(), Table::WAYS, {{1, 0}});
	for (u32 i = 0; i < Table::WAYS; i++)
		small.store(flow_key(i), {1, 1}, Pin::Confirmed, 60 + i);
	small.store(flow_key(0), {1, 1}, Pin::Confirmed, 69);
	small.store(flow_key(100), {2, 1}, Pin::Confirmed, 70);
	EXPECT_EQ(small.find(flow_key(1)).state, Pin::None);
	for (u32 i : {0u, 2u, 7u, 100u})
		EXPECT_EQ(small.find(flow_key(i)).state, Pin::Confirmed) << i;
}

TEST_F(Pins, SeldomTakeEachOthersPlaces)
{
	for (u32 i = 0; i < WORDS / 4; i++)
		own_.store(flow_key(i), {i % 64, 1}, Pin::Confirmed, 0);
	u32 found = 0;
	for (u32 i = 0; i < WORDS / 4; i++)
		found += own_.find(flow_key(i)).state == Pin::Confirmed;
	EXPECT_GT(found, WORDS / 4 * 99 / 100);
}

TEST_F(Pins, AFlowThatNobodyHasIsPlaced)
{
	FlowTarget target = {7, 1};
	EXPECT_EQ(place(1, target), Decision::Placed);
	EXPECT_EQ(target, (FlowTarget{7, 1}));
	EXPECT_EQ(own_.find(flow_key(1)).state, Pin::Confirmed);
}

TEST_F(Pins, AFlowThatAnotherHasIsFound)
{
	other_.store(flow_key(1), {3, 9}, Pin::Confirmed, 0);
	FlowTarget target = {7, 1};
	EXPECT_EQ(place(1, target), Decision::Found);
	EXPECT_EQ(target, (FlowTarget{3, 9}));
	EXPECT_EQ(own_.find(flow_key(1)).state, Pin::None);
}

TEST_F(Pins, WhereAnotherIsAboutToNothingIsPlaced)
{
	other_.store(flow_key(1), {3, 9}, Pin::Proposed, 0);
	FlowTarget target = {7, 1};
	EXPECT_EQ(place(1, target), Decision::Undecided);
	EXPECT_EQ(own_.find(flow_key(1)).state, Pin::None);
}

/* The first in order waits for those behind it; they do not wait for it. */
TEST_F(Pins, TheFirstInOrderWaits)
{
	FlowTarget target = {7, 1};
	other_.store(flow_key(1), {3, 9}, Pin::Proposed, 0);
	auto gives_way = [&] {
		other_.erase(flow_key(1));
		return true;
	};
	EXPECT_EQ(Decision(own_, 0).place(
			  flow_key(1), target, 0, [&](const auto& look) { look(1, other_); },
			  gives_way),
		  Decision::Placed);
	own_.store(flow_key(2), {3, 9}, Pin::Proposed, 0);
	auto never = [] {
		ADD_FAILURE() << "it waits";
		return false;
	};
	EXPECT_EQ(Decision(other_, 1).place(
			  flow_key(2), target, 0, [&](const auto& look) { look(0, own_); }, never),
		  Decision::Undecided);
}

} // namespace

} // namespace shmnet::test
