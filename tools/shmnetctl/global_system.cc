// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "global_system.hh"

#include "child.hh"
#include "error.hh"
#include "file.hh"
#include "unique_fd.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <sstream>

namespace shmnet::ctl {

namespace {

constexpr const char* NFT_REMEDY = "apt-get install nftables";

std::vector<std::string> words_of(const std::string& text)
{
	std::istringstream stream(text);
	std::vector<std::string> words;
	for (std::string word; stream >> word;)
		words.push_back(word);
	return words;
}

Value read_proc(const std::string& path)
{
	std::optional<std::string> text = read_file("/proc/sys/" + path);
	if (!text)
		return {};
	return fmt::format("{}", fmt::join(words_of(*text), " "));
}

void write_proc(const std::string& path, const std::string& text)
{
	UniqueFd file(::open(("/proc/sys/" + path).c_str(), O_WRONLY | O_CLOEXEC));
	/* In one write: each is a value of its own. */
	if (!file || ::write(file.get(), text.data(), text.size()) < 0)
		throw Error(strerror(errno));
}

Value read_table(const std::string& name)
{
	ChildResult result = run_child({"nft", "list", "table", "inet", name}, "", NFT_REMEDY);
	if (result.status == 0)
		return result.output;
	if (result.errors.find("No such file or directory") != std::string::npos)
		return {};
	throw Error(fmt::format("nft list table inet {}: {}", name, result.errors));
}

void write_table(const std::string& name, const Value& value)
{
	/* Naming it first, so that there is one to be deleted; all of that is one transaction. */
	std::string script =
		fmt::format("table inet {0}\ndelete table inet {0}\n{1}", name, value.value_or(""));
	ChildResult result = run_child({"nft", "-f", "-"}, script, NFT_REMEDY);
	if (result.status != 0)
		throw Error(result.errors);
}

__u8 protocol_of(const Value& value)
{
	return static_cast<__u8>(std::stoul(words_of(*value).at(1)));
}

} // namespace

int KernelSystem::find_link(const std::string& name)
{
	for (const LinkInfo& link : netlink_.links())
		if (link.name == name)
			return link.index;
	return 0;
}

int KernelSystem::need_link(const std::string& name)
{
	int index = find_link(name);
	if (index == 0)
		throw Error(fmt::format("there is no interface {}", name));
	return index;
}

std::string KernelSystem::link_name(int index)
{
	for (const LinkInfo& link : netlink_.links())
		if (link.index == index)
			return link.name;
	return "-";
}

std::vector<std::string> KernelSystem::interfaces()
{
	std::vector<std::string> names;
	for (const LinkInfo& link : netlink_.links())
		names.push_back(link.name);
	return names;
}

std::vector<__u32> KernelSystem::local_rules(int family)
{
	std::vector<__u32> preferences;
	for (const RuleInfo& rule : netlink_.rules(family))
		if (rule.plain && rule.table == RT_TABLE_LOCAL && rule.from_interface.empty() &&
		    rule.to.empty())
			preferences.push_back(rule.preference);
	return preferences;
}

Value KernelSystem::read_link(const Setting& setting)
{
	for (const LinkInfo& link : netlink_.links())
		if (link.name == setting.name)
			return link.up ? "up" : "down";
	return {};
}

Value KernelSystem::read_address(const Setting& setting)
{
	int index = find_link(setting.name);
	for (const AddressInfo& address : netlink_.addresses())
		if (address.index == index && address.address == setting.address)
			return "there";
	return {};
}

Value KernelSystem::read_route(const Setting& setting)
{
	for (const RouteInfo& route : netlink_.routes(setting.family, setting.table)) {
		if (route.destination != setting.address)
			continue;
		std::string text;
		for (int index : route.interfaces)
			text += fmt::format("{}dev {}", text.empty() ? "" : " ", link_name(index));
		return text + (route.source.empty() ? "" : " src " + route.source);
	}
	return {};
}

Value KernelSystem::read_rule(const Setting& setting)
{
	for (const RuleInfo& rule : netlink_.rules(setting.family))
		if (rule.plain && rule.preference == setting.preference &&
		    rule.table == setting.table && rule.from_interface == setting.name &&
		    rule.to == setting.address)
			return fmt::format("protocol {}", rule.protocol);
	return {};
}

Value KernelSystem::read(const Setting& setting)
{
	switch (setting.kind) {
	case SettingKind::Link:
		return read_link(setting);
	case SettingKind::Address:
		return read_address(setting);
	case SettingKind::Route:
		return read_route(setting);
	case SettingKind::Rule:
		return read_rule(setting);
	case SettingKind::Sysctl:
		return read_proc(setting.name);
	case SettingKind::Table:
		return read_table(setting.name);
	}
	return {};
}

void KernelSystem::write_address(const Setting& setting, const Value& value)
{
	if (value)
		netlink_.add_address(setting.address, need_link(setting.name));
	else
		netlink_.remove_address(setting.address, need_link(setting.name));
}

void KernelSystem::write_route(const Setting& setting, const Value& value)
{
	RouteInfo route = {.family = setting.family,
			   .table = setting.table,
			   .destination = setting.address,
			   .is_default = false,
			   .interfaces = {},
			   .source = {}};
	if (!value) {
		netlink_.remove_route(route);
		return;
	}
	std::vector<std::string> words = words_of(*value);
	for (size_t i = 0; i + 1 < words.size(); i += 2)
		if (words[i] == "dev")
			route.interfaces = {need_link(words[i + 1])};
		else
			route.source = words[i + 1];
	netlink_.put_route(route);
}

void KernelSystem::write_rule(const Setting& setting, const Value& value)
{
	RuleInfo rule = {.family = setting.family,
			 .preference = setting.preference,
			 .table = setting.table,
			 .from_interface = setting.name,
			 .to = setting.address,
			 .protocol = value ? protocol_of(value) : __u8{0},
			 .plain = true};
	if (value)
		netlink_.add_rule(rule);
	else
		netlink_.remove_rule(rule);
}

void KernelSystem::write(const Setting& setting, const Value& value)
{
	switch (setting.kind) {
	case SettingKind::Link:
		netlink_.set_link_up(need_link(setting.name), value == Value("up"));
		break;
	case SettingKind::Address:
		write_address(setting, value);
		break;
	case SettingKind::Route:
		write_route(setting, value);
		break;
	case SettingKind::Rule:
		write_rule(setting, value);
		break;
	case SettingKind::Sysctl:
		write_proc(setting.name, value.value());
		break;
	case SettingKind::Table:
		write_table(setting.name, value);
		break;
	}
}

} // namespace shmnet::ctl
