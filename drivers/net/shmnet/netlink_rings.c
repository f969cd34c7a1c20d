// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generic netlink: rings and tapes as they are at the moment. A sending end is looked at under its
 * queue's lock. A receiving end and the tapes are NAPI's, which is not stopped for this: each value
 * is one that was there, and all are of nearly the same moment.
 */
#include "shmnet.h"

#include "netlink.h"

#define DIRECTIONS 2

/* Items of a device are numbered by network, slot and direction. */
u32 shmnet_ring_items(const struct shmnet_device *device)
{
	return device->info.networks * device->info.nodes * DIRECTIONS;
}

static bool is_used(const struct shmnet_counters *counters)
{
	int i;

	for (i = 0; i < SHMNET_COUNTERS; i++)
		if (READ_ONCE(counters->value[i]))
			return true;
	return false;
}

/* Of a ring whose memory may be gone: an interface that does not run has none. */
struct ring {
	enum shmnet_ring_state state;
	u32 incarnation;
	u32 frames;
	struct shmnet_ring_view view;
};

static void look_at_sender(struct shmnet_net *net, u32 slot, struct ring *ring)
{
	const struct shmnet_tx_queue *tx = &net->tx[slot];
	struct netdev_queue *queue = netdev_get_tx_queue(net->dev, slot);

	__netif_tx_lock_bh(queue);
	shmnet_tx_view(tx->ring, &ring->view);
	if (tx->connected && ring->view.epoch)
		ring->state = tx->stalled ? SHMNET_RING_STALLED : SHMNET_RING_CONNECTED;
	ring->frames = tx->next - tx->oldest;
	__netif_tx_unlock_bh(queue);
	ring->incarnation = shmnet_core_peer_incarnation(net->device->core, slot);
}

static void look_at_receiver(struct shmnet_net *net, u32 slot, struct ring *ring)
{
	const struct shmnet_rx_queue *rx = &net->rx[slot];

	shmnet_rx_view(rx->ring, &ring->view);
	ring->incarnation = READ_ONCE(rx->opened);
	if (ring->incarnation)
		ring->state = ring->view.adopted ? SHMNET_RING_CONNECTED : SHMNET_RING_OPEN;
}

static int put_view(struct sk_buff *skb, const struct ring *ring, bool send)
{
	if (nla_put_u32(skb, SHMNET_A_INCARNATION, ring->incarnation) ||
	    nla_put_u32(skb, SHMNET_A_EPOCH, ring->view.epoch) ||
	    nla_put_u32(skb, SHMNET_A_DESCRIPTORS, ring->view.descriptors) ||
	    nla_put_u32(skb, SHMNET_A_BUFFERS, ring->view.buffers))
		return -EMSGSIZE;
	if (send && nla_put_u32(skb, SHMNET_A_FRAMES, ring->frames))
		return -EMSGSIZE;
	return ring->view.armed ? nla_put_flag(skb, SHMNET_A_ARMED) : 0;
}

int shmnet_fill_ring(struct sk_buff *skb, struct shmnet_device *device, u32 item)
{
	bool send = item % DIRECTIONS == 0;
	u32 slot = item / DIRECTIONS % device->info.nodes;
	struct shmnet_net *net = device->net[item / DIRECTIONS / device->info.nodes];
	struct ring ring = { .state = SHMNET_RING_CLOSED };
	const struct shmnet_counters *counters;
	bool claimed;

	if (!net || shmnet_is_own(net, slot))
		return -ENODATA;
	counters = send ? &net->tx[slot].counters : &net->rx[slot].counters;
	/* The lock is held: it goes on running, and keeps its rings. */
	if (net->running && send)
		look_at_sender(net, slot, &ring);
	else if (net->running)
		look_at_receiver(net, slot, &ring);
	if (ring.state == SHMNET_RING_CLOSED && !is_used(counters) &&
	    !shmnet_core_claimed(device->core, slot, &claimed))
		return -ENODATA;

	if (shmnet_put_interface(skb, net) || nla_put_u32(skb, SHMNET_A_SLOT, slot) ||
	    nla_put_u32(skb, SHMNET_A_QUEUE, 0) ||
	    nla_put_u32(skb, SHMNET_A_DIRECTION,
			send ? SHMNET_DIRECTION_SEND : SHMNET_DIRECTION_RECEIVE) ||
	    nla_put_u32(skb, SHMNET_A_RING_STATE, ring.state) ||
	    nla_put_u32(skb, SHMNET_A_POOL, net->info.pool))
		return -EMSGSIZE;
	if (ring.state != SHMNET_RING_CLOSED && put_view(skb, &ring, send))
		return -EMSGSIZE;
	return shmnet_put_counters(skb, counters, false);
}

/* Items are numbered by network and tape, with as many of those as a network can have. */
u32 shmnet_tape_items(const struct shmnet_device *device)
{
	return device->info.networks * SHMNET_TAPES_MAX;
}

static int put_group(struct sk_buff *skb, u64 group)
{
	u8 mac[ETH_ALEN];

	if (!group)
		return 0;
	u64_to_ether_addr(group, mac);
	return nla_put(skb, SHMNET_A_GROUP, sizeof(mac), mac);
}

int shmnet_fill_tape(struct sk_buff *skb, struct shmnet_device *device, u32 item)
{
	const struct shmnet_net *net = device->net[item / SHMNET_TAPES_MAX];
	u32 tape = item % SHMNET_TAPES_MAX;
	const struct shmnet_tape_reader *reader;
	bool reading;
	u64 group;

	if (!net || !net->running || tape >= net->info.tapes)
		return -ENODATA;
	reader = &net->tapes[tape];
	reading = READ_ONCE(reader->reading);
	group = shmnet_tape_label(device->core, net->index, tape) >> SHMNET_TAPE_GROUP_SHIFT;
	if (!reading && !group)
		return -ENODATA;

	if (shmnet_put_interface(skb, net) || nla_put_u32(skb, SHMNET_A_TAPE, tape) ||
	    put_group(skb, group) ||
	    nla_put_u64_64bit(skb, SHMNET_A_POSITION, shmnet_reader_position(reader->core),
			      SHMNET_A_PAD) ||
	    nla_put_u64_64bit(skb, SHMNET_A_HEAD, shmnet_reader_head(reader->core),
			      SHMNET_A_PAD) ||
	    nla_put_u64_64bit(skb, SHMNET_A_MISSED, shmnet_reader_missed(reader->core),
			      SHMNET_A_PAD))
		return -EMSGSIZE;
	if (reading && nla_put_flag(skb, SHMNET_A_READING))
		return -EMSGSIZE;
	if (reading && READ_ONCE(net->casts_armed) && nla_put_flag(skb, SHMNET_A_ARMED))
		return -EMSGSIZE;
	return 0;
}
