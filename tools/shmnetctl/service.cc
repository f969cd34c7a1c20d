// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* shmnetctl service: what nodes offer at shared addresses. */
#include "address.hh"
#include "balance.hh"
#include "helper_socket.hh"
#include "published_text.hh"
#include "query.hh"
#include "table.hh"

#include <fmt/format.h>

namespace shmnet::ctl {

namespace {

/* What programs here listen at and shmnetd does not publish; nothing if it does not say. */
std::string hidden_here()
{
	try {
		std::optional<std::string> helper = ask_helper();
		return helper ? hidden_text(Json::parse(*helper).at("interfaces")) : "";
	} catch (const std::exception&) {
		return "";
	}
}

std::string offers_text(const std::vector<OfferInfo>& offers)
{
	Table table({"DEVICE", "INTERFACE", "PROTOCOL", "SERVICE", "NODE", "WEIGHT", "BALANCE",
		     "CONNECTIONS"});
	for (const OfferInfo& offer : offers) {
		const ServiceInfo& service = offer.service;
		std::string balance = balance_name(service.balance);
		if (service.flags & SHMNET_SERVICE_LOCAL)
			balance += ", local first";
		table.add({offer.device, offer.interface.name, protocol_name(service.protocol),
			   end_text(service.address, service.port), number(offer.slot),
			   number(service.weight), balance, number(service.connections)});
	}
	std::string hidden = hidden_here();
	return table.text() + (table.empty() || hidden.empty() ? "" : "\n") + hidden;
}

Json offers_json(const std::vector<OfferInfo>& offers)
{
	Json all = Json::array();
	for (const OfferInfo& offer : offers)
		all.push_back({{"device", offer.device},
			       {"network", offer.interface.network},
			       {"interface", offer.interface.name},
			       {"protocol", protocol_name(offer.service.protocol)},
			       {"address", address_text(offer.service.address)},
			       {"port", offer.service.port},
			       {"node", offer.slot},
			       {"incarnation", offer.incarnation},
			       {"weight", offer.service.weight},
			       {"balance", balance_name(offer.service.balance)},
			       {"local_first", (offer.service.flags & SHMNET_SERVICE_LOCAL) != 0},
			       {"connections", offer.service.connections}});
	return all;
}

} // namespace

void add_service(CLI::App& app, Action& action)
{
	add_query(app, action,
		  {.name = "service",
		   .description = "Show what nodes offer at shared addresses",
		   .query = list_query(&Control::offers, offers_text, offers_json),
		   .watch = true});
}

} // namespace shmnet::ctl
