// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "shared_addresses.hh"

#include <linux/shmnet_shm.h>

#include <algorithm>
#include <iterator>

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
	struct Best {
		__u32 generation;
		__u32 slot;
		__u32 balance;
	};
	std::map<Address, Best> best;
	auto consider = [&best](const SharedAddressInfo& shared, __u32 slot) {
		auto [found, is_first] = best.try_emplace(
			shared.address, Best{shared.generation, slot, shared.balance});
		Best& other = found->second;
		if (shared.generation > other.generation ||
		    (shared.generation == other.generation && slot < other.slot))
			other = {shared.generation, slot, shared.balance};
	};
	for (const AddressOffer& offer : said)
		consider(offer.shared, offer.slot);
	/* What others are about to hear counts if it is newer; else it is among what they said. */
	for (const SharedAddressInfo& shared : told)
		consider(shared, SHMNET_NODES_MAX);
	std::map<Address, __u32> balances;
	for (const auto& [address, one] : best)
		if (one.generation != 0 && one.balance != 0)
			balances[address] = one.balance;
	return balances;
}

} // namespace shmnet::shmnetd
