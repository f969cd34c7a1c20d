// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "report.hh"

#include "balance.hh"
#include "version.hh"

#include <unistd.h>

namespace shmnet::shmnetd {

namespace {

using Json = nlohmann::ordered_json;

Json service_json(const ServiceInfo& service)
{
	return {{"protocol", protocol_name(service.protocol)},
		{"address", address_text(service.address)},
		{"port", service.port},
		{"balance", balance_name(service.balance)},
		{"weight", service.weight},
		{"local_first", (service.flags & SHMNET_SERVICE_LOCAL) != 0},
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

Json segments_json(const std::vector<SegmentState>& segments)
{
	Json array = Json::array();
	for (const SegmentState& segment : segments) {
		Json object = {{"interface", segment.interface},
			       {"trouble", segment.trouble},
			       {"answers", Json::array()}};
		for (const auto& [address, holder] : segment.holders)
			object["answers"].push_back(
				{{"address", address_text(address)},
				 {"answered_by", holder ? mac_text(*holder) : ""},
				 {"here", holder == segment.own}});
		array.push_back(object);
	}
	return array;
}

} // namespace

Json report_published(const std::vector<Published>& all)
{
	Json array = Json::array();
	for (const Published& published : all) {
		Json object = {{"device", published.interface.device},
			       {"interface", published.interface.name},
			       {"refused", published.refused},
			       {"published", Json::array()},
			       {"hidden", Json::array()}};
		for (const ServiceInfo& service : published.selection.services)
			object["published"].push_back(service_json(service));
		for (const Hidden& hidden : published.selection.hidden)
			object["hidden"].push_back(hidden_json(hidden));
		array.push_back(object);
	}
	return array;
}

std::string report_daemon(const DaemonValues& values, const std::vector<Published>& all,
			  const std::vector<SegmentState>& segments)
{
	Json object = {{"version", SHMNET_PROGRAM_VERSION},
		       {"pid", ::getpid()},
		       {"traces", values.traces},
		       {"configuration_right", values.reloaded},
		       {"listeners", values.listeners},
		       {"looked", seconds(values.looked)},
		       {"publications", values.counts.publications},
		       {"failures", values.counts.failures},
		       {"interfaces", report_published(all)},
		       {"segments", segments_json(segments)}};
	return object.dump();
}

} // namespace shmnet::shmnetd
