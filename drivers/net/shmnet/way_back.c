// SPDX-License-Identifier: GPL-2.0-only
/*
 * By which node what answers a flow of a shared address leaves. Where a route has several nodes of
 * the local network that are as good as each other, it is the one that the flow came in by, so that
 * a firewall out there sees both directions; else, and where that one is not among them, it is the
 * route's affair. The route is asked each time: a node that fails is no way as soon as routing
 * knows.
 */
#include "shmnet.h"

#include <linux/random.h>
#include <linux/siphash.h>
#include <net/arp.h>
#include <net/ip6_fib.h>
#include <net/ip_fib.h>
#include <net/ipv6_stubs.h>
#include <net/ndisc.h>
#include <net/nexthop.h>
#include <net/route.h>

/* Flows that are remembered, each until another one has its place. */
#define PLACES		4096
#define SLOT_MASK	(SHMNET_NODES_MAX - 1)
/* IPv6: ways of a route that are looked at. */
#define HOPS_MAX	SHMNET_NODES_MAX

struct shmnet_way_back {
	siphash_key_t secret;
	bool used;		/* something has come in by another node */
	u64 places[PLACES];	/* the flow's hash, but the node in its lowest bits; 0: none */
};

/* Two nodes, and whether a route has both of them as ways. */
struct pair {
	const struct net_device *dev;
	u8 mac[2][ETH_ALEN];
	u32 found;		/* bit by index */
};

static u64 *place_of(struct shmnet_way_back *back, const struct shmnet_flow *flow, u64 *hash)
{
	*hash = siphash(flow->key, sizeof(flow->key), &back->secret) & ~(u64)SLOT_MASK;
	return &back->places[*hash / SHMNET_NODES_MAX % PLACES];
}

/* The node of @slot has given this node a packet of a shared address. NAPI. */
void shmnet_came_in(struct shmnet_net *net, u32 slot, struct sk_buff *skb)
{
	struct shmnet_way_back *back = net->device->way_back;
	struct shmnet_flow flow;
	u64 *place, hash;

	if (!READ_ONCE(back->used))
		WRITE_ONCE(back->used, true);
	skb->protocol = ((const struct ethhdr *)skb->data)->h_proto;
	if (!shmnet_flow_of(skb, &flow) || flow.kind != SHMNET_FLOW_PORTS)
		return;
	place = place_of(back, &flow, &hash);
	/* A word of its own, by which nothing else is read: no order is needed. */
	if (READ_ONCE(*place) != (hash | slot))
		WRITE_ONCE(*place, hash | slot);
}

/* By which node the flow came in that @answer belongs to. False: not known. */
static bool find_entry(struct shmnet_way_back *back, const struct shmnet_flow *answer, u32 *slot)
{
	struct shmnet_flow flow;
	u64 hash, found;

	shmnet_flow_reverse(answer, &flow);
	found = READ_ONCE(*place_of(back, &flow, &hash));
	*slot = found & SLOT_MASK;
	return found && (found & ~(u64)SLOT_MASK) == hash;
}

/* Whose address is not known yet is asked for: a later packet will find it. */
static void look_at(struct pair *pair, struct neighbour *neighbour)
{
	u32 i;

	if (IS_ERR(neighbour))
		return;
	if (!(READ_ONCE(neighbour->nud_state) & NUD_VALID)) {
		neigh_event_send(neighbour, NULL);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(pair->mac); i++)
		if (ether_addr_equal(neighbour->ha, pair->mac[i]))
			pair->found |= BIT(i);
}

static bool is_usable(const struct pair *pair, const struct fib_nh_common *hop)
{
	return hop->nhc_dev == pair->dev && !(hop->nhc_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN));
}

/* Under rcu_read_lock(), with bottom halves off. */
static void look_at_hop(struct pair *pair, const struct fib_nh_common *hop)
{
	if (!is_usable(pair, hop))
		return;
	if (hop->nhc_gw_family == AF_INET)
		look_at(pair, ip_neigh_gw4(hop->nhc_dev, hop->nhc_gw.ipv4));
	else if (hop->nhc_gw_family == AF_INET6)
		look_at(pair, ip_neigh_gw6(hop->nhc_dev, &hop->nhc_gw.ipv6));
}

/* Under rcu_read_lock(). */
static void look_at_route4(struct pair *pair, const struct shmnet_command_flow *answer, u32 mark)
{
	struct flowi4 flow = {
		.flowi4_iif = LOOPBACK_IFINDEX,
		.flowi4_mark = mark,
		.flowi4_proto = answer->protocol,
		.fl4_sport = answer->source_port,
		.fl4_dport = answer->destination_port,
		.saddr = get_unaligned((const __be32 *)(answer->source + 12)),
		.daddr = get_unaligned((const __be32 *)(answer->destination + 12)),
	};
	struct fib_result result;
	int i;

	if (fib_lookup(dev_net(pair->dev), &flow, &result, FIB_LOOKUP_NOREF))
		return;
	if (result.type != RTN_UNICAST)
		return;
	for (i = 0; i < fib_info_num_path(result.fi); i++)
		look_at_hop(pair, fib_info_nhc(result.fi, i));
}

#if IS_ENABLED(CONFIG_IPV6)
static int look_at_hop6(struct fib6_nh *hop, void *pair)
{
	look_at_hop(pair, &hop->nh_common);
	return 0;
}

/* Under rcu_read_lock(). */
static void look_at_route6(struct pair *pair, const struct shmnet_command_flow *answer, u32 mark)
{
	struct flowi6 flow = {
		.flowi6_iif = LOOPBACK_IFINDEX,
		.flowi6_mark = mark,
		.flowi6_proto = answer->protocol,
		.fl6_sport = answer->source_port,
		.fl6_dport = answer->destination_port,
	};
	struct fib6_result result = {};
	struct fib6_info *sibling;
	u32 hops = 0;

	memcpy(&flow.saddr, answer->source, sizeof(flow.saddr));
	memcpy(&flow.daddr, answer->destination, sizeof(flow.daddr));
	if (ipv6_stub->fib6_lookup(dev_net(pair->dev), 0, &flow, &result, 0))
		return;
	if (result.fib6_type != RTN_UNICAST)
		return;
	if (result.f6i->nh) {
		nexthop_for_each_fib6_nh(result.f6i->nh, look_at_hop6, pair);
		return;
	}
	look_at_hop6(result.f6i->fib6_nh, pair);
	/* On 6.1 one that is just being taken out has only itself behind it. */
	list_for_each_entry_rcu(sibling, &result.f6i->fib6_siblings, fib6_siblings) {
		if (++hops == HOPS_MAX)
			break;
		look_at_hop6(sibling->fib6_nh, pair);
	}
}
#else
static void look_at_route6(struct pair *pair, const struct shmnet_command_flow *answer, u32 mark)
{
}
#endif

/* Whether a route of what goes as @answer does has both nodes as ways. */
static bool are_equal(const struct shmnet_net *net, const struct shmnet_flow *answer, u32 mark,
		      u32 one, u32 other)
{
	struct pair pair = { .dev = net->dev };
	struct shmnet_command_flow told;

	shmnet_node_mac(net->device, net->index, one, pair.mac[0]);
	shmnet_node_mac(net->device, net->index, other, pair.mac[1]);
	shmnet_flow_tell(answer, &told);
	rcu_read_lock();
	if (ipv6_addr_v4mapped((const struct in6_addr *)told.source))
		look_at_route4(&pair, &told, mark);
	else
		look_at_route6(&pair, &told, mark);
	rcu_read_unlock();
	return pair.found == (BIT(0) | BIT(1));
}

/*
 * To which node the packet goes that the stack has addressed to the one of @slot; its address
 * follows. Where the network chooses a queue, with bottom halves off.
 */
u32 shmnet_way_back(struct shmnet_net *net, struct sk_buff *skb, u32 slot)
{
	struct shmnet_way_back *back = net->device->way_back;
	struct shmnet_flow answer;
	u32 entry;

	if (!READ_ONCE(back->used))
		return slot;
	if (!shmnet_flow_of(skb, &answer) || answer.kind != SHMNET_FLOW_PORTS)
		return slot;
	if (!find_entry(back, &answer, &entry) || entry == slot)
		return slot;
	if (!shmnet_expected_incarnation(net, entry) ||
	    !are_equal(net, &answer, skb->mark, slot, entry) || skb_cow_head(skb, 0))
		return slot;
	shmnet_node_mac(net->device, net->index, entry, ((struct ethhdr *)skb->data)->h_dest);
	return entry;
}

int shmnet_way_back_create(struct shmnet_device *device)
{
	struct shmnet_way_back *back = kvzalloc(sizeof(*back), GFP_KERNEL);

	if (!back)
		return -ENOMEM;
	get_random_bytes(&back->secret, sizeof(back->secret));
	device->way_back = back;
	return 0;
}

/* No interface is there any more. */
void shmnet_way_back_destroy(struct shmnet_device *device)
{
	kvfree(device->way_back);
}
