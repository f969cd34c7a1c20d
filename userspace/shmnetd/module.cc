// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "module.hh"

#include <net/if.h>

#include <algorithm>

namespace shmnet::shmnetd {

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

std::vector<GlobalInterface> KernelModule::interfaces()
{
	std::vector<GlobalInterface> all =
		global_interfaces(control_.devices(""), control_.nodes(""));
	/* The module tells of a device's interfaces in other namespaces, too. */
	std::erase_if(all, [](const GlobalInterface& interface) {
		return ::if_nametoindex(interface.name.c_str()) != interface.index;
	});
	return all;
}

void KernelModule::set_services(__u32 ifindex, const std::vector<ServiceInfo>& services)
{
	control_.set_services(ifindex, services);
}

bool KernelModule::receive()
{
	Events::Batch batch = events_.receive();
	return batch.lost ||
	       std::any_of(batch.events.begin(), batch.events.end(), [](const EventInfo& event) {
		       return event.event == SHMNET_EVENT_REJOINED;
	       });
}

} // namespace shmnet::shmnetd
