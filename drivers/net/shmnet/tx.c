// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending into pair rings: one transmit queue for each peer, so that a dead or slow one stops
 * nobody else.
 *
 * The bytes are copied into the region at once. The skb stays until the receiver has read the
 * frame, so that its socket is charged for what is on the way, but not for longer than
 * SHMNET_CHARGE_TICKS; BQL counts a frame until it is read.
 */
#include "shmnet.h"

#include "events.h"

#include <linux/highmem.h>

static struct netdev_queue *queue_of(const struct shmnet_net *net, u32 slot)
{
	return netdev_get_tx_queue(net->dev, slot);
}

/*
 * The stack sends again, whatever had stopped the queue. A reset alone would leave what BQL held
 * back where it is until something else is sent, which may be never: TCP does not repeat a segment
 * that still waits here.
 */
static void restart_queue(struct netdev_queue *queue)
{
	netdev_tx_reset_queue(queue);
	netif_tx_start_queue(queue);
	netif_schedule_queue(queue);
}

/* What the receiver has to know of the skb's state. False: it cannot be said. */
static bool describe_offload(const struct sk_buff *skb, struct shmnet_offload *offload)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);

	memset(offload, 0, sizeof(*offload));
	offload->hash = skb->l4_hash ? skb->hash : 0;
	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		offload->flags = SHMNET_DESC_NEEDS_CSUM;
		offload->csum_start = skb_checksum_start_offset(skb);
		offload->csum_offset = skb->csum_offset;
	} else if (skb->ip_summed == CHECKSUM_UNNECESSARY) {
		offload->flags = SHMNET_DESC_DATA_VALID;
	}
	if (!skb_is_gso(skb))
		return true;

	if (shinfo->gso_type & SKB_GSO_TCPV4)
		offload->gso_type = SHMNET_GSO_TCP4;
	else if (shinfo->gso_type & SKB_GSO_TCPV6)
		offload->gso_type = SHMNET_GSO_TCP6;
	else if (shinfo->gso_type & SKB_GSO_UDP_L4)
		offload->gso_type = SHMNET_GSO_UDP_L4;
	else
		return false;
	if (shinfo->gso_type & SKB_GSO_TCP_ECN)
		offload->gso_type |= SHMNET_GSO_ECN;
	offload->gso_size = shinfo->gso_size;
	return true;
}

/* Walks the spans of a frame while bytes are copied there. */
struct cursor {
	struct shmnet_span *span;
	u32 used;
};

static void copy_bytes(struct cursor *to, const void *from, u32 len)
{
	while (len) {
		u32 part = min(len, to->span->len - to->used);

		shmnet_copy(to->span->data + to->used, from, part);
		from += part;
		len -= part;
		to->used += part;
		if (to->used == to->span->len) {
			to->span++;
			to->used = 0;
		}
	}
}

/* The spans hold skb->len bytes exactly. */
static void copy_skb(const struct sk_buff *skb, struct shmnet_frame *frame)
{
	struct cursor to = { .span = frame->span };
	int i;

	copy_bytes(&to, skb->data, skb_headlen(skb));
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];
		u32 offset, len, copied;
		struct page *page;
		void *address;

		skb_frag_foreach_page(frag, skb_frag_off(frag), skb_frag_size(frag), page, offset,
				      len, copied) {
			address = kmap_local_page(page);
			copy_bytes(&to, address + offset, len);
			kunmap_local(address);
		}
	}
}

/* The connection is over: what was on the way is lost, and nobody is charged for it any more. */
static void end_connection(struct shmnet_net *net, u32 slot)
{
	struct shmnet_tx_queue *tx = &net->tx[slot];
	enum shmnet_fault fault = shmnet_tx_fault(tx->ring);

	if (!tx->connected)
		return;
	if (fault) {
		shmnet_count_reset(&tx->counters, fault);
		if (__ratelimit(&net->device->log_limit))
			netdev_warn(net->dev, "node %u broke the rules of its ring (fault %d): reset\n",
				    slot, fault);
	}
	shmnet_tx_disconnect(tx->ring);
	shmnet_count_add(&tx->counters, tx_unread, tx->next - tx->oldest);
	while (tx->oldest != tx->next) {
		struct shmnet_tx_entry *entry = &tx->entries[tx->oldest++ & tx->entries_mask];

		dev_kfree_skb_any(entry->skb);
		entry->skb = NULL;
	}
	tx->connected = false;
	tx->stalled = false;
	/* Frames for a node that is gone are dropped, not kept waiting. */
	restart_queue(queue_of(net, slot));
	shmnet_ring_directory(net->device, slot);
	shmnet_tell_ended(net, slot, fault);
}

/* Takes back what the receiver has read. Under the queue's lock. */
static void reclaim(struct shmnet_net *net, u32 slot, int budget)
{
	struct shmnet_tx_queue *tx = &net->tx[slot];
	struct netdev_queue *queue = queue_of(net, slot);
	u32 frames = 0, bytes = 0;
	u32 consumed;

	if (!tx->connected)
		return;
	consumed = shmnet_tx_consumed(tx->ring);
	while (tx->oldest != tx->next) {
		struct shmnet_tx_entry *entry = &tx->entries[tx->oldest & tx->entries_mask];

		if ((s32)(consumed - entry->end) < 0)
			break;
		if (entry->skb)
			napi_consume_skb(entry->skb, budget);
		entry->skb = NULL;
		if (entry->bytes) {
			frames++;
			bytes += entry->bytes;
		}
		tx->oldest++;
		tx->progress = READ_ONCE(net->ticks);
		tx->stalled = false;
	}
	if (frames)
		netdev_tx_completed_queue(queue, frames, bytes);
	if (!shmnet_tx_connected(tx->ring)) {
		end_connection(net, slot);
		return;
	}
	if ((netif_tx_queue_stopped(queue) || tx->stalled) &&
	    shmnet_tx_has_room(tx->ring, net->info.gso_frame_max)) {
		/* All was read, and now there are grants again. */
		if (tx->oldest == tx->next)
			tx->stalled = false;
		netif_tx_wake_queue(queue);
	}
}

/* Stops the queue until the receiver has made room for the largest frame. */
static void stop_until_room(struct shmnet_net *net, u32 slot)
{
	struct shmnet_tx_queue *tx = &net->tx[slot];
	struct netdev_queue *queue = queue_of(net, slot);

	/* All was read: it is grants that are waited for, from now on. */
	if (tx->oldest == tx->next)
		tx->progress = READ_ONCE(net->ticks);
	netif_tx_stop_queue(queue);
	shmnet_call(net, slot);
	if (shmnet_tx_arm_granted(tx->ring, net->info.gso_frame_max)) {
		netif_tx_start_queue(queue);
		return;
	}
	shmnet_count(&tx->counters, tx_stops);
	shmnet_start_timer(net);
}

static void publish(struct shmnet_net *net, struct shmnet_tx_queue *tx)
{
	if (shmnet_tx_publish(tx->ring)) {
		SHMNET_AT(connection_S8);
		shmnet_ring(net->device, shmnet_tx_doorbell(tx->ring), &tx->counters);
	}
}

/* @skb: NULL for one that is nobody's to pay for. */
static void enter(struct shmnet_net *net, struct shmnet_tx_queue *tx, struct sk_buff *skb)
{
	struct shmnet_tx_entry *entry = &tx->entries[tx->next & tx->entries_mask];

	if (tx->oldest == tx->next)
		tx->progress = READ_ONCE(net->ticks);
	entry->skb = skb;
	entry->end = shmnet_tx_produced(tx->ring);
	entry->bytes = skb ? skb->len : 0;
	entry->sent = READ_ONCE(net->ticks);
	tx->next++;
}

netdev_tx_t shmnet_start_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct shmnet_net *net = netdev_priv(dev);
	u32 slot = skb_get_queue_mapping(skb);
	struct shmnet_tx_queue *tx = &net->tx[slot];
	struct netdev_queue *queue = queue_of(net, slot);
	u32 longest = skb_is_gso(skb) ? net->info.gso_frame_max : net->info.frame_max;
	bool more = netdev_xmit_more();

	if (shmnet_is_own(net, slot))
		return shmnet_cast_xmit(net, skb);

	if (skb->len < ETH_HLEN || skb->len > longest ||
	    !describe_offload(skb, &tx->frame.offload)) {
		shmnet_drop(skb, &tx->counters, invalid);
		goto flush;
	}
	if (unlikely(shmnet_is_forged(net, skb->data))) {
		shmnet_drop(skb, &tx->counters, forged);
		goto flush;
	}
	reclaim(net, slot, 0);
	if (!tx->connected) {
		/*
		 * Of two that meet, one is always the first to know. Answers of that moment (to ARP
		 * above all, which asks again only after a second) reach the other by the tape,
		 * which it reads from its start.
		 */
		if (!skb_is_gso(skb) && shmnet_expected_incarnation(net, slot))
			return shmnet_cast_xmit(net, skb);
		shmnet_drop(skb, &tx->counters, no_peer);
		goto flush;
	}
	if (tx->stalled) {
		shmnet_drop(skb, &tx->counters, stalled);
		goto flush;
	}
	if (unlikely(!shmnet_tx_reserve(tx->ring, skb->len, &tx->frame))) {
		/* Room is kept for the largest frame, so this is a grant taken back, or a fault. */
		if (shmnet_tx_connected(tx->ring)) {
			publish(net, tx);
			stop_until_room(net, slot);
			return NETDEV_TX_BUSY;
		}
		end_connection(net, slot);
		shmnet_drop(skb, &tx->counters, no_peer);
		goto flush;
	}

	SHMNET_AT(connection_S3);
	copy_skb(skb, &tx->frame);
	shmnet_tx_commit(tx->ring, &tx->frame);
	shmnet_count(&tx->counters, tx_frames);
	shmnet_count_add(&tx->counters, tx_bytes, skb->len);
	skb_tx_timestamp(skb);
	enter(net, tx, skb);

	if (!shmnet_tx_has_room(tx->ring, net->info.gso_frame_max))
		stop_until_room(net, slot);
	if (__netdev_tx_sent_queue(queue, skb->len, more))
		publish(net, tx);
	if (netif_xmit_stopped(queue)) {
		/* BQL's limit, or room: hear when half of what is on the way was read. */
		u32 middle = tx->oldest + (tx->next - tx->oldest) / 2;

		shmnet_call(net, slot);
		if (shmnet_tx_arm_consumed(tx->ring, tx->entries[middle & tx->entries_mask].end))
			reclaim(net, slot, 0);
	}
	shmnet_start_timer(net);
	return NETDEV_TX_OK;

flush:
	if (!more && tx->connected)
		publish(net, tx);
	return NETDEV_TX_OK;
}

/*
 * A frame of an XDP program's, which is copied and not kept. False: there is no room, or nobody to
 * send to. BH is off. It is sent with the next shmnet_tx_flush().
 */
bool shmnet_tx_xdp(struct shmnet_net *net, u32 slot, const struct shmnet_xdp_frame *from)
{
	struct shmnet_tx_queue *tx = &net->tx[slot];
	struct netdev_queue *queue = queue_of(net, slot);
	u32 len = from->len + (from->more ? from->more->xdp_frags_size : 0);
	struct cursor to = { .span = tx->frame.span };
	bool sent = false;
	u32 i;

	__netif_tx_lock(queue, smp_processor_id());
	reclaim(net, slot, 0);
	if (unlikely(from->len < ETH_HLEN || len > net->info.frame_max)) {
		shmnet_count(&tx->counters, tx_drop_invalid);
		goto unlock;
	}
	if (unlikely(shmnet_is_forged(net, from->data))) {
		shmnet_count(&tx->counters, tx_drop_forged);
		goto unlock;
	}
	if (unlikely(!tx->connected)) {
		shmnet_count(&tx->counters, tx_drop_no_peer);
		goto unlock;
	}
	/* What is stopped waits for its receiver: this cannot. */
	if (netif_tx_queue_stopped(queue) || tx->stalled ||
	    !shmnet_tx_reserve(tx->ring, len, &tx->frame)) {
		shmnet_count(&tx->counters, tx_drop_full);
		goto unlock;
	}
	memset(&tx->frame.offload, 0, sizeof(tx->frame.offload));
	copy_bytes(&to, from->data, from->len);
	for (i = 0; from->more && i < from->more->nr_frags; i++)
		copy_bytes(&to, skb_frag_address(&from->more->frags[i]),
			   skb_frag_size(&from->more->frags[i]));
	shmnet_tx_commit(tx->ring, &tx->frame);
	shmnet_count(&tx->counters, tx_frames);
	shmnet_count_add(&tx->counters, tx_bytes, len);
	enter(net, tx, NULL);
	if (!shmnet_tx_has_room(tx->ring, net->info.gso_frame_max))
		stop_until_room(net, slot);
	sent = true;
unlock:
	__netif_tx_unlock(queue);
	return sent;
}

/* Shows receivers what shmnet_tx_xdp() has sent them. @slots: a bit for each. BH is off. */
void shmnet_tx_flush(struct shmnet_net *net, u64 slots)
{
	for (; slots; slots &= slots - 1) {
		u32 slot = __ffs64(slots);
		struct netdev_queue *queue = queue_of(net, slot);

		__netif_tx_lock(queue, smp_processor_id());
		if (net->tx[slot].connected)
			publish(net, &net->tx[slot]);
		__netif_tx_unlock(queue);
		shmnet_start_timer(net);
	}
}

/* NAPI, for a peer that rang. */
void shmnet_tx_clean(struct shmnet_net *net, u32 slot, int budget)
{
	struct shmnet_tx_queue *tx = &net->tx[slot];
	struct netdev_queue *queue = queue_of(net, slot);

	/* Looked at without the lock: what is missed here, the timer or the next frame sees. */
	if (READ_ONCE(tx->oldest) == READ_ONCE(tx->next) && !netif_tx_queue_stopped(queue))
		return;
	__netif_tx_lock(queue, smp_processor_id());
	reclaim(net, slot, budget);
	__netif_tx_unlock(queue);
}

/*
 * Backup timer: takes back, stops charging, repeats doorbells, sees a stall. True: go on; also
 * where all was read, and only the grants that a stopped queue waits for are missing.
 */
bool shmnet_tx_tick(struct shmnet_net *net, u32 slot)
{
	struct shmnet_tx_queue *tx = &net->tx[slot];
	struct netdev_queue *queue = queue_of(net, slot);
	bool outstanding, waits;
	u32 waited, i;

	if (READ_ONCE(tx->oldest) == READ_ONCE(tx->next) && !netif_tx_queue_stopped(queue))
		return false;
	if (!__netif_tx_trylock(queue))
		return true;
	reclaim(net, slot, 0);
	for (i = tx->oldest; i != tx->next; i++) {
		struct shmnet_tx_entry *entry = &tx->entries[i & tx->entries_mask];

		if (net->ticks - entry->sent < SHMNET_CHARGE_TICKS)
			break;
		if (entry->skb)
			dev_consume_skb_any(entry->skb);
		entry->skb = NULL;
	}
	waited = net->ticks - tx->progress;
	outstanding = tx->oldest != tx->next;
	if (outstanding && waited >= SHMNET_REPEAT_TICKS && is_power_of_2(waited) &&
	    shmnet_tx_receiver_sleeps(tx->ring)) {
		shmnet_count(&tx->counters, doorbells_repeated);
		shmnet_ring(net->device, shmnet_tx_doorbell(tx->ring), &tx->counters);
	}
	waits = outstanding || netif_tx_queue_stopped(queue);
	if (waits && waited >= SHMNET_STALL_TICKS && !tx->stalled) {
		tx->stalled = true;
		for (i = tx->oldest; i != tx->next; i++)
			tx->entries[i & tx->entries_mask].bytes = 0;
		restart_queue(queue);
	}
	__netif_tx_unlock(queue);
	return waits;
}

/* The tick: makes the connection what membership says that it should be. */
void shmnet_tx_reconcile(struct shmnet_net *net, u32 slot, bool up)
{
	struct shmnet_tx_queue *tx = &net->tx[slot];
	struct netdev_queue *queue = queue_of(net, slot);

	__netif_tx_lock_bh(queue);
	if (tx->connected && (!up || !shmnet_tx_connected(tx->ring) ||
			      !shmnet_tx_still_open(tx->ring)))
		end_connection(net, slot);
	if (up && !tx->connected &&
	    shmnet_tx_connect(tx->ring, net->device->incarnation, shmnet_own_doorbell(net, slot))) {
		WRITE_ONCE(tx->connected, true);
		shmnet_count(&tx->counters, connects);
		netif_tx_wake_queue(queue);
		shmnet_tell_connected(net, slot);
	}
	__netif_tx_unlock_bh(queue);
}
