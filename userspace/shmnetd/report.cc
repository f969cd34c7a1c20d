// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report.hh"

#include "balance.hh"
#include "table.hh"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace shmnet::shmnetd {

namespace {

using Json = nlohmann::ordered_json;

bool is_local_first(const ServiceInfo& service)
{
	return service.flags & SHMNET_SERVICE_LOCAL;
}

std::string services_text(const std::vector<Published>& all)
{
	Table table({"INTERFACE", "PROTOCOL", "ADDRESS", "BALANCE", "WEIGHT", "LOCAL-FIRST",
		     "CONNECTIONS"});
	for (const Published& published : all)
		for (const ServiceInfo& service : published.selection.services)
			table.add({published.interface.name, protocol_name(service.protocol),
				   end_text(service.address, service.port),
				   balance_name(service.balance), fmt::format("{}", service.weight),
				   is_local_first(service) ? "yes" : "no",
				   fmt::format("{}", service.connections)});
	return table.text();
}

std::string hidden_text(const std::vector<Published>& all)
{
	Table table({"INTERFACE", "PROTOCOL", "LISTENS-ON", "NOT-PUBLISHED"});
	std::string remedies;
	for (const Published& published : all)
		for (const auto& [listener, reason, remedy] : published.selection.hidden) {
			std::string protocol = protocol_name(listener.protocol);
			std::string end = end_text(listener.address, listener.port);
			table.add({published.interface.name, protocol, end, reason_name(reason)});
			remedies += fmt::format("{} {} on {}: {}\n", protocol, end,
						published.interface.name, remedy);
		}
	return table.text() + (remedies.empty() ? "" : "\n") + remedies;
}

Json service_json(const ServiceInfo& service)
{
	return {{"protocol", protocol_name(service.protocol)},
		{"address", address_text(service.address)},
		{"port", service.port},
		{"balance", balance_name(service.balance)},
		{"weight", service.weight},
		{"local_first", is_local_first(service)},
		{"connections", service.connections}};
}

Json hidden_json(const Hidden& hidden)
{
	return {{"protocol", protocol_name(hidden.listener.protocol)},
		{"address", address_text(hidden.listener.address)},
		{"port", hidden.listener.port},
		{"v6only", hidden.listener.v6only},
		{"ifindex", hidden.listener.device},
		{"reason", reason_name(hidden.reason)},
		{"remedy", hidden.remedy}};
}

} // namespace

std::string report_text(const std::vector<Published>& all)
{
	std::string services = services_text(all);
	std::string hidden = hidden_text(all);
	return services + (services.empty() || hidden.empty() ? "" : "\n") + hidden;
}

std::string report_json(const std::vector<Published>& all)
{
	Json array = Json::array();
	for (const Published& published : all) {
		Json object = {{"device", published.interface.device},
			       {"interface", published.interface.name},
			       {"published", Json::array()},
			       {"hidden", Json::array()}};
		for (const ServiceInfo& service : published.selection.services)
			object["published"].push_back(service_json(service));
		for (const Hidden& hidden : published.selection.hidden)
			object["hidden"].push_back(hidden_json(hidden));
		array.push_back(object);
	}
	return array.dump(2) + "\n";
}

} // namespace shmnet::shmnetd
