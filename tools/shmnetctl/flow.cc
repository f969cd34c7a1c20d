// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* shmnetctl flow: the connections that a global interface knows, and who serves them. */
#include "query.hh"
#include "table.hh"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <cstring>

namespace shmnet::ctl {

namespace {

std::string protocol_name(__u32 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_SCTP:
		return "sctp";
	}
	return number(protocol);
}

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

bool is_ipv4(const std::array<__u8, 16>& address)
{
	in6_addr whole;
	memcpy(&whole, address.data(), sizeof(whole));
	return IN6_IS_ADDR_V4MAPPED(&whole);
}

std::string address_text(const std::array<__u8, 16>& address)
{
	char text[INET6_ADDRSTRLEN] = "";
	if (is_ipv4(address))
		inet_ntop(AF_INET, &address[12], text, sizeof(text));
	else
		inet_ntop(AF_INET6, address.data(), text, sizeof(text));
	return text;
}

std::string end_text(const std::array<__u8, 16>& address, __u32 port)
{
	std::string text = address_text(address);
	return fmt::format("{}:{}", is_ipv4(address) ? text : "[" + text + "]", port);
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
