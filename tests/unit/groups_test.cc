// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Labels of tapes: which group has which, and what becomes of claims at the same time. */
#include "groups.hh"

#include "support/region.hh"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

namespace shmnet::test {

namespace {

constexpr Group MDNS = 0x01005e0000fb;
constexpr Group OSPF = 0x01005e000005;
constexpr u32 NETWORK = 0;

class GroupsTest : public testing::Test {
protected:
	GroupsTest() : region(default_request(2)), groups(region.layout(), NETWORK) {}

	u32 tapes() const { return region.layout().network[NETWORK].tapes; }

	u64 epoch(u32 tape) const
	{
		return groups.label(tape) >> SHMNET_TAPE_EPOCH_SHIFT & SHMNET_TAPE_EPOCH_MASK;
	}

	Region region;
	Groups<HardwareMemory> groups;
};

} // namespace

TEST_F(GroupsTest, FindTheBroadcastTapeUntilClaimed)
{
	EXPECT_EQ(groups.find(MDNS), BROADCAST_TAPE);
	EXPECT_TRUE(groups.claim(MDNS, 1));
	EXPECT_EQ(groups.find(MDNS), 1u);
	EXPECT_EQ(label_group(groups.label(1)), MDNS);
	EXPECT_EQ(groups.label(1) & 0xff, 2u) << "who claimed it, plus one";
	EXPECT_EQ(groups.find(OSPF), BROADCAST_TAPE);
	EXPECT_EQ(groups.label(BROADCAST_TAPE), 0u);
}

TEST_F(GroupsTest, HaveTapesOfTheirOwnAsLongAsThereAreAny)
{
	std::set<u32> found;
	for (u32 i = 1; i < tapes(); i++) {
		EXPECT_TRUE(groups.claim(MDNS + i, 0));
		found.insert(groups.find(MDNS + i));
	}
	EXPECT_EQ(found.size(), tapes() - 1);
	EXPECT_FALSE(groups.claim(OSPF, 0));
	EXPECT_EQ(groups.find(OSPF), BROADCAST_TAPE);
}

TEST_F(GroupsTest, GiveBackATapeForAnother)
{
	ASSERT_TRUE(groups.claim(MDNS, 0));
	u64 label = groups.label(1);
	u64 before = epoch(1);
	EXPECT_TRUE(groups.release(1, label));
	EXPECT_EQ(groups.find(MDNS), BROADCAST_TAPE);
	EXPECT_NE(epoch(1), before);
	EXPECT_FALSE(groups.release(1, label)) << "it is not that label any more";
	ASSERT_TRUE(groups.claim(OSPF, 0));
	EXPECT_EQ(groups.find(OSPF), 1u);
	EXPECT_FALSE(groups.release(1, label)) << "late, and another group's by now";
	EXPECT_EQ(groups.find(OSPF), 1u);
}

/* The same group again has another epoch: a release that was decided before does nothing. */
TEST_F(GroupsTest, AreNotReleasedByOneWhoSawAnEarlierClaim)
{
	ASSERT_TRUE(groups.claim(MDNS, 0));
	u64 earlier = groups.label(1);
	ASSERT_TRUE(groups.release(1, earlier));
	ASSERT_TRUE(groups.claim(MDNS, 0));
	EXPECT_FALSE(groups.release(1, earlier));
	EXPECT_EQ(groups.find(MDNS), 1u);
}

TEST_F(GroupsTest, CountEpochsAround)
{
	u64 first = epoch(1);
	for (u32 i = 0; i < 128; i++) {
		ASSERT_TRUE(groups.claim(MDNS, 0));
		ASSERT_TRUE(groups.release(1, groups.label(1)));
	}
	EXPECT_EQ(epoch(1), first);
	EXPECT_EQ(label_group(groups.label(1)), 0u);
}

TEST_F(GroupsTest, AgreeOnOneTapeForAGroupThatTwoClaimed)
{
	/* Both looked before either claimed: two tapes; all writers then use the first. */
	ASSERT_TRUE(groups.claim(MDNS, 0));
	ASSERT_TRUE(groups.claim(MDNS, 1));
	EXPECT_EQ(label_group(groups.label(1)), MDNS);
	EXPECT_EQ(label_group(groups.label(2)), MDNS);
	EXPECT_EQ(groups.find(MDNS), 1u);
}

/* Whatever stands in the labels, the search ends and stays among the tapes. */
TEST_F(GroupsTest, BearLabelsThatLie)
{
	for (u64 lie : {~0ULL, 1ULL, 0xffULL, MDNS << SHMNET_TAPE_GROUP_SHIFT | 0xffff}) {
		for (u32 tape = 0; tape < tapes(); tape++)
			HardwareMemory::store_relaxed(&region.layout().tape(NETWORK, tape)->label,
						      lie);
		EXPECT_LT(groups.find(MDNS), tapes());
		EXPECT_LT(groups.find(OSPF), tapes());
		groups.claim(OSPF, 0);
		groups.release(3, groups.label(3));
	}
}

TEST_F(GroupsTest, ClaimedAtOnceByManyAreClaimedOnceEach)
{
	std::atomic<u32> claims = 0;
	std::vector<std::jthread> threads;
	for (u32 owner = 0; owner < 4; owner++)
		threads.emplace_back([&, owner] {
			Groups<HardwareMemory> mine(region.layout(), NETWORK);
			for (u32 i = 0; i < 1000; i++)
				if (mine.claim(MDNS + owner, owner))
					claims++;
		});
	threads.clear();
	EXPECT_EQ(claims, tapes() - 1);
	for (u32 tape = 1; tape < tapes(); tape++)
		EXPECT_EQ(label_group(groups.label(tape)) - MDNS, (groups.label(tape) & 0xff) - 1)
			<< "a label is one writer's, whole";
}

} // namespace shmnet::test
