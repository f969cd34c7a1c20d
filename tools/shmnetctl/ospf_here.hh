/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What is here of interfaces, addresses and routing daemons. */
#pragma once

#include "ospf_plan.hh"

namespace shmnet::ctl {

/*
 * Throws Error if something is not there that OSPF needs. Cards are the configuration's, or else physical
 * interfaces that are up and have an address. Addresses of a global interface are announced if it is up
 * and some node serves them.
 */
OspfSurroundings look_for_ospf(const OspfConfig& config, const Frr& frr);

} // namespace shmnet::ctl
