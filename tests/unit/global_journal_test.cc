// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Whatever happens while shared addresses come and go, at the end all is as it was, or as it is to be.
#include "error.hh"
#include "file.hh"
#include "shmnetctl/global_change.hh"
#include "support/fake_network.hh"
#include "support/temporary.hh"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

using namespace shmnet;
using namespace shmnet::ctl;
using namespace shmnet::test;

namespace {

using Trouble = FakeNetwork::Trouble;

/* More than any command has. */
constexpr int WRITES_MAX = 100;

/* The second address has another entry, whose card filters strictly. */
Wish second_wish()
{
	Wish wish = entry_wish();
	wish.address = "203.0.113.2";
	wish.cards = {"eth0", "eth1"};
	return wish;
}

class GlobalJournal : public testing::Test {
protected:
	GlobalJournal() : file_(directory_ / "journal")
	{
		network_.set_sysctl("net/ipv4/conf/eth1/rp_filter", "1");
		network_.set_sysctl("net/ipv4/conf/eth1/forwarding", "0");
		network_.set_sysctl("net/ipv6/conf/shml0/forwarding", "1");
		begin_ = network_.all();
	}

	bool add(const Wish& wish) { return add_address(wish, file_, network_, removal_); }

	Removal del(const std::vector<std::string>& addresses)
	{
		return remove_addresses(addresses, file_, network_);
	}

	void del_all()
	{
		std::vector<std::string> addresses;
		for (const Wish& wish : file_.load().wishes)
			addresses.push_back(wish.address);
		Removal removal = del(addresses);
		for (const Left& left : removal.left)
			ADD_FAILURE() << "left: " << name_text(left.setting);
	}

	/* All that is set up is right, and is just @wishes. */
	void expect_right(const std::vector<Wish>& wishes)
	{
		Journal journal = file_.load();
		EXPECT_EQ(journal.wishes.size(), wishes.size());
		for (const Wish& wish : wishes)
			EXPECT_TRUE(journal.find(wish.address)) << wish.address;
		for (const Checked& checked : check_settings(journal, network_))
			EXPECT_EQ(checked.finding, Finding::Right) << name_text(checked.setting);
	}

	void expect_no_trace()
	{
		EXPECT_EQ(network_.all(), begin_);
		EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
	}

	/* Whether @command came to an end in spite of what was to happen at its write @at. */
	template <typename Command> bool survives(Trouble trouble, int at, Command command)
	{
		network_.make_trouble(trouble, at);
		bool killed = false;
		try {
			command();
		} catch (const Killed&) {
			killed = true;
		}
		network_.make_trouble(Trouble::None, 0);
		return !killed;
	}

	/*
	 * Kills @command at each of its writes, has @afterwards put it right, and takes all away;
	 * @before is done first, each time.
	 */
	template <typename Before, typename Command, typename Afterwards>
	void kill_everywhere(Before before, Command command, Afterwards afterwards)
	{
		int kills = 0;
		for (Trouble trouble : {Trouble::KillBefore, Trouble::KillAfter})
			for (int at = 0; at < WRITES_MAX; at++) {
				SCOPED_TRACE(fmt::format("killed at write {}", at));
				before();
				bool ended = survives(trouble, at, command);
				afterwards();
				del_all();
				expect_no_trace();
				if (ended || HasFailure())
					break;
				kills++;
			}
		EXPECT_GT(kills, 4);
	}

	TemporaryDirectory directory_;
	JournalFile file_;
	FakeNetwork network_;
	Removal removal_;
	std::map<std::string, std::string> begin_;
};

std::string text(const std::string& changed, const std::string& value)
{
	std::map<std::string, std::string> values = {
		{"version", "1"},     {"table", "100"}, {"ports", "[1, 2]"},  {"ip", "4"},
		{"preference", "10"}, {"done", "true"}, {"kind", "\"rule\""}, {"old", "null"}};
	values[changed] = value;
	return fmt::format(R"({{"version": {}, "boot": "{}", "addresses": [{{"address": "a",
		"interface": "i", "local": "l", "source": "s", "cards": ["c"], "table": {},
		"ports": {}}}], "steps": [{{"kind": {}, "ip": {}, "name": "n", "address": "a",
		"table": {}, "preference": {}, "old": {}, "set": "x", "done": {}, "seen": null,
		"addresses": ["a"]}}]}})",
			   values["version"], boot_id(), values["table"], values["ports"],
			   values["kind"], values["ip"], values["table"], values["preference"],
			   values["old"], values["done"]);
}

} // namespace

TEST_F(GlobalJournal, IsReadAsItWasWritten)
{
	Journal journal;
	journal.wishes = {entry_wish(), entry_wish6()};
	journal.steps = {{.setting = {.kind = SettingKind::Rule,
				      .family = AF_INET6,
				      .name = "shmg0",
				      .address = "2001:db8::1",
				      .table = 4294967295,
				      .preference = 20},
			  .old = {},
			  .set = "protocol 0",
			  .done = true,
			  .seen = "protocol 2",
			  .addresses = {"203.0.113.1", "2001:db8::1"}}};
	file_.save(journal);
	Journal read = file_.load();
	EXPECT_EQ(read.wishes, journal.wishes);
	ASSERT_EQ(read.steps.size(), 1u);
	const Step &is = read.steps[0], &was = journal.steps[0];
	EXPECT_EQ(is.setting, was.setting);
	EXPECT_EQ(is.old, was.old);
	EXPECT_EQ(is.set, was.set);
	EXPECT_EQ(is.done, was.done);
	EXPECT_EQ(is.seen, was.seen);
	EXPECT_EQ(is.addresses, was.addresses);
}

TEST_F(GlobalJournal, OfAnotherBootIsForgotten)
{
	std::string journal = text("version", "1");
	EXPECT_FALSE(JournalFile::parse(journal).empty());
	journal.replace(journal.find(boot_id()), boot_id().size(), "another");
	EXPECT_TRUE(JournalFile::parse(journal).empty());
}

TEST_F(GlobalJournal, WhatDoesNotFitIsRefused)
{
	for (auto [name, value] :
	     {std::pair("version", "2"), std::pair("version", "true"), std::pair("table", "-1"),
	      std::pair("table", "4294967296"), std::pair("ports", "[1]"), std::pair("ports", "7"),
	      std::pair("ip", "5"), std::pair("preference", "1.5"), std::pair("done", "1"),
	      std::pair("kind", "\"x\""), std::pair("old", "3")})
		EXPECT_ANY_THROW(JournalFile::parse(text(name, value))) << name << value;
	write_text(directory_ / "journal", text("version", "2"));
	EXPECT_THROW(file_.load(), Error);
	EXPECT_THROW(add(entry_wish()), Error);
	EXPECT_EQ(network_.all(), begin_);
}

TEST_F(GlobalJournal, WhatWasAddedGoesWithoutATrace)
{
	EXPECT_TRUE(add(entry_wish()));
	EXPECT_NE(network_.all(), begin_);
	expect_right({entry_wish()});
	del_all();
	expect_no_trace();
}

TEST_F(GlobalJournal, AddingAgainChangesNothing)
{
	add(entry_wish());
	network_.make_trouble(Trouble::KillBefore, 0);
	EXPECT_FALSE(add(entry_wish()));
}

/* What stands as it should be is not ours. */
TEST_F(GlobalJournal, WhatWasSetByHandStays)
{
	for (const Need& need : missing_for(entry_wish(), {}, network_))
		if (need.setting.kind != SettingKind::Table)
			network_.write(need.setting, need.wanted);
	begin_ = network_.all();
	EXPECT_TRUE(add(entry_wish()));
	expect_right({entry_wish()});
	del_all();
	expect_no_trace();
}

TEST_F(GlobalJournal, WhatSeveralNeedStaysUntilTheLastGoes)
{
	for (bool first_goes_first : {true, false}) {
		add(entry_wish());
		auto alone = network_.all();
		add(second_wish());
		add(entry_wish6());
		expect_right({entry_wish(), second_wish(), entry_wish6()});
		if (first_goes_first) {
			del({entry_wish().address});
			expect_right({second_wish(), entry_wish6()});
			del({second_wish().address});
			expect_right({entry_wish6()});
		} else {
			del({entry_wish6().address, second_wish().address});
			expect_right({entry_wish()});
			EXPECT_EQ(network_.all(), alone);
		}
		del_all();
		expect_no_trace();
	}
}

TEST_F(GlobalJournal, AddingOtherwiseReplaces)
{
	add(entry_wish());
	Wish other = entry_wish();
	other.source = "192.0.2.9";
	other.cards = {};
	other.table = 7;
	EXPECT_TRUE(add(other));
	expect_right({other});
	EXPECT_EQ(network_.all().at("route:203.0.113.1@7"), "dev shmg0 src 192.0.2.9");
	EXPECT_FALSE(network_.all().contains("route:203.0.113.1@100"));
	EXPECT_EQ(network_.all().at("net.ipv4.ip_early_demux"), "1");

	/* If that cannot be, all is as it was. */
	network_.set({.kind = SettingKind::Route,
		      .family = AF_INET,
		      .address = "203.0.113.1",
		      .table = 8},
		     "dev eth0");
	begin_["route:203.0.113.1@8"] = "dev eth0";
	Wish impossible = other;
	impossible.table = 8;
	EXPECT_THROW(add(impossible), Error);
	expect_right({other});
	del_all();
	expect_no_trace();
}

TEST_F(GlobalJournal, OneValueCannotBeTwo)
{
	add(entry_wish());
	Wish other = second_wish();
	other.ports = PortBlock{47104, 61439};
	auto before = network_.all();
	EXPECT_THROW(add(other), Error);
	EXPECT_EQ(network_.all(), before);
	expect_right({entry_wish()});
}

TEST_F(GlobalJournal, KilledWhileAdding)
{
	auto nothing = [] {};
	auto first = [this] { add(entry_wish()); };
	auto command = [this] { add(second_wish()); };
	auto again = [this] {
		add(second_wish());
		expect_right(file_.load().wishes);
	};
	kill_everywhere(nothing, command, again);
	kill_everywhere(nothing, command, nothing);
	kill_everywhere(first, command, again);
	kill_everywhere(first, command, nothing);
	kill_everywhere(
		nothing, [this] { add(entry_wish6()); }, nothing);
}

TEST_F(GlobalJournal, KilledWhileReplacing)
{
	auto first = [this] { add(entry_wish()); };
	auto otherwise = [this] {
		Wish other = entry_wish();
		other.source = "192.0.2.9";
		add(other);
	};
	auto again = [this, otherwise] {
		otherwise();
		expect_right({entry_wish()});
	};
	kill_everywhere(first, otherwise, again);
	kill_everywhere(first, otherwise, [] {});
}

TEST_F(GlobalJournal, KilledWhileRemoving)
{
	auto both = [this] {
		add(entry_wish());
		add(second_wish());
	};
	auto one = [this] { del({second_wish().address}); };
	auto one_again = [this, one] {
		if (file_.load().find(second_wish().address))
			one();
		expect_right({entry_wish()});
	};
	auto add_again = [this] {
		add(second_wish());
		expect_right({entry_wish(), second_wish()});
	};
	kill_everywhere(both, one, one_again);
	kill_everywhere(both, one, add_again);
	kill_everywhere(both, one, [] {});
	kill_everywhere(
		both, [this] { del_all(); }, [] {});
}

TEST_F(GlobalJournal, WhatIsRefusedIsUndone)
{
	int refused = 0;
	add(entry_wish());
	auto before = network_.all();
	for (int at = 0; at < WRITES_MAX; at++) {
		network_.make_trouble(Trouble::Refuse, at);
		try {
			add(second_wish());
			break;
		} catch (const Error& error) {
			EXPECT_NE(std::string(error.what()).find("was undone"), std::string::npos)
				<< error.what();
			refused++;
		}
		EXPECT_EQ(network_.all(), before);
		expect_right({entry_wish()});
	}
	EXPECT_GT(refused, 4);
	network_.make_trouble(Trouble::None, 0);
	expect_right({entry_wish(), second_wish()});
	del_all();
	expect_no_trace();
}

TEST_F(GlobalJournal, WhatCannotBeUndoneStaysInTheJournal)
{
	for (int at = 0; at < WRITES_MAX; at++) {
		add(entry_wish());
		network_.make_trouble(Trouble::Refuse, at);
		try {
			del_all();
			break;
		} catch (const Error&) {
			EXPECT_TRUE(file_.load().find(entry_wish().address));
			EXPECT_EQ(file_.load().steps.size(), 1u);
		}
		network_.make_trouble(Trouble::None, 0);
		del_all();
		expect_no_trace();
	}
}

TEST_F(GlobalJournal, WhatSomebodyElseChangedIsFoundAndLeft)
{
	add(entry_wish());
	network_.set_sysctl("net/ipv4/ip_local_port_range", "50000 50999");
	network_.set(FakeNetwork::local_rule(AF_INET, 0), "protocol 0");
	std::map<std::string, Checked> checks;
	for (const Checked& checked : check_settings(file_.load(), network_))
		checks.emplace(name_text(checked.setting), checked);
	const Checked& ports = checks.at("net.ipv4.ip_local_port_range");
	EXPECT_EQ(ports.finding, Finding::Altered);
	EXPECT_EQ(ports.old, Value("32768 60999"));
	EXPECT_EQ(ports.wanted, Value("32768 47103"));
	EXPECT_EQ(ports.present, Value("50000 50999"));
	EXPECT_EQ(checks.at("rule:ipv4:0:all@local").finding, Finding::Missing);
	EXPECT_EQ(checks.at("net.ipv4.ip_early_demux").finding, Finding::Right);

	Removal removal = del({entry_wish().address});
	ASSERT_EQ(removal.left.size(), 1u);
	EXPECT_EQ(name_text(removal.left[0].setting), "net.ipv4.ip_local_port_range");
	EXPECT_EQ(removal.left[0].present, Value("50000 50999"));
	begin_["net.ipv4.ip_local_port_range"] = "50000 50999";
	begin_["rule:ipv4:0:all@local"] = "protocol 0";
	expect_no_trace();
}

TEST_F(GlobalJournal, AddingAgainPutsItRightAndTheOldValueIsKept)
{
	add(entry_wish());
	network_.set_sysctl("net/ipv4/ip_early_demux", "1");
	network_.set_sysctl("net/ipv4/ip_local_port_range", "50000 50999");
	EXPECT_TRUE(add(entry_wish()));
	expect_right({entry_wish()});
	del_all();
	expect_no_trace();
}

/* Somebody made a router of the node, which its cards are part of from then on. */
TEST_F(GlobalJournal, ForwardingThatOthersNeedByNowIsLeft)
{
	add(entry_wish());
	network_.set_sysctl("net/ipv4/conf/all/forwarding", "1");
	EXPECT_TRUE(add(entry_wish())); /* the filter goes */
	Removal removal = del({entry_wish().address});
	EXPECT_EQ(removal.left.size(), 2u);
	EXPECT_EQ(network_.all().at("net.ipv4.conf.eth0.forwarding"), "1");
}
