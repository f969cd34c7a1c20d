/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * One thing of the kernel's network configuration that a shared address needs, and what stands there:
 * a value, or nothing. Of each kind both are texts, so that they can be compared, kept and shown.
 *
 * kind      what tells it apart                     its value
 * link      name: an interface                      "up", "down"
 * address   address; name: its interface            "there"
 * route     family, table, address: where it goes   "dev INTERFACE src ADDRESS", or without src
 * rule      family, preference, name: of "iif",     "protocol N": who made it
 *           address: of "to", table
 * sysctl    name: its path below /proc/sys          its text, with single spaces
 * table     name: of an nftables table, inet        set: its ruleset; read: as nft lists it
 */
#pragma once

#include <linux/types.h>

#include <optional>
#include <string>

namespace shmnet::ctl {

enum class SettingKind : __u8 { Link, Address, Route, Rule, Sysctl, Table };

struct Setting {
	SettingKind kind;
	int family = 0; /* AF_INET or AF_INET6 */
	std::string name = {};
	std::string address = {};
	__u32 table = 0;
	__u32 preference = 0;

	bool operator==(const Setting&) const = default;
};

using Value = std::optional<std::string>;

Setting sysctl(std::string path);

const char* kind_name(SettingKind kind);
/* Throws Error for another word. */
SettingKind kind_of(const std::string& name);

/* Whether two values are as good as each other: of rules, whoever made them. */
bool same(const Setting& setting, const Value& a, const Value& b);

/* For a column: no spaces. */
std::string name_text(const Setting& setting);
std::string value_text(const Setting& setting, const Value& value);
/* What a user would type to make it so. */
std::string command_text(const Setting& setting, const Value& value);

} // namespace shmnet::ctl
