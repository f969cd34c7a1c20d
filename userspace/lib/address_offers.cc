// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "address_offers.hh"

#include <linux/shmnet_shm.h>

#include <algorithm>
#include <tuple>

namespace shmnet {

namespace {

auto place_of(const AddressOffer& offer)
{
	return std::tie(offer.device, offer.interface.network, offer.shared.address);
}

bool defines_alike(const SharedAddressInfo& one, const SharedAddressInfo& other)
{
	return one.nodes == other.nodes && one.balance == other.balance;
}

void add(SharedAddress& address, const AddressOffer& offer)
{
	const SharedAddressInfo& said = offer.shared;
	if (said.generation > address.definition.generation) {
		address.definition = said;
		address.defined_by = offer.slot;
		address.contested = false;
	} else if (said.generation != 0 && said.generation == address.definition.generation) {
		address.contested |= !defines_alike(said, address.definition);
	}
	const __u64 node = __u64{1} << (offer.slot % SHMNET_NODES_MAX);
	if (said.flags & SHMNET_ADDRESS_JOINED)
		address.joined |= node;
	if (said.flags & SHMNET_ADDRESS_DRAINING)
		address.draining |= node;
}

} // namespace

std::vector<SharedAddress> gather_addresses(std::vector<AddressOffer> offers)
{
	std::sort(offers.begin(), offers.end(), [](const AddressOffer& a, const AddressOffer& b) {
		return std::tuple(place_of(a), a.slot) < std::tuple(place_of(b), b.slot);
	});
	std::vector<SharedAddress> addresses;
	for (size_t i = 0; i < offers.size(); i++) {
		if (i == 0 || place_of(offers[i]) != place_of(offers[i - 1]))
			addresses.push_back({.device = offers[i].device,
					     .interface = offers[i].interface,
					     .definition = {.address = offers[i].shared.address},
					     .defined_by = 0});
		add(addresses.back(), offers[i]);
	}
	return addresses;
}

} // namespace shmnet
