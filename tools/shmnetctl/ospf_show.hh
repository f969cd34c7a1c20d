/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What has come of OSPF: FRR's own view, of IPv4 and IPv6, in one. */
#pragma once

#include "frr.hh"

#include <linux/types.h>
#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace shmnet::ctl {

struct OspfInterfaceView {
	int version; /* of IP */
	std::string name;
	std::string type; /* "passive", or FRR's word: "pointomultipoint", "broadcast" */
	std::string area;
	__u32 cost;
	__u32 neighbours; /* with which it is adjacent */
};

struct OspfNeighbourView {
	int version;
	std::string router; /* ID */
	std::string interface;
	std::string state; /* "full" */
	std::string bfd;   /* "up", "down", or "-": not watched */
};

struct OspfRouterView {
	int version;
	std::string router;
	std::string area;
	/* These are not known of IPv6. */
	std::optional<__u32> cost;
	std::string via = "-"; /* neighbour */
	std::string interface = "-";
};

struct OspfRouteView {
	int version;
	std::string destination;
	__u32 cost;
	std::string via; /* "-": it is connected */
	std::string interface;
	std::string why; /* "intra-area", "inter-area", "external" */
	bool used;       /* the kernel has it */
};

struct OspfView {
	std::vector<OspfInterfaceView> interfaces;
	std::vector<OspfNeighbourView> neighbours;
	std::vector<OspfRouterView> border_routers;
	std::vector<OspfRouteView> routes; /* one for each way */
};

/* Throws Error. A daemon that does not run has nothing to show. */
OspfView read_ospf_view(const Frr& frr);

std::string ospf_view_text(const OspfView& view);
nlohmann::ordered_json ospf_view_json(const OspfView& view);

} // namespace shmnet::ctl
