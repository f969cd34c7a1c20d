/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What is here of interfaces, addresses and routing daemons. */
#pragma once

#include "ospf_plan.hh"

namespace shmnet::ctl {

/*
 * Throws Error if something is not there that OSPF needs. Cards are the configuration's, or else physical
 * interfaces that are up and have an address.
 */
OspfSurroundings look_for_ospf(const OspfConfig& config, const Frr& frr);

/*
 * Of these, what outsiders are to know: addresses of the global interface if it is up and some node serves
 * them. It asks nobody but the kernel. Throws Error.
 */
std::set<std::string> announced_addresses(const OspfConfig& config);

} // namespace shmnet::ctl
