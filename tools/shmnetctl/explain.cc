// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* shmnetctl explain: to which node a flow to a shared address goes, and why. */
#include "address.hh"
#include "address_offers.hh"
#include "balance.hh"
#include "command.hh"
#include "error.hh"
#include "global_interfaces.hh"
#include "query.hh"
#include "slots.hh"
#include "table.hh"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>
#include <optional>

namespace shmnet::ctl {

namespace {

struct Arguments {
	std::string protocol, source, destination;
	std::string interface;
	bool json = false;
};

/* A node that offers what the flow asks for, and whether it is given new flows of it. */
struct Candidate {
	OfferInfo offer;
	std::string state; /* "takes new flows", or why it does not */
	bool able = false;
};

struct Findings {
	FlowQuestion flow;
	Explanation explanation;
	std::vector<Candidate> candidates; /* of a new flow */
};

FlowQuestion question_of(const Arguments& arguments)
{
	auto protocol = parse_protocol(arguments.protocol);
	if (!protocol)
		throw UsageError(fmt::format("{} is no protocol with ports: give tcp, udp or sctp",
					     arguments.protocol));
	auto source = parse_end(arguments.source), destination = parse_end(arguments.destination);
	for (const auto& [end, text] :
	     {std::pair(source, arguments.source), std::pair(destination, arguments.destination)})
		if (!end)
			throw UsageError(fmt::format("{} is no address with a port: give it as "
						     "192.0.2.1:80 or [2001:db8::1]:80",
						     text));
	if (is_ipv4(source->address) != is_ipv4(destination->address))
		throw UsageError("one address is of IPv4 and the other of IPv6");
	return {.protocol = *protocol,
		.source = source->address,
		.destination = destination->address,
		.source_port = source->port,
		.destination_port = destination->port};
}

/* Nothing if its address is for the node that offers it. */
std::optional<std::string> why_not_by_address(const OfferInfo& offer,
					      const std::vector<SharedAddress>& addresses)
{
	for (const SharedAddress& address : addresses) {
		if (address.interface.index != offer.interface.index ||
		    address.definition.address != offer.service.address)
			continue;
		if (!(address.definition.nodes >> offer.slot & 1))
			return "the address is not for it";
		if (address.draining >> offer.slot & 1)
			return "draining, of this address";
	}
	return std::nullopt;
}

std::string state_of(const OfferInfo& offer, bool able, const std::vector<NodeInfo>& nodes,
		     const std::vector<SharedAddress>& addresses)
{
	if (able)
		return "takes new flows";
	if (offer.service.weight == 0)
		return "weight 0";
	if (std::optional<std::string> reason = why_not_by_address(offer, addresses))
		return *reason;
	for (const NodeInfo& node : nodes) {
		if (node.device != offer.device || node.slot != offer.slot)
			continue;
		for (const NodeNetworkInfo& network : node.networks)
			if (network.network == offer.interface.network &&
			    network.state == SHMNET_STATE_DRAINING)
				return "draining";
		return node.state == SHMNET_NODE_SILENT ? "silent" : "not there";
	}
	return "not there";
}

Findings find(const Arguments& arguments)
{
	Findings found = {.flow = question_of(arguments), .explanation = {}, .candidates = {}};
	Control control;
	GlobalInterface interface = global_interface_here(control, arguments.interface);
	found.explanation = control.explain(interface.index, found.flow);
	if (found.explanation.slot)
		return found;
	std::vector<NodeInfo> nodes = control.nodes(interface.device);
	std::vector<SharedAddress> addresses =
		gather_addresses(control.shared_addresses(interface.device));
	for (OfferInfo& offer : control.offers(interface.device)) {
		const ServiceInfo& service = offer.service;
		if (offer.interface.index != interface.index ||
		    service.protocol != found.flow.protocol ||
		    service.address != found.flow.destination ||
		    service.port != found.flow.destination_port)
			continue;
		bool able = found.explanation.candidates >> offer.slot & 1;
		std::string state = state_of(offer, able, nodes, addresses);
		found.candidates.push_back({std::move(offer), std::move(state), able});
	}
	return found;
}

const char* step_name(__u32 step)
{
	switch (step) {
	case SHMNET_FLOW_STEP_KNOWN:
		return "known";
	case SHMNET_FLOW_STEP_ANSWER:
		return "answer";
	case SHMNET_FLOW_STEP_PINNED:
		return "pinned";
	case SHMNET_FLOW_STEP_OFFERED:
		return "offered";
	case SHMNET_FLOW_STEP_ANY:
		return "any";
	case SHMNET_FLOW_STEP_NOBODY:
		return "nobody";
	}
	return "unknown";
}

/* The first record's way counts. */
std::string balance_of(const Findings& found)
{
	return found.candidates.empty()
		       ? "unknown"
		       : balance_name(found.candidates.front().offer.service.balance);
}

std::string reason_text(const Findings& found)
{
	const Explanation& explanation = found.explanation;
	std::string slots = fmt::format("{}", fmt::join(slots_of(explanation.candidates), ", "));
	switch (explanation.step) {
	case SHMNET_FLOW_STEP_KNOWN:
		return fmt::format("node {}: the connection table has this flow",
				   explanation.slot.value_or(0));
	case SHMNET_FLOW_STEP_ANSWER:
		return fmt::format("node {}: it begins connections by port {}, so that this is an "
				   "answer",
				   explanation.slot.value_or(0), found.flow.destination_port);
	case SHMNET_FLOW_STEP_PINNED:
		return fmt::format("node {}: an entry has lately given this flow to it",
				   explanation.slot.value_or(0));
	case SHMNET_FLOW_STEP_OFFERED:
		return fmt::format("one of the nodes {} by {}: a new flow of a service that they "
				   "offer",
				   slots, balance_of(found));
	case SHMNET_FLOW_STEP_ANY:
		return fmt::format(
			"one of the nodes {} by its addresses and ports: a new flow, and "
			"no node has said what it offers (no shmnetd runs)",
			slots);
	case SHMNET_FLOW_STEP_NOBODY:
		return found.candidates.empty()
			       ? "this node's own stack: a new flow of a service that nobody offers"
			       : "this node's own stack: a new flow, and nobody who offers it "
				 "takes "
				 "new ones";
	}
	return fmt::format("step {}, which this program does not know", explanation.step);
}

std::string text(const Findings& found)
{
	std::string all = reason_text(found) + "\n";
	if (found.candidates.empty())
		return all;
	Table table({"NODE", "WEIGHT", "CONNECTIONS", "STATE"});
	for (const Candidate& candidate : found.candidates)
		table.add({number(candidate.offer.slot), number(candidate.offer.service.weight),
			   number(candidate.offer.service.connections), candidate.state});
	return all + table.text();
}

std::string json(const Findings& found)
{
	const FlowQuestion& flow = found.flow;
	Json candidates = Json::array();
	for (const Candidate& candidate : found.candidates)
		candidates.push_back({{"node", candidate.offer.slot},
				      {"weight", candidate.offer.service.weight},
				      {"connections", candidate.offer.service.connections},
				      {"balance", balance_name(candidate.offer.service.balance)},
				      {"takes_new_flows", candidate.able},
				      {"state", candidate.state}});
	Json object = {{"protocol", protocol_name(flow.protocol)},
		       {"source", address_text(flow.source)},
		       {"source_port", flow.source_port},
		       {"destination", address_text(flow.destination)},
		       {"destination_port", flow.destination_port},
		       {"step", step_name(found.explanation.step)},
		       {"node", found.explanation.slot ? Json(*found.explanation.slot) : Json()},
		       {"nodes", slots_of(found.explanation.candidates)},
		       {"reason", reason_text(found)},
		       {"offers", candidates}};
	return object.dump(2) + "\n";
}

} // namespace

void add_explain(CLI::App& app, Action& action)
{
	auto arguments = std::make_shared<Arguments>();
	CLI::App* added = app.add_subcommand(
		"explain", "Say to which node a flow to a shared address would go, and why");
	added->add_option("PROTOCOL", arguments->protocol, "tcp, udp or sctp")->required();
	added->add_option("SOURCE", arguments->source, "ADDRESS:PORT of the client")->required();
	added->add_option("DESTINATION", arguments->destination, "The shared ADDRESS:PORT")
		->required();
	added->add_option("--interface", arguments->interface,
			  "Of a global network; by default the only one")
		->type_name("INTERFACE");
	added->add_flag("--json", arguments->json, "As JSON");
	added->callback([arguments, &action] {
		action = [arguments] {
			Findings found = find(*arguments);
			fmt::print("{}", arguments->json ? json(found) : text(found));
			return 0;
		};
	});
}

} // namespace shmnet::ctl
