// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receiving: frames are copied out of the region, and only then looked at. All in NAPI.
 */
#include "shmnet.h"

#include "events.h"

#include <linux/if_vlan.h>
#include <linux/virtio_net.h>

/* Up to here a frame becomes one linear skb; of a longer one the head is, for the headers. */
#define LINEAR_MAX	2048
#define HEAD_LEN	192
#define HEAD_MAX	512

#define CHUNK_SIZE	(PAGE_SIZE << SHMNET_CHUNK_ORDER)
#define CHUNK_USED_MIN	(CHUNK_SIZE * 3 / 4)

/* Copies out of the region, and moves on. */
void shmnet_copy_out(void *to, struct shmnet_cursor *from, u32 len)
{
	while (len) {
		u32 part = min(len, from->span->len - from->used);

		shmnet_copy(to, from->span->data + from->used, part);
		to += part;
		len -= part;
		from->used += part;
		if (from->used == from->span->len) {
			from->span++;
			from->used = 0;
		}
	}
}

/* A page, or a chunk where so much is left that it will be nearly full: truesize stays honest. */
static struct page *take_page(struct shmnet_net *net, u32 len, u32 *size)
{
	struct page *page;

	if (len >= CHUNK_USED_MIN) {
		*size = CHUNK_SIZE;
		page = page_pool_dev_alloc_pages(net->chunks);
		if (likely(page))
			return page;
	}
	*size = PAGE_SIZE;
	return page_pool_dev_alloc_pages(net->pages);
}

/* Copies the @len bytes behind the head. Pages come back to their pools, and are not cleared. */
static bool copy_fragments(struct shmnet_net *net, struct sk_buff *skb, struct shmnet_cursor *from,
			   u32 len)
{
	int i;

	skb_mark_for_recycle(skb);
	for (i = 0; len; i++) {
		struct page *page;
		u32 size, part;

		if (i == MAX_SKB_FRAGS)
			return false;
		page = take_page(net, len, &size);
		if (unlikely(!page))
			return false;
		part = min(len, size);
		shmnet_copy_out(page_address(page), from, part);
		skb_add_rx_frag(skb, i, page, 0, part, size);
		len -= part;
	}
	return true;
}

static struct sk_buff *copy_frame(struct shmnet_net *net, const struct shmnet_span *span, u32 len,
				  u32 head)
{
	struct shmnet_cursor from = { .span = span };
	struct sk_buff *skb;

	if (len <= LINEAR_MAX)
		head = len;
	skb = napi_alloc_skb(&net->napi, head);
	if (unlikely(!skb))
		return NULL;
	shmnet_copy_out(__skb_put(skb, head), &from, head);
	if (len > head && unlikely(!copy_fragments(net, skb, &from, len - head))) {
		napi_consume_skb(skb, 1);
		return NULL;
	}
	return skb;
}

/*
 * Says to the stack what is left to do. The words come from a peer: the kernel's own checks of a
 * virtio header, which has the same words, are made here too.
 */
static bool apply_offload(struct shmnet_net *net, struct sk_buff *skb,
			  const struct shmnet_offload *offload)
{
	struct virtio_net_hdr hdr = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = (__force __virtio16)cpu_to_le16(offload->csum_start),
		.csum_offset = (__force __virtio16)cpu_to_le16(offload->csum_offset),
		.gso_size = (__force __virtio16)cpu_to_le16(offload->gso_size),
	};

	if (!(offload->flags & SHMNET_DESC_NEEDS_CSUM)) {
		if (offload->flags & SHMNET_DESC_DATA_VALID && net->dev->features & NETIF_F_RXCSUM)
			skb->ip_summed = CHECKSUM_UNNECESSARY;
		return true;
	}
	switch (offload->gso_type & ~SHMNET_GSO_ECN) {
	case SHMNET_GSO_TCP4:
		hdr.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
		break;
	case SHMNET_GSO_TCP6:
		hdr.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
		break;
#ifdef VIRTIO_NET_HDR_GSO_UDP_L4
	case SHMNET_GSO_UDP_L4:
		hdr.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
		break;
#endif
	case SHMNET_GSO_NONE:
		hdr.gso_type = VIRTIO_NET_HDR_GSO_NONE;
		break;
	default:
		return false;
	}
	if (offload->gso_type & SHMNET_GSO_ECN)
		hdr.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	return !virtio_net_hdr_to_skb(skb, &hdr, true);
}

/* Learns where the source lives. False: the frame says to come from another node. */
bool shmnet_check_source(struct shmnet_net *net, const u8 *source, u32 peer)
{
	bool command;
	u32 owner;

	if (likely(shmnet_is_node_mac(net, source, &owner, &command)))
		return owner == peer && !command;
	shmnet_fdb_learn(&net->fdb, source, peer);
	return true;
}

static void deliver(struct shmnet_net *net, struct sk_buff *skb, struct shmnet_counters *counters)
{
	shmnet_count(counters, rx_frames);
	shmnet_count_add(counters, rx_bytes, skb->len);
	skb->protocol = eth_type_trans(skb, net->dev);
	napi_gro_receive(&net->napi, skb);
}

/* NULL: it is dropped. Either way its buffers are given back. */
static struct sk_buff *receive_skb(struct shmnet_net *net, u32 peer, struct shmnet_rx_queue *rx)
{
	const struct shmnet_frame *frame = &net->frame;
	const struct shmnet_offload *offload = &frame->offload;
	u32 head = min_t(u32, frame->len, HEAD_LEN);
	struct sk_buff *skb;

	/* The checksum field must lie in the head. */
	if (offload->flags & SHMNET_DESC_NEEDS_CSUM)
		head = max_t(u32, head, min_t(u32, offload->csum_start + offload->csum_offset + 2,
					      HEAD_MAX));
	SHMNET_AT(connection_R3);
	skb = copy_frame(net, frame->span, frame->len, head);
	shmnet_rx_release(rx->ring);
	if (unlikely(!skb)) {
		shmnet_drop_received(net->dev, NULL, frame->len, &rx->counters, no_memory);
		return NULL;
	}
	if (unlikely(!shmnet_check_source(net, skb->data + ETH_ALEN, peer))) {
		shmnet_drop_received(net->dev, skb, skb->len, &rx->counters, forged);
		return NULL;
	}
	if (unlikely(!apply_offload(net, skb, offload))) {
		shmnet_drop_received(net->dev, skb, skb->len, &rx->counters, offload);
		return NULL;
	}
	return skb;
}

static void receive_frame(struct shmnet_net *net, u32 peer, struct shmnet_rx_queue *rx)
{
	struct bpf_prog *program;
	struct sk_buff *skb;

	rcu_read_lock();
	program = rcu_dereference(net->xdp_prog);
	if (unlikely(program))
		skb = shmnet_xdp_receive(net, program, peer, rx);
	else
		skb = receive_skb(net, peer, rx);
	rcu_read_unlock();
	if (!skb)
		return;
	if (net->frame.offload.hash)
		skb_set_hash(skb, net->frame.offload.hash, PKT_HASH_TYPE_L4);
	if (shmnet_is_global(net))
		shmnet_came_in(net, peer, skb);
	deliver(net, skb, &rx->counters);
}

static void publish(struct shmnet_net *net, struct shmnet_rx_queue *rx)
{
	if (shmnet_rx_publish(rx->ring)) {
		SHMNET_AT(connection_R8);
		shmnet_ring(net->device, shmnet_rx_doorbell(rx->ring), &rx->counters);
	}
}

void shmnet_close_ring(struct shmnet_net *net, u32 slot)
{
	struct shmnet_rx_queue *rx = &net->rx[slot];

	shmnet_rx_close(rx->ring);
	rx->opened = 0;
}

/* Opens or closes the ring as membership wants it; opens it anew where the sender refused it. */
void shmnet_update_ring(struct shmnet_net *net, u32 slot)
{
	struct shmnet_rx_queue *rx = &net->rx[slot];
	u32 wanted = READ_ONCE(rx->wanted);
	bool broken = rx->opened && (shmnet_rx_fault(rx->ring) || shmnet_rx_refused(rx->ring));

	if (likely(rx->opened == wanted && !broken))
		return;
	if (rx->opened)
		shmnet_close_ring(net, slot);
	/* What a peer can make us do again and again takes its time; the tick comes back to it. */
	if (!wanted || time_before(jiffies, rx->opened_at + SHMNET_REOPEN_INTERVAL))
		return;
	shmnet_call(net, slot);
	shmnet_rx_open(rx->ring, net->device->incarnation, wanted, shmnet_own_doorbell(net, slot));
	rx->opened = wanted;
	rx->opened_at = jiffies;
	rx->armed = shmnet_rx_consumed(rx->ring);
	SHMNET_AT(connection_O4_2);
	shmnet_ring_directory(net->device, slot);
}

/* Takes up to @budget frames of one ring; returns how many. */
int shmnet_receive_ring(struct shmnet_net *net, u32 slot, int budget)
{
	struct shmnet_rx_queue *rx = &net->rx[slot];
	u32 published, chunk = net->info.pool / 4;
	int work = 0;

	shmnet_update_ring(net, slot);
	if (!rx->opened)
		return 0;
	published = shmnet_rx_consumed(rx->ring);
	while (work < budget) {
		enum shmnet_receive outcome = shmnet_rx_next(rx->ring, &net->frame);

		if (outcome == SHMNET_RECEIVE_EMPTY)
			break;
		work++;
		if (outcome == SHMNET_RECEIVE_FRAME) {
			receive_frame(net, slot, rx);
		} else if (outcome == SHMNET_RECEIVE_OFFLOAD) {
			shmnet_rx_release(rx->ring);
			shmnet_drop_received(net->dev, NULL, net->frame.len, &rx->counters,
					     offload);
		} else {
			enum shmnet_fault fault = shmnet_rx_fault(rx->ring);

			shmnet_count_reset(&rx->counters, fault);
			if (__ratelimit(&net->device->log_limit))
				netdev_warn(net->dev,
					    "node %u broke the rules of its ring (fault %d): reset\n",
					    slot, fault);
			shmnet_update_ring(net, slot);
			return work;
		}
		/* The sender gets its buffers back in time to go on without a pause. */
		if (shmnet_rx_consumed(rx->ring) - published >= chunk) {
			publish(net, rx);
			published = shmnet_rx_consumed(rx->ring);
		}
	}
	publish(net, rx);
	return work;
}

/* The driver's own frame. */
static void receive_command(struct shmnet_net *net, const struct sk_buff *skb, u32 writer)
{
	const struct shmnet_command *command = (const void *)skb->data;
	struct shmnet_flow_target target = { .node = writer };

	shmnet_count(&net->counters, rx_commands);
	if (skb->len < sizeof(*command) || command->version != SHMNET_VERSION)
		return;
	target.incarnation = be32_to_cpu(command->incarnation);
	switch (command->type) {
	case SHMNET_COMMAND_HELLO:
		WRITE_ONCE(net->hello[writer], target.incarnation);
		fallthrough;
	case SHMNET_COMMAND_LEAVE:
		net->announcements++;
		shmnet_check_now(net->device);
		break;
	case SHMNET_COMMAND_ASK:
	case SHMNET_COMMAND_ASK_ALL:
		shmnet_asked(net, &command->flow, command->type == SHMNET_COMMAND_ASK_ALL);
		break;
	case SHMNET_COMMAND_HAVE:
	case SHMNET_COMMAND_HAVE_NOT:
		shmnet_answered(net, &command->flow, &target,
				command->type == SHMNET_COMMAND_HAVE);
		break;
	}
}

static bool is_mine(const struct shmnet_net *net, const u8 *destination)
{
	if (!is_multicast_ether_addr(destination))
		return ether_addr_equal(destination, net->dev->dev_addr);
	return is_broadcast_ether_addr(destination) || shmnet_group_joined(net, destination);
}

/* False: the program has dropped it, or sent it elsewhere. */
static bool passes_program(struct shmnet_net *net, struct sk_buff **skb)
{
	struct bpf_prog *program;
	bool passes = true;

	rcu_read_lock();
	program = rcu_dereference(net->xdp_prog);
	if (unlikely(program))
		passes = shmnet_xdp_receive_cast(net, program, skb);
	rcu_read_unlock();
	return passes;
}

static void receive_cast(struct shmnet_net *net, struct sk_buff *skb, u32 writer, u32 flags)
{
	struct shmnet_counters *counters = &net->counters;
	const struct ethhdr *eth = (const void *)skb->data;
	bool command;
	u32 owner;

	if (shmnet_is_node_mac(net, eth->h_source, &owner, &command) && command &&
	    owner == writer) {
		receive_command(net, skb, writer);
		goto drop;
	}
	if (!shmnet_check_source(net, eth->h_source, writer)) {
		shmnet_drop_received(net->dev, skb, skb->len, counters, forged);
		return;
	}
	if (!(net->dev->flags & IFF_PROMISC) && !is_mine(net, eth->h_dest)) {
		shmnet_count(counters, rx_cast_not_mine);
		goto drop;
	}
	if (flags & SHMNET_CAST_DATA_VALID && net->dev->features & NETIF_F_RXCSUM)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	if (!passes_program(net, &skb))
		return;
	shmnet_count(counters, rx_casts);
	deliver(net, skb, counters);
	return;
drop:
	napi_consume_skb(skb, 1);
}

static int receive_tape(struct shmnet_net *net, struct shmnet_tape_reader *reader, int budget)
{
	struct shmnet_counters *counters = &net->counters;
	int work;
	u64 missed;

	for (work = 0; work < budget; work++) {
		struct shmnet_cast_view cast;
		struct shmnet_span span;
		struct sk_buff *skb;
		enum shmnet_receive outcome = shmnet_reader_next(reader->core, &cast);

		if (outcome == SHMNET_RECEIVE_EMPTY)
			break;
		if (outcome != SHMNET_RECEIVE_FRAME)
			continue;
		span = (struct shmnet_span){ .data = (void *)cast.data, .len = cast.len };
		skb = copy_frame(net, &span, cast.len, min_t(u32, cast.len, HEAD_LEN));
		if (!shmnet_reader_confirm(reader->core)) {
			napi_consume_skb(skb, 1);
			continue;
		}
		if (unlikely(!skb)) {
			shmnet_drop_received(net->dev, NULL, cast.len, counters, no_memory);
			continue;
		}
		receive_cast(net, skb, cast.writer, cast.flags);
	}
	missed = shmnet_reader_missed(reader->core);
	if (unlikely(missed != reader->missed))
		shmnet_tell_lapped(net, reader - net->tapes, missed);
	shmnet_count_add(counters, rx_cast_missed, missed - reader->missed);
	reader->missed = missed;
	return work;
}

/*
 * Takes up to @budget casts; returns how many. Only a doorbell disarms: a writer whose cast a timer
 * found may be just about to ring, and shall.
 */
int shmnet_receive_casts(struct shmnet_net *net, bool announced, int budget)
{
	int work = 0;
	u32 i;

	if (announced || net->polling)
		shmnet_disarm_casts(net);
	for (i = 0; i < net->info.tapes && work < budget; i++) {
		/* Not always the same first: a flood on one tape must not starve the others. */
		u32 tape = (net->next_tape + i) % net->info.tapes;

		if (net->tapes[tape].reading)
			work += receive_tape(net, &net->tapes[tape], budget - work);
	}
	net->next_tape = (net->next_tape + 1) % net->info.tapes;
	return work;
}
