// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* shmnetctl flow: the connections that a global interface knows, and who serves them. */
#include "address.hh"
#include "query.hh"
#include "table.hh"

#include <fmt/format.h>

namespace shmnet::ctl {

namespace {

const char* state_name(__u32 state)
{
	switch (state) {
	case SHMNET_FLOW_OPENING:
		return "opening";
	case SHMNET_FLOW_ESTABLISHED:
		return "established";
	case SHMNET_FLOW_CLOSING:
		return "closing";
	case SHMNET_FLOW_CLOSED:
		return "closed";
	case SHMNET_FLOW_DATAGRAM:
		return "datagram";
	}
	return "unknown";
}

std::string flows_text(const std::vector<FlowInfo>& flows)
{
	Table table({"DEVICE", "INTERFACE", "PROTOCOL", "SOURCE", "DESTINATION", "NODE", "STATE",
		     "IDLE"});
	for (const FlowInfo& flow : flows)
		table.add({flow.device, flow.interface.name, protocol_name(flow.protocol),
			   end_text(flow.source, flow.source_port),
			   end_text(flow.destination, flow.destination_port), number(flow.slot),
			   state_name(flow.state), fmt::format("{} s", flow.idle / 1000)});
	return table.text();
}

Json flows_json(const std::vector<FlowInfo>& flows)
{
	Json all = Json::array();
	for (const FlowInfo& flow : flows)
		all.push_back({{"device", flow.device},
			       {"network", flow.interface.network},
			       {"interface", flow.interface.name},
			       {"protocol", protocol_name(flow.protocol)},
			       {"source", address_text(flow.source)},
			       {"source_port", flow.source_port},
			       {"destination", address_text(flow.destination)},
			       {"destination_port", flow.destination_port},
			       {"node", flow.slot},
			       {"incarnation", flow.incarnation},
			       {"state", state_name(flow.state)},
			       {"idle_ms", flow.idle}});
	return all;
}

} // namespace

void add_flow(CLI::App& app, Action& action)
{
	add_query(app, action,
		  {.name = "flow",
		   .description =
			   "Show the connections of the global interfaces, and who serves them",
		   .query = list_query(&Control::flows, flows_text, flows_json),
		   .watch = true});
}

} // namespace shmnet::ctl
