// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "listeners.hh"

#include "error.hh"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

namespace shmnet {

namespace {

constexpr __u8 FAMILIES[] = {AF_INET, AF_INET6};
constexpr Address ANY_IPV6 = {};
constexpr Address ANY_IPV4 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

const inet_diag_msg* socket_of(const nlmsghdr& header)
{
	auto* whole = const_cast<nlmsghdr*>(&header);
	if (!nlmsg_valid_hdr(whole, sizeof(inet_diag_msg)))
		return nullptr;
	return static_cast<const inet_diag_msg*>(nlmsg_data(whole));
}

Address local_address(const inet_diag_msg& socket)
{
	return socket.idiag_family == AF_INET ? from_ipv4(socket.id.idiag_src)
					      : from_ipv6(socket.id.idiag_src);
}

bool is_v6only(const nlmsghdr& header)
{
	auto* whole = const_cast<nlmsghdr*>(&header);
	const nlattr* attribute = nlmsg_find_attr(whole, sizeof(inet_diag_msg), INET_DIAG_SKV6ONLY);
	return attribute && nla_len(attribute) >= 1 && nla_get_u8(attribute) != 0;
}

} // namespace

bool Listener::any_ipv4() const
{
	return address == ANY_IPV4 || (address == ANY_IPV6 && !v6only);
}

bool Listener::any_ipv6() const
{
	return address == ANY_IPV6;
}

SocketDump::SocketDump() : socket_(NETLINK_SOCK_DIAG) {}

void SocketDump::dump(__u8 family, __u8 protocol, __u32 states, const Netlink::Take& take)
{
	inet_diag_req_v2 request = {};
	request.sdiag_family = family;
	request.sdiag_protocol = protocol;
	request.idiag_states = states;
	int code = socket_.dump(SOCK_DIAG_BY_FAMILY, &request, sizeof(request), take);
	if (code == -NLE_OBJ_NOTFOUND)
		throw Error(fmt::format("the kernel does not list {0} sockets: modprobe {0}_diag",
					protocol_name(protocol)));
	if (code < 0)
		throw Error(fmt::format("the kernel does not list {} sockets: {}",
					protocol_name(protocol), nl_geterror(code)));
}

std::set<Listener> SocketDump::listeners()
{
	std::set<Listener> all;
	for (__u8 protocol : {IPPROTO_TCP, IPPROTO_UDP}) {
		auto take = [&all, protocol](const nlmsghdr& header) {
			const inet_diag_msg* socket = socket_of(header);
			if (!socket || socket->id.idiag_sport == 0)
				return;
			all.insert({.protocol = protocol,
				    .address = local_address(*socket),
				    .port = ntohs(socket->id.idiag_sport),
				    .v6only = is_v6only(header),
				    .device = socket->id.idiag_if});
		};
		/* A UDP socket is "closed" until it is connected. */
		for (__u8 family : FAMILIES)
			dump(family, protocol,
			     1u << (protocol == IPPROTO_TCP ? TCP_LISTEN : TCP_CLOSE), take);
	}
	return all;
}

Connections SocketDump::connections(__u32 states)
{
	Connections counts;
	auto take = [&counts](const nlmsghdr& header) {
		if (const inet_diag_msg* socket = socket_of(header))
			counts[{local_address(*socket), ntohs(socket->id.idiag_sport)}]++;
	};
	for (__u8 family : FAMILIES)
		dump(family, IPPROTO_TCP, states, take);
	return counts;
}

} // namespace shmnet
