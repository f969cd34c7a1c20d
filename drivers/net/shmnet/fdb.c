// SPDX-License-Identifier: GPL-2.0-only
#include "fdb.h"

#include <linux/etherdevice.h>
#include <linux/jhash.h>
#include <linux/rculist.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/netlink.h>

#include "shmnet.h"

struct shmnet_fdb_entry {
	struct hlist_node node;
	struct rcu_head rcu;
	u8 mac[ETH_ALEN];
	u16 slot;
	unsigned long seen;		/* jiffies */
};

static struct hlist_head *head_of(struct shmnet_fdb *fdb, const u8 *mac)
{
	u32 hash = jhash_2words(get_unaligned((u32 *)mac), get_unaligned((u16 *)(mac + 4)),
				fdb->seed);

	return &fdb->heads[hash & ((1 << SHMNET_FDB_BITS) - 1)];
}

/* Under rcu_read_lock(). */
static struct shmnet_fdb_entry *lookup(struct hlist_head *head, const u8 *mac)
{
	struct shmnet_fdb_entry *entry;

	hlist_for_each_entry_rcu(entry, head, node)
		if (ether_addr_equal(entry->mac, mac))
			return entry;
	return NULL;
}

void shmnet_fdb_init(struct shmnet_fdb *fdb)
{
	spin_lock_init(&fdb->lock);
	fdb->seed = get_random_u32();
}

static void add(struct shmnet_fdb *fdb, struct hlist_head *head, const u8 *mac, u32 slot)
{
	struct shmnet_fdb_entry *entry;

	spin_lock(&fdb->lock);
	entry = lookup(head, mac);
	if (entry) {
		fdb->count[entry->slot]--;
		fdb->count[slot]++;
		WRITE_ONCE(entry->slot, slot);
		WRITE_ONCE(entry->seen, jiffies);
	} else if (fdb->count[slot] < SHMNET_FDB_PER_PEER) {
		entry = kmalloc(sizeof(*entry), GFP_ATOMIC | __GFP_NOWARN);
		if (entry) {
			ether_addr_copy(entry->mac, mac);
			entry->slot = slot;
			entry->seen = jiffies;
			fdb->count[slot]++;
			hlist_add_head_rcu(&entry->node, head);
		}
	}
	spin_unlock(&fdb->lock);
}

void shmnet_fdb_learn(struct shmnet_fdb *fdb, const u8 *mac, u32 slot)
{
	struct hlist_head *head = head_of(fdb, mac);
	struct shmnet_fdb_entry *entry;

	if (!is_valid_ether_addr(mac))
		return;
	rcu_read_lock();
	entry = lookup(head, mac);
	if (!entry || READ_ONCE(entry->slot) != slot)
		add(fdb, head, mac, slot);
	else
		WRITE_ONCE(entry->seen, jiffies);
	rcu_read_unlock();
}

int shmnet_fdb_find(struct shmnet_fdb *fdb, const u8 *mac)
{
	struct shmnet_fdb_entry *entry;
	int slot = -1;

	rcu_read_lock();
	entry = lookup(head_of(fdb, mac), mac);
	if (entry)
		slot = READ_ONCE(entry->slot);
	rcu_read_unlock();
	return slot;
}

static void remove_older(struct shmnet_fdb *fdb, unsigned long age)
{
	struct shmnet_fdb_entry *entry;
	struct hlist_node *next;
	int i;

	for (i = 0; i < 1 << SHMNET_FDB_BITS; i++) {
		if (hlist_empty(&fdb->heads[i]))
			continue;
		spin_lock_bh(&fdb->lock);
		hlist_for_each_entry_safe(entry, next, &fdb->heads[i], node) {
			if (age && time_before(jiffies, entry->seen + age))
				continue;
			fdb->count[entry->slot]--;
			hlist_del_rcu(&entry->node);
			kfree_rcu(entry, rcu);
		}
		spin_unlock_bh(&fdb->lock);
	}
}

void shmnet_fdb_expire(struct shmnet_fdb *fdb)
{
	remove_older(fdb, SHMNET_FDB_AGE);
}

void shmnet_fdb_flush(struct shmnet_fdb *fdb)
{
	remove_older(fdb, 0);
}

static int fill(struct sk_buff *skb, struct net_device *dev, const struct shmnet_fdb_entry *entry,
		u32 portid, u32 seq)
{
	struct nlmsghdr *nlh;
	struct ndmsg *ndm;
	struct nda_cacheinfo info = {
		.ndm_used = jiffies_to_clock_t(jiffies - entry->seen),
		.ndm_updated = jiffies_to_clock_t(jiffies - entry->seen),
	};

	nlh = nlmsg_put(skb, portid, seq, RTM_NEWNEIGH, sizeof(*ndm), NLM_F_MULTI);
	if (!nlh)
		return -EMSGSIZE;
	ndm = nlmsg_data(nlh);
	memset(ndm, 0, sizeof(*ndm));
	ndm->ndm_family = AF_BRIDGE;
	ndm->ndm_ifindex = dev->ifindex;
	ndm->ndm_flags = NTF_SELF;
	ndm->ndm_state = NUD_REACHABLE;
	/* The node that the address is behind, as the port of a tunnel's entry would be. */
	if (nla_put(skb, NDA_LLADDR, ETH_ALEN, entry->mac) ||
	    nla_put_be16(skb, NDA_PORT, htons(entry->slot)) ||
	    nla_put(skb, NDA_CACHEINFO, sizeof(info), &info)) {
		nlmsg_cancel(skb, nlh);
		return -EMSGSIZE;
	}
	nlmsg_end(skb, nlh);
	return 0;
}

int shmnet_fdb_dump(struct sk_buff *skb, struct netlink_callback *cb, struct net_device *dev,
		    struct net_device *filter_dev, int *idx)
{
	struct shmnet_net *net = netdev_priv(dev);
	struct shmnet_fdb_entry *entry;
	int err = 0;
	int i;

	rcu_read_lock();
	for (i = 0; i < 1 << SHMNET_FDB_BITS && !err; i++) {
		hlist_for_each_entry_rcu(entry, &net->fdb.heads[i], node) {
			if (*idx >= cb->args[2]) {
				err = fill(skb, dev, entry, NETLINK_CB(cb->skb).portid,
					   cb->nlh->nlmsg_seq);
				if (err)
					break;
			}
			(*idx)++;
		}
	}
	rcu_read_unlock();
	return err ? err : ndo_dflt_fdb_dump(skb, cb, dev, filter_dev, idx);
}
