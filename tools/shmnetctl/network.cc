// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* shmnetctl network: the networks of each region, with their interfaces here. */
#include "query.hh"
#include "region_view.hh"
#include "table.hh"

#include <fmt/format.h>

#include <algorithm>

namespace shmnet::ctl {

namespace {

/* A network as this node has it. */
struct Network {
	std::string device;
	NodeNetworkInfo own;
	std::string interface; /* empty: it is in another network namespace */
	size_t connected = 0;  /* other nodes */
};

std::string interface_of(const std::vector<DeviceInfo>& devices, const std::string& device,
			 __u32 network)
{
	for (const DeviceInfo& info : devices)
		for (const InterfaceInfo& interface : info.interfaces)
			if (info.device == device && interface.network == network)
				return interface.name;
	return "";
}

size_t count_connected(const std::vector<NodeInfo>& nodes, const std::string& device, __u32 network)
{
	return static_cast<size_t>(
		std::count_if(nodes.begin(), nodes.end(), [&](const NodeInfo& node) {
			return node.device == device &&
			       std::any_of(node.networks.begin(), node.networks.end(),
					   [network](const NodeNetworkInfo& info) {
						   return info.network == network && info.connected;
					   });
		}));
}

std::vector<Network> find_networks(Control& control, const std::string& device)
{
	std::vector<DeviceInfo> devices = control.devices(device);
	std::vector<NodeInfo> nodes = control.nodes(device);
	std::vector<Network> networks;
	for (const NodeInfo& node : nodes) {
		if (node.state != SHMNET_NODE_SELF)
			continue;
		for (const NodeNetworkInfo& own : node.networks)
			networks.push_back(
				{.device = node.device,
				 .own = own,
				 .interface = interface_of(devices, node.device, own.network),
				 .connected = count_connected(nodes, node.device, own.network)});
	}
	return networks;
}

std::string networks_text(const std::vector<Network>& networks)
{
	Table table({"DEVICE", "NETWORK", "KIND", "INTERFACE", "STATE", "MTU", "CONNECTED"});
	for (const Network& network : networks)
		table.add({network.device, number(network.own.network),
			   network_kind(network.own.kind),
			   network.interface.empty() ? "-" : network.interface,
			   network_state_name(network.own.state), number(network.own.mtu),
			   number(network.connected)});
	return table.text();
}

Json networks_json(const std::vector<Network>& networks)
{
	Json all = Json::array();
	for (const Network& network : networks)
		all.push_back({{"device", network.device},
			       {"network", network.own.network},
			       {"kind", network_kind(network.own.kind)},
			       {"interface",
				network.interface.empty() ? Json() : Json(network.interface)},
			       {"state", network_state_name(network.own.state)},
			       {"mtu", network.own.mtu},
			       {"connected", network.connected}});
	return all;
}

Answer show_networks(Control& control, const std::string& device, const QueryFormat& format)
{
	std::vector<Network> networks = find_networks(control, device);
	return {networks.empty(),
		format.json ? networks_json(networks).dump(format.watching ? -1 : 2) + "\n"
			    : networks_text(networks)};
}

} // namespace

void add_network(CLI::App& app, Action& action)
{
	add_query(app, action,
		  {.name = "network",
		   .description = "Show the networks of each region, and their interfaces here",
		   .query = show_networks,
		   .watch = true});
}

} // namespace shmnet::ctl
