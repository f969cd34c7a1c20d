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

/* The writer is the tape's: what it has begun it publishes. False: the tape was too busy for it. */
static bool publish(struct shmnet_net *net, u32 tape, u32 len)
{
	struct shmnet_counters *counters = &net->cast_counters;

	if (!shmnet_cast_publish(net->device->core))
		return false;
	shmnet_count(counters, tx_frames);
	shmnet_count(counters, tx_casts);
	shmnet_count_add(counters, tx_bytes, len);
	ring_readers(net, tape, counters);
	return true;
}

/* By the Ethernet address that is its destination. */
static u32 tape_for(struct shmnet_net *net, const u8 *destination)
{
	return is_multicast_ether_addr(destination) ? shmnet_group_tape(net, destination) :
						      shmnet_broadcast_tape(net);
}

netdev_tx_t shmnet_cast_xmit(struct shmnet_net *net, struct sk_buff *skb)
{
	struct shmnet_device *device = net->device;
	struct shmnet_counters *counters = &net->cast_counters;
	u32 flags = skb->ip_summed == CHECKSUM_UNNECESSARY ? SHMNET_CAST_DATA_VALID : 0;
	void *bytes;
	u32 tape;

	spin_lock(&device->cast_lock);
	if (skb->len < ETH_HLEN || skb->len > net->info.frame_max || skb_is_gso(skb) ||
	    (skb->ip_summed == CHECKSUM_PARTIAL && skb_checksum_help(skb))) {
		shmnet_drop(skb, counters, invalid);
		goto unlock;
	}
	if (shmnet_is_forged(net, skb->data)) {
		shmnet_drop(skb, counters, forged);
		goto unlock;
	}

	tape = tape_for(net, skb->data);
	bytes = shmnet_cast_begin(device->core, net->index, tape, skb->len, flags);
	skb_copy_bits(skb, 0, bytes, skb->len);
	if (!publish(net, tape, skb->len)) {
		shmnet_drop(skb, counters, contended);
		goto unlock;
	}
	skb_tx_timestamp(skb);
	dev_consume_skb_any(skb);
unlock:
	spin_unlock(&device->cast_lock);
	return NETDEV_TX_OK;
}

/* A frame of an XDP program's, which is copied. False: it is dropped, and counted. BH is off. */
bool shmnet_cast_xdp(struct shmnet_net *net, const struct shmnet_xdp_frame *from)
{
	struct shmnet_device *device = net->device;
	struct shmnet_counters *counters = &net->cast_counters;
	bool sent = false;
	void *bytes;
	u32 tape;

	spin_lock(&device->cast_lock);
	/* Tapes have no frames in pieces that a program could have made. */
	if (from->more || from->len < ETH_HLEN || from->len > net->info.frame_max) {
		shmnet_count(counters, tx_drop_invalid);
		goto unlock;
	}
	if (shmnet_is_forged(net, from->data)) {
		shmnet_count(counters, tx_drop_forged);
		goto unlock;
	}
	tape = tape_for(net, from->data);
	bytes = shmnet_cast_begin(device->core, net->index, tape, from->len, 0);
	memcpy(bytes, from->data, from->len);
	sent = publish(net, tape, from->len);
	if (!sent)
		shmnet_count(counters, tx_drop_contended);
unlock:
	spin_unlock(&device->cast_lock);
	return sent;
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
