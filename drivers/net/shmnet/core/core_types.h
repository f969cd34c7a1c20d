/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What passes between the core (C++) and its callers (C): plain structs in private memory.
 */
#ifndef SHMNET_CORE_TYPES_H
#define SHMNET_CORE_TYPES_H

#include <linux/shmnet_shm.h>

#ifndef __KERNEL__
#include <stdbool.h>
#endif

/* A run of payload bytes in the region. The caller copies them, within len, and nothing else. */
struct shmnet_span {
	void *data;
	__u32 len;
};

/* What is left to do to a frame, in the words of the descriptor, checked. */
struct shmnet_offload {
	__u16 flags;		/* SHMNET_DESC_NEEDS_CSUM, SHMNET_DESC_DATA_VALID */
	__u8 gso_type;
	__u16 gso_size;
	__u16 csum_start;
	__u16 csum_offset;
	__u32 hash;
};

/* A frame in the region: to be filled by a sender, or to be read by a receiver. */
struct shmnet_frame {
	__u32 len;		/* bytes */
	__u32 pieces;		/* spans in use */
	struct shmnet_offload offload;
	struct shmnet_span span[SHMNET_PIECES_MAX];
};

/* Why a pair is reset: what the other side wrote that it may not write. */
enum shmnet_fault {
	SHMNET_FAULT_NONE,
	SHMNET_FAULT_INDEX,	/* an index jumped further than the ring */
	SHMNET_FAULT_GRANT,	/* a grant of a buffer that is not there or not out */
	SHMNET_FAULT_BUFFER,	/* a descriptor's buffer is not the ring's or was not granted */
	SHMNET_FAULT_LENGTH,	/* a piece outside its buffer, or a frame too short or long */
	SHMNET_FAULT_CHAIN,	/* pieces that do not add up to the frame */
	SHMNET_FAULTS,
};

enum shmnet_receive {
	SHMNET_RECEIVE_EMPTY,	/* nothing there */
	SHMNET_RECEIVE_FRAME,	/* a frame to be copied */
	SHMNET_RECEIVE_OFFLOAD,	/* a frame whose offload words are not valid: drop it */
	SHMNET_RECEIVE_MISSED,	/* casts were lost: see the count; look again */
	SHMNET_RECEIVE_FAULT,	/* the ring must be reset */
};

/* A ring as one end of it sees it at a moment, to be shown. */
struct shmnet_ring_view {
	__u32 epoch;		/* 0: closed */
	__u32 descriptors;	/* published, and not read yet */
	__u32 buffers;		/* sending: that may be filled; receiving: that are out */
	bool adopted;		/* receiving: the sender was seen */
	bool armed;		/* sending: the receiver wants to be rung at the next frame */
};

/* A cast in its writer's arena, to be read. */
struct shmnet_cast_view {
	const void *data;
	__u32 len;		/* bytes */
	__u32 flags;		/* SHMNET_CAST_* */
	__u32 writer;		/* slot */
};

/* Who a machine is, over reboots: a slot is found again by it. */
struct shmnet_identity {
	__u8 machine[16];	/* UUID */
	__u32 device;		/* as in struct shmnet_node */
};

/* In the place of a slot, where a part is meant: the hub's. */
#define SHMNET_HUB_PART		0xffffffffu

enum shmnet_slot_outcome {
	SHMNET_SLOT_FREE,	/* may be claimed at once */
	SHMNET_SLOT_OWN_CLAIMED,/* this identity's, and claimed: see first whether it lives */
	SHMNET_SLOT_FULL,	/* no slot is left */
};

/* What a search for a slot found, and the words that it found it with. */
struct shmnet_slot_search {
	enum shmnet_slot_outcome outcome;
	__u32 slot;
	__u64 claim;
	__u64 heartbeat;
};

/* What occasion there is to look at a peer. */
enum shmnet_check {
	SHMNET_CHECK_TICK,	/* the regular one: age counts in these */
	SHMNET_CHECK_LATE,	/* a regular one over twice its interval late: counts for nobody */
	SHMNET_CHECK_EXTRA,	/* something hinted at a change */
};

/* What a check of a peer found. */
enum shmnet_peer_event {
	SHMNET_PEER_SAME,
	SHMNET_PEER_CAME,	/* alive now: connect */
	SHMNET_PEER_GONE,	/* it left, or another incarnation took its place: disconnect, look again */
	SHMNET_PEER_DIED,	/* no sign of life for too long, or witnessed: disconnect */
};

#endif /* SHMNET_CORE_TYPES_H */
