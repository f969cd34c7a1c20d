/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Addresses of this network namespace's interfaces, and when they change (rtnetlink(7)). */
#pragma once

#include "address.hh"
#include "netlink.hh"
#include "rtnetlink.hh"

#include <map>
#include <set>

namespace shmnet::shmnetd {

using Addresses = std::map<__u32, std::set<Address>>; /* by ifindex */

/* False: it is each node's own (link-local), or nobody's (multicast). */
bool can_be_shared(const Address& address);

class AddressDump {
public:
	/* Throws Error. */
	Addresses addresses();
	/* Indexes of interfaces that are up. Throws Error. */
	std::set<__u32> up();

private:
	Rtnetlink rtnetlink_;
};

/* Readable when addresses or interfaces have changed. */
class AddressChanges {
public:
	AddressChanges();

	int descriptor() const;
	/* Takes what is there to be read; what it says, a dump tells better. */
	void drain();

private:
	Netlink socket_;
};

} // namespace shmnet::shmnetd
