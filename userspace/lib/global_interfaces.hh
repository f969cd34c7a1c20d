/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The interfaces of global networks, of what the module tells. */
#pragma once

#include "control.hh"

#include <string>
#include <vector>

namespace shmnet {

/* An interface whose address nodes share. */
struct GlobalInterface {
	std::string device; /* PCI address */
	__u32 index = 0;    /* ifindex */
	std::string name;
	__u32 incarnation = 0; /* of this node: with another one it has said nothing yet */

	bool operator==(const GlobalInterface&) const = default;
};

/* Of devices whose node has joined; in whatever network namespace they are. */
std::vector<GlobalInterface> global_interfaces(const std::vector<DeviceInfo>& devices,
					       const std::vector<NodeInfo>& nodes);
/*
 * Whether an interface is in this network namespace: the module tells of a device's interfaces in other
 * ones, too.
 */
bool is_here(const std::string& name, __u32 index);

/* What is said where there are none. */
extern const char* const NO_GLOBAL_INTERFACE;

/* Those that are in this network namespace. */
std::vector<GlobalInterface> global_interfaces_here(Control& control);
/* The one of this name, or, if that is empty, the only one. Throws Error. */
GlobalInterface global_interface_here(Control& control, const std::string& name);

} // namespace shmnet
