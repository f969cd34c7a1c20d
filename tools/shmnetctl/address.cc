// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* shmnetctl address: the addresses that nodes share, as all nodes say. */
#include "address.hh"
#include "address_offers.hh"
#include "balance.hh"
#include "query.hh"
#include "slots.hh"
#include "table.hh"

#include <fmt/format.h>

namespace shmnet::ctl {

namespace {

std::string slots_or_none(__u64 slots)
{
	return slots ? slots_text(slots) : "-";
}

std::string addresses_text(const std::vector<AddressOffer>& offers)
{
	Table table({"DEVICE", "INTERFACE", "ADDRESS", "FOR", "BALANCE", "GENERATION", "JOINED",
		     "DRAINING"});
	std::string contested;
	for (const SharedAddress& one : gather_addresses(offers)) {
		const SharedAddressInfo& definition = one.definition;
		const std::string text = address_text(definition.address);
		table.add({one.device, one.interface.name, text, slots_text(definition.nodes),
			   definition.balance ? balance_name(definition.balance) : "-",
			   number(definition.generation), slots_or_none(one.joined),
			   slots_or_none(one.draining)});
		if (one.contested)
			contested +=
				fmt::format("{} is defined otherwise elsewhere, by the same "
					    "generation: node {} counts. Give it a higher one\n",
					    text, one.defined_by);
	}
	return table.text() + contested;
}

Json addresses_json(const std::vector<AddressOffer>& offers)
{
	Json all = Json::array();
	for (const SharedAddress& one : gather_addresses(offers)) {
		const SharedAddressInfo& definition = one.definition;
		all.push_back(
			{{"device", one.device},
			 {"network", one.interface.network},
			 {"interface", one.interface.name},
			 {"address", address_text(definition.address)},
			 {"for_all", definition.nodes == ~__u64{0}},
			 {"nodes", slots_of(definition.nodes)},
			 {"balance",
			  definition.balance ? Json(balance_name(definition.balance)) : Json()},
			 {"generation", definition.generation},
			 {"defined_by", definition.generation ? Json(one.defined_by) : Json()},
			 {"contested", one.contested},
			 {"joined", slots_of(one.joined)},
			 {"draining", slots_of(one.draining)}});
	}
	return all;
}

} // namespace

void add_address(CLI::App& app, Action& action)
{
	add_query(app, action,
		  {.name = "address",
		   .description = "Show the addresses that nodes share, and who has them",
		   .query = list_query(&Control::shared_addresses, addresses_text, addresses_json),
		   .watch = true});
}

} // namespace shmnet::ctl
