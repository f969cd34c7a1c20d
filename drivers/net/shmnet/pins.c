// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pins of a global network: to which nodes entries have given flows, so that a flow which comes in
 * by two entries, or by another one later, has one node. What they are and how they are placed is
 * in core/pins.hh.
 */
#include "shmnet.h"

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/random.h>

/* Words that a step of the collection looks at: all within fifteen seconds. */
#define SLICE_PINS	(SHMNET_PINS / 128)
/* Entries of the connection table, from one point where others may run to the next. */
#define SLICE_ENTRIES	64

/*
 * How old a pin of fragments begins, in units of SHMNET_PIN_AGE_MS: it is needed no longer than
 * they are under way, and gives its place to any other.
 */
#define FRAGMENTS_AGE	(144000 / SHMNET_PIN_AGE_MS)

/* In units of SHMNET_PIN_AGE_MS. */
static u32 pin_time(void)
{
	return div_u64(get_jiffies_64(), msecs_to_jiffies(SHMNET_PIN_AGE_MS));
}

/* To which node some entry has given the flow. Any context. */
bool shmnet_pin_find(const struct shmnet_net *net, const struct shmnet_flow *flow,
		     struct shmnet_flow_target *target)
{
	u32 living[SHMNET_NODES_MAX];

	shmnet_active_incarnations(net, living);
	return shmnet_core_find_pin(net->device->core, net->index, flow, living, target);
}

/* Gives a new flow to @target, unless some entry has given it away. Not for hard interrupts. */
enum shmnet_pinning shmnet_pin_place(struct shmnet_net *net, const struct shmnet_flow *flow,
				     struct shmnet_flow_target *target)
{
	struct shmnet_flow_table *table = net->flows;
	u32 living[SHMNET_NODES_MAX];
	enum shmnet_pinning outcome;

	shmnet_active_incarnations(net, living);
	spin_lock_bh(&table->pin_lock);
	outcome = shmnet_core_place_pin(net->device->core, net->index, flow, living,
					table->pin_secret, pin_time(), target);
	table->pinned = jiffies;
	spin_unlock_bh(&table->pin_lock);
	return outcome;
}

static void store(struct shmnet_net *net, const struct shmnet_flow *flow,
		  const struct shmnet_flow_target *target, u32 time)
{
	struct shmnet_flow_table *table = net->flows;

	spin_lock_bh(&table->pin_lock);
	shmnet_core_renew_pin(net->device->core, net->index, flow, target, table->pin_secret, time);
	table->pinned = jiffies;
	spin_unlock_bh(&table->pin_lock);
}

/* The flow's ports are used anew, and not by the node that had it. Not for hard interrupts. */
void shmnet_pin_replace(struct shmnet_net *net, const struct shmnet_flow *flow,
			const struct shmnet_flow_target *target)
{
	store(net, flow, target, pin_time());
}

/* The others of a packet go where the first one goes: to @slot. Not for hard interrupts. */
void shmnet_pin_fragments(struct shmnet_net *net, const struct shmnet_flow *first, u32 slot)
{
	struct shmnet_flow_target target = { slot, shmnet_active_incarnation(net, slot) };
	struct shmnet_flow others;

	if (!target.incarnation)
		return;
	shmnet_flow_fragments(first, &others);
	store(net, &others, &target, pin_time() - FRAGMENTS_AGE);
	shmnet_flow_collect(net->flows);
}

/* Whether it may be an echo: a look at one byte, for all that a node sends comes by here. */
static bool may_be_echo(const struct sk_buff *skb)
{
	const u8 *ip = skb->data + ETH_HLEN;

	if (skb_headlen(skb) < ETH_HLEN + sizeof(struct iphdr))
		return false;
	if (skb->protocol == htons(ETH_P_IP))
		return ((const struct iphdr *)ip)->protocol == IPPROTO_ICMP;
	return skb->protocol == htons(ETH_P_IPV6) &&
	       ((const struct ipv6hdr *)ip)->nexthdr == IPPROTO_ICMPV6;
}

/* The global network that has the address, in the local one's namespace. Under rcu_read_lock(). */
static struct shmnet_net *shared_by(const struct shmnet_net *local, const struct in6_addr *address)
{
	u32 i;

	for (i = 0; i < local->device->info.networks; i++) {
		/* Pairs with the release with which it was shown, whole. */
		struct shmnet_net *net = smp_load_acquire(&local->device->net[i]);

		if (net && shmnet_is_global(net) && dev_net(net->dev) == dev_net(local->dev) &&
		    shmnet_is_shared(net, address))
			return net;
	}
	return NULL;
}

/*
 * This node sends by a local network. If it asks for an echo by a shared address, entries are told
 * to whom the reply goes. Not for hard interrupts.
 */
void shmnet_pin_echo(struct shmnet_net *local, const struct sk_buff *skb)
{
	struct shmnet_flow request, reply;
	struct shmnet_command_flow told;
	struct shmnet_flow_target own;
	struct shmnet_net *net;

	if (!may_be_echo(skb) || !shmnet_flow_of(skb, &request) ||
	    request.kind != SHMNET_FLOW_ECHO)
		return;
	shmnet_flow_tell(&request, &told);
	rcu_read_lock();
	net = shared_by(local, (const struct in6_addr *)told.source);
	if (net) {
		own = (struct shmnet_flow_target){ net->device->slot, net->device->incarnation };
		shmnet_flow_reverse(&request, &reply);
		store(net, &reply, &own, pin_time());
		shmnet_flow_collect(net->flows);
	}
	rcu_read_unlock();
}

/* A flow that is not asked for later, and so has its pin as long as packets of it come. */
static bool needs_renewal(const struct shmnet_net *net, const struct shmnet_flow_view *view,
			  u32 idle)
{
	u32 owner;

	return view->state == SHMNET_FLOW_DATAGRAM && idle < 2 * SHMNET_FLOW_ROUND_MS &&
	       !shmnet_core_port_owner(net->device->core, view->destination_port, &owner);
}

static void renew(struct shmnet_net *net, const struct shmnet_flow_view *view)
{
	struct shmnet_command_flow told = {
		.source_port = htons(view->source_port),
		.destination_port = htons(view->destination_port),
		.protocol = view->protocol,
	};
	struct shmnet_flow flow;

	memcpy(told.source, view->source, sizeof(told.source));
	memcpy(told.destination, view->destination, sizeof(told.destination));
	shmnet_flow_hear(&told, &flow);
	store(net, &flow, &view->target, pin_time());
}

static void collect(struct shmnet_net *net, u32 entries)
{
	struct shmnet_flow_table *table = net->flows;
	u32 capacity = shmnet_flow_capacity(table);

	while (entries-- && capacity) {
		struct shmnet_flow_view view;
		u32 idle;

		table->renewed = table->renewed + 1 < capacity ? table->renewed + 1 : 0;
		if (shmnet_flow_view(table, table->renewed, &view, &idle) &&
		    needs_renewal(net, &view, idle))
			renew(net, &view);
		if (!(entries % SLICE_ENTRIES))
			cond_resched();
	}
	table->expired = (table->expired + SLICE_PINS) % SHMNET_PINS;
	spin_lock_bh(&table->pin_lock);
	shmnet_core_expire_pins(net->device->core, net->index, table->expired, SLICE_PINS,
				pin_time());
	spin_unlock_bh(&table->pin_lock);
}

/* A step of the collection: @entries of the connection table, a slice of the pins. May sleep. */
void shmnet_pins_collect(struct shmnet_net *net, u32 entries)
{
	mutex_lock(&net->device->lock);
	/* Else its part may be another's. */
	if (net->device->joined)
		collect(net, entries);
	mutex_unlock(&net->device->lock);
}

/* Whether there may be any. */
bool shmnet_pins_remain(const struct shmnet_net *net)
{
	return time_before(jiffies, READ_ONCE(net->flows->pinned) + SHMNET_PINS_LAST);
}

void shmnet_pins_init(struct shmnet_net *net)
{
	spin_lock_init(&net->flows->pin_lock);
	get_random_bytes(net->flows->pin_secret, sizeof(net->flows->pin_secret));
	net->flows->pinned = jiffies - SHMNET_PINS_LAST;
}
