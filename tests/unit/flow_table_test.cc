// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The connection table: against a plain map, its timers, what is full, and its growth. */
#include "flow_table.hh"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "support/flow_table_memory.hh"

namespace shmnet::test {

namespace {

constexpr FlowTouch NOTHING = {0, 0};

/* The words and the results that the authors published: key 00..0f, message 00, 01 ... */
TEST(SipHash, HashesAsPublished)
{
	const SipKey key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
	SipHash<2, 4> empty(key);
	EXPECT_EQ(empty.end(), 0x726fdb47dd0e0e31u);
	SipHash<2, 4> fifteen(key);
	fifteen.add(0x0706050403020100);
	EXPECT_EQ(fifteen.end(0x0e0d0c0b0a0908, 7), 0xa129ca6149be45e5u);
}

TEST(FlowTable, FindsWhatWasInserted)
{
	TestTable table(FlowTableHere::FLOWS_MIN);
	FlowTarget target = {};
	EXPECT_FALSE(table->find(flow_key(1), NOTHING, target));
	EXPECT_EQ(table.insert(1, {3, 7}), FlowInsert::Added);
	ASSERT_TRUE(table->find(flow_key(1), NOTHING, target));
	EXPECT_EQ(target, (FlowTarget{3, 7}));
	EXPECT_EQ(table.insert(1, {4, 8}), FlowInsert::Changed);
	ASSERT_TRUE(table->find(flow_key(1), NOTHING, target));
	EXPECT_EQ(target, (FlowTarget{4, 8}));
	EXPECT_EQ(table->flows(), 1u);
	EXPECT_EQ(table->flows_of(3), 0u);
	EXPECT_EQ(table->flows_of(4), 1u);
	EXPECT_TRUE(table->erase(flow_key(1)));
	EXPECT_FALSE(table->erase(flow_key(1)));
	EXPECT_FALSE(table->find(flow_key(1), NOTHING, target));
	EXPECT_EQ(table->flows(), 0u);
}

TEST(FlowTable, EachByteOfTheKeyCounts)
{
	TestTable table(FlowTableHere::FLOWS_MIN);
	FlowKey key = flow_key(1);
	ASSERT_EQ(table->insert(key, {1, 1}, FlowState::Datagram, 0), FlowInsert::Added);
	for (size_t byte = 0; byte < sizeof(FlowKey); byte++) {
		FlowKey other = key;
		reinterpret_cast<u8*>(&other)[byte] ^= 0x80;
		FlowTarget target = {};
		EXPECT_FALSE(table->find(other, NOTHING, target)) << byte;
	}
}

/* Any order of insertions, removals and packets, while it grows: what a map says. */
RC_GTEST_PROP(FlowTable, IsAMap, ())
{
	constexpr u32 KEYS = 4000;
	TestTable table(FlowTableHere::CHUNK_FLOWS * 4);
	std::map<u32, FlowTarget> expected;
	u32 random = *rc::gen::arbitrary<u32>();
	const u32 removed_of_eight = *rc::gen::inRange<u32>(0, 5);
	for (u32 step = 0; step < 8000; step++) {
		random = random * 1664525 + 1013904223;
		u32 which = (random >> 8) % KEYS;
		FlowTarget target = {(random >> 3) % FlowTableHere::NODES, random >> 20};
		if ((random >> 28) % 8 < removed_of_eight) {
			RC_ASSERT(table->erase(flow_key(which)) == (expected.erase(which) == 1));
		} else {
			bool fresh = expected.count(which) == 0;
			RC_ASSERT(table.insert(which, target) ==
				  (fresh ? FlowInsert::Added : FlowInsert::Changed));
			expected[which] = target;
		}
		table.grow(step % 3);
	}
	RC_ASSERT(table->flows() == expected.size());
	u32 counted[FlowTableHere::NODES] = {};
	for (u32 which = 0; which < KEYS; which++) {
		FlowTarget target = {};
		auto its = expected.find(which);
		RC_ASSERT(table->find(flow_key(which), NOTHING, target) == (its != expected.end()));
		if (its != expected.end()) {
			RC_ASSERT(target == its->second);
			counted[target.node]++;
		}
	}
	for (u32 node = 0; node < FlowTableHere::NODES; node++)
		RC_ASSERT(table->flows_of(node) == counted[node]);
}

/* From 128 buckets up, in slices of one bucket: at each moment all that was inserted is found. */
TEST(FlowTable, NothingIsMissingWhileItGrows)
{
	TestTable table(FlowTableHere::CHUNK_FLOWS * 8);
	u32 seen_growing = 0;
	for (u32 i = 0; i < FlowTableHere::CHUNK_FLOWS * 7; i++) {
		ASSERT_EQ(table.insert(i, {i % 64, i}), FlowInsert::Added) << i;
		table.grow(1);
		seen_growing += table->growing();
		for (u32 back = 0; back < 50 && back <= i; back += 7) {
			FlowTarget target = {};
			u32 which = i - back * (i / 50 + 1) % (i + 1);
			ASSERT_TRUE(table->find(flow_key(which), NOTHING, target)) << which;
			ASSERT_EQ(target.incarnation, which);
		}
	}
	EXPECT_GT(seen_growing, 500u);
}

bool known(TestTable& table, u32 which, const FlowTouch& packet = NOTHING)
{
	FlowTarget target = {};
	return table->find(flow_key(which), packet, target);
}

bool all_alive(const FlowTarget&)
{
	return true;
}

/* Each state has its time, from the last packet; a clock that wraps changes nothing. */
TEST(FlowTable, ForgetsByState)
{
	for (u32 begin : {0u, 0u - 5000u, 0x7fffff00u})
		for (u32 i = 0; i < FLOW_STATES; i++) {
			TestTable table(FlowTableHere::FLOWS_MIN);
			auto state = static_cast<FlowState>(i);
			u32 time = FLOW_TIMEOUTS.ms[i];
			ASSERT_EQ(table->insert(flow_key(1), {1, 1}, state, begin),
				  FlowInsert::Added);
			EXPECT_EQ(table->collect(begin + time - 1, 1024, all_alive), 0u) << i;
			EXPECT_EQ(table->collect(begin + time, 1024, all_alive), 1u) << i;
			EXPECT_EQ(table->flows(), 0u);
			EXPECT_FALSE(known(table, 1));
		}
}

TEST(FlowTable, APacketMakesItLastLonger)
{
	TestTable table(FlowTableHere::FLOWS_MIN);
	u32 time = FLOW_TIMEOUTS.ms[static_cast<u32>(FlowState::Datagram)];
	table->insert(flow_key(1), {1, 1}, FlowState::Datagram, 0);
	EXPECT_TRUE(known(table, 1, {time - 1, 0}));
	EXPECT_EQ(table->collect(time, 1024, all_alive), 0u);
	EXPECT_EQ(table->collect(2 * time - 2, 1024, all_alive), 0u);
	EXPECT_EQ(table->collect(2 * time - 1, 1024, all_alive), 1u);
}

/* What a connection's packets make of its timer. */
TEST(FlowTable, FollowsTcp)
{
	using enum FlowState;
	EXPECT_EQ(first_state(PROTOCOL_TCP, TCP_SYN), Opening);
	EXPECT_EQ(first_state(PROTOCOL_TCP, TCP_ACK), Established);
	EXPECT_EQ(first_state(PROTOCOL_TCP, TCP_FIN | TCP_ACK), Closing);
	EXPECT_EQ(first_state(PROTOCOL_TCP, TCP_RST), Closed);
	EXPECT_EQ(first_state(PROTOCOL_UDP, 0), Datagram);
	EXPECT_EQ(next_state(Opening, TCP_SYN), Opening);
	EXPECT_EQ(next_state(Opening, TCP_ACK), Established);
	EXPECT_EQ(next_state(Established, TCP_ACK), Established);
	EXPECT_EQ(next_state(Established, TCP_SYN), Established); /* may be forged */
	EXPECT_EQ(next_state(Established, TCP_FIN | TCP_ACK), Closing);
	EXPECT_EQ(next_state(Closing, TCP_ACK), Closing);
	EXPECT_EQ(next_state(Closing, TCP_SYN), Opening); /* the ports again */
	EXPECT_EQ(next_state(Established, TCP_RST), Closed);
	EXPECT_EQ(next_state(Closed, TCP_ACK), Closed);
	EXPECT_EQ(next_state(Datagram, TCP_RST), Datagram);
}

TEST(FlowTable, ConnectionsBeginAnewByPortsOfOnesThatEnded)
{
	TestTable table(FlowTableHere::FLOWS_MIN);
	FlowTarget target;
	auto anew = [&](u8 tcp_flags) {
		bool anew = true;
		EXPECT_TRUE(table->find(flow_key(1), {0, tcp_flags}, target, anew));
		return anew;
	};
	table->insert(flow_key(1), {1, 1}, FlowState::Opening, 0);
	EXPECT_FALSE(anew(TCP_SYN)); /* repeated */
	EXPECT_FALSE(anew(TCP_ACK));
	EXPECT_FALSE(anew(TCP_SYN)); /* may be forged */
	EXPECT_FALSE(anew(TCP_FIN | TCP_ACK));
	EXPECT_FALSE(anew(TCP_ACK));
	EXPECT_FALSE(anew(TCP_SYN | TCP_ACK));
	anew(TCP_FIN);
	EXPECT_TRUE(anew(TCP_SYN));
	EXPECT_FALSE(anew(TCP_SYN)); /* repeated */
	EXPECT_FALSE(anew(TCP_RST));
	EXPECT_TRUE(anew(TCP_SYN));
	EXPECT_EQ(target, (FlowTarget{1, 1}));
}

TEST(FlowTable, ARstShortensTheTimeAndEndsNothing)
{
	TestTable table(FlowTableHere::FLOWS_MIN);
	u32 time = FLOW_TIMEOUTS.ms[static_cast<u32>(FlowState::Closed)];
	table->insert(flow_key(1), {1, 1}, FlowState::Established, 0);
	EXPECT_TRUE(known(table, 1, {100, TCP_RST}));
	EXPECT_EQ(table->collect(99 + time, 1024, all_alive), 0u);
	EXPECT_TRUE(known(table, 1, {99 + time, TCP_ACK}));
	EXPECT_EQ(table->collect(100 + time, 1024, all_alive), 0u);
	EXPECT_EQ(table->collect(99 + 2 * time, 1024, all_alive), 1u);
}

TEST(FlowTable, FlowsOfADeadNodeAreCollected)
{
	TestTable table(FlowTableHere::FLOWS_MIN);
	for (u32 i = 0; i < 100; i++)
		table.insert(i, {i % 4, 1});
	auto alive = [](const FlowTarget& target) { return target.node != 2; };
	EXPECT_EQ(table->collect(0, 1024, alive), 25u);
	EXPECT_EQ(table->flows_of(2), 0u);
	EXPECT_FALSE(known(table, 2));
	EXPECT_TRUE(known(table, 3));
}

/* A slice looks at no more than it may; slices together look at all. */
TEST(FlowTable, CollectsInSlices)
{
	TestTable table(FlowTableHere::FLOWS_MIN);
	for (u32 i = 0; i < 1000; i++) {
		table.grow(8);
		table.insert(i, {1, 1});
	}
	u32 removed = 0;
	for (u32 slices = 0; slices < 2048 / 16; slices++) {
		u32 now = table->collect(1u << 30, 16, all_alive);
		EXPECT_LE(now, 16u);
		removed += now;
	}
	EXPECT_EQ(removed, 1000u);
}

/* As many as it may have, established. */
class FullTable : public ::testing::Test {
protected:
	void SetUp() override
	{
		for (; insert(count_, FlowState::Established, 0) == FlowInsert::Added; count_++)
			if (table_->flows() != count_ + 1)
				break; /* this one took another's place */
		ASSERT_GE(count_, FlowTableHere::FLOWS_MIN);
	}

	FlowInsert insert(u32 which, FlowState state, u32 now)
	{
		table_.grow(8);
		return table_->insert(flow_key(which), {1, 1}, state, now);
	}

	TestTable table_{FlowTableHere::FLOWS_MIN};
	u32 count_ = 0;
};

TEST_F(FullTable, NoSynDisplacesWhatIsEstablished)
{
	ASSERT_TRUE(table_->erase(flow_key(count_)));
	u32 opening = 0, refused = 0;
	for (u32 i = 0; i < 20000; i++) {
		FlowInsert outcome = insert(100000 + i, FlowState::Opening, 1 + i / 100);
		opening += outcome == FlowInsert::Added;
		refused += outcome == FlowInsert::Full;
	}
	u32 kept = 0;
	for (u32 i = 0; i < count_; i++)
		kept += known(table_, i);
	EXPECT_GE(kept, count_ - 1); /* but for the one whose place the last one of SetUp took */
	EXPECT_GT(opening, 0u);
	EXPECT_GT(refused, 0u);
}

TEST_F(FullTable, AnEstablishedFlowTakesTheLongestUnused)
{
	u32 flows = table_->flows();
	EXPECT_TRUE(known(table_, 500, {5000, TCP_ACK}));
	for (u32 i = 0; i < 500; i++)
		ASSERT_EQ(insert(100000 + i, FlowState::Established, 6000), FlowInsert::Added);
	EXPECT_EQ(table_->flows(), flows);
	EXPECT_TRUE(known(table_, 500));
	for (u32 i = 0; i < 500; i++)
		EXPECT_TRUE(known(table_, 100000 + i)) << i;
}

/* Who brings no memory has a table that is full, not one that hangs. */
TEST(FlowTable, WithoutALargerIndexItIsFull)
{
	TestTable table(FlowTableHere::CHUNK_FLOWS * 8);
	u32 added = 0;
	for (u32 i = 0; i < 5000; i++) {
		table.bring_chunks();
		added += table->insert(flow_key(i), {1, 1}, FlowState::Datagram, 0) ==
			 FlowInsert::Added;
	}
	EXPECT_EQ(added, FlowTableHere::BUCKETS_MIN * 7);
	EXPECT_GT(table->wants_buckets(), 0u);
}

} // namespace

} // namespace shmnet::test
