// SPDX-License-Identifier: GPL-2.0-only
/*
 * The global adapter: an interface whose addresses are all nodes' at once. What is sent to it is
 * for the node that serves the flow, whatever Ethernet address the stack has put there; what
 * arrives was found so by another node, and goes up the stack here.
 */
#include "shmnet.h"

#include <net/tcp.h>

/* Longer heads (of extension headers) belong to no flow that is looked for. */
#define HEAD_MAX	256

/* Takes the packet apart: in place, or in a copy of its head. False: it is no IP packet. */
bool shmnet_flow_of(const struct sk_buff *skb, struct shmnet_flow *flow)
{
	u8 head[HEAD_MAX];
	u32 total;

	if (skb->len < ETH_HLEN ||
	    (skb->protocol != htons(ETH_P_IP) && skb->protocol != htons(ETH_P_IPV6)))
		return false;
	total = skb->len - ETH_HLEN;
	shmnet_flow_parse(skb->data + ETH_HLEN, max_t(int, skb_headlen(skb) - ETH_HLEN, 0), total,
			  flow);
	if (flow->kind == SHMNET_FLOW_SHORT && flow->needed <= sizeof(head)) {
		u32 len = min_t(u32, total, sizeof(head));

		if (skb_copy_bits(skb, ETH_HLEN, head, len))
			return false;
		shmnet_flow_parse(head, len, total, flow);
	}
	return true;
}

/* All nodes that are given new flows. */
static u64 inviting_nodes(const struct shmnet_net *net)
{
	u64 nodes = 0;
	u32 slot;

	for (slot = 0; slot < net->device->info.nodes; slot++)
		if (shmnet_inviting_incarnation(net, slot))
			nodes |= BIT_ULL(slot);
	return nodes;
}

/*
 * Those of them that are still as they were when they said that they take flows of the service, and
 * whom its address is for.
 */
static u64 able_nodes(const struct shmnet_net *net, const struct shmnet_service_table *table,
		      const struct shmnet_service_entry *entry)
{
	u32 offer = shmnet_service_first(entry);
	struct shmnet_flow_target target;
	u64 able = 0;
	u32 weight;

	while (offer != SHMNET_NO_OFFER) {
		offer = shmnet_service_next(table, offer, &target, &weight);
		if (weight && shmnet_inviting_incarnation(net, target.node) == target.incarnation)
			able |= BIT_ULL(target.node);
	}
	return able & shmnet_service_nodes(table, entry);
}

/* One of the @nodes, by the flow's addresses and ports. False: it has gone. */
static bool choose_any(const struct shmnet_net *net, const struct shmnet_flow *flow, u64 nodes,
		       struct shmnet_flow_target *target)
{
	u32 turn = reciprocal_scale(shmnet_flows_hash(net->flows->core, flow) >> 32,
				    hweight64(nodes));

	while (turn--)
		nodes &= nodes - 1;
	target->node = __ffs64(nodes);
	target->incarnation = shmnet_active_incarnation(net, target->node);
	return target->incarnation;
}

/*
 * Which nodes a new flow may be given to: those that offer what it asks for, or, as long as no node
 * has said what it offers, all. Under rcu_read_lock(); @entry: of the service, or NULL.
 */
static enum shmnet_flow_step candidates_for(const struct shmnet_net *net,
					    const struct shmnet_flow *flow,
					    struct shmnet_service_entry **entry, u64 *candidates)
{
	struct shmnet_service_table *table = rcu_dereference(net->services->table);

	*entry = table ? shmnet_service_find(table, flow) : NULL;
	if (!table)
		*candidates = inviting_nodes(net);
	else
		*candidates = *entry ? able_nodes(net, table, *entry) : 0;
	if (!*candidates)
		return SHMNET_FLOW_STEP_NOBODY;
	return table ? SHMNET_FLOW_STEP_OFFERED : SHMNET_FLOW_STEP_ANY;
}

/* Gives a new flow to a node. False: nobody offers what it asks for. */
static bool choose(const struct shmnet_net *net, const struct shmnet_flow *flow,
		   struct shmnet_flow_target *target)
{
	struct shmnet_service_entry *entry;
	bool chosen = false;
	u64 candidates;

	rcu_read_lock();
	switch (candidates_for(net, flow, &entry, &candidates)) {
	case SHMNET_FLOW_STEP_OFFERED:
		chosen = shmnet_service_choose(rcu_dereference(net->services->table), entry, flow,
					       candidates, net->device->slot, target);
		break;
	case SHMNET_FLOW_STEP_ANY:
		chosen = choose_any(net, flow, candidates, target);
		break;
	default:
		break;
	}
	rcu_read_unlock();
	return chosen;
}

/*
 * Whether the port is one by which some node begins connections: it is an answer, and for whoever
 * has asked; for this node, which then refuses it, if that one is gone.
 */
static bool is_answer(struct shmnet_net *net, const struct shmnet_flow *flow,
		      struct shmnet_flow_target *target)
{
	if (!shmnet_core_port_owner(net->device->core, flow->destination_port, &target->node))
		return false;
	target->incarnation = shmnet_active_incarnation(net, target->node);
	if (!target->incarnation) {
		target->node = net->device->slot;
		target->incarnation = net->device->incarnation;
	}
	return true;
}

/* Of TCP, whether it is a connection's first packet; others have none that could be told. */
bool shmnet_flow_is_first(const struct shmnet_flow *flow)
{
	return flow->protocol != IPPROTO_TCP ||
	       (flow->tcp_flags & (TCPHDR_SYN | TCPHDR_ACK)) == TCPHDR_SYN;
}

/* Whether a connection that the table does not know is one of this node itself. */
static bool is_own(const struct shmnet_net *net, const struct shmnet_flow *flow,
		   struct shmnet_flow_target *target)
{
	struct shmnet_command_flow told;

	*target = (struct shmnet_flow_target){ net->device->slot, net->device->incarnation };
	shmnet_flow_tell(flow, &told);
	return shmnet_has_socket(net, &told);
}

/* Whether that node is given new flows like this one. */
static bool is_candidate(const struct shmnet_net *net, const struct shmnet_flow *flow, u32 node)
{
	struct shmnet_service_entry *entry;
	u64 candidates;

	rcu_read_lock();
	candidates_for(net, flow, &entry, &candidates);
	rcu_read_unlock();
	return candidates & BIT_ULL(node);
}

/*
 * Where a flow has ended, the next one by its ports is for the node that has TIME_WAIT. @anew: it
 * is not, since that takes no new ones any more.
 */
static bool is_known(struct shmnet_net *net, const struct shmnet_flow *flow,
		     struct shmnet_flow_target *target, bool *anew)
{
	bool known = shmnet_flow_find(net->flows, flow, target, anew);

	known = known && shmnet_active_incarnation(net, target->node) == target->incarnation;
	*anew = known && *anew && !is_candidate(net, flow, target->node);
	return known && !*anew;
}

/*
 * What says to whom a packet's flow goes, up to where a node is chosen for a new one; @anew: which
 * takes the place of one that has ended.
 */
static enum shmnet_flow_step step_of(struct shmnet_net *net, const struct shmnet_flow *flow,
				     bool first, struct shmnet_flow_target *target, bool *anew)
{
	if (is_known(net, flow, target, anew))
		return SHMNET_FLOW_STEP_KNOWN;
	if (is_answer(net, flow, target))
		return SHMNET_FLOW_STEP_ANSWER;
	if (*anew)
		return SHMNET_FLOW_STEP_OFFERED;
	if (shmnet_pin_find(net, flow, target))
		return SHMNET_FLOW_STEP_PINNED;
	if (first)
		return SHMNET_FLOW_STEP_OFFERED;
	return is_own(net, flow, target) ? SHMNET_FLOW_STEP_OWN : SHMNET_FLOW_STEP_ASKED;
}

/*
 * The queue of the node that serves the packet's flow. A new flow is given to a node, and stays
 * there; for one that is not new and not known the last queue asks.
 */
static u16 queue_of(struct shmnet_net *net, const struct shmnet_flow *flow)
{
	struct shmnet_flow_target target;
	bool anew;

	switch (step_of(net, flow, shmnet_flow_is_first(flow), &target, &anew)) {
	case SHMNET_FLOW_STEP_KNOWN:
		return target.node;
	case SHMNET_FLOW_STEP_ASKED:
		return net->device->info.nodes;
	case SHMNET_FLOW_STEP_OFFERED:
		/* What nobody offers this node refuses, or takes where it listens all the same. */
		if (!choose(net, flow, &target))
			return net->device->slot;
		/* Until another entry has decided it waits, and asks who has got it. */
		if (!anew && shmnet_pin_place(net, flow, &target) == SHMNET_PIN_UNDECIDED)
			return net->device->info.nodes;
		if (anew)
			shmnet_pin_replace(net, flow, &target);
		break;
	case SHMNET_FLOW_STEP_ANSWER:
	case SHMNET_FLOW_STEP_PINNED:
	case SHMNET_FLOW_STEP_OWN:
		break;
	default:
		return net->device->slot;
	}
	shmnet_flow_remember(net->flows, flow, &target);
	return target.node;
}

/*
 * What would become of a flow if its first packet came now, which has no flags here, so that one
 * that is known stays in its state. Of a new one the @candidates, a bit by slot; else @target. Any
 * context but hard interrupts.
 */
enum shmnet_flow_step shmnet_explain(struct shmnet_net *net, const struct shmnet_flow *flow,
				     struct shmnet_flow_target *target, u64 *candidates)
{
	bool anew;
	enum shmnet_flow_step step = step_of(net, flow, true, target, &anew);
	struct shmnet_service_entry *entry;

	*candidates = 0;
	if (step != SHMNET_FLOW_STEP_OFFERED)
		return step;
	rcu_read_lock();
	step = candidates_for(net, flow, &entry, candidates);
	rcu_read_unlock();
	return step;
}

/* The queue of the node for which there is a pin; @otherwise if there is none. */
static u16 queue_of_pin(struct shmnet_net *net, const struct shmnet_flow *flow, u16 otherwise)
{
	struct shmnet_flow_target target;

	return shmnet_pin_find(net, flow, &target) ? target.node : otherwise;
}

/*
 * The queue of an ICMP error: its flow is another's, and it begins none. It may be known, begun by
 * a node, or given to one by another entry.
 */
static u16 queue_of_error(struct shmnet_net *net, const struct shmnet_flow *flow)
{
	struct shmnet_flow_target target;
	bool anew;

	if (is_known(net, flow, &target, &anew))
		return target.node;
	/* Where there are no ports there is the identifier of an echo. */
	if (flow->protocol != IPPROTO_ICMP && flow->protocol != IPPROTO_ICMPV6 &&
	    is_answer(net, flow, &target))
		return target.node;
	return queue_of_pin(net, flow, net->device->slot);
}

/* Echo requests, and all that has no ports, are this node's: it answers for the address. */
static u16 queue_of_packet(struct shmnet_net *net, const struct shmnet_flow *flow)
{
	switch (flow->kind) {
	case SHMNET_FLOW_PORTS:
		return queue_of(net, flow);
	case SHMNET_FLOW_ERROR:
		return queue_of_error(net, flow);
	case SHMNET_FLOW_ECHO_REPLY:
		/* This node's, if no other one has told that it asks. */
		return queue_of_pin(net, flow, net->device->slot);
	case SHMNET_FLOW_FRAGMENT:
		/* Where the first one went; it waits for that in the last queue. */
		return queue_of_pin(net, flow, net->device->info.nodes);
	default:
		return net->device->slot;
	}
}

u16 shmnet_global_select_queue(struct net_device *dev, struct sk_buff *skb,
			       struct net_device *sb_dev)
{
	struct shmnet_net *net = netdev_priv(dev);
	struct shmnet_flow flow;
	u16 queue;

	if (is_multicast_ether_addr(skb->data) || !shmnet_flow_of(skb, &flow))
		return net->device->slot;
	queue = queue_of_packet(net, &flow);
	/* One that waits comes by again. */
	if (flow.is_first_part && queue < net->device->info.nodes)
		shmnet_pin_fragments(net, &flow, queue);
	return queue;
}

/* Makes the frame one of this node's for that one. False: no memory. */
static bool set_addresses(struct shmnet_net *net, struct sk_buff *skb, u32 slot)
{
	struct ethhdr *eth;

	if (skb_cow_head(skb, 0))
		return false;
	eth = (struct ethhdr *)skb->data;
	shmnet_node_mac(net->device, net->index, slot, eth->h_dest);
	shmnet_node_mac(net->device, net->index, net->device->slot, eth->h_source);
	return true;
}

/* What this node serves itself: through the CPU's backlog, so that nothing recurses. */
static void receive_own(struct shmnet_net *net, struct sk_buff *skb)
{
	struct shmnet_counters *counters = &net->tx[net->device->slot].counters;
	u32 len = skb->len;

	skb_tx_timestamp(skb);
	if (dev_forward_skb(net->dev, skb) != NET_RX_SUCCESS) {
		shmnet_count(counters, tx_drop_backlog);
		trace_drop(net->dev, true, "backlog", len);
		return;
	}
	shmnet_count(counters, tx_frames);
	shmnet_count(counters, tx_own);
	shmnet_count_add(counters, tx_bytes, len);
	shmnet_count(counters, rx_frames);
	shmnet_count_add(counters, rx_bytes, len);
}

netdev_tx_t shmnet_global_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct shmnet_net *net = netdev_priv(dev);
	u32 slot = skb_get_queue_mapping(skb);

	if (skb->len < ETH_HLEN || is_multicast_ether_addr(skb->data))
		return shmnet_start_xmit(skb, dev);
	if (slot == net->device->info.nodes)
		return shmnet_ask_xmit(net, skb);
	if (!set_addresses(net, skb, slot)) {
		shmnet_drop(skb, &net->tx[slot].counters, no_memory);
		return NETDEV_TX_OK;
	}
	if (!shmnet_is_own(net, slot))
		return shmnet_start_xmit(skb, dev);
	receive_own(net, skb);
	return NETDEV_TX_OK;
}
