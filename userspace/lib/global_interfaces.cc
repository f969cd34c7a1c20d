// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "global_interfaces.hh"

#include <linux/shmnet_shm.h>
#include <net/if.h>

#include <algorithm>

namespace shmnet {

namespace {

bool is_global(const std::string& device, __u32 network, const std::vector<NodeInfo>& nodes)
{
	return std::any_of(nodes.begin(), nodes.end(), [&](const NodeInfo& node) {
		return node.device == device && node.state == SHMNET_NODE_SELF &&
		       std::any_of(node.networks.begin(), node.networks.end(),
				   [network](const NodeNetworkInfo& info) {
					   return info.network == network &&
						  info.kind == SHMNET_NETWORK_GLOBAL;
				   });
	});
}

} // namespace

std::vector<GlobalInterface> global_interfaces(const std::vector<DeviceInfo>& devices,
					       const std::vector<NodeInfo>& nodes)
{
	std::vector<GlobalInterface> all;
	for (const DeviceInfo& device : devices)
		for (const InterfaceInfo& interface : device.interfaces)
			if (is_global(device.device, interface.network, nodes))
				all.push_back({.device = device.device,
					       .index = interface.index,
					       .name = interface.name,
					       .incarnation = device.incarnation});
	return all;
}

const char* const NO_GLOBAL_INTERFACE =
	"there is no global interface in this network namespace: 'shmnetctl device' shows the "
	"interfaces, and 'shmnetctl node' whether the node has joined";

bool is_here(const std::string& name, __u32 index)
{
	return ::if_nametoindex(name.c_str()) == index;
}

std::vector<GlobalInterface> global_interfaces_here(Control& control)
{
	std::vector<GlobalInterface> all =
		global_interfaces(control.devices(""), control.nodes(""));
	std::erase_if(all, [](const GlobalInterface& interface) {
		return !is_here(interface.name, interface.index);
	});
	return all;
}

GlobalInterface global_interface_here(Control& control, const std::string& name)
{
	std::vector<GlobalInterface> all = global_interfaces_here(control);
	std::string names;
	for (GlobalInterface& interface : all) {
		if (interface.name == name)
			return interface;
		names += (names.empty() ? "" : ", ") + interface.name;
	}
	if (all.empty())
		throw Error(NO_GLOBAL_INTERFACE);
	if (!name.empty())
		throw Error(fmt::format("{} is no global interface of this network namespace; "
					"there is {}",
					name, names));
	if (all.size() > 1)
		throw Error(
			fmt::format("there are several global interfaces: name one of {}", names));
	return all.front();
}

} // namespace shmnet
