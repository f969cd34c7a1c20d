// SPDX-License-Identifier: GPL-2.0-only OR MIT
// From a configuration to lines of FRR's, and what is done about those that are there already.
#include "error.hh"
#include "shmnetctl/ospf_change.hh"
#include "shmnetctl/ospf_plan.hh"
#include "support/temporary.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

using namespace shmnet;
using namespace shmnet::ctl;
using namespace shmnet::test;

namespace {

/* What is said of a text that is wrong; nothing if it is taken. */
std::string complaint(const std::string& text)
{
	try {
		parse_ospf_config(text, "a.toml");
		return "";
	} catch (const UsageError& error) {
		return error.what();
	}
}

OspfSurroundings border_router()
{
	return {.local = "shml0",
		.router_id = "192.0.2.1",
		.global = "shmg0",
		.cards = {{"eth0", {}}},
		.announced = {"203.0.113.1", "2001:db8:1::1"}};
}

/* "interface eth0: ip ospf cost 10" */
std::vector<std::string> texts(const std::vector<OspfLine>& plan)
{
	std::vector<std::string> all;
	for (const OspfLine& line : plan) {
		std::string text;
		for (const std::string& word : line.line.context)
			text += word + ": ";
		all.push_back(text + line.line.text);
	}
	return all;
}

bool has(const std::vector<std::string>& texts, const std::string& text)
{
	return std::find(texts.begin(), texts.end(), text) != texts.end();
}

bool mentions(const std::vector<std::string>& texts, const std::string& part)
{
	return std::any_of(texts.begin(), texts.end(), [&part](const std::string& text) {
		return text.find(part) != std::string::npos;
	});
}

FrrConfig lines(const std::vector<OspfLine>& plan)
{
	FrrConfig all;
	for (const OspfLine& line : plan)
		all.push_back(line.line);
	return all;
}

std::vector<std::string> in_state(const std::vector<OspfFinding>& findings, OspfState state)
{
	std::vector<std::string> all;
	for (const OspfFinding& finding : findings)
		if (finding.state == state)
			all.push_back(finding.line.text);
	return all;
}

} // namespace

TEST(OspfConfig, HasDefaults)
{
	OspfConfig config = parse_ospf_config("", "a.toml");
	EXPECT_EQ(config, OspfConfig());
	EXPECT_EQ(config.area, "0.0.0.0");
	EXPECT_EQ(config.card.area, "0.0.0.1");
	EXPECT_TRUE(config.bfd);
}

TEST(OspfConfig, TakesEverything)
{
	OspfConfig config = parse_ospf_config(R"(
local = "shml1"
global = "shmg1"
router-id = "192.0.2.9"
area = 5
cost = 3
password = "Secret7"
virtual-links = ["192.0.2.2", "192.0.2.3"]
announce-cost = 20
[bfd]
interval = 50
multiplier = 3
[card]
cost = 40
[card.eth1]
area = "0.0.0.2"
[card.wg0]
cost = 50
point-to-point = true
[card.lan]
announce = false
dead-interval = 1
)",
					      "a.toml");
	EXPECT_EQ(config.local, "shml1");
	EXPECT_EQ(config.global, "shmg1");
	EXPECT_EQ(config.router_id, "192.0.2.9");
	EXPECT_EQ(config.area, "0.0.0.5");
	EXPECT_EQ(config.cost, 3u);
	EXPECT_EQ(config.password, "Secret7");
	EXPECT_EQ(config.virtual_links, (std::set<std::string>{"192.0.2.2", "192.0.2.3"}));
	EXPECT_EQ(config.announce_cost, 20u);
	EXPECT_EQ(config.bfd_interval, 50u);
	EXPECT_EQ(config.bfd_multiplier, 3u);
	ASSERT_EQ(config.cards.size(), 3u);
	EXPECT_EQ(config.cards["lan"],
		  (OspfCard{.cost = 40, .announce = false, .dead_interval = 1}));
	EXPECT_EQ(config.cards["eth1"], (OspfCard{.area = "0.0.0.2", .cost = 40}));
	EXPECT_EQ(config.cards["wg0"], (OspfCard{.cost = 50, .point_to_point = true}));
	EXPECT_FALSE(parse_ospf_config("bfd = false", "a.toml").bfd);
}

TEST(OspfConfig, NamesWhatIsWrong)
{
	EXPECT_NE(complaint("x ="), "");
	EXPECT_EQ(complaint("\narea = \"1.2.3\""),
		  "a.toml:2: area: give four numbers, such as \"192.0.2.1\"");
	EXPECT_EQ(complaint("area = 4294967296"),
		  "a.toml:1: area: an area is a number up to 4294967295");
	EXPECT_EQ(complaint("cost = 65536"), "a.toml:1: cost: give a whole number from 1 to 65535");
	EXPECT_EQ(complaint("cost = 0"), "a.toml:1: cost: give a whole number from 1 to 65535");
	EXPECT_EQ(complaint("local = \"a b\""), "a.toml:1: local: give the name of an interface");
	EXPECT_EQ(complaint("local = \"sixteen-letters-\""),
		  "a.toml:1: local: give the name of an interface");
	EXPECT_EQ(complaint("password = \"with space\""),
		  "a.toml:1: password: give 1 to 16 letters and digits");
	EXPECT_EQ(complaint("password = \"seventeen17letter\""),
		  "a.toml:1: password: give 1 to 16 letters and digits");
	EXPECT_EQ(complaint("[card.\"a b\"]"), "a.toml:1: card.a b: give the name of an interface");
	EXPECT_EQ(complaint("[card.eth0]\ncolour = 1"),
		  "a.toml:2: card.eth0.colour: there is no such key; there are area, cost, "
		  "point-to-point, announce, password and dead-interval");
	EXPECT_EQ(complaint("[card]\nannounce = 1"), "a.toml:2: card.announce: give true or false");
	EXPECT_EQ(complaint("[card]\ndead-interval = 0"),
		  "a.toml:2: card.dead-interval: give a whole number from 1 to 65535");
	EXPECT_EQ(complaint("card = 3"), "a.toml:1: card: give a table: [card]");
	EXPECT_EQ(complaint("[bfd]\ninterval = 9"),
		  "a.toml:2: bfd.interval: give a whole number from 10 to 60000");
	EXPECT_NE(complaint("virtual-links = [\"x\"]").find("virtual-links"), std::string::npos);
	EXPECT_NE(complaint("routes = 1").find("there is no such key"), std::string::npos);
}

TEST(OspfConfig, KeepsPasswordsToItself)
{
	TemporaryDirectory directory;
	std::string file = directory.path() + "/ospf.toml";
	std::ofstream(file) << "password = \"Secret7\"\n";
	std::filesystem::permissions(file, std::filesystem::perms(0640));
	EXPECT_THROW(read_ospf_config(file, true), Error);
	std::filesystem::permissions(file, std::filesystem::perms(0600));
	EXPECT_EQ(read_ospf_config(file, true).password, "Secret7");
	EXPECT_THROW(read_ospf_config(directory.path() + "/none", true), Error);
	EXPECT_EQ(read_ospf_config(directory.path() + "/none", false), OspfConfig());
	EXPECT_EQ(without_password("ip ospf message-digest-key 1 md5 Secret7"),
		  "ip ospf message-digest-key 1 md5 ...");
	EXPECT_EQ(without_password(
			  "ipv6 ospf6 authentication key-id 1 hash-algo hmac-sha-256 key Secret7"),
		  "ipv6 ospf6 authentication key-id 1 hash-algo hmac-sha-256 key ...");
}

TEST(OspfPlan, OfABorderRouter)
{
	std::vector<std::string> plan = texts(plan_ospf({}, border_router(), false));
	for (const char* text :
	     {"router ospf: ospf router-id 192.0.2.1", "router ospf6: ospf6 router-id 192.0.2.1",
	      "interface shml0: ip ospf area 0.0.0.0",
	      "interface shml0: ip ospf network point-to-multipoint",
	      "interface shml0: ip ospf cost 1", "interface shml0: ipv6 ospf6 area 0.0.0.0",
	      "interface shml0: ip ospf hello-interval 1",
	      "interface shml0: ip ospf dead-interval 4",
	      "interface shml0: ip ospf retransmit-interval 1",
	      "interface eth0: ipv6 ospf6 retransmit-interval 1",
	      "interface shml0: ipv6 ospf6 dead-interval 4", "interface eth0: ip ospf area 0.0.0.1",
	      "interface eth0: ip ospf bfd profile shmnet", "interface eth0: ip ospf cost 10",
	      "interface shmg0: ip ospf area 0.0.0.1 203.0.113.1",
	      "interface shmg0: ip ospf passive",
	      "ipv6 prefix-list shmnet-2001:db8:1::1 permit 2001:db8:1::1/128",
	      "interface shmg0: ipv6 ospf6 advertise prefix-list shmnet-2001:db8:1::1",
	      "bfd: profile shmnet: transmit-interval 100"})
		EXPECT_TRUE(has(plan, text)) << text;
	EXPECT_FALSE(mentions(plan, "max-metric"));
	EXPECT_FALSE(mentions(plan, "interface eth0: ipv6 ospf6 dead-interval"));
	EXPECT_FALSE(mentions(plan, "ipv6 address"));
}

TEST(OspfPlan, OfOneThatHasNoLinkAddress)
{
	OspfSurroundings here = border_router();
	here.link_address = false;
	EXPECT_TRUE(
		has(texts(plan_ospf({}, here, false)), "interface shmg0: ipv6 address fe80::1/64"));
}

TEST(OspfPlan, OfANodeWithoutACard)
{
	OspfSurroundings here = border_router();
	here.cards = {};
	std::vector<std::string> plan = texts(plan_ospf({}, here, false));
	EXPECT_TRUE(has(plan, "interface shml0: ip ospf area 0.0.0.0"));
	EXPECT_FALSE(mentions(plan, "shmg0"));
	EXPECT_FALSE(mentions(plan, "203.0.113.1"));
}

TEST(OspfPlan, WithACardThatLeadsToNodesAlone)
{
	OspfSurroundings here = border_router();
	here.cards = {{"eth0", {.area = "0.0.0.0", .announce = false}}};
	std::vector<std::string> plan = texts(plan_ospf({}, here, false));
	EXPECT_TRUE(has(plan, "interface eth0: ip ospf area 0.0.0.0"));
	EXPECT_FALSE(mentions(plan, "shmg0")) << "it is no border router";
	here.cards["eth1"] = {.area = "0.0.0.2"};
	plan = texts(plan_ospf({}, here, false));
	EXPECT_TRUE(has(plan, "interface shmg0: ip ospf area 0.0.0.2 203.0.113.1"));
	EXPECT_TRUE(has(plan, "interface shmg0: ipv6 ospf6 area 0.0.0.2"));
}

TEST(OspfPlan, WithNothingServed)
{
	OspfSurroundings here = border_router();
	here.announced = {};
	EXPECT_FALSE(mentions(texts(plan_ospf({}, here, false)), "shmg0"));
}

TEST(OspfPlan, WithoutIpv6)
{
	OspfSurroundings here = border_router();
	here.ipv6 = false;
	std::vector<std::string> plan = texts(plan_ospf({}, here, false));
	EXPECT_FALSE(mentions(plan, "ospf6"));
	EXPECT_FALSE(mentions(plan, "2001:db8"));
}

TEST(OspfPlan, WithoutBfdItSaysHelloOften)
{
	OspfConfig config;
	config.bfd = false;
	std::vector<std::string> plan = texts(plan_ospf(config, border_router(), false));
	EXPECT_FALSE(mentions(plan, "bfd"));
	EXPECT_TRUE(has(plan, "interface shml0: ip ospf dead-interval minimal hello-multiplier 4"));
	EXPECT_TRUE(has(plan, "interface shml0: ipv6 ospf6 dead-interval 2"));
	/* There are others than us, who have to be of the same mind. */
	EXPECT_FALSE(mentions(plan, "interface eth0: ip ospf dead-interval"));
}

TEST(OspfPlan, CardsTakeTheDeadIntervalThatNeighboursHave)
{
	OspfSurroundings here = border_router();
	here.cards["eth0"].dead_interval = 1;
	std::vector<std::string> plan = texts(plan_ospf({}, here, false));
	EXPECT_TRUE(has(plan, "interface eth0: ip ospf dead-interval minimal hello-multiplier 4"));
	EXPECT_FALSE(mentions(plan, "interface eth0: ip ospf hello-interval"));
	EXPECT_TRUE(has(plan, "interface eth0: ipv6 ospf6 hello-interval 1"));
	EXPECT_TRUE(has(plan, "interface eth0: ipv6 ospf6 dead-interval 2"));

	here.cards["eth0"].dead_interval = 20;
	plan = texts(plan_ospf({}, here, false));
	EXPECT_TRUE(has(plan, "interface eth0: ip ospf hello-interval 5"));
	EXPECT_TRUE(has(plan, "interface eth0: ip ospf dead-interval 20"));

	/* What FRR has by itself, it does not show. */
	here.cards["eth0"].dead_interval = 40;
	EXPECT_FALSE(mentions(texts(plan_ospf({}, here, false)), "interface eth0: ip ospf dead"));
	EXPECT_FALSE(mentions(texts(plan_ospf({}, here, false)), "interface eth0: ip ospf hello"));
}

TEST(OspfPlan, ThatDrains)
{
	std::vector<std::string> plan = texts(plan_ospf({}, border_router(), true));
	EXPECT_TRUE(has(plan, "router ospf: max-metric router-lsa administrative"));
	EXPECT_TRUE(has(plan, "router ospf6: stub-router administrative"));
	EXPECT_TRUE(has(plan, "interface shmg0: ip ospf cost 65535"));
}

TEST(OspfPlan, WithVirtualLinks)
{
	OspfConfig config;
	config.area = "0.0.0.9";
	config.virtual_links = {"192.0.2.2"};
	EXPECT_TRUE(has(texts(plan_ospf(config, border_router(), false)),
			"router ospf: area 0.0.0.9 virtual-link 192.0.2.2"));
}

/* FRR does not show what is as without configuration. */
TEST(OspfPlan, LeavesOutWhatFrrDoesNotShow)
{
	OspfConfig config;
	config.bfd_interval = 300;
	config.bfd_multiplier = 3;
	std::vector<std::string> plan = texts(plan_ospf(config, border_router(), false));
	EXPECT_TRUE(has(plan, "bfd: profile shmnet"));
	EXPECT_FALSE(mentions(plan, "profile shmnet: "));
}

TEST(OspfPlan, NeedsARouterId)
{
	OspfSurroundings here = border_router();
	here.router_id = "";
	EXPECT_THROW(plan_ospf({}, here, false), Error);
	OspfConfig config;
	config.router_id = "192.0.2.7";
	EXPECT_TRUE(has(texts(plan_ospf(config, here, false)),
			"router ospf: ospf router-id 192.0.2.7"));
}

TEST(Frr, ReadsItsConfiguration)
{
	FrrConfig config = parse_frr_config(
		"Building configuration...\n\nCurrent configuration:\n!\n"
		"frr version 8.4.4\n"
		"ipv6 prefix-list a seq 5 permit 2001:db8::/32\n!\n"
		"interface eth0\n ip ospf area 1\n ip ospf cost 7\nexit\n!\n"
		"router ospf\nexit\n!\n"
		"bfd\n profile a\n  transmit-interval 50\n exit\n !\nexit\n!\nend\n");
	EXPECT_EQ(config, (FrrConfig{{{}, "frr version 8.4.4"},
				     {{}, "ipv6 prefix-list a permit 2001:db8::/32"},
				     {{}, "interface eth0"},
				     {{"interface eth0"}, "ip ospf area 0.0.0.1"},
				     {{"interface eth0"}, "ip ospf cost 7"},
				     {{}, "router ospf"},
				     {{}, "bfd"},
				     {{"bfd"}, "profile a"},
				     {{"bfd", "profile a"}, "transmit-interval 50"}}));
	EXPECT_EQ(frr_undo("ip ospf cost 7"), "no ip ospf cost 7");
	EXPECT_EQ(frr_undo("transmit-interval 50"), "transmit-interval 300");
}

TEST(OspfCompare, AllIsMissingAtFirst)
{
	std::vector<OspfLine> plan = plan_ospf({}, border_router(), false);
	std::vector<OspfFinding> findings = compare_ospf(plan, {}, {});
	EXPECT_EQ(in_state(findings, OspfState::Missing).size(), plan.size());
	FrrConfig all = lines(plan);
	findings = compare_ospf(plan, all, all);
	EXPECT_EQ(in_state(findings, OspfState::Right).size(), plan.size());
	findings = compare_ospf(plan, all, {});
	EXPECT_EQ(in_state(findings, OspfState::Yours).size(), plan.size());
}

TEST(OspfCompare, WhatIsWantedNoMoreGoesFromTheLastToTheFirst)
{
	FrrConfig ours = lines(plan_ospf({}, border_router(), false));
	std::vector<OspfFinding> findings = compare_ospf({}, ours, ours);
	ASSERT_EQ(findings.size(), ours.size());
	EXPECT_EQ(findings.front().line, ours.back());
	EXPECT_EQ(findings.front().state, OspfState::Stale);
	/* What is not there any more need not go. */
	EXPECT_TRUE(compare_ospf({}, {}, ours).empty());
}

TEST(OspfCompare, AnotherValueTakesThePlaceOfOurs)
{
	OspfConfig config;
	FrrConfig ours = lines(plan_ospf(config, border_router(), false));
	config.cost = 7;
	std::vector<OspfFinding> findings =
		compare_ospf(plan_ospf(config, border_router(), false), ours, ours);
	EXPECT_EQ(in_state(findings, OspfState::Replaced),
		  (std::vector<std::string>{"ipv6 ospf6 cost 1", "ip ospf cost 1"}));
	EXPECT_EQ(in_state(findings, OspfState::Missing),
		  (std::vector<std::string>{"ip ospf cost 7", "ipv6 ospf6 cost 7"}));
	EXPECT_TRUE(in_state(findings, OspfState::Stale).empty());
}

/* FRR does not take another area while there is one. */
TEST(OspfCompare, AnAreaGoesBeforeAnotherComes)
{
	OspfConfig config;
	FrrConfig ours = lines(plan_ospf(config, border_router(), false));
	config.area = "0.0.0.9";
	std::vector<OspfFinding> findings =
		compare_ospf(plan_ospf(config, border_router(), false), ours, ours);
	EXPECT_EQ(in_state(findings, OspfState::Stale),
		  (std::vector<std::string>{"ipv6 ospf6 area 0.0.0.0", "ip ospf area 0.0.0.0"}));
}

TEST(OspfCompare, SomebodyElsesValueStays)
{
	std::vector<OspfLine> plan = plan_ospf({}, border_router(), false);
	FrrConfig running = {{{"interface shml0"}, "ip ospf cost 77"}};
	std::vector<OspfFinding> findings = compare_ospf(plan, running, {});
	EXPECT_EQ(in_state(findings, OspfState::Kept),
		  (std::vector<std::string>{"ip ospf cost 1"}));
	auto kept = std::find_if(findings.begin(), findings.end(), [](const OspfFinding& finding) {
		return finding.state == OspfState::Kept;
	});
	EXPECT_EQ(kept->in_the_way, "ip ospf cost 77");
	/* Interfaces by their networks: all areas are theirs. */
	running = {{{"router ospf"}, "network 192.0.2.0/24 area 0.0.0.0"}};
	findings = compare_ospf(plan, running, {});
	EXPECT_EQ(in_state(findings, OspfState::Kept),
		  (std::vector<std::string>{"ip ospf area 0.0.0.0", "ip ospf area 0.0.0.1",
					    "ip ospf area 0.0.0.1 203.0.113.1"}));
}

TEST(OspfJournal, IsKept)
{
	TemporaryDirectory directory;
	OspfJournalFile file(directory.path() + "/ospf.json");
	EXPECT_TRUE(file.load().ours.empty());
	OspfJournal journal = {.ours = {{{"interface a"}, "ip ospf cost 1"}, {{}, "bfd"}},
			       .draining = true};
	file.save(journal);
	EXPECT_EQ(file.load().ours, journal.ours);
	EXPECT_TRUE(file.load().draining);
	EXPECT_EQ(std::filesystem::status(directory.path() + "/ospf.json").permissions(),
		  std::filesystem::perms(0600));
	file.save({});
	EXPECT_FALSE(std::filesystem::exists(directory.path() + "/ospf.json"));
}

TEST(OspfJournal, ThatCannotBeUnderstoodIsLeft)
{
	TemporaryDirectory directory;
	std::string path = directory.path() + "/ospf.json";
	for (const char* text : {"", "{}", "{\"version\": 2, \"draining\": false, \"lines\": []}",
				 "{\"version\": 1, \"draining\": 3, \"lines\": []}"}) {
		std::ofstream(path) << text;
		EXPECT_THROW(OspfJournalFile(path).load(), Error) << text;
		EXPECT_TRUE(std::filesystem::exists(path));
	}
}
