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
#else
#include <asm/unaligned.h>
#include <net/page_pool.h>
#define SHMNET_PAGE_POOL_NAPI(instance)
#define shmnet_dump_attributes(cb) (genl_dumpit_info(cb)->attrs)

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
