/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What a shared address needs of a node, in the order in which it is set (docs/global.md). */
#pragma once

#include "global_journal.hh"
#include "global_setting.hh"

#include <string>
#include <vector>

namespace shmnet::ctl {

/* The node's network configuration: the kernel's (global_system.hh), or a test's. */
class System {
public:
	virtual ~System() = default;

	/* These throw Error. */
	virtual Value read(const Setting& setting) = 0;
	/* Makes it so; to make it so again changes nothing, or fails. */
	virtual void write(const Setting& setting, const Value& value) = 0;

	/* Preferences of the rules that send everything to the local table. */
	virtual std::vector<__u32> local_rules(int family) = 0;
	virtual std::vector<std::string> interfaces() = 0;
};

/*
 * Rules before the one of the first preference are the user's. Then, what another node sent here is
 * for this node; all else to the shared address is for the interface; and only then, what is local.
 */
constexpr __u32 PREFERENCE_FROM = 10;
constexpr __u32 PREFERENCE_TO = 20;
constexpr __u32 PREFERENCE_LOCAL = 30;

/* Of nftables; it is ours alone. */
constexpr const char* NFT_TABLE = "shmnet";

struct Need {
	Setting setting;
	Value wanted;
};

/*
 * @wish is one of @journal's. A setting that is good as it is, is named with that value. Changes
 * nothing.
 */
std::vector<Need> needs_of(const Wish& wish, const Journal& journal, System& system);

/* The nftables table for all of @journal's wishes; empty if there are none. */
Need table_need(const Journal& journal, System& system);

/* Whether what a need is about is as it should be; @present is its value. */
bool is_right(const Need& need, const Value& present, const Journal& journal);

/* Whether somebody else needs by now what a step set, though its value does not show that. */
bool is_taken_over(const Step& step, System& system);

} // namespace shmnet::ctl
