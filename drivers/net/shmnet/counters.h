/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one table of counters: ethtool, netlink and the tools show these names.
 *
 * Each writer (a queue, NAPI, the cast lock) counts in a set of its own, so that no counter is
 * written from two places at once; a reader adds the sets up.
 */
#ifndef SHMNET_COUNTERS_H
#define SHMNET_COUNTERS_H

#include "compat.h"
#include "trace.h"

#include <linux/types.h>

#define SHMNET_COUNTERS_LIST(X)							\
	X(rx_frames)		/* to the stack, from rings and tapes */	\
	X(rx_bytes)								\
	X(rx_casts)		/* of rx_frames: from tapes */			\
	X(rx_drop_offload)	/* offload words that are not valid */		\
	X(rx_drop_forged)	/* another node's address, or a command on a ring */ \
	X(rx_drop_no_memory)							\
	X(rx_drop_xdp)		/* longer than the program can be shown, or unsegmented */ \
	X(rx_xdp_frames)	/* that an XDP program saw */			\
	X(rx_xdp_drops)		/* of these: it dropped them, or they could not be redirected */ \
	X(rx_xdp_redirects)	/* of these: to another interface */		\
	X(rx_xdp_tx)		/* of these: back to nodes */			\
	X(rx_xdp_casts_taken)	/* of these, from tapes: not for the stack */	\
	X(rx_cast_not_mine)	/* unicast on a tape for somebody else */	\
	X(rx_cast_missed)	/* lapped, or overwritten before it was read */	\
	X(rx_rests)		/* times that reading waited for programs */	\
	X(rx_cast_rests)	/* times that tapes had used up their share */ \
	X(rx_commands)								\
	X(tx_frames)		/* into rings and onto tapes */			\
	X(tx_bytes)								\
	X(tx_casts)		/* of tx_frames: onto tapes */			\
	X(tx_own)		/* of tx_frames: served by this node itself */	\
	X(tx_drop_no_peer)	/* the node is not there, or not connected */	\
	X(tx_drop_stalled)	/* the node does not read */			\
	X(tx_drop_forged)	/* another node's address as source */		\
	X(tx_drop_invalid)	/* too long, too short, or no checksum to be had */ \
	X(tx_drop_no_memory)							\
	X(tx_drop_contended)	/* a tape was too busy */			\
	X(tx_drop_full)		/* of an XDP program, and the ring had no room */ \
	X(tx_drop_backlog)	/* this node served it, and had too much to do */ \
	X(tx_drop_unknown)	/* nobody said whose connection, or packet, it is of */ \
	X(tx_unread)		/* in a ring when its connection ended */	\
	X(tx_stops)		/* a queue waited for its receiver */		\
	X(flows_asked)		/* connections that all nodes were asked for */	\
	X(flows_found)		/* of these: some node had it */		\
	X(flows_refused)	/* connections that all nodes denied */ \
	X(doorbells_sent)							\
	X(doorbells_received)	/* rings and tapes that a poll found announced */ \
	X(doorbells_repeated)	/* the receiver seemed not to have heard */	\
	X(doorbells_masked)	/* times that a vector rang without end, and was masked */ \
	X(polls)								\
	X(timer_rescue)		/* frames that a timer found: doorbells were lost */ \
	X(timer_early)		/* frames that a timer found before a late doorbell */ \
	X(rejoins)		/* times that this node joined anew: slot lost, or resumed */ \
	X(connects)		/* rings that their receiver opened, and this node adopted */ \
	X(resets_index)		/* connections ended for a peer's fault: see enum shmnet_fault */ \
	X(resets_grant)								\
	X(resets_buffer)							\
	X(resets_length)							\
	X(resets_chain)

enum shmnet_counter {
#define SHMNET_COUNTER_ENUM(name) SHMNET_COUNT_##name,
	SHMNET_COUNTERS_LIST(SHMNET_COUNTER_ENUM)
#undef SHMNET_COUNTER_ENUM
	SHMNET_COUNTERS
};

struct shmnet_counters {
	u64 value[SHMNET_COUNTERS];
};

extern const char *const shmnet_counter_names[SHMNET_COUNTERS];

struct shmnet_net;

/* Adds up all sets of an interface. Any context. */
void shmnet_sum_counters(const struct shmnet_net *net, struct shmnet_counters *sum);

#define shmnet_count_add(counters, name, n) \
	((counters)->value[SHMNET_COUNT_##name] += (n))
#define shmnet_count(counters, name) shmnet_count_add(counters, name, 1)

/* What of the kernel's own reasons comes nearest. */
#define SHMNET_REASON_offload	SKB_DROP_REASON_DEV_HDR
#define SHMNET_REASON_forged	SKB_DROP_REASON_NOT_SPECIFIED
#define SHMNET_REASON_xdp	SKB_DROP_REASON_PKT_TOO_BIG
#define SHMNET_REASON_no_memory	SKB_DROP_REASON_NOMEM
#define SHMNET_REASON_no_peer	SKB_DROP_REASON_DEV_READY
#define SHMNET_REASON_stalled	SKB_DROP_REASON_FULL_RING
#define SHMNET_REASON_invalid	SKB_DROP_REASON_NOT_SPECIFIED
#define SHMNET_REASON_contended	SKB_DROP_REASON_NOT_SPECIFIED
#define SHMNET_REASON_unknown	SKB_DROP_REASON_NO_SOCKET

/* Drops a frame that was to be sent, for the reason that the counter tx_drop_@name says. */
#define shmnet_drop(skb, counters, name) \
do { \
	shmnet_count(counters, tx_drop_##name); \
	trace_drop((skb)->dev, true, #name, (skb)->len); \
	shmnet_kfree_skb_any(skb, SHMNET_REASON_##name); \
} while (0)

/* Likewise one of @length bytes that arrived: rx_drop_@name. @skb is NULL if it is none yet. */
#define shmnet_drop_received(netdev, skb, length, counters, name) \
do { \
	shmnet_count(counters, rx_drop_##name); \
	trace_drop(netdev, false, #name, length); \
	shmnet_kfree_skb_any(skb, SHMNET_REASON_##name); \
} while (0)

static inline void shmnet_count_reset(struct shmnet_counters *counters, unsigned int fault)
{
	/* enum shmnet_fault starts with NONE. */
	counters->value[SHMNET_COUNT_resets_index + fault - 1]++;
}

#endif /* SHMNET_COUNTERS_H */
