// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending onto tapes: broadcast, multicast, destinations that no node is known for, and the
 * driver's own commands. One writer at a time in this node; between nodes the tape itself decides.
 */
#include "shmnet.h"

/*
 * Rings all nodes that sleep and read this tape. They may be no peers yet: one that has just joined
 * knows of nobody that lives, and its first casts are for all the same.
 */
static void ring_readers(struct shmnet_net *net, u32 tape, struct shmnet_counters *counters)
{
	struct shmnet_device *device = net->device;
	u32 slot;

	SHMNET_AT(tape_W7_1);
	/* Pairs with the fence behind shmnet_core_arm_casts(). */
	shmnet_full_fence();
	for (slot = 0; slot < device->info.nodes; slot++) {
		u32 doorbell = shmnet_cast_doorbell(device->core, net->index, slot, tape);

		if (slot != device->slot && doorbell != SHMNET_NO_DOORBELL &&
		    shmnet_core_living(device->core, slot))
			shmnet_ring(device, doorbell, counters);
	}
	SHMNET_AT(tape_W7_2);
}

netdev_tx_t shmnet_cast_xmit(struct shmnet_net *net, struct sk_buff *skb)
{
	struct shmnet_device *device = net->device;
	struct shmnet_counters *counters = &net->cast_counters;
	u32 flags = skb->ip_summed == CHECKSUM_UNNECESSARY ? SHMNET_CAST_DATA_VALID : 0;
	u32 owner, tape = shmnet_broadcast_tape(net);
	bool command, published;
	void *bytes;

	spin_lock(&device->cast_lock);
	if (skb->len < ETH_HLEN || skb->len > net->info.frame_max || skb_is_gso(skb) ||
	    (skb->ip_summed == CHECKSUM_PARTIAL && skb_checksum_help(skb))) {
		shmnet_drop(skb, counters, invalid);
		goto unlock;
	}
	if (shmnet_is_node_mac(net, skb->data + ETH_ALEN, &owner, &command) &&
	    (command || !shmnet_is_own(net, owner))) {
		shmnet_drop(skb, counters, forged);
		goto unlock;
	}

	if (is_multicast_ether_addr(skb->data))
		tape = shmnet_group_tape(net, skb->data);
	bytes = shmnet_cast_begin(device->core, net->index, tape, skb->len, flags);
	skb_copy_bits(skb, 0, bytes, skb->len);
	published = shmnet_cast_publish(device->core);
	if (!published) {
		shmnet_drop(skb, counters, contended);
		goto unlock;
	}
	shmnet_count(counters, tx_frames);
	shmnet_count(counters, tx_casts);
	shmnet_count_add(counters, tx_bytes, skb->len);
	skb_tx_timestamp(skb);
	ring_readers(net, tape, counters);
	dev_consume_skb_any(skb);
unlock:
	spin_unlock(&device->cast_lock);
	return NETDEV_TX_OK;
}

/* False: the tape was too busy for it. */
static bool cast_command(struct shmnet_net *net, struct shmnet_command *command)
{
	struct shmnet_device *device = net->device;
	u32 tape = shmnet_broadcast_tape(net);
	bool published;
	void *bytes;

	eth_broadcast_addr(command->destination);
	shmnet_node_mac(device, net->index, device->slot, command->source);
	command->source[0] |= SHMNET_MAC_COMMAND;
	command->ethertype = cpu_to_be16(SHMNET_COMMAND_ETHERTYPE);
	command->version = SHMNET_VERSION;
	command->incarnation = cpu_to_be32(device->incarnation);

	spin_lock_bh(&device->cast_lock);
	bytes = shmnet_cast_begin(device->core, net->index, tape, sizeof(*command), 0);
	memcpy(bytes, command, sizeof(*command));
	published = shmnet_cast_publish(device->core);
	if (published)
		ring_readers(net, tape, &net->cast_counters);
	spin_unlock_bh(&device->cast_lock);
	return published;
}

/* Says that this node has come, or goes. Process context. */
void shmnet_cast_command(struct shmnet_net *net, enum shmnet_command_type type)
{
	struct shmnet_command command = { .type = type };

	/* A hint: where it is not heard, the others' next tick finds us all the same. */
	if (cast_command(net, &command))
		shmnet_ring_directories(net->device);
}

/* Asks for a connection, or answers. Any context but hard interrupts. */
void shmnet_cast_flow(struct shmnet_net *net, enum shmnet_command_type type,
		      const struct shmnet_command_flow *flow)
{
	struct shmnet_command command = { .type = type, .flow = *flow };

	/* What is lost is asked again. */
	cast_command(net, &command);
}
