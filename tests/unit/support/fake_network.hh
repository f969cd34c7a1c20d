/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A node's network configuration that is a map, can refuse a change, and can end the program there. */
#pragma once

#include "error.hh"
#include "rtnetlink.hh"
#include "shmnetctl/global_plan.hh"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace shmnet::test {

/* No Error: nothing catches it, as nothing catches a SIGKILL. */
struct Killed {};

class FakeNetwork : public ctl::System {
public:
	enum class Trouble { None, Refuse, KillBefore, KillAfter };

	FakeNetwork()
	{
		set_sysctl("net/ipv4/ip_early_demux", "1");
		set_sysctl("net/ipv4/ip_local_port_range", "32768 60999");
		set_sysctl("net/ipv4/conf/all/rp_filter", "0");
		set_sysctl("net/ipv4/conf/all/forwarding", "0");
		set_sysctl("net/ipv6/conf/all/forwarding", "0");
		set_sysctl("net/ipv6/conf/default/accept_ra", "1");
		for (const char* interface : {"shmg0", "shml0", "eth0"}) {
			interfaces_.emplace_back(interface);
			std::string conf4 = std::string("net/ipv4/conf/") + interface;
			std::string conf6 = std::string("net/ipv6/conf/") + interface;
			set_sysctl(conf4 + "/accept_local", "0");
			set_sysctl(conf4 + "/rp_filter", "0");
			set_sysctl(conf4 + "/forwarding", "0");
			set_sysctl(conf6 + "/accept_ra", "1");
			set_sysctl(conf6 + "/forwarding", "0");
			set_sysctl(conf6 + "/disable_ipv6", "0");
			set({.kind = ctl::SettingKind::Link, .name = interface},
			    interface == std::string("shmg0") ? "down" : "up");
		}
		set(local_rule(AF_INET, 0), "protocol 2");
		set(local_rule(AF_INET6, 0), "protocol 2");
	}

	static ctl::Setting local_rule(int family, __u32 preference)
	{
		return {.kind = ctl::SettingKind::Rule,
			.family = family,
			.table = RT_TABLE_LOCAL,
			.preference = preference};
	}

	ctl::Value read(const ctl::Setting& setting) override
	{
		auto found = settings_.find(key(setting));
		return found == settings_.end() ? ctl::Value() : found->second.second;
	}

	/* A ruleset is listed in other words than it was written in, and can be written so, too. */
	void write(const ctl::Setting& setting, const ctl::Value& value) override
	{
		bool troubled = trouble_ != Trouble::None && writes_++ == trouble_at_;
		if (troubled && trouble_ == Trouble::Refuse)
			throw Error("refused");
		if (troubled && trouble_ == Trouble::KillBefore)
			throw Killed();
		bool table = value && setting.kind == ctl::SettingKind::Table;
		set(setting, table && value->rfind(LISTED, 0) != 0 ? LISTED + *value : value);
		if (troubled && trouble_ == Trouble::KillAfter)
			throw Killed();
	}

	std::vector<__u32> local_rules(int family) override
	{
		std::vector<__u32> preferences;
		for (const auto& [name, entry] : settings_)
			if (entry.first == local_rule(family, entry.first.preference))
				preferences.push_back(entry.first.preference);
		return preferences;
	}

	std::vector<std::string> interfaces() override { return interfaces_; }

	/* As somebody else does it. IPv6's forwarding of all is that of each. */
	void set(const ctl::Setting& setting, const ctl::Value& value)
	{
		if (value)
			settings_.insert_or_assign(key(setting), std::pair(setting, value));
		else
			settings_.erase(key(setting));
		if (setting == ctl::sysctl("net/ipv6/conf/all/forwarding"))
			for (const std::string& interface : interfaces_)
				set_sysctl("net/ipv6/conf/" + interface + "/forwarding", *value);
	}

	void set_sysctl(const std::string& path, const std::string& value)
	{
		set(ctl::sysctl(path), value);
	}

	/* At the @at-th write from now, from 0. */
	void make_trouble(Trouble trouble, int at)
	{
		trouble_ = trouble;
		trouble_at_ = at;
		writes_ = 0;
	}

	/* Everything, by name. */
	std::map<std::string, std::string> all() const
	{
		std::map<std::string, std::string> all;
		for (const auto& [name, entry] : settings_)
			all[name] = *entry.second;
		return all;
	}

private:
	static constexpr const char* LISTED = "listed: ";

	static std::string key(const ctl::Setting& setting) { return name_text(setting); }

	std::map<std::string, std::pair<ctl::Setting, ctl::Value>> settings_;
	std::vector<std::string> interfaces_;
	Trouble trouble_ = Trouble::None;
	int trouble_at_ = 0;
	int writes_ = 0;
};

/* A node with a card, that others come in by. */
inline ctl::Wish entry_wish()
{
	return {.address = "203.0.113.1",
		.interface = "shmg0",
		.local = "shml0",
		.source = "192.0.2.1",
		.cards = {"eth0"},
		.table = 100,
		.ports = ctl::PortBlock{32768, 47103}};
}

inline ctl::Wish entry_wish6()
{
	ctl::Wish wish = entry_wish();
	wish.address = "2001:db8::1";
	wish.source = "2001:db8:1::1";
	return wish;
}

} // namespace shmnet::test
