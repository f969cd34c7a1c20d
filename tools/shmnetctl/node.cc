// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* shmnetctl node, device, counters: what the module says of itself. */
#include "address.hh"
#include "node_state.hh"
#include "query.hh"
#include "region_view.hh"
#include "size.hh"
#include "table.hh"

#include <fmt/format.h>

namespace shmnet::ctl {

namespace {

/* "0:up,1:down": each network's state, with a star where there is a connection. */
std::string networks_text(const NodeInfo& node)
{
	std::string text;
	for (const NodeNetworkInfo& network : node.networks)
		text += fmt::format("{}{}:{}{}", text.empty() ? "" : ",", network.network,
				    network_state_name(network.state),
				    network.connected ? "*" : "");
	return text.empty() ? "-" : text;
}

std::string nodes_text(const std::vector<NodeInfo>& nodes)
{
	Table table({"DEVICE", "NODE", "STATE", "INCARNATION", "NETWORKS", "MAC", "PEER", "NAME"});
	for (const NodeInfo& node : nodes)
		table.add({node.device, number(node.slot), node_state_name(node.state),
			   number(node.incarnation), networks_text(node),
			   node.networks.empty() ? "-" : mac_text(node.networks[0].mac),
			   node.peer ? number(*node.peer) : "-",
			   node.has_entry ? printable(node.name) : "-"});
	return table.text();
}

Json nodes_json(const std::vector<NodeInfo>& nodes)
{
	Json all = Json::array();
	for (const NodeInfo& node : nodes) {
		Json object = {{"device", node.device},
			       {"node", node.slot},
			       {"state", node_state_name(node.state)},
			       {"incarnation", node.incarnation}};
		if (node.has_entry) {
			object["name"] = printable(node.name);
			object["machine"] = machine_uuid(node.machine.data());
			object["pci_address"] = pci_address(node.pci_address);
			object["heartbeat"] = node.heartbeat;
			object["peer"] = node.peer ? Json(*node.peer) : Json();
			object["vectors"] = node.vectors;
			object["networks"] = Json::array();
		}
		for (const NodeNetworkInfo& network : node.networks)
			object["networks"].push_back(
				{{"network", network.network},
				 {"kind", network_kind(network.kind)},
				 {"state", network_state_name(network.state)},
				 {"connected", network.connected},
				 {"mtu", network.mtu},
				 {"mac", mac_text(network.mac)},
				 {"capabilities", capability_names(network.capabilities)}});
		all.push_back(object);
	}
	return all;
}

std::string devices_text(const std::vector<DeviceInfo>& devices)
{
	Table table({"DEVICE", "NODE", "OF", "INCARNATION", "REGION", "VECTORS", "READ-MB/S",
		     "WRITE-MB/S", "PORTS", "INTERFACES"});
	for (const DeviceInfo& device : devices) {
		std::string interfaces;
		for (const InterfaceInfo& interface : device.interfaces)
			interfaces += (interfaces.empty() ? "" : ",") + interface.name;
		table.add({device.device, number(device.slot), number(device.nodes),
			   number(device.incarnation), format_size(device.region_size),
			   number(device.vectors), number(device.read_speed),
			   number(device.write_speed),
			   fmt::format("{}-{}", device.ports_first, device.ports_last),
			   interfaces.empty() ? "-" : interfaces});
	}
	return table.text();
}

Json devices_json(const std::vector<DeviceInfo>& devices)
{
	Json all = Json::array();
	for (const DeviceInfo& device : devices) {
		Json interfaces = Json::array();
		for (const InterfaceInfo& interface : device.interfaces)
			interfaces.push_back({{"network", interface.network},
					      {"ifindex", interface.index},
					      {"name", interface.name}});
		all.push_back({{"device", device.device},
			       {"node", device.slot},
			       {"nodes", device.nodes},
			       {"incarnation", device.incarnation},
			       {"region_bytes", device.region_size},
			       {"vectors", device.vectors},
			       {"read_mb_per_second", device.read_speed},
			       {"write_mb_per_second", device.write_speed},
			       {"ports", {device.ports_first, device.ports_last}},
			       {"interfaces", interfaces}});
	}
	return all;
}

std::string counters_text(const std::vector<CounterInfo>& all)
{
	Table table({"DEVICE", "INTERFACE", "COUNTER", "VALUE"});
	for (const CounterInfo& info : all)
		for (const auto& [name, value] : info.counters)
			table.add({info.device, info.interface.name, name, number(value)});
	return table.text();
}

Json counters_json(const std::vector<CounterInfo>& all)
{
	Json result = Json::array();
	for (const CounterInfo& info : all) {
		Json counters = Json::object();
		for (const auto& [name, value] : info.counters)
			counters[name] = value;
		result.push_back({{"device", info.device},
				  {"interface", info.interface.name},
				  {"counters", counters}});
	}
	return result;
}

} // namespace

void add_node(CLI::App& app, Action& action)
{
	add_query(app, action,
		  {.name = "node",
		   .description = "Show the nodes of each region, as this one sees them",
		   .query = list_query(&Control::nodes, nodes_text, nodes_json),
		   .watch = true});
	add_query(app, action,
		  {.name = "device",
		   .description = "Show the devices that the module uses",
		   .query = list_query(&Control::devices, devices_text, devices_json)});
	add_query(app, action,
		  {.name = "counters",
		   .description = "Show the counters of each interface, as ethtool -S does",
		   .query = list_query(&Control::counters, counters_text, counters_json)});
}

} // namespace shmnet::ctl
