// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Whom a new flow is given to, of those that offer what it asks for. */
#include "service_table.hh"

#include "support/services.hh"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <vector>

namespace shmnet::test {

namespace {

constexpr u64 ALL = ~u64{0};
constexpr u32 NO_NODE = 64;

/* A table of what nodes 0, 1, ... say. */
class Offered {
public:
	using Services = std::vector<shmnet_service>;

	explicit Offered(const std::vector<Services>& nodes, u32 incarnation = 1)
	{
		size_t offers = 0;
		for (const Services& services : nodes)
			offers += services.size();
		memory_.resize(ServiceTable::bytes(static_cast<u32>(offers)) / sizeof(u64) + 1);
		table_ = std::make_unique<ServiceTable>(memory_.data(), static_cast<u32>(offers),
							SipKey{{1, 2}}, 3);
		for (u32 node = 0; node < nodes.size(); node++)
			table_->add(node, pack_index(incarnation, 2), nodes[node].data(),
				    static_cast<u32>(nodes[node].size()));
	}

	ServiceTable& table() { return *table_; }

	/* NO_NODE: nobody. */
	u32 choose(const FlowKey& key, u64 able = ALL, u32 own = NO_NODE)
	{
		ServiceEntry* entry = table_->find(key);
		const ServiceOffer* offer =
			entry ? table_->choose(*entry, key, able & table_->nodes_of(*entry), own)
			      : nullptr;
		return offer ? offer->node : NO_NODE;
	}

	/* How many of so many new flows each node is given. */
	std::vector<u32> spread(u32 flows, u32 nodes, u64 able = ALL)
	{
		std::vector<u32> count(nodes);
		for (u32 i = 0; i < flows; i++)
			count.at(choose(tcp_flow(80, i), able))++;
		return count;
	}

private:
	std::vector<u64> memory_;
	std::unique_ptr<ServiceTable> table_;
};

/* Of each node one service, with its weight. */
std::vector<Offered::Services> weighted(const std::vector<u32>& weights,
					u32 balance = SHMNET_BALANCE_ROUND_ROBIN)
{
	std::vector<Offered::Services> nodes;
	for (u32 weight : weights)
		nodes.push_back({tcp_service(80, weight, balance)});
	return nodes;
}

TEST(ServiceTable, GivesAnAddressToThoseThatItIsFor)
{
	const auto both = [](const shmnet_service& first, const shmnet_service& second) {
		return Offered({{first, tcp_service(80)},
				{tcp_service(80), second},
				{tcp_service(80)}})
			.spread(30, 3);
	};
	const u32 joined = SHMNET_ADDRESS_JOINED, drains = SHMNET_ADDRESS_FLAGS;
	EXPECT_EQ(both(shared_address(5, 0), shared_address(ALL, 0)),
		  (std::vector<u32>{10, 10, 10}))
		<< "generation 0 defines nothing";
	EXPECT_EQ(both(shared_address(5, 1), shared_address(ALL, 0)),
		  (std::vector<u32>{15, 0, 15}));
	EXPECT_EQ(both(shared_address(5, 1), shared_address(6, 2)), (std::vector<u32>{0, 15, 15}))
		<< "the higher generation counts";
	EXPECT_EQ(both(shared_address(5, 2), shared_address(6, 2)), (std::vector<u32>{15, 0, 15}))
		<< "of equal ones the lower slot's";
	EXPECT_EQ(both(shared_address(ALL, 0, joined), shared_address(ALL, 0, drains)),
		  (std::vector<u32>{15, 0, 15}));
	EXPECT_EQ(Offered({{shared_address(1, 1, drains), tcp_service(80)}, {tcp_service(80)}})
			  .choose(tcp_flow(80, 1)),
		  NO_NODE);
}

TEST(ServiceTable, KeepsAnAddressApartFromItsServices)
{
	shmnet_service other = shared_address(0, 7);
	other.address[15]++;
	Offered offered({{other, tcp_service(80)}, {shared_address(0, 1, 0)}});
	EXPECT_EQ(offered.choose(tcp_flow(80, 1)), NO_NODE) << "defined to be nobody's";
	Offered elsewhere({{other, tcp_service(80)}});
	EXPECT_EQ(elsewhere.choose(tcp_flow(80, 1)), 0u) << "another address";
	FlowKey raw = tcp_flow(0, 1);
	raw.protocol = SHMNET_ADDRESS_RECORD;
	EXPECT_EQ(offered.choose(raw), NO_NODE) << "a packet of that number asks for no service";
}

TEST(ServiceTable, FindsWhatIsOffered)
{
	Offered offered({{tcp_service(80)}, {tcp_service(443), tcp_service(80)}, {}});
	EXPECT_EQ(offered.choose(tcp_flow(443, 1)), 1u);
	EXPECT_EQ(offered.spread(10, 2), (std::vector<u32>{5, 5}));
	FlowKey udp = tcp_flow(80, 1), elsewhere = tcp_flow(80, 1);
	udp.protocol = PROTOCOL_UDP;
	elsewhere.destination[15]++;
	for (const FlowKey& key : {tcp_flow(22, 1), udp, elsewhere})
		EXPECT_EQ(offered.choose(key), NO_NODE);
}

TEST(ServiceTable, WhoSaysItTwiceCountsOnce)
{
	Offered offered({{tcp_service(80, 1), tcp_service(80, 200)}, {tcp_service(80, 1)}});
	EXPECT_EQ(offered.spread(100, 2), (std::vector<u32>{50, 50}));
}

TEST(ServiceTable, OnlyToThoseThatAreAble)
{
	for (u32 balance = SHMNET_BALANCE_ROUND_ROBIN; balance <= SHMNET_BALANCE_LEAST; balance++) {
		Offered offered(weighted({1, 2, 0, 4}, balance));
		EXPECT_EQ(offered.spread(50, 4, 0b0101), (std::vector<u32>{50, 0, 0, 0}));
		EXPECT_EQ(offered.choose(tcp_flow(80, 1), 0b0100), NO_NODE)
			<< "it takes no new ones";
		EXPECT_EQ(offered.choose(tcp_flow(80, 1), 0), NO_NODE);
	}
}

TEST(ServiceTable, TheFirstNodeSaysHowToBalance)
{
	Offered offered({{tcp_service(80, 1, SHMNET_BALANCE_SOURCE)},
			 {tcp_service(80, 1, SHMNET_BALANCE_ROUND_ROBIN)}});
	for (u32 port = 0; port < 20; port++)
		EXPECT_EQ(offered.choose(tcp_flow(80, 1, port)), offered.choose(tcp_flow(80, 1)));
}

/* Equal weights: after any number of flows, nobody has two more than another. */
TEST(ServiceTable, RoundRobinIsEvenToOne)
{
	for (u32 nodes : {1u, 2u, 3u, 7u, 64u}) {
		Offered offered(weighted(std::vector<u32>(nodes, 5)));
		std::vector<u32> count(nodes);
		for (u32 i = 0; i < 10 * nodes; i++) {
			count.at(offered.choose(tcp_flow(80, i)))++;
			auto [least, most] = std::minmax_element(count.begin(), count.end());
			ASSERT_LE(*most - *least, 1u) << nodes << " nodes, flow " << i;
		}
	}
}

/* A round is as long as the weights without what divides them all, and exact. */
RC_GTEST_PROP(ServiceTable, RoundRobinIsAsTheWeights, ())
{
	std::vector<u32> weights(*rc::gen::inRange<size_t>(1, 65));
	u32 sum = 0, common = 0;
	for (u32& weight : weights) {
		weight = *rc::gen::inRange<u32>(0, SHMNET_WEIGHT_MAX + 1);
		sum += weight;
		common = std::gcd(common, weight);
	}
	RC_PRE(sum > 0);
	Offered offered(weighted(weights));
	std::vector<u32> count = offered.spread(sum / common, static_cast<u32>(weights.size()));
	for (size_t node = 0; node < weights.size(); node++)
		RC_ASSERT(count[node] == weights[node] / common);
}

/* A heavy node's turns do not all follow each other. */
TEST(ServiceTable, RoundRobinMixes)
{
	Offered uneven(weighted({3, 1}));
	u32 changes = 0, last = NO_NODE;
	for (u32 i = 0; i < 400; i++) {
		u32 node = uneven.choose(tcp_flow(80, i));
		changes += node != last;
		last = node;
	}
	EXPECT_GE(changes, 190u);
}

TEST(ServiceTable, AFlowHasOneNodeAtAllEntries)
{
	for (u32 balance : {SHMNET_BALANCE_FLOW, SHMNET_BALANCE_SOURCE}) {
		Offered one(weighted({1, 2, 3}, balance)), other(weighted({1, 2, 3}, balance), 9);
		std::map<u32, u32> nodes;
		for (u32 i = 0; i < 1000; i++) {
			u32 node = one.choose(tcp_flow(80, i));
			EXPECT_EQ(other.choose(tcp_flow(80, i)), node);
			nodes[node]++;
		}
		EXPECT_NEAR(nodes[2], 500, 80);
	}
}

TEST(ServiceTable, ByTheSourceAllOfAClientsFlowsHaveOneNode)
{
	Offered offered(weighted({1, 1, 1}, SHMNET_BALANCE_SOURCE));
	for (u32 client = 0; client < 50; client++)
		for (u32 port = 1; port < 10; port++)
			EXPECT_EQ(offered.choose(tcp_flow(80, client, port)),
				  offered.choose(tcp_flow(80, client)));
}

TEST(ServiceTable, TheLeastLoadedForItsWeight)
{
	auto nodes = weighted({1, 2}, SHMNET_BALANCE_LEAST);
	nodes[0][0].connections = 10;
	Offered offered(nodes);
	/* 10 and 0: the second one has 20 and some before the first has another. */
	EXPECT_EQ(offered.spread(20, 2), (std::vector<u32>{0, 20}));
	EXPECT_EQ(offered.spread(30, 2), (std::vector<u32>{10, 20}));
}

TEST(ServiceTable, LocalFirstWhereTheEntryOffersItItself)
{
	auto nodes = weighted({1, 1, 1});
	nodes[1][0].flags = SHMNET_SERVICE_LOCAL;
	Offered offered(nodes);
	for (u32 i = 0; i < 10; i++)
		EXPECT_EQ(offered.choose(tcp_flow(80, i), ALL, 1), 1u);
	EXPECT_EQ(offered.spread(9, 3), (std::vector<u32>{3, 3, 3})) << "at other entries";
	EXPECT_NE(offered.choose(tcp_flow(80, 1), 0b101, 1), 1u) << "it is not able";
}

TEST(ServiceTable, TheNextTableGoesOnWithTheCounts)
{
	Offered before(weighted({1, 1, 1}));
	EXPECT_EQ(before.spread(4, 3), (std::vector<u32>{2, 1, 1}));
	Offered after(weighted({1, 1, 1}));
	after.table().carry_on(before.table());
	std::vector<u32> rest = after.spread(2, 3);
	EXPECT_EQ(rest[0], 0u) << "it has had its turn";

	Offered loaded(weighted({1, 1}, SHMNET_BALANCE_LEAST));
	for (u32 i = 0; i < 6; i++)
		loaded.choose(tcp_flow(80, i), 0b01);
	Offered same(weighted({1, 1}, SHMNET_BALANCE_LEAST));
	same.table().carry_on(loaded.table());
	EXPECT_EQ(same.spread(6, 2), (std::vector<u32>{0, 6})) << "node 0 has six already";
	Offered told_anew(weighted({1, 1}, SHMNET_BALANCE_LEAST), 2);
	told_anew.table().carry_on(loaded.table());
	EXPECT_EQ(told_anew.spread(6, 2), (std::vector<u32>{3, 3})) << "its own count has them";
}

/* As many as there can be, and as few. */
TEST(ServiceTable, OfAnySize)
{
	Offered none({});
	EXPECT_EQ(none.choose(tcp_flow(80, 1)), NO_NODE);
	std::vector<Offered::Services> nodes(64);
	for (u32 node = 0; node < 64; node++)
		for (u32 i = 0; i < SHMNET_SERVICES_MAX; i++)
			nodes[node].push_back(
				tcp_service(node * SHMNET_SERVICES_MAX % 60000 + i + 1));
	Offered all(nodes);
	for (u32 port = 1; port < 60000; port += 777)
		EXPECT_NE(all.choose(tcp_flow(port, 1)), NO_NODE) << port;
}

} // namespace

} // namespace shmnet::test
