// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "global_setting.hh"

#include "error.hh"

#include <fmt/format.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace shmnet::ctl {

namespace {

constexpr const char* KIND_NAMES[] = {"link", "address", "route", "rule", "sysctl", "table"};

/* As sysctl takes it: with points, unless the name of an interface has one. */
std::string sysctl_name(const std::string& path)
{
	std::string name = path;
	if (name.find('.') == std::string::npos)
		std::replace(name.begin(), name.end(), '/', '.');
	return name;
}

std::string table_name(__u32 table)
{
	return table == RT_TABLE_LOCAL ? "local" : fmt::format("{}", table);
}

const char* ip(const Setting& setting)
{
	return setting.family == AF_INET6 ? "ip -6" : "ip";
}

std::string address_command(const Setting& setting, const Value& value)
{
	bool six = setting.family == AF_INET6;
	return fmt::format("ip address {} {}/{} dev {}{}", value ? "add" : "del", setting.address,
			   six ? 128 : 32, setting.name, value && six ? " nodad" : "");
}

std::string rule_command(const Setting& setting, const Value& value)
{
	std::string text = fmt::format("{} rule {} pref {}", ip(setting), value ? "add" : "del",
				       setting.preference);
	if (!setting.name.empty())
		text += " iif " + setting.name;
	if (!setting.address.empty())
		text += " to " + setting.address;
	text += " lookup " + table_name(setting.table);
	if (value && *value != "protocol 0")
		text += " " + *value;
	return text;
}

std::string route_command(const Setting& setting, const Value& value)
{
	return fmt::format("{} route {} {}{} table {}", ip(setting), value ? "replace" : "del",
			   setting.address, value ? " " + *value : "", setting.table);
}

} // namespace

Setting sysctl(std::string path)
{
	return {.kind = SettingKind::Sysctl, .name = std::move(path)};
}

const char* kind_name(SettingKind kind)
{
	return KIND_NAMES[static_cast<size_t>(kind)];
}

SettingKind kind_of(const std::string& name)
{
	for (size_t i = 0; i < std::size(KIND_NAMES); i++)
		if (name == KIND_NAMES[i])
			return static_cast<SettingKind>(i);
	throw Error("unknown kind " + name);
}

bool same(const Setting& setting, const Value& a, const Value& b)
{
	return setting.kind == SettingKind::Rule ? a.has_value() == b.has_value() : a == b;
}

std::string name_text(const Setting& setting)
{
	const char* four_or_six = setting.family == AF_INET6 ? "ipv6" : "ipv4";
	switch (setting.kind) {
	case SettingKind::Link:
		return "link:" + setting.name;
	case SettingKind::Address:
		return fmt::format("address:{}@{}", setting.address, setting.name);
	case SettingKind::Route:
		return fmt::format("route:{}@{}", setting.address, setting.table);
	case SettingKind::Rule:
		return fmt::format("rule:{}:{}:{}{}{}@{}", four_or_six, setting.preference,
				   setting.name.empty() ? "" : "iif=" + setting.name,
				   setting.address.empty() ? "" : "to=" + setting.address,
				   setting.name.empty() && setting.address.empty() ? "all" : "",
				   table_name(setting.table));
	case SettingKind::Sysctl:
		return sysctl_name(setting.name);
	case SettingKind::Table:
		return "nft:inet:" + setting.name;
	}
	return "";
}

std::string value_text(const Setting& setting, const Value& value)
{
	if (!value)
		return "-";
	if (setting.kind == SettingKind::Rule || setting.kind == SettingKind::Table)
		return "there";
	std::string text = *value;
	std::replace(text.begin(), text.end(), ' ', ',');
	return text;
}

std::string command_text(const Setting& setting, const Value& value)
{
	switch (setting.kind) {
	case SettingKind::Link:
		return fmt::format("ip link set {} {}", setting.name, value.value_or("down"));
	case SettingKind::Address:
		return address_command(setting, value);
	case SettingKind::Route:
		return route_command(setting, value);
	case SettingKind::Rule:
		return rule_command(setting, value);
	case SettingKind::Sysctl:
		return fmt::format("sysctl -w {}='{}'", sysctl_name(setting.name),
				   value.value_or(""));
	case SettingKind::Table:
		/* Replaced in one transaction, whether it was there or not. */
		return value ? fmt::format("nft -f - <<'END'\ntable inet {0}\ndelete table inet "
					   "{0}\n{1}END",
					   setting.name, *value)
			     : fmt::format("nft delete table inet {}", setting.name);
	}
	return "";
}

} // namespace shmnet::ctl
