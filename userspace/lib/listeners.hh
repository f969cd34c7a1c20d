/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Which sockets of this network namespace take connections and datagrams (sock_diag(7)). */
#pragma once

#include "address.hh"
#include "netlink.hh"

#include <compare>
#include <map>
#include <set>
#include <utility>

struct inet_diag_msg;

namespace shmnet {

/* A TCP socket that listens, or a UDP socket that is not connected. */
struct Listener {
	__u32 protocol = 0; /* of IP */
	Address address = {};
	__u32 port = 0;
	bool v6only = false;
	__u32 device = 0; /* ifindex that it is bound to; 0: none */

	/* It takes what comes to any address of its family; to `::` IPv4, too, unless it is v6only. */
	bool any_ipv4() const;
	bool any_ipv6() const;
	auto operator<=>(const Listener&) const = default;
};

/* TCP connections by local address and port. */
using Connections = std::map<std::pair<Address, __u32>, __u32>;

class SocketDump {
public:
	SocketDump();

	/* Sockets that differ in nothing, as with SO_REUSEPORT, are one. Throws Error. */
	std::set<Listener> listeners();
	/* In these states: a bit for each, as `1 << TCP_ESTABLISHED`. Throws Error. */
	Connections connections(__u32 states);

private:
	void dump(__u8 family, __u8 protocol, __u32 states, const Netlink::Take& take);

	Netlink socket_;
};

} // namespace shmnet
