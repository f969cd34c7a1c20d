// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Who answers for an address on a segment: all who hear each other find the same one.
#include "shmnetd/segment_election.hh"

#include <gtest/gtest.h>

using namespace shmnet;
using namespace shmnet::shmnetd;
using namespace std::chrono_literals;

namespace {

const Address FIRST = *parse_address("203.0.113.1");
const Address SECOND = *parse_address("2001:db8::1");

Mac mac(unsigned number)
{
	return {2, 0, 0, 0, static_cast<__u8>(number >> 8), static_cast<__u8>(number)};
}

Candidacy for_both(__u8 priority)
{
	return {.priority = priority, .addresses = {FIRST, SECOND}};
}

class SegmentElection : public ::testing::Test {
protected:
	Election::Time now{};
	Election election{mac(5), 100, now};
};

} // namespace

TEST_F(SegmentElection, WhoComesListensFirst)
{
	EXPECT_TRUE(election.listens(now));
	EXPECT_TRUE(election.listens(now + Election::SILENCE - 1ms));
	EXPECT_FALSE(election.listens(now + Election::SILENCE));
	EXPECT_EQ(election.holder(FIRST, false), std::nullopt);
	EXPECT_EQ(election.holder(FIRST, true), mac(5)) << "alone";
}

TEST_F(SegmentElection, OfEqualsTheLowestMacAnswers)
{
	election.hear(mac(6), for_both(100), now);
	EXPECT_EQ(election.holder(FIRST, true), mac(5));
	EXPECT_EQ(election.holder(FIRST, false), mac(6));
	election.hear(mac(4), for_both(100), now);
	EXPECT_EQ(election.holder(FIRST, true), mac(4));
}

TEST_F(SegmentElection, AHigherPriorityAnswers)
{
	election.hear(mac(9), for_both(101), now);
	EXPECT_EQ(election.holder(FIRST, true), mac(9));
	election.set_priority(102);
	EXPECT_EQ(election.holder(FIRST, true), mac(5));
	election.hear(mac(1), for_both(99), now);
	EXPECT_EQ(election.holder(FIRST, true), mac(5));
}

TEST_F(SegmentElection, EachAddressHasItsOwn)
{
	election.hear(mac(4), {.priority = 100, .addresses = {SECOND}}, now);
	EXPECT_EQ(election.holder(FIRST, true), mac(5));
	EXPECT_EQ(election.holder(SECOND, true), mac(4));
	/* What it says next replaces that. */
	election.hear(mac(4), {.priority = 100, .addresses = {FIRST}}, now);
	EXPECT_EQ(election.holder(FIRST, true), mac(4));
	EXPECT_EQ(election.holder(SECOND, true), mac(5));
}

TEST_F(SegmentElection, WhoIsSilentIsGone)
{
	election.hear(mac(4), for_both(100), now);
	election.expire(now + Election::SILENCE - 1ms);
	EXPECT_EQ(election.holder(FIRST, true), mac(4));
	election.expire(now + Election::SILENCE);
	EXPECT_EQ(election.holder(FIRST, true), mac(5));
}

TEST_F(SegmentElection, WhoSaysSoIsGoneAtOnce)
{
	election.hear(mac(4), for_both(100), now);
	election.hear(mac(4), for_both(0), now);
	EXPECT_EQ(election.holder(FIRST, true), mac(5));
}

TEST_F(SegmentElection, TellsWhoIsNew)
{
	EXPECT_TRUE(election.hear(mac(6), for_both(100), now));
	EXPECT_FALSE(election.hear(mac(6), for_both(100), now));
	election.expire(now + Election::SILENCE);
	EXPECT_TRUE(election.hear(mac(6), for_both(100), now + 1s));
	EXPECT_FALSE(election.hear(mac(5), for_both(100), now)) << "itself, or who forges it";
}

TEST_F(SegmentElection, RemembersSoManyAndNoMore)
{
	for (unsigned i = 0; i < 2 * Election::CANDIDATES; i++)
		EXPECT_EQ(election.hear(mac(0x1000 + i), for_both(1), now),
			  i < Election::CANDIDATES);
	EXPECT_FALSE(election.hear(mac(4), for_both(255), now));
	EXPECT_EQ(election.holder(FIRST, true), mac(5));
	/* Who is known goes on to be heard. */
	election.hear(mac(0x1000), for_both(255), now);
	EXPECT_EQ(election.holder(FIRST, true), mac(0x1000));
}
