/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module's own structures. A device is one ivshmem PCI function, which makes this kernel one
 * node of a region; it has one interface for each network of the region.
 *
 *   device->lock (mutex)	membership, interfaces going up and down
 *     transmit queue's lock	the sending end of each ring (struct shmnet_tx_queue)
 *     questions->lock		connections that other nodes are asked for
 *       device->cast_lock	all casts of this node
 *       flows->lock		writing to a global network's connection table
 *       flows->pin_lock	writing this node's pins
 *   NAPI of the interface	the receiving ends and tape readers (struct shmnet_rx_queue)
 *     fdb->lock		learning
 */
#ifndef SHMNET_H
#define SHMNET_H

#include <linux/etherdevice.h>
#include <linux/hrtimer.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/ratelimit.h>
#include <linux/shmnet.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <net/xdp.h>

#include "core/core.h"
#include "core/flows.h"
#include "core/steps.h"
#include "compat.h"
#include "counters.h"
#include "fdb.h"

#define SHMNET_NAME "shmnet"

/* Vector 0 says "look at the directory"; the others say which ring (irq.c). */
#define SHMNET_VECTOR_DIRECTORY 0

struct shmnet_device;

/* A frame on its way: until the receiver has read it, or ten ticks, its sender is charged. */
struct shmnet_tx_entry {
	struct sk_buff *skb;
	u32 end;		/* index of the ring behind its last descriptor */
	u32 bytes;		/* told to BQL, and not yet taken back */
	u32 sent;		/* tick of the backup timer */
};

/* The way to one peer. All under the transmit queue's lock. */
struct shmnet_tx_queue {
	struct shmnet_tx *ring;		/* NULL: this node itself; the queue of its casts */
	struct shmnet_tx_entry *entries;
	u32 entries_mask;
	u32 oldest;			/* entries from here ... */
	u32 next;			/* ... to here are outstanding; both run free */
	u32 progress;			/* tick of its last progress, or of the wait's begin */
	bool connected;
	bool stalled;			/* no progress for SHMNET_STALL_TICKS: drop, do not wait */
	struct shmnet_frame frame;
	struct shmnet_counters counters;
};

/* The way from one peer. All in NAPI, or while it is disabled, but for @wanted. */
struct shmnet_rx_queue {
	struct shmnet_rx *ring;		/* NULL: this node itself; the bit of the tapes */
	u32 wanted;			/* peer's incarnation to connect with, or 0; any thread */
	u32 opened;			/* peer's incarnation that the ring is open for, or 0 */
	u32 armed;			/* index at which the sender is asked to ring */
	unsigned long opened_at;	/* jiffies */
	struct shmnet_counters counters;
};

/* A tape of a network, as its reader sees it. */
struct shmnet_tape_reader {
	struct shmnet_reader *core;
	bool reading;
	u64 label;			/* at the last look */
	u64 position;			/* likewise */
	unsigned long moved;		/* jiffies of the look that saw another position or label */
	u64 missed;			/* casts, as far as they are counted */
};

/* A group that this node has sent to, for a while. */
#define SHMNET_SENT_BITS	5
struct shmnet_sent_group {
	u64 group;
	unsigned long since;		/* jiffies */
	u32 frames;			/* since then, on the broadcast tape */
	u32 tape;			/* 0: none of its own */
};

/* The connection table of a global network (flows.c). */
struct shmnet_flow_table {
	struct shmnet_net *net;
	struct shmnet_flows *core;
	spinlock_t lock;		/* the table's writer */
	void *chunks;
	struct work_struct memory;
	struct delayed_work collection;
	spinlock_t pin_lock;		/* the writer of this node's pins (pins.c) */
	u64 pin_secret[2];
	unsigned long pinned;		/* jiffies of the last pin */
	u32 renewed;			/* entry that was looked at last; the collection */
	u32 expired;			/* pin, likewise */
};

/* Flows that a table remembers at most: 64 MiB, brought as they come. */
#define SHMNET_FLOWS_MAX	1048576

/* In which each entry of a connection table is looked at once. */
#define SHMNET_FLOW_ROUND_MS	10000
/* Jiffies after which the last pin is certain to have been forgotten. */
#define SHMNET_PINS_LAST	(200 * HZ)

/* What a node has said that it offers. */
struct shmnet_services_told {
	u64 sequence;			/* 0: nothing; of this node's own a count */
	struct shmnet_service *services;
	u32 count;
};

/* What nodes offer on a global network (services.c); device->lock. */
struct shmnet_net_services {
	struct shmnet_net *net;
	struct shmnet_service_table __rcu *table;	/* NULL: nobody has said anything */
	u64 secret[2];
	struct delayed_work making;
	unsigned long made;		/* jiffies */
	struct shmnet_services_told own;
	u64 namespace;			/* cookie, in which @own was set */
	struct shmnet_services_told told[SHMNET_NODES_MAX];	/* by the others, as it was read */
};

/* How often in a jiffy. */
struct shmnet_allowance {
	unsigned long jiffy;
	u32 used;
};

/* Connections whose node is asked for (questions.c). */
struct shmnet_questions {
	struct shmnet_net *net;
	spinlock_t lock;			/* all that follows but @answered and @denied */
	struct list_head list;			/* the oldest first */
	struct hlist_head buckets[256];
	u32 count;
	struct timer_list timer;		/* while there are some */
	struct shmnet_allowance asked;
	struct shmnet_allowance answered;	/* NAPI */
	struct shmnet_allowance denied;		/* likewise */
	struct shmnet_counters counters;
};

/* Copies from the spans of a frame, one behind the other. */
struct shmnet_cursor {
	const struct shmnet_span *span;
	u32 used;
};

/* A frame of an XDP program's, which stands until it is copied. */
struct shmnet_xdp_frame {
	const void *data;
	u32 len;			/* of @data */
	const struct skb_shared_info *more;	/* NULL: that is all of it */
};

/* An interface: one network of the region, as this node sees it. */
struct shmnet_net {
	struct net_device *dev;
	struct shmnet_device *device;
	u32 index;
	struct shmnet_network_info info;
	bool running;			/* between open and stop; device->lock */
	bool draining;			/* takes no new flows; device->lock, read by any thread */
	struct shmnet_flow_table *flows;	/* NULL: a local network */
	struct shmnet_net_services *services;	/* likewise */
	struct shmnet_questions *questions;	/* likewise */

	struct napi_struct napi;
	atomic64_t pending;		/* bit by slot: its doorbell rang; own slot: a cast's */
	atomic64_t scan;		/* bit by slot: a timer wants it looked at */
	u64 unfinished;			/* bit by slot: more frames than budget; NAPI */
	u32 next_slot;			/* where the next poll begins; NAPI */
	bool casts_armed;		/* NAPI */
	bool polling;			/* no doorbells, or none that arrive; NAPI */
	struct shmnet_frame frame;	/* NAPI */
	struct page_pool *pages;	/* NAPI: where large frames are copied to ... */
	struct page_pool *chunks;	/* ... and in chunks of SHMNET_CHUNK_ORDER */
	struct bpf_prog __rcu *xdp_prog;	/* under RTNL */
	struct xdp_rxq_info xdp_rxq;	/* while it is up */
	u64 xdp_sent;			/* bit by slot: sent to in this poll; NAPI */
	bool xdp_redirected;		/* in this poll; NAPI */
	struct shmnet_tape_reader *tapes;	/* by tape; NAPI */
	void *reader_memory;
	u32 next_tape;			/* where the next poll begins; NAPI */
	unsigned long told_lapped;	/* jiffies of the last event of it, or 0; NAPI */
	bool look;			/* NAPI shall look at the labels; any thread */
	struct shmnet_joined __rcu *joined;	/* NULL: all groups */
	struct shmnet_sent_group sent[1 << SHMNET_SENT_BITS];	/* device->cast_lock */

	/* Frames that a timer found, and no doorbell has yet explained (irq.c); NAPI. */
	u64 rescue_slots;
	u32 rescue_frames;
	ktime_t rescue_since;
	ktime_t rescue_window;
	u32 rescues;
	u32 unheard;			/* rescues since a doorbell was heard */
	u32 maskings;			/* of device->maskings, as far as they are counted; NAPI */

	/* Moderation: since when, and how much of it NAPI took. NAPI; @resting: also its timer. */
	u64 window_since;		/* ns of local_clock() */
	u64 window_busy;		/* ns */
	u32 window_frames;
	bool resting;			/* polls do nothing until the timer has them */
	u64 rest_until;			/* ns of local_clock() */
	u64 rings_carried;		/* likewise: when rings last had frames */
	u64 casts_looked;		/* likewise: when tapes last were to be read */
	u64 casts_debt;			/* ns that tapes had beyond their share */
	u64 announced_since;		/* ns of local_clock() */
	u32 announcements;		/* of nodes that come and go, since then */
	bool announced_without_end;
	bool casts_resting;		/* the backup timer looks again; any thread reads ... */
	u64 casts_rest_until;		/* ... but not before, ns of local_clock(); likewise */
	struct hrtimer rest_timer;

	struct hrtimer timer;		/* the fast backup timer: only while work is outstanding */
	u32 ticks;			/* of it, a millisecond each; the timer writes */
	ktime_t tick_time;
	ktime_t poll_interval;

	struct shmnet_fdb fdb;
	u32 hello[SHMNET_NODES_MAX];	/* incarnation that a node last announced; NAPI writes */
	struct shmnet_counters counters;	/* of NAPI and the timers */
	struct shmnet_counters cast_counters;	/* device->cast_lock */
	struct shmnet_tx_queue *tx;	/* by slot */
	struct shmnet_rx_queue *rx;	/* by slot */
};

struct shmnet_vector {
	struct shmnet_device *device;
	u32 index;
	u64 slots[SHMNET_NETWORKS_MAX];	/* bit by slot: whose rings it speaks for */
	u32 callers;			/* that may wait for a doorbell at one time */
	atomic_t called;		/* doorbells that were asked for, and have not come */
	u32 uncalled;			/* others, in this window; its handler */
	unsigned long window;		/* jiffies of its first; its handler */
	bool masked;			/* its handler sets it, device->unmask clears it */
	char name[32];
};

struct shmnet_device {
	struct pci_dev *pdev;
	struct pci_dev *doorbells;	/* the same, but in a hardened region */
	struct shmnet_part *parts;	/* by slot, then the doorbells; not hardened: NULL */
	void __iomem *registers;	/* of @doorbells */
	void *region;			/* hardened: the hub part */
	resource_size_t region_size;	/* of @region */
	struct shmnet_core *core;
	struct shmnet_core_info info;
	struct shmnet_identity identity;
	u32 slot;
	u32 incarnation;
	u32 peer_id;			/* ivshmem's, or SHMNET_NO_PEER */
	u32 vectors;
	struct shmnet_vector *vector;
	bool may_mask;			/* vectors are all there, and not about to go */
	bool masked;			/* some are: the timer looks at their rings; any thread */
	atomic_t maskings;		/* ever */
	struct delayed_work unmask;
	u32 read_speed;			/* MB/s, measured at probe */
	u32 write_speed;

	struct mutex lock;		/* membership, interfaces going up and down */
	spinlock_t cast_lock;		/* the core's cast writer */
	struct delayed_work tick;
	unsigned long tick_due;		/* jiffies; the tick writes, any thread reads */
	unsigned long looks_paid;	/* jiffies up to which looks are paid for; under the lock */
	unsigned long look_due;		/* jiffies: none that is asked for is sooner; any thread */
	unsigned long asked;		/* bit 0: a look was asked for, and has not begun */
	u32 suspected[SHMNET_NODES_MAX];	/* incarnation without life; the tick writes */
	u32 ticks;			/* regular ones */
	bool joined;			/* the entry is shown, the tick runs; device->lock */
	bool leaving;			/* for good, or for a suspend; device->lock */
	struct delayed_work rejoin;
	struct ratelimit_state log_limit;	/* of what peers can cause again and again */
	struct dentry *debugfs;

	struct shmnet_way_back *way_back;

	struct list_head list;		/* shmnet_devices */
	struct shmnet_net *net[SHMNET_NETWORKS_MAX];
};

/* 32 KiB: two hold an unsegmented frame. */
#define SHMNET_CHUNK_ORDER	3

/* Between polls without doorbells, while there is traffic. */
#define SHMNET_POLL_NS		(50 * NSEC_PER_USEC)

/* Ages in ticks of the backup timer, a millisecond each. */
#define SHMNET_TICK_NS		(NSEC_PER_MSEC)
#define SHMNET_CHARGE_TICKS	10	/* a sender is charged for an unread frame */
#define SHMNET_REPEAT_TICKS	4	/* an unheard doorbell is rung again, then at 8, 16 ... */
#define SHMNET_STALL_TICKS	100	/* neither read nor given room: stalled */

/* The least time from one opening of a ring to the next, jiffies. */
#define SHMNET_REOPEN_INTERVAL		(HZ / 50)

/* Lines of the log in a second, of one device, about what its peers do. */
#define SHMNET_LOG_LINES		4

static inline bool shmnet_is_own(const struct shmnet_net *net, u32 slot)
{
	return slot == net->device->slot;
}

/*
 * The tape of the network's broadcasts, which also takes what has no tape of its own. In a hardened
 * region it is each node's own, and all are read.
 */
static inline u32 shmnet_broadcast_tape(const struct shmnet_net *net)
{
	return net->device->info.hardened ? net->device->slot : 0;
}

static inline bool shmnet_is_global(const struct shmnet_net *net)
{
	return net->info.kind == SHMNET_NETWORK_GLOBAL;
}

static inline u64 shmnet_all_slots(const struct shmnet_net *net)
{
	return GENMASK_ULL(net->device->info.nodes - 1, 0);
}

/* vectors.c: doorbells */
int shmnet_request_vectors(struct shmnet_device *device);
void shmnet_free_vectors(struct shmnet_device *device);
u64 shmnet_masked_slots(const struct shmnet_net *net);
void shmnet_unmask(struct work_struct *work);
void shmnet_call(struct shmnet_net *net, u32 slot);
u32 shmnet_own_doorbell(const struct shmnet_net *net, u32 slot);
void shmnet_ring(struct shmnet_device *device, u32 doorbell, struct shmnet_counters *counters);
void shmnet_ring_directory(struct shmnet_device *device, u32 slot);
void shmnet_ring_directories(struct shmnet_device *device);

/* irq.c: timers, and when NAPI runs */
void shmnet_start_timer(struct shmnet_net *net);
void shmnet_scan(struct shmnet_net *net, u64 slots);
void shmnet_use_polling(struct shmnet_net *net);
enum hrtimer_restart shmnet_timer(struct hrtimer *timer);
int shmnet_poll(struct napi_struct *napi, int budget);

/* moderation.c */
bool shmnet_rest(struct shmnet_net *net, u64 begin, int frames, u64 casts_took);
bool shmnet_casts_rest(struct shmnet_net *net, u64 now);
void shmnet_charge_casts(struct shmnet_net *net, u64 ns);
void shmnet_moderation_init(struct shmnet_net *net);
void shmnet_moderation_stop(struct shmnet_net *net);

/* copy.c */
void shmnet_copy_init(void);
void shmnet_copy(void *to, const void *from, size_t len);

/* rx.c */
void shmnet_copy_out(void *to, struct shmnet_cursor *from, u32 len);
bool shmnet_check_source(struct shmnet_net *net, const u8 *source, u32 peer);
int shmnet_receive_ring(struct shmnet_net *net, u32 slot, int budget);
int shmnet_receive_casts(struct shmnet_net *net, bool announced, int budget);
void shmnet_update_ring(struct shmnet_net *net, u32 slot);
void shmnet_close_ring(struct shmnet_net *net, u32 slot);

/* tx.c */
netdev_tx_t shmnet_start_xmit(struct sk_buff *skb, struct net_device *dev);
void shmnet_tx_clean(struct shmnet_net *net, u32 slot, int budget);
bool shmnet_tx_tick(struct shmnet_net *net, u32 slot);
void shmnet_tx_reconcile(struct shmnet_net *net, u32 slot, bool up);
bool shmnet_tx_xdp(struct shmnet_net *net, u32 slot, const struct shmnet_xdp_frame *from);
void shmnet_tx_flush(struct shmnet_net *net, u64 slots);

/* xdp.c */
int shmnet_xdp(struct net_device *dev, struct netdev_bpf *bpf);
int shmnet_xdp_xmit(struct net_device *dev, int count, struct xdp_frame **frames, u32 flags);
struct sk_buff *shmnet_xdp_receive(struct shmnet_net *net, struct bpf_prog *prog, u32 peer,
				   struct shmnet_rx_queue *rx);
bool shmnet_xdp_receive_cast(struct shmnet_net *net, struct bpf_prog *prog, struct sk_buff **skb);
void shmnet_xdp_flush(struct shmnet_net *net);
bool shmnet_xdp_takes_mtu(const struct shmnet_net *net, int mtu);
int shmnet_xdp_open(struct shmnet_net *net);
void shmnet_xdp_close(struct shmnet_net *net);

/* cast.c */
bool shmnet_cast_xdp(struct shmnet_net *net, const struct shmnet_xdp_frame *from);
netdev_tx_t shmnet_cast_xmit(struct shmnet_net *net, struct sk_buff *skb);
void shmnet_cast_command(struct shmnet_net *net, enum shmnet_command_type type);
void shmnet_cast_flow(struct shmnet_net *net, enum shmnet_command_type type,
		      const struct shmnet_command_flow *flow);

/* groups.c: multicast groups, and the tapes that are read */
bool shmnet_group_joined(const struct shmnet_net *net, const u8 *mac);
void shmnet_set_rx_mode(struct net_device *dev);
void shmnet_look(struct shmnet_net *net);
void shmnet_look_at_tapes(struct shmnet_net *net);
void shmnet_arm_casts(struct shmnet_net *net);
void shmnet_disarm_casts(struct shmnet_net *net);
bool shmnet_casts_waiting(const struct shmnet_net *net);
u32 shmnet_group_tape(struct shmnet_net *net, const u8 *mac);
int shmnet_tapes_create(struct shmnet_net *net);
void shmnet_tapes_destroy(struct shmnet_net *net);
void shmnet_tapes_start(struct shmnet_net *net);
void shmnet_joined_free(struct shmnet_net *net);

/* global.c: the global adapter */
u16 shmnet_global_select_queue(struct net_device *dev, struct sk_buff *skb,
			       struct net_device *sb_dev);
netdev_tx_t shmnet_global_xmit(struct sk_buff *skb, struct net_device *dev);
bool shmnet_flow_of(const struct sk_buff *skb, struct shmnet_flow *flow);
bool shmnet_flow_is_first(const struct shmnet_flow *flow);
enum shmnet_flow_step shmnet_explain(struct shmnet_net *net, const struct shmnet_flow *flow,
				     struct shmnet_flow_target *target, u64 *candidates);

/* sockets.c */
bool shmnet_is_shared(const struct shmnet_net *net, const struct in6_addr *address);
bool shmnet_has_socket(const struct shmnet_net *net, const struct shmnet_command_flow *flow);

/* questions.c */
netdev_tx_t shmnet_ask_xmit(struct shmnet_net *net, struct sk_buff *skb);
void shmnet_asked(struct shmnet_net *net, const struct shmnet_command_flow *told, bool all);
void shmnet_answered(struct shmnet_net *net, const struct shmnet_command_flow *told,
		     const struct shmnet_flow_target *target, bool has);
int shmnet_questions_create(struct shmnet_net *net);
void shmnet_questions_flush(struct shmnet_net *net);
void shmnet_questions_destroy(struct shmnet_net *net);

/* pins.c */
bool shmnet_pin_find(const struct shmnet_net *net, const struct shmnet_flow *flow,
		     struct shmnet_flow_target *target);
enum shmnet_pinning shmnet_pin_place(struct shmnet_net *net, const struct shmnet_flow *flow,
				     struct shmnet_flow_target *target);
void shmnet_pin_replace(struct shmnet_net *net, const struct shmnet_flow *flow,
			const struct shmnet_flow_target *target);
void shmnet_pin_fragments(struct shmnet_net *net, const struct shmnet_flow *first, u32 slot);
void shmnet_pin_echo(struct shmnet_net *local, const struct sk_buff *skb);
void shmnet_pins_collect(struct shmnet_net *net, u32 entries);
bool shmnet_pins_remain(const struct shmnet_net *net);
void shmnet_pins_init(struct shmnet_net *net);

/* way_back.c */
void shmnet_came_in(struct shmnet_net *net, u32 slot, struct sk_buff *skb);
u32 shmnet_way_back(struct shmnet_net *net, struct sk_buff *skb, u32 slot);
int shmnet_way_back_create(struct shmnet_device *device);
void shmnet_way_back_destroy(struct shmnet_device *device);

/* flows.c */
bool shmnet_flow_find(struct shmnet_flow_table *table, const struct shmnet_flow *flow,
		      struct shmnet_flow_target *target, bool *anew);
enum shmnet_flow_insert shmnet_flow_remember(struct shmnet_flow_table *table,
					     const struct shmnet_flow *flow,
					     const struct shmnet_flow_target *target);
void shmnet_flow_collect(struct shmnet_flow_table *table);
u32 shmnet_flow_capacity(const struct shmnet_flow_table *table);
bool shmnet_flow_view(struct shmnet_flow_table *table, u32 number, struct shmnet_flow_view *view,
		      u32 *idle);
int shmnet_flow_table_create(struct shmnet_net *net);
void shmnet_flow_table_destroy(struct shmnet_net *net);

/* services.c */
void shmnet_services_show(struct shmnet_net *net);
void shmnet_services_look(struct shmnet_net *net);
const struct shmnet_services_told *shmnet_services_of(const struct shmnet_net *net, u32 slot);
void shmnet_services_set(struct shmnet_net *net, const struct net *namespace,
			 struct shmnet_service *services, u32 count);
int shmnet_services_create(struct shmnet_net *net);
void shmnet_services_destroy(struct shmnet_net *net);

/* membership.c */
int shmnet_membership_init(void);
void shmnet_membership_exit(void);
void shmnet_device_init(struct shmnet_device *device);
int shmnet_claim(struct shmnet_device *device);
void shmnet_join(struct shmnet_device *device);
void shmnet_leave(struct shmnet_device *device);
void shmnet_suspend(struct shmnet_device *device);
int shmnet_resume(struct shmnet_device *device);
void shmnet_check_now(struct shmnet_device *device);
u32 shmnet_active_incarnation(const struct shmnet_net *net, u32 slot);
void shmnet_active_incarnations(const struct shmnet_net *net, u32 incarnations[SHMNET_NODES_MAX]);
u32 shmnet_expected_incarnation(const struct shmnet_net *net, u32 slot);
u32 shmnet_inviting_incarnation(const struct shmnet_net *net, u32 slot);

/* netdev.c */
int shmnet_net_create(struct shmnet_device *device, u32 index);
void shmnet_net_destroy(struct shmnet_net *net);
void shmnet_net_start(struct shmnet_net *net);
void shmnet_net_stop(struct shmnet_net *net);
void shmnet_set_draining(struct shmnet_net *net, bool draining);

/* address.c */
void shmnet_node_mac(const struct shmnet_device *device, u32 network, u32 slot, u8 *mac);
u32 shmnet_slot_for(struct shmnet_net *net, const u8 *destination, bool *is_its);
bool shmnet_is_forged(const struct shmnet_net *net, const u8 *frame);
bool shmnet_is_node_mac(const struct shmnet_net *net, const u8 *mac, u32 *slot, bool *command);

/* rings.c */
int shmnet_pools_create(struct shmnet_net *net);
void shmnet_pools_destroy(struct shmnet_net *net);
int shmnet_rings_create(struct shmnet_net *net);
void shmnet_rings_destroy(struct shmnet_net *net);

/* ethtool.c */
extern const struct ethtool_ops shmnet_ethtool_ops;

/* region.c: the mapping */
void *shmnet_map_memory(struct pci_dev *pdev, resource_size_t *size);
int shmnet_map_region(struct shmnet_device *device);
void shmnet_unmap_region(struct shmnet_device *device);
void shmnet_measure(struct shmnet_device *device);

/* parts.c: the hardened set-up */
int shmnet_parts_get(struct shmnet_device *device);
void shmnet_parts_put(struct shmnet_device *device);
bool shmnet_is_part(const struct pci_dev *pdev);
u64 shmnet_region_size(const struct shmnet_device *device);
const void *shmnet_region_at(const struct shmnet_device *device, u64 offset, u64 *bytes);

/* debugfs.c */
void shmnet_debugfs_init(void);
void shmnet_debugfs_exit(void);
void shmnet_debugfs_add(struct shmnet_device *device);
void shmnet_debugfs_remove(struct shmnet_device *device);

/* faults.c */
#ifdef SHMNET_FAULT_BUILD
void shmnet_faults_init(struct dentry *directory);
void shmnet_faults_exit(void);
#else
static inline void shmnet_faults_init(struct dentry *directory) { }
static inline void shmnet_faults_exit(void) { }
#endif

/* netlink.c */
extern struct genl_family shmnet_family;

/* pci.c */
extern struct list_head shmnet_devices;
extern struct mutex shmnet_devices_lock;
extern struct pci_driver shmnet_pci_driver;

#endif /* SHMNET_H */
