// SPDX-License-Identifier: GPL-2.0-only
/*
 * XDP: programs that see the frames of rings before there are skbs for them. A frame is copied out
 * of the region first, like any: what a program has looked at, its sender cannot change any more.
 * While there is a program, peers leave nothing undone (the interface offers no checksums and no
 * unsegmented frames), for a program sees bytes and nothing beside them.
 *
 * Frames of tapes are few, and may be overwritten while they are copied: they become skbs first,
 * and the kernel runs the program on those.
 */
#include "shmnet.h"

#include <linux/bpf.h>
#include <linux/bpf_trace.h>
#include <linux/filter.h>
#include <net/checksum.h>
#include <net/xdp.h>

/* Of a page: behind the room that programs may grow a frame into, before what an skb needs. */
#define LINEAR_MAX	(SKB_WITH_OVERHEAD(PAGE_SIZE) - XDP_PACKET_HEADROOM)

/* The largest MTU for programs that see a frame in one piece. */
#define XDP_MTU_MAX	((int)LINEAR_MAX - VLAN_ETH_HLEN)

static struct shmnet_xdp_frame frame_of_buff(struct xdp_buff *xdp)
{
	return (struct shmnet_xdp_frame){
		.data = xdp->data,
		.len = xdp->data_end - xdp->data,
		.more = xdp_buff_has_frags(xdp) ? xdp_get_shared_info_from_buff(xdp) : NULL,
	};
}

static struct shmnet_xdp_frame frame_of_xdp_frame(struct xdp_frame *frame)
{
	return (struct shmnet_xdp_frame){
		.data = frame->data,
		.len = frame->len,
		.more = xdp_frame_has_frags(frame) ? xdp_get_shared_info_from_frame(frame) : NULL,
	};
}

/* ---- Sending -------------------------------------------------------------------------------- */

/* False: it is dropped, and counted. BH is off. @sent: bit by slot, to be flushed. */
static bool send(struct shmnet_net *net, const struct shmnet_xdp_frame *frame, u64 *sent)
{
	bool is_its;
	u32 slot = shmnet_slot_for(net, frame->data, &is_its);

	if (shmnet_is_own(net, slot))
		return shmnet_cast_xdp(net, frame);
	*sent |= BIT_ULL(slot);
	return shmnet_tx_xdp(net, slot, frame);
}

/* Frames that are redirected to here. BH is off. Takes all: what it drops has its reason. */
int shmnet_xdp_xmit(struct net_device *dev, int count, struct xdp_frame **frames, u32 flags)
{
	struct shmnet_net *net = netdev_priv(dev);
	u64 sent = 0;
	int i;

	if (flags & ~XDP_XMIT_FLAGS_MASK)
		return -EINVAL;
	if (!netif_running(dev) || !netif_carrier_ok(dev))
		return -ENETDOWN;
	for (i = 0; i < count; i++) {
		struct shmnet_xdp_frame frame = frame_of_xdp_frame(frames[i]);

		send(net, &frame, &sent);
		xdp_return_frame_rx_napi(frames[i]);
	}
	/* Whether more come or not: nobody may say when the last one was. */
	shmnet_tx_flush(net, sent);
	return count;
}

/* At the end of a poll. */
void shmnet_xdp_flush(struct shmnet_net *net)
{
	if (net->xdp_redirected)
		xdp_do_flush();
	net->xdp_redirected = false;
	if (net->xdp_sent)
		shmnet_tx_flush(net, net->xdp_sent);
	net->xdp_sent = 0;
}

/* ---- Receiving ------------------------------------------------------------------------------ */

static bool add_page(struct shmnet_net *net, struct skb_shared_info *more,
		     struct shmnet_cursor *from, u32 len)
{
	struct page *page;

	if (more->nr_frags == MAX_SKB_FRAGS)
		return false;
	page = page_pool_dev_alloc_pages(net->pages);
	if (!page)
		return false;
	shmnet_copy_out(page_address(page), from, len);
	shmnet_fill_frag(&more->frags[more->nr_frags++], page, len);
	more->xdp_frags_size += len;
	return true;
}

/* Copies the ring's frame, for a program. False: no memory. */
static bool copy_frame(struct shmnet_net *net, struct xdp_buff *xdp)
{
	const struct shmnet_frame *frame = &net->frame;
	struct shmnet_cursor from = { .span = frame->span };
	u32 head = min_t(u32, frame->len, LINEAR_MAX);
	u32 left = frame->len - head;
	struct skb_shared_info *more;
	struct page *page;

	page = page_pool_dev_alloc_pages(net->pages);
	if (!page)
		return false;
	xdp_init_buff(xdp, PAGE_SIZE, &net->xdp_rxq);
	xdp_prepare_buff(xdp, page_address(page), XDP_PACKET_HEADROOM, head, true);
	shmnet_copy_out(xdp->data, &from, head);
	if (!left)
		return true;

	more = xdp_get_shared_info_from_buff(xdp);
	more->nr_frags = 0;
	more->xdp_frags_size = 0;
	xdp_buff_set_frags_flag(xdp);
	while (left) {
		u32 part = min_t(u32, left, PAGE_SIZE);

		if (!add_page(net, more, &from, part)) {
			xdp_return_buff(xdp);
			return false;
		}
		left -= part;
	}
	return true;
}

/*
 * Does what its sender has left undone, where that is little: it has been told that it shall not,
 * and hears it just about now.
 */
static bool finish(const struct shmnet_offload *offload, struct xdp_buff *xdp)
{
	void *start = xdp->data + offload->csum_start;
	__sum16 *sum = start + offload->csum_offset;

	if (!(offload->flags & SHMNET_DESC_NEEDS_CSUM))
		return true;
	if (offload->gso_type || xdp_buff_has_frags(xdp))
		return false;
	*sum = csum_fold(csum_partial(start, xdp->data_end - start, 0)) ?: CSUM_MANGLED_0;
	return true;
}

/* NULL: no memory, and the frame is still there. */
static struct sk_buff *skb_of(struct xdp_buff *xdp)
{
	struct skb_shared_info *more = xdp_get_shared_info_from_buff(xdp);
	bool has_more = xdp_buff_has_frags(xdp);
	u32 metadata = xdp->data - xdp->data_meta;
	/* The skb begins with its own words there, and without frags. */
	u32 frags = has_more ? more->nr_frags : 0;
	u32 size = has_more ? more->xdp_frags_size : 0;
	struct sk_buff *skb = napi_build_skb(xdp->data_hard_start, PAGE_SIZE);

	if (unlikely(!skb))
		return NULL;
	skb_reserve(skb, xdp->data - xdp->data_hard_start);
	__skb_put(skb, xdp->data_end - xdp->data);
	if (metadata)
		skb_metadata_set(skb, metadata);
	if (has_more)
		xdp_update_skb_shared_info(skb, frags, size, frags * PAGE_SIZE, false);
	skb_mark_for_recycle(skb);
	return skb;
}

/* Has the program decide. The skb that the stack gets; NULL: it is dropped, or gone elsewhere. */
static struct sk_buff *run(struct shmnet_net *net, struct bpf_prog *prog, struct xdp_buff *xdp,
			   struct shmnet_counters *counters)
{
	u32 verdict = bpf_prog_run_xdp(prog, xdp);
	struct shmnet_xdp_frame frame;
	struct sk_buff *skb;

	shmnet_count(counters, rx_xdp_frames);
	switch (verdict) {
	case XDP_PASS:
		skb = skb_of(xdp);
		if (likely(skb))
			return skb;
		shmnet_drop_received(net->dev, NULL, xdp_get_buff_len(xdp), counters, no_memory);
		break;
	case XDP_TX:
		frame = frame_of_buff(xdp);
		if (send(net, &frame, &net->xdp_sent))
			shmnet_count(counters, rx_xdp_tx);
		break;
	case XDP_REDIRECT:
		if (likely(!xdp_do_redirect(net->dev, xdp, prog))) {
			shmnet_count(counters, rx_xdp_redirects);
			net->xdp_redirected = true;
			return NULL;
		}
		shmnet_count(counters, rx_xdp_drops);
		break;
	default:
		bpf_warn_invalid_xdp_action(net->dev, prog, verdict);
		fallthrough;
	case XDP_ABORTED:
		trace_xdp_exception(net->dev, prog, verdict);
		fallthrough;
	case XDP_DROP:
		shmnet_count(counters, rx_xdp_drops);
		break;
	}
	xdp_return_buff(xdp);
	return NULL;
}

/*
 * The ring's frame of @peer, whose descriptors hold. What the stack gets of it, or NULL. NAPI,
 * under rcu_read_lock(). Its buffers are given back.
 */
struct sk_buff *shmnet_xdp_receive(struct shmnet_net *net, struct bpf_prog *prog, u32 peer,
				   struct shmnet_rx_queue *rx)
{
	struct shmnet_counters *counters = &rx->counters;
	struct xdp_buff xdp;
	bool copied, fits;

	/* Peers know this node's MTU, and need not heed it. */
	fits = net->frame.len <= LINEAR_MAX || prog->aux->xdp_has_frags;
	copied = fits && copy_frame(net, &xdp);
	shmnet_rx_release(rx->ring);
	if (!fits) {
		shmnet_drop_received(net->dev, NULL, net->frame.len, counters, xdp);
		return NULL;
	}
	if (unlikely(!copied)) {
		shmnet_drop_received(net->dev, NULL, net->frame.len, counters, no_memory);
		return NULL;
	}
	if (unlikely(!shmnet_check_source(net, xdp.data + ETH_ALEN, peer))) {
		shmnet_drop_received(net->dev, NULL, net->frame.len, counters, forged);
		xdp_return_buff(&xdp);
		return NULL;
	}
	if (unlikely(!finish(&net->frame.offload, &xdp))) {
		shmnet_drop_received(net->dev, NULL, net->frame.len, counters, xdp);
		xdp_return_buff(&xdp);
		return NULL;
	}
	return run(net, prog, &xdp, counters);
}

/* Has the program decide of a cast. False: it is dropped, or has gone elsewhere. As above. */
bool shmnet_xdp_receive_cast(struct shmnet_net *net, struct bpf_prog *prog, struct sk_buff **skb)
{
	shmnet_count(&net->counters, rx_xdp_frames);
	(*skb)->protocol = eth_type_trans(*skb, net->dev);
	if (shmnet_xdp_generic(prog, skb) != XDP_PASS) {
		shmnet_count(&net->counters, rx_xdp_casts_taken);
		return false;
	}
	skb_push(*skb, (*skb)->data - skb_mac_header(*skb));
	return true;
}

/* ---- The program ---------------------------------------------------------------------------- */

/* Whether it can be shown all frames of such an MTU. */
static bool takes_mtu(const struct bpf_prog *prog, int mtu)
{
	return !prog || prog->aux->xdp_has_frags || mtu <= XDP_MTU_MAX;
}

bool shmnet_xdp_takes_mtu(const struct shmnet_net *net, int mtu)
{
	return takes_mtu(rtnl_dereference(net->xdp_prog), mtu);
}

int shmnet_xdp(struct net_device *dev, struct netdev_bpf *bpf)
{
	struct shmnet_net *net = netdev_priv(dev);
	struct bpf_prog *old;

	if (bpf->command != XDP_SETUP_PROG)
		return -EINVAL;
	if (!takes_mtu(bpf->prog, dev->mtu)) {
		NL_SET_ERR_MSG(bpf->extack,
			       "the MTU is too large for a program that has no section xdp.frags");
		return -EINVAL;
	}
	old = rtnl_dereference(net->xdp_prog);
	rcu_assign_pointer(net->xdp_prog, bpf->prog);
	if (old)
		bpf_prog_put(old);
	/* What peers may leave undone. */
	netdev_update_features(dev);
	return 0;
}

/* The interface comes up: with its pools, which programs' pages go back to. */
int shmnet_xdp_open(struct shmnet_net *net)
{
	int err = xdp_rxq_info_reg(&net->xdp_rxq, net->dev, 0, net->napi.napi_id);

	if (err)
		return err;
	err = xdp_rxq_info_reg_mem_model(&net->xdp_rxq, MEM_TYPE_PAGE_POOL, net->pages);
	if (err)
		xdp_rxq_info_unreg(&net->xdp_rxq);
	return err;
}

void shmnet_xdp_close(struct shmnet_net *net)
{
	xdp_rxq_info_unreg(&net->xdp_rxq);
}
