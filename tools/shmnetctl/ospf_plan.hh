/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* From what the user wants of OSPF, and what is here, to lines of FRR's configuration. */
#pragma once

#include "frr.hh"
#include "ospf_config.hh"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace shmnet::ctl {

/* For an interface that has no address of its link, without which ospf6d leaves it alone. */
inline constexpr const char* OSPF_LINK_ADDRESS = "fe80::1";

/* What is here now. */
struct OspfSurroundings {
	std::string local;     /* interface of the local network; must not be empty */
	std::string router_id; /* an IPv4 address of the local network; may be empty */
	std::string global;    /* interface of shared addresses; empty: none */
	std::map<std::string, OspfCard> cards; /* interfaces that lead outside */
	std::set<std::string> announced;       /* shared addresses that outsiders are to know */
	bool link_address = true;              /* @global has one by itself, of IPv6 */
	bool ipv6 = true;                      /* ospf6d runs */
};

/*
 * A line that is wanted. Those with a @key have one value in their context: a line there that begins with
 * the key and is another one is in its way.
 */
struct OspfLine {
	FrrLine line;
	std::string key;
};

/* In the order in which FRR takes them. Throws Error if there is no router ID to be had. */
std::vector<OspfLine> plan_ospf(const OspfConfig& config, const OspfSurroundings& here,
				bool draining);

enum class OspfState {
	Right,    /* it stands there, by us */
	Yours,    /* it stands there, by somebody else */
	Missing,  /* it is to be added */
	Kept,     /* somebody else wants another value, and has it */
	Stale,    /* by us, and wanted no more: it is to go */
	Replaced, /* by us, and goes by itself when what is missing is added */
};

struct OspfFinding {
	OspfState state;
	FrrLine line;
	std::string in_the_way = {}; /* of what is kept: what stands there instead */
};

/*
 * @ours: what we have added so far, in order. First comes what is stale, from the last to the first, and
 * then what is wanted, in the order of @plan.
 */
std::vector<OspfFinding> compare_ospf(const std::vector<OspfLine>& plan, const FrrConfig& running,
				      const FrrConfig& ours);

/* Whether a line is a context, such as a router or a profile: it goes only when it is empty. */
bool is_ospf_context(const FrrLine& line);

/* Somebody else's lines may be in a context of ours, or need it from elsewhere. */
bool is_ospf_context_needed(const FrrLine& context, const FrrConfig& running);

} // namespace shmnet::ctl
