// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "addresses.hh"

#include "error.hh"

#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netlink/netlink.h>
#include <sys/socket.h>

#include <cstring>

namespace shmnet::shmnetd {

bool can_be_shared(const Address& address)
{
	if (is_ipv4(address))
		return !(address[12] == 169 && address[13] == 254) &&
		       !IN_MULTICAST(address[12] << 24);
	in6_addr whole;
	memcpy(&whole, address.data(), sizeof(whole));
	return !IN6_IS_ADDR_LINKLOCAL(&whole) && !IN6_IS_ADDR_MULTICAST(&whole);
}

Addresses AddressDump::addresses()
{
	Addresses all;
	for (const AddressInfo& info : rtnetlink_.addresses())
		if (auto address = parse_address(info.address))
			all[static_cast<__u32>(info.index)].insert(*address);
	return all;
}

std::set<__u32> AddressDump::up()
{
	std::set<__u32> up;
	for (const LinkInfo& link : rtnetlink_.links())
		if (link.up)
			up.insert(static_cast<__u32>(link.index));
	return up;
}

AddressChanges::AddressChanges() : socket_(NETLINK_ROUTE)
{
	int code = nl_socket_add_memberships(socket_.get(), RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR,
					     RTNLGRP_IPV6_IFADDR, 0);
	if (code < 0)
		throw Error(fmt::format("cannot listen to changes of addresses: {}",
					nl_geterror(code)));
}

int AddressChanges::descriptor() const
{
	return nl_socket_get_fd(socket_.get());
}

void AddressChanges::drain()
{
	char buffer[4096];
	/* ENOBUFS: some were lost, and others follow. */
	while (::recv(descriptor(), buffer, sizeof(buffer), MSG_DONTWAIT) >= 0 ||
	       errno == ENOBUFS || errno == EINTR)
		;
}

} // namespace shmnet::shmnetd
