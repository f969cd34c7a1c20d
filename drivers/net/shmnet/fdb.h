/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses that were seen behind a node (bridges, containers, macvlan): where to send a frame
 * whose destination is no node's own.
 */
#ifndef SHMNET_FDB_H
#define SHMNET_FDB_H

#include <linux/list.h>
#include <linux/netdevice.h>
#include <linux/spinlock.h>

#define SHMNET_FDB_BITS		10
#define SHMNET_FDB_PER_PEER	1024
#define SHMNET_FDB_AGE		(300 * HZ)

struct shmnet_fdb {
	spinlock_t lock;		/* changes; readers use RCU */
	u32 seed;
	u16 count[64];			/* entries by slot */
	struct hlist_head heads[1 << SHMNET_FDB_BITS];
};

void shmnet_fdb_init(struct shmnet_fdb *fdb);
/* Notes that @mac is behind @slot. NAPI. */
void shmnet_fdb_learn(struct shmnet_fdb *fdb, const u8 *mac, u32 slot);
/* The slot that @mac is behind, or -1. Any context, BH disabled or RCU held. */
int shmnet_fdb_find(struct shmnet_fdb *fdb, const u8 *mac);
/* Forgets what was not seen for SHMNET_FDB_AGE. Process context. */
void shmnet_fdb_expire(struct shmnet_fdb *fdb);
/* Forgets all. Process context. */
void shmnet_fdb_flush(struct shmnet_fdb *fdb);
int shmnet_fdb_dump(struct sk_buff *skb, struct netlink_callback *cb, struct net_device *dev,
		    struct net_device *filter_dev, int *idx);

#endif /* SHMNET_FDB_H */
