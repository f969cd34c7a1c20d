// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "ospf_show.hh"

#include "table.hh"

#include <fmt/format.h>

#include <map>
#include <set>
#include <sstream>

namespace shmnet::ctl {

namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

/* FRR leaves out what does not hold, and changes what it prints from one version to the next. */
std::string text_of(const Json& json, const char* key)
{
	auto found = json.find(key);
	return found != json.end() && found->is_string() && !found->get<std::string>().empty()
		       ? found->get<std::string>()
		       : "-";
}

__u32 number_of(const Json& json, const char* key)
{
	auto found = json.find(key);
	return found != json.end() && found->is_number_unsigned() ? found->get<__u32>() : 0;
}

bool flag_of(const Json& json, const char* key)
{
	auto found = json.find(key);
	return found != json.end() && found->is_boolean() && found->get<bool>();
}

Json member(const Json& json, const char* key)
{
	auto found = json.find(key);
	return found == json.end() ? Json::object() : *found;
}

/* As with "Full/DROther", "POINTOMULTIPOINT". */
std::string lower(std::string text)
{
	for (char& c : text)
		c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
	return printable(text.substr(0, text.find('/')));
}

const char* path_text(const std::string& frr)
{
	/* Of ospfd and of ospf6d. */
	static const std::map<std::string, const char*> NAMES = {
		{"N", "intra-area"},  {"IA", "intra-area"}, {"N IA", "inter-area"},
		{"IE", "inter-area"}, {"N E1", "external"}, {"N E2", "external"},
		{"E1", "external"},   {"E2", "external"}};
	auto found = NAMES.find(frr);
	return found == NAMES.end() ? "-" : found->second;
}

class Reader {
public:
	explicit Reader(const Frr& frr) : frr_(frr), daemons_(frr.daemons()) {}

	OspfView read()
	{
		if (daemons_.contains("bfdd"))
			read_bfd();
		if (daemons_.contains("ospfd")) {
			read_interfaces4();
			read_neighbours4();
			Json routes = frr_.show_json("show ip ospf route json");
			read_border_routers4(routes);
			read_routes(4, "show ip route ospf json", [&routes](const std::string& to) {
				return text_of(member(routes, to.c_str()), "routeType");
			});
		}
		if (daemons_.contains("ospf6d")) {
			read_interfaces6();
			read_neighbours6();
			read_border_routers6();
			Json routes =
				member(frr_.show_json("show ipv6 ospf6 route json"), "routes");
			read_routes(6, "show ipv6 route ospf6 json",
				    [&routes](const std::string& to) {
					    return text_of(member(routes, to.c_str()), "pathType");
				    });
		}
		return std::move(view_);
	}

private:
	void read_bfd()
	{
		for (const Json& peer : frr_.show_json("show bfd peers json"))
			bfd_[text_of(peer, "peer")] = text_of(peer, "status");
	}

	std::string bfd_of(const std::string& address) const
	{
		auto found = bfd_.find(address);
		return found == bfd_.end() ? "-" : found->second;
	}

	void read_interfaces4()
	{
		Json all = member(frr_.show_json("show ip ospf interface json"), "interfaces");
		for (const auto& [name, one] : all.items()) {
			bool passive = flag_of(one, "timerPassiveIface");
			view_.interfaces.push_back(
				{4, name, passive ? "passive" : lower(text_of(one, "networkType")),
				 text_of(one, "area"), number_of(one, "cost"),
				 number_of(one, "nbrAdjacentCount")});
		}
	}

	void read_interfaces6()
	{
		Json all = frr_.show_json("show ipv6 ospf6 interface json");
		Json neighbours = frr_.show_json("show ipv6 ospf6 neighbor detail json");
		for (const auto& [name, one] : all.items()) {
			if (!flag_of(one, "attachedToArea"))
				continue;
			__u32 count = 0;
			for (const Json& neighbour : neighbours)
				count += text_of(neighbour, "interface") == name &&
					 text_of(neighbour, "neighborState") == "Full";
			view_.interfaces.push_back({6, name, lower(text_of(one, "type")),
						    text_of(one, "areaId"), number_of(one, "cost"),
						    count});
		}
	}

	void read_neighbours4()
	{
		Json all = member(frr_.show_json("show ip ospf neighbor json"), "neighbors");
		for (const auto& [router, ways] : all.items())
			for (const Json& one : ways) {
				/* "shml0:192.0.2.1" */
				std::string interface = text_of(one, "ifaceName");
				view_.neighbours.push_back(
					{4, router, interface.substr(0, interface.find(':')),
					 lower(text_of(one, "nbrState")),
					 bfd_of(text_of(one, "address"))});
			}
	}

	void read_neighbours6()
	{
		Json all = frr_.show_json("show ipv6 ospf6 neighbor detail json");
		for (const auto& [name, one] : all.items())
			view_.neighbours.push_back({6, name.substr(0, name.find('%')),
						    text_of(one, "interface"),
						    lower(text_of(one, "neighborState")),
						    bfd_of(text_of(one, "linkLocalAddress"))});
	}

	void read_border_routers4(const Json& routes)
	{
		for (const auto& [router, route] : routes.items()) {
			if (text_of(route, "routerType").find("abr") == std::string::npos)
				continue;
			for (const Json& way : member(route, "nexthops"))
				view_.border_routers.push_back({4, router, text_of(route, "area"),
								number_of(route, "cost"),
								text_of(way, "ip"),
								text_of(way, "via")});
		}
	}

	/* ROUTER BITS OPTIONS "Intra-Area" AREA, without a cost; B of the bits stands for border. */
	void read_border_routers6()
	{
		std::istringstream lines(frr_.show("show ipv6 ospf6 border-routers"));
		for (std::string line; std::getline(lines, line);) {
			std::istringstream words(line);
			std::string router, bits, options, type, area;
			words >> router >> bits >> options >> type >> area;
			if (!area.empty() && bits.find('B') != std::string::npos &&
			    router != "Router-ID")
				view_.border_routers.push_back({6, router, area, {}});
		}
	}

	template <typename Type> void read_routes(int version, const char* command, Type type_of)
	{
		Json all = frr_.show_json(command);
		for (const auto& [destination, routes] : all.items())
			for (const Json& route : routes)
				for (const Json& way : member(route, "nexthops"))
					view_.routes.push_back({version, destination,
								number_of(route, "metric"),
								flag_of(way, "directlyConnected")
									? "-"
									: text_of(way, "ip"),
								text_of(way, "interfaceName"),
								path_text(type_of(destination)),
								flag_of(route, "installed")});
	}

	const Frr& frr_;
	std::set<std::string> daemons_;
	std::map<std::string, std::string> bfd_; /* status, by the neighbour's address */
	OspfView view_;
};

const char* ip_name(int version)
{
	return version == 4 ? "IPv4" : "IPv6";
}

std::string cost_text(const std::optional<__u32>& cost)
{
	return cost ? fmt::format("{}", *cost) : "-";
}

} // namespace

OspfView read_ospf_view(const Frr& frr)
{
	return Reader(frr).read();
}

std::string ospf_view_text(const OspfView& view)
{
	Table interfaces({"INTERFACE", "IP", "TYPE", "AREA", "COST", "NEIGHBOURS"});
	for (const OspfInterfaceView& one : view.interfaces)
		interfaces.add({one.name, ip_name(one.version), one.type, one.area,
				fmt::format("{}", one.cost), fmt::format("{}", one.neighbours)});
	Table neighbours({"NEIGHBOUR", "IP", "INTERFACE", "STATE", "BFD"});
	for (const OspfNeighbourView& one : view.neighbours)
		neighbours.add(
			{one.router, ip_name(one.version), one.interface, one.state, one.bfd});
	Table routers({"BORDER-ROUTER", "IP", "AREA", "COST", "VIA", "INTERFACE"});
	for (const OspfRouterView& one : view.border_routers)
		routers.add({one.router, ip_name(one.version), one.area, cost_text(one.cost),
			     one.via, one.interface});
	Table routes({"DESTINATION", "COST", "VIA", "INTERFACE", "WHY", "USED"});
	for (const OspfRouteView& one : view.routes)
		routes.add({one.destination, fmt::format("{}", one.cost), one.via, one.interface,
			    one.why, one.used ? "yes" : "no"});
	std::string text;
	for (const Table& table : {interfaces, neighbours, routers, routes})
		if (!table.empty())
			text += (text.empty() ? "" : "\n") + table.text();
	return text;
}

OrderedJson ospf_view_json(const OspfView& view)
{
	OrderedJson interfaces = OrderedJson::array(), neighbours = OrderedJson::array(),
		    routers = OrderedJson::array(), routes = OrderedJson::array();
	for (const OspfInterfaceView& one : view.interfaces)
		interfaces.push_back({{"interface", one.name},
				      {"ip", one.version},
				      {"type", one.type},
				      {"area", one.area},
				      {"cost", one.cost},
				      {"neighbours", one.neighbours}});
	for (const OspfNeighbourView& one : view.neighbours)
		neighbours.push_back({{"router", one.router},
				      {"ip", one.version},
				      {"interface", one.interface},
				      {"state", one.state},
				      {"bfd", one.bfd}});
	for (const OspfRouterView& one : view.border_routers)
		routers.push_back({{"router", one.router},
				   {"ip", one.version},
				   {"area", one.area},
				   {"cost", one.cost ? OrderedJson(*one.cost) : OrderedJson()},
				   {"via", one.via},
				   {"interface", one.interface}});
	for (const OspfRouteView& one : view.routes)
		routes.push_back({{"destination", one.destination},
				  {"ip", one.version},
				  {"cost", one.cost},
				  {"via", one.via},
				  {"interface", one.interface},
				  {"why", one.why},
				  {"used", one.used}});
	return {{"interfaces", interfaces},
		{"neighbours", neighbours},
		{"border_routers", routers},
		{"routes", routes}};
}

} // namespace shmnet::ctl
