// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "shared_addresses.hh"

#include "address_offers.hh"

#include <linux/shmnet_shm.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace shmnet::shmnetd {

namespace {

SharedAddressInfo tell(const Address& address, bool is_here, const AddressConfig& config)
{
	SharedAddressInfo shared = {.address = address};
	if (config.definition) {
		shared.nodes = config.definition->nodes;
		shared.balance = config.definition->balance;
		shared.generation = config.definition->generation;
	}
	if (is_here)
		shared.flags = SHMNET_ADDRESS_JOINED | (config.drain ? SHMNET_ADDRESS_DRAINING : 0);
	return shared;
}

} // namespace

std::vector<SharedAddressInfo> tell_addresses(const std::set<Address>& here, const Config& config)
{
	std::set<Address> shared;
	std::copy_if(here.begin(), here.end(), std::inserter(shared, shared.end()), can_be_shared);
	std::set<Address> all = shared;
	for (const auto& [address, settings] : config.addresses)
		if (settings.definition)
			all.insert(address);
	std::vector<SharedAddressInfo> told;
	for (const Address& address : all) {
		auto found = config.addresses.find(address);
		told.push_back(
			tell(address, shared.contains(address),
			     found == config.addresses.end() ? AddressConfig() : found->second));
	}
	return told;
}

std::map<Address, __u32> balances_of(const std::vector<SharedAddressInfo>& told,
				     const std::vector<AddressOffer>& said)
{
	/* All are of one network, whichever. */
	std::vector<AddressOffer> offers;
	for (const AddressOffer& offer : said)
		offers.push_back({{}, {}, offer.slot, offer.incarnation, offer.shared});
	/* What others are about to hear counts if it is newer; else it is among what they said. */
	for (const SharedAddressInfo& own : told)
		offers.push_back({{}, {}, SHMNET_NODES_MAX, 0, own});
	std::map<Address, __u32> balances;
	const auto addresses = gather_addresses(std::move(offers));
	for (const SharedAddress& shared : addresses)
		if (shared.definition.balance != 0)
			balances[shared.definition.address] = shared.definition.balance;
	return balances;
}

} // namespace shmnet::shmnetd
