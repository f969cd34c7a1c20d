// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "ospf_here.hh"

#include "address.hh"
#include "control.hh"
#include "error.hh"
#include "global_interfaces.hh"
#include "global_wish.hh"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <filesystem>
#include <optional>

namespace shmnet::ctl {

namespace {

const LinkInfo* find_link(const std::vector<LinkInfo>& links, const std::string& name)
{
	auto found = std::find_if(links.begin(), links.end(),
				  [&name](const LinkInfo& link) { return link.name == name; });
	return found == links.end() ? nullptr : &*found;
}

const LinkInfo& need_link(const std::vector<LinkInfo>& links, const std::string& name)
{
	const LinkInfo* link = find_link(links, name);
	if (!link)
		throw Error(fmt::format("there is no interface {}: 'ip link' shows those there are",
					name));
	return *link;
}

void need_daemons(const OspfConfig& config, const std::set<std::string>& running)
{
	std::vector<std::string> needed = {"zebra", "ospfd"};
	if (config.bfd)
		needed.push_back("bfdd");
	for (const std::string& name : needed)
		if (!running.contains(name))
			throw Error(fmt::format(
				"{0} does not run: say {0}=yes in /etc/frr/daemons, and 'systemctl "
				"restart frr'{1}",
				name,
				name == "bfdd" ? "; or bfd = false in the configuration" : ""));
}

bool is_physical(const std::string& name)
{
	std::error_code error;
	return std::filesystem::exists(fmt::format("/sys/class/net/{}/device", name), error);
}

bool has_address(const Surroundings& around, const LinkInfo& link)
{
	return std::any_of(around.addresses.begin(), around.addresses.end(),
			   [&link](const AddressInfo& address) {
				   return address.index == link.index && address.global;
			   });
}

std::string local_interface(const OspfConfig& config, const Surroundings& around)
{
	if (!config.local.empty())
		return config.local;
	for (const DeviceNetworks& device : around.devices)
		if (find_link(around.links, device.local))
			return device.local;
	throw Error("no interface of a local network is here: load the module, or say local = "
		    "\"NAME\" in the configuration");
}

/* Of the same device as the local one. */
std::string global_interface(const OspfConfig& config, const Surroundings& around,
			     const std::string& local)
{
	if (!config.global.empty())
		return need_link(around.links, config.global).name;
	const DeviceNetworks* device = find_device(around.devices, local);
	return device && find_link(around.links, device->global) ? device->global : "";
}

std::string ipv4_address(const Surroundings& around, const std::string& interface)
{
	const LinkInfo* link = find_link(around.links, interface);
	for (const AddressInfo& address : around.addresses)
		if (link && address.index == link->index && address.family == AF_INET)
			return address.address;
	return {};
}

/* The same whichever of a device's local networks is routed: routers do not take another name while they are known. */
std::string find_router_id(const Surroundings& around, const std::string& local)
{
	const DeviceNetworks* device = find_device(around.devices, local);
	std::string first = device ? ipv4_address(around, device->local) : "";
	return first.empty() ? ipv4_address(around, local) : first;
}

std::map<std::string, OspfCard> find_cards(const OspfConfig& config, const Surroundings& around)
{
	std::map<std::string, OspfCard> cards = config.cards;
	if (cards.empty())
		for (const LinkInfo& link : around.links)
			if (link.up && is_physical(link.name) && has_address(around, link) &&
			    !find_device(around.devices, link.name))
				cards.emplace(link.name, config.card);
	/* To FRR some are so by themselves, and then it does not show the line that would say it. */
	for (auto& [name, card] : cards)
		if (need_link(around.links, name).point_to_point)
			card.point_to_point = false;
	return cards;
}

/* Without the module there is nobody to say that nobody does. */
class Served {
public:
	explicit Served(const std::string& interface)
	{
		try {
			control_.emplace();
			interface_ = global_interface_here(*control_, interface);
		} catch (const Error&) {
			interface_.reset();
			return;
		}
		offers_ = control_->offers(interface_->device);
	}

	bool operator()(const std::string& address)
	{
		if (!interface_)
			return true;
		auto wanted = parse_address(address);
		bool offered =
			std::any_of(offers_.begin(), offers_.end(), [&](const OfferInfo& offer) {
				const auto& its = offer.service.address;
				return its == wanted || its == decltype(its){};
			});
		return offered || may_go_anywhere(*wanted);
	}

private:
	/* As long as no node has said what it offers, all are given flows. */
	bool may_go_anywhere(const std::array<__u8, 16>& address)
	{
		FlowQuestion flow = {.protocol = IPPROTO_TCP,
				     .source = address,
				     .destination = address,
				     .source_port = 1,
				     .destination_port = 1};
		return control_->explain(interface_->index, flow).step == SHMNET_FLOW_STEP_ANY;
	}

	std::optional<Control> control_;
	std::optional<GlobalInterface> interface_;
	std::vector<OfferInfo> offers_;
};

std::set<std::string> find_announced(const Surroundings& around, const std::string& global)
{
	std::set<std::string> announced;
	const LinkInfo* link = find_link(around.links, global);
	if (!link || !link->up)
		return {};
	Served served(global);
	for (const AddressInfo& address : around.addresses)
		if (address.index == link->index && address.global && served(address.address))
			announced.insert(address.address);
	return announced;
}

/* One that nobody has given it for us. */
bool has_link_address(const Surroundings& around, const std::string& interface)
{
	const LinkInfo* link = find_link(around.links, interface);
	return link && std::any_of(around.addresses.begin(), around.addresses.end(),
				   [link](const AddressInfo& address) {
					   return address.index == link->index &&
						  address.family == AF_INET6 && !address.global &&
						  address.address != OSPF_LINK_ADDRESS;
				   });
}

} // namespace

OspfSurroundings look_for_ospf(const OspfConfig& config, const Frr& frr)
{
	std::set<std::string> daemons = frr.daemons();
	need_daemons(config, daemons);
	Surroundings around = look_around(AF_INET);
	OspfSurroundings here;
	here.local = local_interface(config, around);
	here.global = global_interface(config, around, here.local);
	here.cards = find_cards(config, around);
	here.announced = find_announced(around, here.global);
	here.link_address = has_link_address(around, here.global);
	here.ipv6 = daemons.contains("ospf6d");
	need_link(around.links, here.local);
	here.router_id = find_router_id(around, here.local);
	return here;
}

std::set<std::string> announced_addresses(const OspfConfig& config)
{
	Surroundings around = look_around(AF_INET);
	std::string local = local_interface(config, around);
	return find_announced(around, global_interface(config, around, local));
}

} // namespace shmnet::ctl
