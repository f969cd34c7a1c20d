// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What a node hears of the groups that it has joined while their tapes' labels change. */
#include "groups.hh"

#include "support/casts.hh"
#include "support/region.hh"

#include <gtest/gtest.h>

#include <vector>

namespace shmnet::test {

namespace {

constexpr Group MDNS = 0x01005e0000fb;
constexpr Group OSPF = 0x01005e000005;
constexpr u32 NETWORK = 0;
constexpr u32 TAPE = 1;

using Heard = std::vector<CastId>;

/* Node 1 casts onto a group's tape, which node 0 follows. */
class FollowerTest : public testing::Test {
protected:
	FollowerTest()
	    : region(default_request(2)), groups(region.layout(), NETWORK),
	      caster(region.layout(), 1), listener(region.layout(), 0, TAPE),
	      follower(region.layout(), NETWORK, TAPE, listener.reader())
	{
	}

	void claim(Group group) { ASSERT_TRUE(groups.claim(group, 1)); }
	void release() { ASSERT_TRUE(groups.release(TAPE, groups.label(TAPE))); }
	void cast() { ASSERT_TRUE(caster.cast(60, TAPE)); }

	/* A look; whether the tape is read from now on. */
	bool reads() { return follower.follow(label_group(follower.look()) == joined); }

	/* What is heard after it. */
	Heard looks() { return reads() ? listener.drain() : Heard(); }

	shmnet_tape* tape() { return region.layout().tape(NETWORK, TAPE); }

	Region region;
	Groups<HardwareMemory> groups;
	Caster<> caster;
	Listener<> listener;
	Follower<HardwareMemory> follower;
	Group joined = MDNS;
};

} // namespace

TEST_F(FollowerTest, HearsWhatWasCastBeforeTheLabelWasSeen)
{
	EXPECT_FALSE(reads());
	claim(MDNS);
	cast();
	EXPECT_EQ(looks(), (Heard{{1, 1}}));
	cast();
	EXPECT_EQ(looks(), (Heard{{1, 2}}));
	EXPECT_EQ(looks(), Heard());
	EXPECT_EQ(listener.missed(), 0u);
}

TEST_F(FollowerTest, DoesNotReadATapeOfAnotherGroup)
{
	EXPECT_FALSE(reads());
	claim(OSPF);
	cast();
	EXPECT_FALSE(reads()) << "nobody casts for us under no label, nor under this one";
	cast();
	EXPECT_FALSE(reads());
	EXPECT_EQ(listener.listen(), SHMNET_RECEIVE_EMPTY) << "its casts are passed over";
}

TEST_F(FollowerTest, HearsAGroupThatItJoinsFromThenOn)
{
	claim(OSPF);
	EXPECT_FALSE(reads());
	cast();
	joined = OSPF;
	EXPECT_TRUE(reads());
	cast();
	EXPECT_EQ(looks(), (Heard{{1, 2}}));
}

TEST_F(FollowerTest, HearsNothingOfAGroupThatItLeft)
{
	claim(MDNS);
	EXPECT_TRUE(reads());
	cast();
	joined = OSPF;
	EXPECT_FALSE(reads());
	joined = MDNS;
	EXPECT_EQ(looks(), Heard());
	EXPECT_EQ(listener.missed(), 0u);
}

TEST_F(FollowerTest, HearsTheRestOfATapeThatWasGivenBack)
{
	claim(MDNS);
	EXPECT_TRUE(reads());
	cast();
	release();
	EXPECT_EQ(looks(), (Heard{{1, 1}}));
	EXPECT_FALSE(reads());
}

TEST_F(FollowerTest, HearsTheRestOfATapeThatAnotherGroupHas)
{
	claim(MDNS);
	EXPECT_TRUE(reads());
	cast();
	release();
	claim(OSPF);
	cast();
	EXPECT_TRUE(reads());
	cast();
	EXPECT_EQ(listener.listen(), SHMNET_RECEIVE_FRAME);
	EXPECT_EQ(listener.last(), (CastId{1, 1}));
	EXPECT_TRUE(reads()) << "one that it found there at that look is left";
	EXPECT_EQ(listener.listen(), SHMNET_RECEIVE_FRAME);
	EXPECT_FALSE(reads());
	EXPECT_EQ(listener.listen(), SHMNET_RECEIVE_EMPTY);
}

TEST_F(FollowerTest, HearsWhatCameUnderALabelThatCameAndWent)
{
	EXPECT_FALSE(reads());
	claim(MDNS);
	cast();
	release();
	EXPECT_EQ(looks(), (Heard{{1, 1}}));
	EXPECT_FALSE(reads());
}

/* Between the two halves of a look. */
TEST_F(FollowerTest, HearsWhatIsCastWhileItLooks)
{
	EXPECT_FALSE(reads());
	u64 label = follower.look();
	EXPECT_EQ(label, 0u);
	claim(MDNS);
	cast();
	EXPECT_FALSE(follower.follow(false));
	EXPECT_EQ(looks(), (Heard{{1, 1}}));
}

/* A reader may be ahead of head, by what is written while head has not been moved yet. */
TEST_F(FollowerTest, HearsNothingTwice)
{
	claim(MDNS);
	EXPECT_TRUE(reads());
	cast();
	HardwareMemory::store_release(&tape()->head, listener.reader().position());
	EXPECT_EQ(looks(), (Heard{{1, 1}}));
	joined = OSPF;
	EXPECT_FALSE(reads());
	joined = MDNS;
	EXPECT_EQ(looks(), Heard());
	cast();
	EXPECT_EQ(looks(), (Heard{{1, 2}}));
}

TEST_F(FollowerTest, DoesNotGoOnReadingForAHeadThatLied)
{
	claim(MDNS);
	EXPECT_TRUE(reads());
	u64 head = listener.reader().head();
	HardwareMemory::store_release(&tape()->head, head + (1ULL << 50));
	release();
	claim(OSPF);
	EXPECT_TRUE(reads());
	HardwareMemory::store_release(&tape()->head, head);
	listener.drain();
	EXPECT_FALSE(reads());
	joined = OSPF;
	EXPECT_TRUE(reads());
	cast();
	EXPECT_EQ(looks(), (Heard{{1, 1}}));
}

} // namespace shmnet::test
