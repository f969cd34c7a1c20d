/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the user wants of OSPF: /etc/shmnet/ospf.toml. All of it may be left out. */
#pragma once

#include <linux/types.h>

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace shmnet::ctl {

inline constexpr __u32 COST_MAX = 0xffff;
inline constexpr const char* OSPF_CONFIG = "/etc/shmnet/ospf.toml";

/* Of a physical interface, or of any other that leads outside. */
struct OspfCard {
	std::string area = "0.0.0.1";
	__u32 cost = 10; /* 1 to 65,535, as all costs */
	bool point_to_point = false;
	bool announce = true;      /* shared addresses; not where it leads to nodes alone */
	std::string password = {}; /* empty: none */
	__u32 dead_interval = 0;   /* seconds, 1 to 65,535; 0: as FRR has it */

	bool operator==(const OspfCard&) const = default;
};

struct OspfConfig {
	/* Interfaces of the networks in memory; empty: those of the module. */
	std::string local;
	std::string global;

	std::string router_id;        /* dotted; empty: the address on the local network */
	std::string area = "0.0.0.0"; /* of the local network */
	__u32 cost = 1;
	std::string password;
	std::set<std::string> virtual_links; /* router IDs, across the local network */

	bool bfd = true;
	__u32 bfd_interval = 100; /* milliseconds, 10 to 60,000 */
	__u32 bfd_multiplier = 4; /* 2 to 255 */

	__u32 announce_cost = 10; /* of shared addresses */

	OspfCard card;                         /* of those that are found */
	std::map<std::string, OspfCard> cards; /* by name; if there are any, no others are used */

	bool operator==(const OspfConfig&) const = default;
};

/* Throws UsageError, which names @file, the line, the key, and what would be right. */
OspfConfig parse_ospf_config(std::string_view text, const std::string& file);

/*
 * Likewise. If there is no such file: the defaults, or Error if @must_exist. Throws Error if it cannot
 * be read, or holds a password that others can read.
 */
OspfConfig read_ospf_config(const std::string& file, bool must_exist);

} // namespace shmnet::ctl
