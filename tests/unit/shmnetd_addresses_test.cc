// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What a node says of shared addresses, and what is made of what all say.
#include "address_offers.hh"
#include "shmnetd/shared_addresses.hh"
#include "slots.hh"

#include <gtest/gtest.h>
#include <linux/shmnet_shm.h>

using namespace shmnet;
using namespace shmnet::shmnetd;

namespace {

constexpr __u64 ALL = ~__u64{0};

const Address G = parse_address("203.0.113.1").value();
const Address H = parse_address("2001:db8::1").value();

AddressOffer said(__u32 slot, const Address& address, __u32 generation, __u64 nodes = ALL,
		  __u32 balance = 0, __u32 flags = SHMNET_ADDRESS_JOINED)
{
	return {.device = "0000:00:08.0",
		.interface = {1, 7, "shmg0"},
		.slot = slot,
		.shared = {.address = address,
			   .nodes = nodes,
			   .balance = balance,
			   .flags = flags,
			   .generation = generation}};
}

} // namespace

TEST(SharedAddresses, AreJoinedByWhoHasThem)
{
	auto told = tell_addresses({G, parse_address("fe80::1").value()}, {});
	ASSERT_EQ(told.size(), 1u) << "not one of the link";
	EXPECT_EQ(told[0], (SharedAddressInfo{.address = G, .flags = SHMNET_ADDRESS_JOINED}));
}

TEST(SharedAddresses, AreDefinedByAnyNode)
{
	Config config;
	config.addresses[G].definition = {
		.nodes = 5, .balance = SHMNET_BALANCE_LEAST, .generation = 3};
	config.addresses[G].drain = true;
	config.addresses[H].drain = true;
	const SharedAddressInfo defined = {
		.address = G, .nodes = 5, .balance = SHMNET_BALANCE_LEAST, .generation = 3};
	EXPECT_EQ(tell_addresses({}, config), std::vector{defined}) << "who has none drains none";
	auto told = tell_addresses({G, H}, config);
	ASSERT_EQ(told.size(), 2u);
	EXPECT_EQ(told[0].flags, __u32{SHMNET_ADDRESS_FLAGS});
	EXPECT_EQ(told[0].generation, 3u);
	EXPECT_EQ(told[1].generation, 0u) << "another node's definition holds";
	EXPECT_EQ(told[1].flags, __u32{SHMNET_ADDRESS_FLAGS});
}

TEST(SharedAddresses, HaveTheBalanceOfTheirDefinition)
{
	using Balances = std::map<Address, __u32>;
	const __u32 least = SHMNET_BALANCE_LEAST, flow = SHMNET_BALANCE_FLOW;
	EXPECT_EQ(balances_of({}, {said(0, G, 0), said(1, G, 2, ALL, least)}),
		  (Balances{{G, least}}));
	EXPECT_EQ(balances_of({}, {said(2, G, 2, ALL, flow), said(1, G, 2, ALL, least)}),
		  (Balances{{G, least}}))
		<< "the lower slot's";
	EXPECT_EQ(balances_of({{.address = G, .balance = flow, .generation = 3}},
			      {said(1, G, 2, ALL, least)}),
		  (Balances{{G, flow}}));
	EXPECT_EQ(balances_of({{.address = G, .balance = flow, .generation = 2}},
			      {said(1, G, 2, ALL, least)}),
		  (Balances{{G, least}}));
	EXPECT_EQ(balances_of({}, {said(1, G, 2, ALL, least), said(1, G, 3)}), Balances{});
}

TEST(SharedAddresses, AreShownAsTheyAreDefined)
{
	auto all = gather_addresses({said(2, G, 1, 7), said(0, H, 0), said(0, G, 0),
				     said(1, G, 1, 6, 0, SHMNET_ADDRESS_FLAGS),
				     said(3, G, 0, ALL, 0, 0)});
	ASSERT_EQ(all.size(), 2u);
	const SharedAddress& g = all[0];
	const SharedAddress& h = all[1];
	EXPECT_EQ(g.definition.nodes, 6u);
	EXPECT_EQ(g.defined_by, 1u);
	EXPECT_TRUE(g.contested) << "node 2 says otherwise";
	EXPECT_EQ(g.joined, 7u);
	EXPECT_EQ(g.draining, 2u);
	EXPECT_EQ(h.definition.nodes, ALL);
	EXPECT_FALSE(h.contested);
	EXPECT_FALSE(gather_addresses({said(0, G, 1, 7), said(1, G, 1, 7)})[0].contested);
}

TEST(SharedAddresses, NameTheirNodes)
{
	EXPECT_EQ(slots_text(ALL), "all");
	EXPECT_EQ(slots_text(0), "none");
	EXPECT_EQ(slots_text(__u64{1} << 63 | 1), "0, 63");
}
