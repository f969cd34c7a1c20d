// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* shmnetctl node, device, counters: what the module says of itself. */
#include "command.hh"
#include "control.hh"
#include "error.hh"
#include "region_view.hh"
#include "size.hh"
#include "table.hh"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>

namespace shmnet::ctl {

namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
	std::string device;
	bool json = false;
};

std::string number(__u64 value)
{
	return fmt::format("{}", value);
}

const char* node_state(__u32 state)
{
	switch (state) {
	case SHMNET_NODE_SELF:
		return "self";
	case SHMNET_NODE_UP:
		return "up";
	case SHMNET_NODE_SILENT:
		return "silent";
	case SHMNET_NODE_DEAD:
		return "dead";
	case SHMNET_NODE_LEFT:
		return "left";
	}
	return "unknown";
}

std::string mac_text(const std::array<__u8, 6>& mac)
{
	return fmt::format("{:02x}", fmt::join(mac, ":"));
}

/* "0:up,1:down": each network's state, with a star where there is a connection. */
std::string networks_text(const NodeInfo& node)
{
	std::string text;
	for (const NodeNetworkInfo& network : node.networks)
		text += fmt::format("{}{}:{}{}", text.empty() ? "" : ",", network.network,
				    network.state == SHMNET_STATE_UP ? "up" : "down",
				    network.connected ? "*" : "");
	return text.empty() ? "-" : text;
}

void print_nodes(const std::vector<NodeInfo>& nodes)
{
	Table table({"DEVICE", "NODE", "STATE", "INCARNATION", "NETWORKS", "MAC", "PEER", "NAME"});
	for (const NodeInfo& node : nodes)
		table.add({node.device, number(node.slot), node_state(node.state),
			   number(node.incarnation), networks_text(node),
			   node.networks.empty() ? "-" : mac_text(node.networks[0].mac),
			   node.peer ? number(*node.peer) : "-",
			   node.has_entry ? printable(node.name) : "-"});
	fmt::print("{}", table.text());
}

Json nodes_json(const std::vector<NodeInfo>& nodes)
{
	Json all = Json::array();
	for (const NodeInfo& node : nodes) {
		Json object = {{"device", node.device},
			       {"node", node.slot},
			       {"state", node_state(node.state)},
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
				 {"state", network.state == SHMNET_STATE_UP ? "up" : "down"},
				 {"connected", network.connected},
				 {"mtu", network.mtu},
				 {"mac", mac_text(network.mac)},
				 {"capabilities", capability_names(network.capabilities)}});
		all.push_back(object);
	}
	return all;
}

void print_devices(const std::vector<DeviceInfo>& devices)
{
	Table table({"DEVICE", "NODE", "OF", "INCARNATION", "REGION", "VECTORS", "READ-MB/S",
		     "WRITE-MB/S", "INTERFACES"});
	for (const DeviceInfo& device : devices) {
		std::string interfaces;
		for (const InterfaceInfo& interface : device.interfaces)
			interfaces += (interfaces.empty() ? "" : ",") + interface.name;
		table.add({device.device, number(device.slot), number(device.nodes),
			   number(device.incarnation), format_size(device.region_size),
			   number(device.vectors), number(device.read_speed),
			   number(device.write_speed), interfaces.empty() ? "-" : interfaces});
	}
	fmt::print("{}", table.text());
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
			       {"interfaces", interfaces}});
	}
	return all;
}

void print_counters(const std::vector<CounterInfo>& all)
{
	Table table({"DEVICE", "INTERFACE", "COUNTER", "VALUE"});
	for (const CounterInfo& info : all)
		for (const auto& [name, value] : info.counters)
			table.add({info.device, info.interface.name, name, number(value)});
	fmt::print("{}", table.text());
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

/* Asks with @dump, and prints in either way. An empty answer is an error that says why. */
template <typename Info>
int show(const Arguments& arguments, std::vector<Info> (Control::*dump)(const std::string&),
	 void (*print)(const std::vector<Info>&), Json (*json)(const std::vector<Info>&))
{
	Control control;
	std::vector<Info> all = (control.*dump)(arguments.device);
	if (arguments.json)
		fmt::print("{}\n", json(all).dump(2));
	else
		print(all);
	if (!all.empty())
		return 0;
	if (arguments.device.empty())
		fmt::print(stderr,
			   "shmnetctl: the module uses no device here: see the kernel's log\n");
	else
		fmt::print(stderr,
			   "shmnetctl: the module does not use {}: 'shmnetctl device' lists "
			   "what it uses\n",
			   arguments.device);
	return EXIT_FAILED;
}

template <typename Info>
void add(CLI::App& app, Action& action, const char* name, const char* description,
	 std::vector<Info> (Control::*dump)(const std::string&),
	 void (*print)(const std::vector<Info>&), Json (*json)(const std::vector<Info>&))
{
	auto arguments = std::make_shared<Arguments>();
	CLI::App* command = app.add_subcommand(name, description);
	command->add_option("DEVICE", arguments->device, "The PCI address of an ivshmem device");
	command->add_flag("--json", arguments->json, "As JSON");
	command->callback(
		[=, &action] { action = [=] { return show(*arguments, dump, print, json); }; });
}

} // namespace

void add_node(CLI::App& app, Action& action)
{
	add(app, action, "node", "Show the nodes of each region, as this one sees them",
	    &Control::nodes, print_nodes, nodes_json);
	add(app, action, "device", "Show the devices that the module uses", &Control::devices,
	    print_devices, devices_json);
	add(app, action, "counters", "Show the counters of each interface, as ethtool -S does",
	    &Control::counters, print_counters, counters_json);
}

} // namespace shmnet::ctl
