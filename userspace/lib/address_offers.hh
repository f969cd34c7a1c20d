/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What nodes say of shared addresses, put together (struct shmnet_shared_address). */
#pragma once

#include "messages.hh"

#include <string>
#include <vector>

namespace shmnet {

struct SharedAddress {
	std::string device;
	InterfaceInfo interface;
	/* As it is defined: by the record of the highest generation, of equal ones of the lowest slot. */
	SharedAddressInfo definition;
	__u32 defined_by = 0;   /* slot; none where its generation is 0 */
	bool contested = false; /* another says otherwise by the same generation */
	/* Bit by slot. */
	__u64 joined = 0;
	__u64 draining = 0;
};

/* In the order of devices, networks and addresses. */
std::vector<SharedAddress> gather_addresses(std::vector<AddressOffer> offers);

} // namespace shmnet
