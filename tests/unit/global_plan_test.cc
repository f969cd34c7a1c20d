// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What a shared address needs of a node, by what the node is and how it stands.
#include "error.hh"
#include "shmnetctl/global_change.hh"
#include "shmnetctl/global_wish.hh"
#include "support/fake_network.hh"

#include <gtest/gtest.h>

#include <algorithm>

using namespace shmnet;
using namespace shmnet::ctl;
using namespace shmnet::test;

namespace {

using Commands = std::vector<std::string>;

Commands commands_for(const Wish& wish, System& system, const Journal& journal = {})
{
	Commands commands;
	for (const Need& need : missing_for(wish, journal, system))
		commands.push_back(command_text(need.setting, need.wanted));
	return commands;
}

bool holds(const Commands& commands, const std::string& text)
{
	return std::any_of(commands.begin(), commands.end(), [&text](const std::string& command) {
		return command.find(text) != std::string::npos;
	});
}

Wish plain_wish()
{
	Wish wish = entry_wish();
	wish.cards = {};
	return wish;
}

Surroundings surroundings()
{
	return {.links = {{1, "lo", true},
			  {2, "eth0", true},
			  {3, "shml0", true},
			  {4, "shmg0", false}},
		.addresses = {{AF_INET, 1, "127.0.0.1", false},
			      {AF_INET, 2, "198.51.100.1", true},
			      {AF_INET6, 3, "fe80::1", false},
			      {AF_INET, 3, "192.0.2.1", true},
			      {AF_INET6, 3, "2001:db8:1::1", true}},
		.default_interfaces = {"eth0"},
		.devices = {{{"shml0", "shmg0"}, "shml0", PortBlock{32768, 47103}}}};
}

} // namespace

/* docs/global.md has these. */
TEST(GlobalPlan, ANodeWithoutACard)
{
	FakeNetwork network;
	EXPECT_EQ(
		commands_for(plain_wish(), network),
		(Commands{"nft -f - <<'END'\ntable inet shmnet\ndelete table inet shmnet\n"
			  "table inet shmnet {\n"
			  "\tchain raw {\n"
			  "\t\ttype filter hook prerouting priority raw; policy accept;\n"
			  "\t\tiifname != \"shmg0\" ip daddr 203.0.113.1 notrack\n"
			  "\t\tiifname != \"shmg0\" ip saddr 203.0.113.1 fib daddr type != local "
			  "notrack\n"
			  "\t}\n"
			  "}\nEND",
			  "sysctl -w net.ipv4.conf.shmg0.accept_local='1'",
			  "sysctl -w net.ipv4.ip_local_port_range='32768 47103'",
			  "ip link set shmg0 up", "ip address add 203.0.113.1/32 dev shmg0",
			  "ip route replace 203.0.113.1 dev shmg0 src 192.0.2.1 table 100",
			  "ip rule add pref 10 iif shmg0 lookup local",
			  "ip rule add pref 20 to 203.0.113.1 lookup 100",
			  "ip rule add pref 30 lookup local", "ip rule del pref 0 lookup local"}));
}

TEST(GlobalPlan, AnEntryForwardsFromItsCardsAndToTheAddressOnly)
{
	FakeNetwork network;
	Commands commands = commands_for(entry_wish(), network);
	EXPECT_TRUE(holds(commands, "net.ipv4.ip_early_demux='0'"));
	EXPECT_TRUE(holds(commands, "net.ipv4.conf.eth0.forwarding='1'"));
	EXPECT_TRUE(holds(commands, "net.ipv4.conf.shml0.forwarding='1'"));
	EXPECT_FALSE(holds(commands, "ip_forward"));
	EXPECT_TRUE(holds(commands, "\tchain forward {\n"
				    "\t\ttype filter hook forward priority filter; policy accept;\n"
				    "\t\tiifname { \"eth0\" } ip daddr != { 203.0.113.1 } drop\n"
				    "\t}\n"));
	/* The filter stands before anything is forwarded. */
	EXPECT_TRUE(holds({commands.front()}, "chain forward"));
	EXPECT_TRUE(holds({commands.back()}, "forwarding"));
}

TEST(GlobalPlan, ACardThatForwardedAlreadyIsNotRestricted)
{
	FakeNetwork network;
	network.set_sysctl("net/ipv4/conf/eth0/forwarding", "1");
	EXPECT_FALSE(holds(commands_for(entry_wish(), network), "drop"));

	/* Somebody has made a router of the node meanwhile. */
	FakeNetwork router;
	router.set_sysctl("net/ipv4/conf/all/forwarding", "1");
	EXPECT_FALSE(holds(commands_for(entry_wish(), router), "drop"));
}

TEST(GlobalPlan, TheSameForIpv6)
{
	FakeNetwork network;
	Commands commands = commands_for(entry_wish6(), network);
	for (const char* text :
	     {"iifname != \"shmg0\" ip6 daddr 2001:db8::1 notrack",
	      "iifname != { \"shmg0\", \"shml0\" } ip6 daddr != { 2001:db8::1 } drop",
	      "net.ipv4.ip_early_demux='0'", "net.ipv6.conf.eth0.accept_ra='2'",
	      "net.ipv6.conf.default.accept_ra='2'",
	      "ip address add 2001:db8::1/128 dev shmg0 nodad",
	      "ip -6 route replace 2001:db8::1 dev shmg0 src 2001:db8:1::1 table 100",
	      "ip -6 rule add pref 10 iif shmg0 lookup local",
	      "ip -6 rule add pref 20 to 2001:db8::1 lookup 100",
	      "ip -6 rule add pref 30 lookup local", "ip -6 rule del pref 0 lookup local",
	      "net.ipv6.conf.all.forwarding='1'"})
		EXPECT_TRUE(holds(commands, text)) << text;
	EXPECT_FALSE(holds(commands, "net.ipv4.conf"));

	network.set_sysctl("net/ipv6/conf/all/forwarding", "1");
	commands = commands_for(entry_wish6(), network);
	EXPECT_FALSE(holds(commands, "drop"));
	EXPECT_FALSE(holds(commands, "accept_ra"));

	network.set_sysctl("net/ipv6/conf/shmg0/disable_ipv6", "1");
	EXPECT_THROW(commands_for(entry_wish6(), network), Error);
}

/* The kernel takes the larger of both. */
TEST(GlobalPlan, StrictReversePathFiltersBecomeLoose)
{
	struct {
		const char *all, *own;
		bool changed;
	} const cases[] = {{"0", "0", false}, {"0", "1", true},  {"0", "2", false},
			   {"1", "0", true},  {"1", "1", true},  {"1", "2", false},
			   {"2", "0", false}, {"2", "1", false}, {"2", "2", false}};
	for (const auto& one : cases) {
		FakeNetwork network;
		network.set_sysctl("net/ipv4/conf/all/rp_filter", one.all);
		for (const char* interface : {"shmg0", "shml0", "eth0"}) {
			std::string path = std::string("net/ipv4/conf/") + interface + "/rp_filter";
			network.set_sysctl(path, one.own);
			EXPECT_EQ(holds(commands_for(entry_wish(), network),
					command_text(sysctl(path), "2")),
				  one.changed)
				<< interface << ": all " << one.all << ", own " << one.own;
		}
		EXPECT_FALSE(holds(commands_for(entry_wish(), network), "conf.all.rp_filter"));
	}
}

TEST(GlobalPlan, ALocalRuleThatIsElsewhereAlready)
{
	FakeNetwork network;
	network.set(FakeNetwork::local_rule(AF_INET, 0), {});
	network.set(FakeNetwork::local_rule(AF_INET, 100), "protocol 0");
	Commands commands = commands_for(plain_wish(), network);
	EXPECT_FALSE(holds(commands, "pref 0"));
	EXPECT_FALSE(holds(commands, "pref 30"));
	EXPECT_TRUE(holds(commands, "pref 20 to"));

	network.set(FakeNetwork::local_rule(AF_INET, 100), {});
	network.set(FakeNetwork::local_rule(AF_INET, 5), "protocol 0");
	commands = commands_for(plain_wish(), network);
	EXPECT_TRUE(holds(commands, "ip rule add pref 30 lookup local"));
	EXPECT_TRUE(holds(commands, "ip rule del pref 5 lookup local"));
}

TEST(GlobalPlan, ARouteOfSomebodyElseIsNotReplaced)
{
	FakeNetwork network;
	network.set({.kind = SettingKind::Route,
		     .family = AF_INET,
		     .address = "203.0.113.1",
		     .table = 100},
		    "dev eth0");
	EXPECT_THROW(commands_for(plain_wish(), network), Error);
}

TEST(GlobalPlan, WhatIsNotGivenIsFound)
{
	Wish wish = resolve_wish({.address = "203.0.113.1/32"}, nullptr, surroundings());
	EXPECT_EQ(wish, entry_wish());
	EXPECT_EQ(resolve_wish({.address = "2001:0db8::1"}, nullptr, surroundings()),
		  entry_wish6());
	WishArguments given = {.address = "203.0.113.1",
			       .interface = "shmg0",
			       .source = "198.51.100.1",
			       .cards = {},
			       .no_card = true,
			       .table = 7};
	wish = resolve_wish(given, nullptr, surroundings());
	EXPECT_EQ(wish.source, "198.51.100.1");
	EXPECT_EQ(wish.local, "shml0");
	EXPECT_TRUE(wish.cards.empty());
	EXPECT_EQ(wish.table, 7u);
}

/* So that adding an address again, without more, is to put right what is wrong. */
TEST(GlobalPlan, WhatIsNotGivenIsAsBefore)
{
	Wish stored = entry_wish();
	stored.source = "198.51.100.1";
	stored.cards = {};
	stored.table = 7;
	EXPECT_EQ(resolve_wish({.address = "203.0.113.1"}, &stored, surroundings()), stored);
	stored.source = "192.0.2.77"; /* it is gone */
	EXPECT_EQ(resolve_wish({.address = "203.0.113.1"}, &stored, surroundings()).source,
		  "192.0.2.1");
}

TEST(GlobalPlan, WithoutTheModuleASourceMustBeGiven)
{
	Surroundings bare = surroundings();
	bare.devices = {};
	EXPECT_THROW(resolve_wish({.address = "203.0.113.1"}, nullptr, bare), Error);
	Wish wish = resolve_wish({.address = "203.0.113.1", .source = "192.0.2.1"}, nullptr, bare);
	EXPECT_EQ(wish.local, "shml0");
	EXPECT_FALSE(wish.ports);
	EXPECT_EQ(wish.cards, std::vector<std::string>{"eth0"});
}

TEST(GlobalPlan, WhatCannotBeMeantIsRefused)
{
	for (const char* text : {"", "x", "203.0.113.1/24", "203.0.113.1/128", "2001:db8::1/32",
				 "127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255",
				 "::", "::1", "fe80::1", "ff02::1", "::ffff:203.0.113.1"})
		EXPECT_THROW(parse_shared_address(text), UsageError) << text;
	std::string address = "203.0.113.1";
	EXPECT_THROW(resolve_wish({.address = address, .table = 0}, nullptr, surroundings()),
		     UsageError);
	EXPECT_THROW(
		resolve_wish({.address = address, .table = RT_TABLE_MAIN}, nullptr, surroundings()),
		UsageError);
	EXPECT_THROW(
		resolve_wish({.address = address, .cards = {"shml0"}}, nullptr, surroundings()),
		UsageError);
	EXPECT_THROW(resolve_wish({.address = address, .source = "2001:db8:1::1"}, nullptr,
				  surroundings()),
		     UsageError);
	for (const WishArguments& arguments :
	     {WishArguments{.address = address, .interface = "shmg7"},
	      WishArguments{.address = address, .cards = {"eth7"}},
	      WishArguments{.address = address, .source = "192.0.2.77"}})
		EXPECT_THROW(resolve_wish(arguments, nullptr, surroundings()), Error);
}
