// SPDX-License-Identifier: GPL-2.0-only
/* Whether this kernel has a socket of a connection to a shared address. */
#include "shmnet.h"

#include <linux/inetdevice.h>
#include <net/addrconf.h>
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>

/* Whether nodes share the address: the interface has it. Under rcu_read_lock(). */
bool shmnet_is_shared(const struct shmnet_net *net, const struct in6_addr *address)
{
	const struct in_device *in_dev = __in_dev_get_rcu(net->dev);
	const struct in_ifaddr *entry;

	if (!ipv6_addr_v4mapped(address))
		return IS_ENABLED(CONFIG_IPV6) &&
		       ipv6_chk_addr(dev_net(net->dev), address, net->dev, 0);
	if (!in_dev)
		return false;
	in_dev_for_each_ifa_rcu(entry, in_dev)
		if (entry->ifa_local == address->s6_addr32[3])
			return true;
	return false;
}

static struct sock *find_tcp(const struct shmnet_net *net, const struct shmnet_command_flow *flow)
{
	struct in6_addr source, destination;
	struct net *namespace = dev_net(net->dev);
	struct inet_hashinfo *connections = namespace->ipv4.tcp_death_row.hashinfo;
	u16 port = be16_to_cpu(flow->destination_port);

	memcpy(&source, flow->source, sizeof(source));
	memcpy(&destination, flow->destination, sizeof(destination));
	/* One of two families is none; and of sockets of other addresses nobody is told. */
	if (ipv6_addr_v4mapped(&source) != ipv6_addr_v4mapped(&destination) ||
	    !shmnet_is_shared(net, &destination))
		return NULL;
	if (ipv6_addr_v4mapped(&destination))
		return __inet_lookup_established(namespace, connections, source.s6_addr32[3],
						 flow->source_port, destination.s6_addr32[3], port,
						 net->dev->ifindex, 0);
#if IS_ENABLED(CONFIG_IPV6)
	return __inet6_lookup_established(namespace, connections, &source, flow->source_port,
					  &destination, port, net->dev->ifindex, 0);
#else
	return NULL;
#endif
}

/* Of TCP: also one that is half open, or waits for its end. Any context but hard interrupts. */
bool shmnet_has_socket(const struct shmnet_net *net, const struct shmnet_command_flow *flow)
{
	struct sock *sk;

	if (flow->protocol != IPPROTO_TCP)
		return false;
	rcu_read_lock();
	sk = find_tcp(net, flow);
	if (sk)
		sock_gen_put(sk);
	rcu_read_unlock();
	return sk;
}
