/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What this node says of the addresses that nodes share, and what of all that nodes say counts for its services. */
#pragma once

#include "addresses.hh"
#include "config.hh"
#include "messages.hh"

#include <map>
#include <set>
#include <vector>

namespace shmnet::shmnetd {

/* Of each address of an interface that can be shared, and of each that the configuration defines. */
std::vector<SharedAddressInfo> tell_addresses(const std::set<Address>& here, const Config& config);

/*
 * How new flows of services without a way of their own are given to nodes: of each address with such a definition. @told: by
 * this node; @said: by all, when it was last looked.
 */
std::map<Address, __u32> balances_of(const std::vector<SharedAddressInfo>& told,
				     const std::vector<AddressOffer>& said);

} // namespace shmnet::shmnetd
