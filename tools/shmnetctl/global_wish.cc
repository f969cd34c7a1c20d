// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "global_wish.hh"

#include "control.hh"
#include "error.hh"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <set>

namespace shmnet::ctl {

namespace {

constexpr const char* INTERFACE = "shmg0";
constexpr __u32 TABLE = 100;

template <typename Container, typename Item>
bool contains(const Container& container, const Item& item)
{
	return std::find(container.begin(), container.end(), item) != container.end();
}

bool can_be_shared(int family, const void* bytes)
{
	if (family == AF_INET) {
		in_addr address;
		memcpy(&address, bytes, sizeof(address));
		in_addr_t number = ntohl(address.s_addr);
		return number >> 24 != 0 && number >> 24 != IN_LOOPBACKNET && number >> 28 < 0xe;
	}
	in6_addr address;
	memcpy(&address, bytes, sizeof(address));
	return !IN6_IS_ADDR_UNSPECIFIED(&address) && !IN6_IS_ADDR_LOOPBACK(&address) &&
	       !IN6_IS_ADDR_MULTICAST(&address) && !IN6_IS_ADDR_LINKLOCAL(&address) &&
	       !IN6_IS_ADDR_V4MAPPED(&address);
}

const LinkInfo* find_link(const Surroundings& surroundings, const std::string& name)
{
	for (const LinkInfo& link : surroundings.links)
		if (link.name == name)
			return &link;
	return nullptr;
}

std::string address_on(const Surroundings& surroundings, const std::string& interface, int family)
{
	const LinkInfo* link = find_link(surroundings, interface);
	for (const AddressInfo& own : surroundings.addresses)
		if (link && own.index == link->index && own.family == family && own.global)
			return own.address;
	return {};
}

/* The interface that has an address; empty if none has, or it is the loopback. */
std::string interface_with(const Surroundings& surroundings, const std::string& address)
{
	for (const AddressInfo& own : surroundings.addresses)
		if (own.address == address)
			for (const LinkInfo& link : surroundings.links)
				if (link.index == own.index && link.name != "lo")
					return link.name;
	return {};
}

bool is_own(const Surroundings& surroundings, const std::string& address)
{
	return std::any_of(surroundings.addresses.begin(), surroundings.addresses.end(),
			   [&address](const AddressInfo& own) { return own.address == address; });
}

std::string find_interface(const WishArguments& arguments, const Wish* stored,
			   const Surroundings& surroundings)
{
	std::string interface = !arguments.interface.empty() ? arguments.interface
				: stored		     ? stored->interface
							     : INTERFACE;
	if (!find_link(surroundings, interface))
		throw Error(
			fmt::format("there is no interface {}: load the module (modprobe shmnet), "
				    "on a region that has a global network, or name it with "
				    "--interface",
				    interface));
	return interface;
}

std::string check_source(const std::string& text, const Wish& wish,
			 const Surroundings& surroundings)
{
	int family = address_family(text);
	if (family != address_family(wish.address) || text == wish.address)
		throw UsageError(
			fmt::format("--source {}: give an address of this node alone, of the "
				    "same kind as {}",
				    text, wish.address));
	char canonical[INET6_ADDRSTRLEN] = "";
	in6_addr bytes;
	inet_pton(family, text.c_str(), &bytes);
	inet_ntop(family, &bytes, canonical, sizeof(canonical));
	if (!is_own(surroundings, canonical))
		throw Error(
			fmt::format("--source {}: no interface here has that address: ip address "
				    "add {} dev INTERFACE",
				    text, text));
	return canonical;
}

/* Sets source and local. */
void find_source(Wish& wish, const WishArguments& arguments, const Wish* stored,
		 const Surroundings& surroundings)
{
	const DeviceNetworks* device = find_device(surroundings.devices, wish.interface);
	if (device)
		wish.local = device->local;
	if (!arguments.source.empty())
		wish.source = check_source(arguments.source, wish, surroundings);
	else if (stored && is_own(surroundings, stored->source))
		wish.source = stored->source;
	else if (wish.local.empty())
		throw Error(fmt::format("{} is no interface of the module, or has no local network "
					"beside it: give the node's own address with --source",
					wish.interface));
	else
		wish.source = address_on(surroundings, wish.local, address_family(wish.address));
	if (wish.source.empty())
		throw Error(fmt::format("{} has no {} address, which the node needs as its own: ip "
					"address add ADDRESS dev {}, or give --source",
					wish.local,
					address_family(wish.address) == AF_INET6 ? "IPv6" : "IPv4",
					wish.local));
	if (wish.local.empty())
		wish.local = interface_with(surroundings, wish.source);
}

std::vector<std::string> find_cards(const Wish& wish, const WishArguments& arguments,
				    const Wish* stored, const Surroundings& surroundings)
{
	std::set<std::string> memory = {wish.interface, wish.local, "lo"};
	for (const DeviceNetworks& device : surroundings.devices)
		memory.insert(device.interfaces.begin(), device.interfaces.end());
	std::set<std::string> cards;
	for (const std::string& card : arguments.cards) {
		if (!find_link(surroundings, card))
			throw Error(fmt::format("--card {}: there is no such interface", card));
		if (memory.contains(card))
			throw UsageError(fmt::format("--card {}: give an interface by which others "
						     "come, not one of shared memory",
						     card));
		cards.insert(card);
	}
	if (cards.empty() && !arguments.no_card)
		for (const std::string& card :
		     stored ? stored->cards : surroundings.default_interfaces)
			if (find_link(surroundings, card) && !memory.contains(card))
				cards.insert(card);
	return {cards.begin(), cards.end()};
}

/* Of the first network of a kind. */
std::string first_interface(const DeviceInfo& device, const std::vector<NodeInfo>& nodes,
			    __u32 kind)
{
	for (const NodeInfo& node : nodes)
		for (const NodeNetworkInfo& network : node.networks)
			for (const InterfaceInfo& interface : device.interfaces)
				if (node.slot == device.slot && network.kind == kind &&
				    interface.network == network.network)
					return interface.name;
	return {};
}

} // namespace

std::string parse_shared_address(const std::string& text)
{
	size_t slash = text.find('/');
	std::string address = text.substr(0, slash);
	int family = address_family(address);
	const char* whole = family == AF_INET6 ? "/128" : "/32";
	in6_addr bytes;
	char canonical[INET6_ADDRSTRLEN] = "";
	if (family == 0 || (slash != std::string::npos && text.substr(slash) != whole))
		throw UsageError(fmt::format(
			"{}: give one address, as in 203.0.113.1 or 2001:db8::1", text));
	inet_pton(family, address.c_str(), &bytes);
	if (!can_be_shared(family, &bytes))
		throw UsageError(
			fmt::format("{}: nodes cannot share an address of that kind", text));
	inet_ntop(family, &bytes, canonical, sizeof(canonical));
	return canonical;
}

Wish resolve_wish(const WishArguments& arguments, const Wish* stored,
		  const Surroundings& surroundings)
{
	Wish wish;
	wish.address = parse_shared_address(arguments.address);
	wish.interface = find_interface(arguments, stored, surroundings);
	find_source(wish, arguments, stored, surroundings);
	if (!arguments.cards.empty() && arguments.no_card)
		throw UsageError("--card and --no-card: give one of them");
	wish.cards = find_cards(wish, arguments, stored, surroundings);
	wish.table = arguments.table.value_or(stored ? stored->table : TABLE);
	if (wish.table == RT_TABLE_UNSPEC ||
	    (wish.table >= RT_TABLE_DEFAULT && wish.table <= RT_TABLE_LOCAL))
		throw UsageError(fmt::format("--table {}: give a table of its own, as in {}",
					     wish.table, TABLE));
	wish.ports = ports_of(wish.interface, surroundings.devices);
	return wish;
}

std::vector<DeviceNetworks> devices_of_the_module()
{
	std::optional<Control> control;
	try {
		control.emplace();
	} catch (const Error&) {
		return {};
	}
	std::vector<DeviceNetworks> devices;
	for (const DeviceInfo& device : control->devices("")) {
		DeviceNetworks networks;
		for (const InterfaceInfo& interface : device.interfaces)
			networks.interfaces.push_back(interface.name);
		const std::vector<NodeInfo> nodes = control->nodes(device.device);
		networks.local = first_interface(device, nodes, SHMNET_NETWORK_LOCAL);
		networks.global = first_interface(device, nodes, SHMNET_NETWORK_GLOBAL);
		if (device.ports_last > 0)
			networks.ports = {device.ports_first, device.ports_last};
		devices.push_back(std::move(networks));
	}
	return devices;
}

const DeviceNetworks* find_device(const std::vector<DeviceNetworks>& devices,
				  const std::string& interface)
{
	for (const DeviceNetworks& device : devices)
		if (contains(device.interfaces, interface))
			return &device;
	return nullptr;
}

std::optional<PortBlock> ports_of(const std::string& interface,
				  const std::vector<DeviceNetworks>& devices)
{
	const DeviceNetworks* device = find_device(devices, interface);
	return device ? device->ports : std::nullopt;
}

Surroundings look_around(int family)
{
	Rtnetlink netlink;
	Surroundings surroundings = {.links = netlink.links(),
				     .addresses = netlink.addresses(),
				     .default_interfaces = {},
				     .devices = devices_of_the_module()};
	for (const RouteInfo& route : netlink.routes(family, RT_TABLE_MAIN))
		for (int index : route.interfaces)
			for (const LinkInfo& link : surroundings.links)
				if (route.is_default && link.index == index)
					surroundings.default_interfaces.push_back(link.name);
	return surroundings;
}

} // namespace shmnet::ctl
