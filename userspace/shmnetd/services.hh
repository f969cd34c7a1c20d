/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Which listeners are services of a shared address, and why others are not. */
#pragma once

#include "config.hh"
#include "listeners.hh"
#include "messages.hh"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace shmnet::shmnetd {

/* A global interface, and all addresses that it has. */
struct SharedInterface {
	__u32 index = 0; /* ifindex */
	std::string name;
	std::set<Address> addresses;
	std::map<Address, __u32> balances = {}; /* of those with one (balances_of()) */
	size_t records = 0; /* that are told of them, and leave so much less room for services */
};

enum class Reason : __u8 {
	OtherDevice,  /* it is bound to another interface */
	OtherAddress, /* it is bound to an address that is not shared */
	NeverShared,  /* it is bound to a link-local or multicast address */
	NoAddress,    /* nothing to publish it at */
	OtherFamily,  /* nothing of the family that it takes */
	PortOfNodes,  /* by its port nodes begin connections */
	NotChosen,    /* it takes all addresses, and the configuration does not name it */
	TooMany,      /* SHMNET_SERVICES_MAX are published without it */
};

/* "other-device" */
const char* reason_name(Reason reason);

struct Hidden {
	Listener listener;
	Reason reason;
	std::string remedy; /* a sentence for the user */
};

struct Selection {
	std::vector<ServiceInfo> services; /* in order, each address, protocol and port once */
	std::vector<Hidden> hidden;
};

Selection select_services(const std::set<Listener>& listeners, const SharedInterface& interface,
			  const Config& config, const Connections& connections);

} // namespace shmnet::shmnetd
