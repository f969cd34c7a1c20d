// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "addresses.hh"

#include "error.hh"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <sys/socket.h>

namespace shmnet::shmnetd {

namespace {

void take_address(const nlmsghdr& header, Addresses& all)
{
	auto* whole = const_cast<nlmsghdr*>(&header);
	if (header.nlmsg_type != RTM_NEWADDR || !nlmsg_valid_hdr(whole, sizeof(ifaddrmsg)))
		return;
	auto* message = static_cast<const ifaddrmsg*>(nlmsg_data(whole));
	/* On a link with two ends IFA_ADDRESS is the other one's. */
	const nlattr* attribute = nlmsg_find_attr(whole, sizeof(ifaddrmsg), IFA_LOCAL);
	if (!attribute)
		attribute = nlmsg_find_attr(whole, sizeof(ifaddrmsg), IFA_ADDRESS);
	if (!attribute)
		return;
	if (message->ifa_family == AF_INET && nla_len(attribute) == 4)
		all[message->ifa_index].insert(from_ipv4(nla_data(attribute)));
	else if (message->ifa_family == AF_INET6 && nla_len(attribute) == 16)
		all[message->ifa_index].insert(from_ipv6(nla_data(attribute)));
}

} // namespace

AddressDump::AddressDump() : socket_(NETLINK_ROUTE) {}

Addresses AddressDump::addresses()
{
	Addresses all;
	ifaddrmsg request = {};
	request.ifa_family = AF_UNSPEC;
	int code = socket_.dump(RTM_GETADDR, &request, sizeof(request),
				[&all](const nlmsghdr& header) { take_address(header, all); });
	if (code < 0)
		throw Error(
			fmt::format("the kernel does not list addresses: {}", nl_geterror(code)));
	return all;
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
