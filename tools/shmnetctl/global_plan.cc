// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "global_plan.hh"

#include "rtnetlink.hh"

#include <fmt/format.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <set>

namespace shmnet::ctl {

namespace {

using Names = std::set<std::string>;

const Setting FORWARDING6 = sysctl("net/ipv6/conf/all/forwarding");

Setting conf(const char* version, const std::string& interface, const char* name)
{
	return sysctl(fmt::format("net/{}/conf/{}/{}", version, interface, name));
}

Setting forwarding4(const std::string& interface)
{
	return conf("ipv4", interface, "forwarding");
}

Setting table_setting()
{
	return {.kind = SettingKind::Table, .name = NFT_TABLE};
}

void want_sysctl(std::vector<Need>& needs, const Setting& setting, const std::string& value)
{
	needs.push_back({setting, value});
}

/* The kernel takes the larger of `all` and the interface's: 2 there makes it loose for this one. */
void want_loose_filter(std::vector<Need>& needs, const std::string& interface, System& system)
{
	Setting setting = conf("ipv4", interface, "rp_filter");
	Value own = system.read(setting);
	if (!own)
		return;
	Value all = system.read(conf("ipv4", "all", "rp_filter"));
	bool strict = std::max(atoi(all.value_or("0").c_str()), atoi(own->c_str())) == 1;
	want_sysctl(needs, setting, strict ? "2" : *own);
}

/* We do not turn this on: whoever did, wants more forwarded than packets to shared addresses. */
bool is_router4(System& system)
{
	return system.read(forwarding4("all")) == Value("1");
}

/* Whether IPv6 forwards only because of us. */
bool forwards6_by_us(const Journal& journal, System& system)
{
	const Step* step = journal.find(FORWARDING6);
	return (step ? step->old : system.read(FORWARDING6)) != Value("1");
}

bool forwards4_by_us(const std::string& card, const Journal& journal, System& system)
{
	const Step* step = journal.find(forwarding4(card));
	return (step ? step->old : system.read(forwarding4(card))) != Value("1") &&
	       !is_router4(system);
}

/* A router hears no router advertisements, unless accept_ra is 2: then routes by them stay. */
void want_advertisements(std::vector<Need>& needs, const Journal& journal, System& system)
{
	std::vector<std::string> interfaces = system.interfaces();
	interfaces.emplace_back("default");
	for (const std::string& interface : interfaces) {
		Setting setting = conf("ipv6", interface, "accept_ra");
		Value own = system.read(setting);
		if (interface != "lo" && own && (*own == "1" || journal.find(setting)))
			want_sysctl(needs, setting, *own == "1" ? "2" : *own);
	}
}

void want_sysctls(std::vector<Need>& needs, const Wish& wish, const Journal& journal,
		  System& system)
{
	bool four = address_family(wish.address) == AF_INET;
	if (four) {
		want_sysctl(needs, conf("ipv4", wish.interface, "accept_local"), "1");
		want_loose_filter(needs, wish.interface, system);
		if (!wish.local.empty())
			want_loose_filter(needs, wish.local, system);
		for (const std::string& card : wish.cards)
			want_loose_filter(needs, card, system);
	}
	/* These two are of IPv6 as well, in spite of their names. */
	if (!wish.cards.empty())
		want_sysctl(needs, sysctl("net/ipv4/ip_early_demux"), "0");
	if (wish.ports)
		want_sysctl(needs, sysctl("net/ipv4/ip_local_port_range"),
			    fmt::format("{} {}", wish.ports->first, wish.ports->last));
	if (!four && !wish.cards.empty() && forwards6_by_us(journal, system))
		want_advertisements(needs, journal, system);
}

void want_address_and_route(std::vector<Need>& needs, const Wish& wish)
{
	int family = address_family(wish.address);
	needs.push_back({{.kind = SettingKind::Link, .name = wish.interface}, "up"});
	needs.push_back({{.kind = SettingKind::Address,
			  .family = family,
			  .name = wish.interface,
			  .address = wish.address},
			 "there"});
	needs.push_back({{.kind = SettingKind::Route,
			  .family = family,
			  .address = wish.address,
			  .table = wish.table},
			 fmt::format("dev {} src {}", wish.interface, wish.source)});
}

Setting rule(int family, __u32 preference, __u32 table, const std::string& from = {},
	     const std::string& to = {})
{
	return {.kind = SettingKind::Rule,
		.family = family,
		.name = from,
		.address = to,
		.table = table,
		.preference = preference};
}

/* Local rules that come before ours do: those that are there, and those that we took away. */
std::set<__u32> early_local_rules(int family, const Journal& journal,
				  const std::vector<__u32>& present)
{
	std::set<__u32> early;
	for (__u32 preference : present)
		if (preference <= PREFERENCE_TO)
			early.insert(preference);
	for (const Step& step : journal.steps)
		if (!step.set && step.setting.preference <= PREFERENCE_TO &&
		    step.setting == rule(family, step.setting.preference, RT_TABLE_LOCAL))
			early.insert(step.setting.preference);
	return early;
}

void want_rules(std::vector<Need>& needs, const Wish& wish, const Journal& journal, System& system)
{
	const Value there = "protocol 0";
	int family = address_family(wish.address);
	needs.push_back({rule(family, PREFERENCE_FROM, RT_TABLE_LOCAL, wish.interface), there});
	needs.push_back({rule(family, PREFERENCE_TO, wish.table, {}, wish.address), there});
	/* Never without a local rule: first the later one comes, then the earlier goes. */
	std::vector<__u32> present = system.local_rules(family);
	Setting late = rule(family, PREFERENCE_LOCAL, RT_TABLE_LOCAL);
	bool another = std::any_of(present.begin(), present.end(), [](__u32 preference) {
		return preference > PREFERENCE_TO && preference != PREFERENCE_LOCAL;
	});
	if (!another || journal.find(late))
		needs.push_back({late, there});
	for (__u32 preference : early_local_rules(family, journal, present))
		needs.push_back({rule(family, preference, RT_TABLE_LOCAL), {}});
}

/*
 * To write IPv6's forwarding of all is to write each one's. So those that are 1 become 0 first: undone
 * after the one of all, which leaves 0, they are what they were.
 */
void want_forwarding6(std::vector<Need>& needs, const Journal& journal, System& system)
{
	bool on = system.read(FORWARDING6) == Value("1");
	std::vector<std::string> interfaces = system.interfaces();
	interfaces.emplace_back("default");
	for (const std::string& interface : interfaces) {
		Setting setting = conf("ipv6", interface, "forwarding");
		Value own = system.read(setting);
		if (own && (journal.find(setting) || (!on && *own == "1")))
			want_sysctl(needs, setting, on ? *own : "0");
	}
	want_sysctl(needs, FORWARDING6, "1");
}

/* IPv4 forwards by interface, so that no other does; IPv6 by all, or by none. */
void want_forwarding(std::vector<Need>& needs, const Wish& wish, const Journal& journal,
		     System& system)
{
	if (wish.cards.empty())
		return;
	if (address_family(wish.address) == AF_INET6) {
		want_forwarding6(needs, journal, system);
		return;
	}
	/* Answers of other nodes come by the local network. */
	if (!wish.local.empty())
		want_sysctl(needs, forwarding4(wish.local), "1");
	for (const std::string& card : wish.cards)
		want_sysctl(needs, forwarding4(card), "1");
}

template <typename Words> std::string quoted(const Words& names)
{
	return fmt::format("{{ \"{}\" }}", fmt::join(names, "\", \""));
}

/* By interfaces on which we turned forwarding on, packets to the shared addresses only. */
std::string forward_chain(const Journal& journal, System& system)
{
	Names addresses4, addresses6, cards4, memory;
	bool entry6 = false;
	for (const Wish& wish : journal.wishes) {
		bool six = address_family(wish.address) == AF_INET6;
		(six ? addresses6 : addresses4).insert(wish.address);
		memory.insert(wish.interface);
		if (!wish.local.empty())
			memory.insert(wish.local);
		for (const std::string& card : wish.cards)
			if (!six && forwards4_by_us(card, journal, system))
				cards4.insert(card);
		entry6 = entry6 || (six && !wish.cards.empty());
	}
	std::string rules;
	if (!cards4.empty())
		rules += fmt::format("\t\tiifname {} ip daddr != {{ {} }} drop\n", quoted(cards4),
				     fmt::join(addresses4, ", "));
	if (entry6 && forwards6_by_us(journal, system))
		rules += fmt::format("\t\tiifname != {} ip6 daddr != {{ {} }} drop\n",
				     quoted(memory), fmt::join(addresses6, ", "));
	if (rules.empty())
		return {};
	return "\tchain forward {\n\t\ttype filter hook forward priority filter; policy accept;\n" +
	       rules + "\t}\n";
}

} // namespace

Need table_need(const Journal& journal, System& system)
{
	if (journal.wishes.empty())
		return {table_setting(), {}};
	std::string text = fmt::format("table inet {} {{\n\tchain raw {{\n\t\ttype filter hook "
				       "prerouting priority raw; policy accept;\n",
				       NFT_TABLE);
	/*
	 * Otherwise a DNAT of this node, as containers have, takes what is another's; and what others
	 * answer to packets that were not tracked is invalid, which firewalls drop.
	 */
	for (const Wish& wish : journal.wishes)
		text += fmt::format(
			"\t\tiifname != \"{0}\" {1} daddr {2} notrack\n"
			"\t\tiifname != \"{0}\" {1} saddr {2} fib daddr type != local notrack\n",
			wish.interface, address_family(wish.address) == AF_INET6 ? "ip6" : "ip",
			wish.address);
	return {table_setting(), text + "\t}\n" + forward_chain(journal, system) + "}\n"};
}

std::vector<Need> needs_of(const Wish& wish, const Journal& journal, System& system)
{
	/* The filter stands before anything is forwarded. */
	std::vector<Need> needs = {table_need(journal, system)};
	want_sysctls(needs, wish, journal, system);
	want_address_and_route(needs, wish);
	want_rules(needs, wish, journal, system);
	want_forwarding(needs, wish, journal, system);
	return needs;
}

bool is_taken_over(const Step& step, System& system)
{
	const std::string& name = step.setting.name;
	return step.setting.kind == SettingKind::Sysctl && name.rfind("net/ipv4/conf/", 0) == 0 &&
	       name.ends_with("/forwarding") && is_router4(system);
}

bool is_right(const Need& need, const Value& present, const Journal& journal)
{
	if (need.setting.kind != SettingKind::Table)
		return same(need.setting, present, need.wanted);
	/* How nft lists a ruleset is its own affair: it is compared with how it was listed then. */
	const Step* step = journal.find(need.setting);
	return step && step->done && step->set == need.wanted && step->seen == present;
}

} // namespace shmnet::ctl
