/* SPDX-License-Identifier: GPL-2.0-only */
/* Where Debian's 6.1 and 6.12 differ. */
#ifndef SHMNET_COMPAT_H
#define SHMNET_COMPAT_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#include <linux/unaligned.h>
#include <net/page_pool/helpers.h>
/* With its NAPI named, a pool takes back without a lock what that NAPI frees. */
#define SHMNET_PAGE_POOL_NAPI(instance) .napi = instance,
#define shmnet_dump_attributes(cb) (genl_info_dump(cb)->attrs)
#define shmnet_kfree_skb_any(skb, reason) dev_kfree_skb_any_reason(skb, reason)
#define shmnet_fill_frag(frag, page, len) skb_frag_fill_page_desc(frag, page, 0, len)
#define shmnet_xdp_generic(prog, skb) do_xdp_generic(prog, skb)
#define shmnet_has_xdp(dev) \
	((dev)->xdp_features = NETDEV_XDP_ACT_BASIC | NETDEV_XDP_ACT_REDIRECT | \
			       NETDEV_XDP_ACT_NDO_XMIT | NETDEV_XDP_ACT_RX_SG | \
			       NETDEV_XDP_ACT_NDO_XMIT_SG)
#define shmnet_no_xdp(dev) ((dev)->xdp_features = 0)
#else
#include <asm/unaligned.h>
#include <net/page_pool.h>
#define SHMNET_PAGE_POOL_NAPI(instance)
#define shmnet_dump_attributes(cb) (genl_dumpit_info(cb)->attrs)

#define shmnet_xdp_generic(prog, skb) do_xdp_generic(prog, *(skb))
/* What a driver can do of XDP is only known to later ones. */
#define shmnet_has_xdp(dev)
#define shmnet_no_xdp(dev)

static inline void shmnet_fill_frag(skb_frag_t *frag, struct page *page, u32 len)
{
	__skb_frag_set_page(frag, page);
	skb_frag_off_set(frag, 0);
	skb_frag_size_set(frag, len);
}

static inline void shmnet_kfree_skb_any(struct sk_buff *skb, enum skb_drop_reason reason)
{
	/* Where it must wait for a softirq the reason is lost. */
	if (in_hardirq() || irqs_disabled())
		dev_kfree_skb_irq(skb);
	else
		kfree_skb_reason(skb, reason);
}
#endif

#endif /* SHMNET_COMPAT_H */
