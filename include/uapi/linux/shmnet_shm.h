/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * shmnet: the shared-memory region.
 *
 * This header and docs/protocol.md are the specification of the region: whoever follows them can
 * write a peer. All words are little-endian and naturally aligned; places are given as offsets,
 * never as pointers. Offsets and sizes are asserted beside each struct.
 *
 *   0           hub part: superblock, network rows, area table, witness     writer: the hub
 *   common      common part: claims, tapes                                  writers: all, by CAS
 *   parts + 0   part of node 0                                              writer: node 0
 *   parts + P   part of node 1 ...                                          writer: node 1
 *
 * Each part starts on 2 MiB and is a power of two of at least 2 MiB. A node's part holds all that
 * the node writes: its directory entry, descriptors and buffers of the rings that it sends into,
 * the consumer's words and grants of the rings that it receives from, and its casts.
 *
 * A word with an epoch has the epoch in bits 63..32 and a free-running index in bits 31..0, and
 * is loaded and stored whole.
 */
#ifndef _UAPI_LINUX_SHMNET_SHM_H
#define _UAPI_LINUX_SHMNET_SHM_H

#include <linux/types.h>

#ifdef __cplusplus
#define SHMNET_ASSERT_LAYOUT(condition) static_assert(condition, #condition)
#else
#define SHMNET_ASSERT_LAYOUT(condition) _Static_assert(condition, #condition)
#endif
#define SHMNET_ASSERT_OFFSET(type, member, offset) \
	SHMNET_ASSERT_LAYOUT(__builtin_offsetof(type, member) == (offset))

#define SHMNET_MAGIC		0x313054454e4d4853ULL	/* the bytes "SHMNET01" */
#define SHMNET_VERSION		1

#define SHMNET_LINE		64		/* bytes; words of two writers never share one */
#define SHMNET_PAGE		4096
#define SHMNET_PART_MIN		(2u << 20)	/* bytes, and every part's alignment */
#define SHMNET_NODES_MIN	2
#define SHMNET_NODES_MAX	64
#define SHMNET_NETWORKS_MAX	8
#define SHMNET_QUEUES_MAX	16		/* rings of one ordered pair on one network */
#define SHMNET_TAPES_MAX	256		/* of one network, the broadcast tape included */
#define SHMNET_MTU_MIN		1490
#define SHMNET_MTU_MAX		65535
#define SHMNET_L2_MAX		22		/* Ethernet header and two VLAN tags */
#define SHMNET_BUFFER_MIN	2048
#define SHMNET_BUFFER_MAX	65536
#define SHMNET_PIECES_MAX	64		/* descriptors of one frame */
#define SHMNET_POOL_MAX		1024		/* buffers of one ring */
#define SHMNET_CASTS_SIZE	(1u << 20)	/* bytes of each node's cast arena */

/* ---- The hub part -------------------------------------------------------------------------- */

/*
 * The superblock, at offset 0. Written once, by whoever formats, and constant from then on:
 * @format decides by compare-and-swap from 0 who formats what; @magic is stored last.
 */
struct shmnet_superblock {
	__u64 magic;		/* SHMNET_MAGIC */
	__u32 version;		/* SHMNET_VERSION */
	__u32 nodes;		/* slots: SHMNET_NODES_MIN .. SHMNET_NODES_MAX */
	__u64 format;		/* bits 63..24 digest of the geometry, 23..0 region id (for MACs) */
	__u64 features;		/* a bit unknown to a node: it must decline the region */
	__u64 region_size;	/* bytes, a power of two */
	__u64 common_offset;	/* of the common part */
	__u64 common_size;
	__u64 parts_offset;	/* of node 0's part */
	__u64 part_size;	/* of each node's part */
	__u32 networks;		/* rows at SHMNET_NETWORKS_OFFSET */
	__u32 areas;		/* entries at SHMNET_AREAS_OFFSET */
	__u8 reserved[40];	/* zero */
	__u64 probe;		/* zero; hardened: a store must not last */
};
SHMNET_ASSERT_LAYOUT(sizeof(struct shmnet_superblock) == 128);
SHMNET_ASSERT_OFFSET(struct shmnet_superblock, format, 16);
SHMNET_ASSERT_OFFSET(struct shmnet_superblock, networks, 72);
SHMNET_ASSERT_OFFSET(struct shmnet_superblock, probe, 120);

#define SHMNET_FORMAT_ID_MASK	0xffffffULL

/*
 * The hardened set-up: each part is a device of its own, which its node alone can write, and the
 * hub part is another, which no node can write (docs/protocol.md, 2.4). What is in the common part
 * otherwise is in the nodes' parts: part N holds the claim of slot N, and on each network tape N,
 * onto which node N alone casts.
 */
#define SHMNET_FEATURE_HARDENED	(1ULL << 0)
#define SHMNET_FEATURES_KNOWN	SHMNET_FEATURE_HARDENED

/* Where a hardened node finds its devices: so many PCI functions behind the hub part's. */
#define SHMNET_FUNCTION_DOORBELL	1
#define SHMNET_FUNCTION_PART(slot)	(2 + (slot))

#define SHMNET_NETWORKS_OFFSET	1024
#define SHMNET_AREAS_OFFSET	2048
#define SHMNET_AREAS_MAX	96

enum shmnet_network_kind {
	SHMNET_NETWORK_LOCAL = 1,	/* each node has its own address */
	SHMNET_NETWORK_GLOBAL = 2,	/* one address for all nodes */
};

/* A network: one row of the geometry. Rings, tapes and an interface on every node. */
struct shmnet_network {
	__u32 kind;		/* enum shmnet_network_kind */
	__u32 mtu;		/* largest payload of a frame, SHMNET_MTU_MIN .. SHMNET_MTU_MAX */
	__u32 buffer_size;	/* bytes, a power of two, SHMNET_BUFFER_MIN .. SHMNET_BUFFER_MAX */
	__u32 pool;		/* buffers of one ring */
	__u32 ring;		/* descriptors and grants of one ring, a power of two >= pool */
	__u32 queues;		/* rings of one ordered pair */
	__u32 tapes;		/* tape 0 for broadcast, the others for multicast groups */
	__u32 tape_slots;	/* of one tape, a power of two */
	__u8 reserved[32];	/* zero */
};
SHMNET_ASSERT_LAYOUT(sizeof(struct shmnet_network) == 64);
SHMNET_ASSERT_LAYOUT(SHMNET_NETWORKS_OFFSET + SHMNET_NETWORKS_MAX * 64 <= SHMNET_AREAS_OFFSET);

/*
 * What lies where. A reader passes over types that it does not know; an area of a known type
 * holds @count elements of @stride bytes.
 */
enum shmnet_area_type {
	SHMNET_AREA_WITNESS = 1,	/* struct shmnet_witness by slot */
	SHMNET_AREA_CLAIMS = 2,		/* struct shmnet_claim by slot */
	SHMNET_AREA_TAPES = 3,		/* struct shmnet_tape by tape, of one network */
	SHMNET_AREA_NODE = 4,		/* struct shmnet_node */
	SHMNET_AREA_PRODUCERS = 5,	/* struct shmnet_producer by ring sent into */
	SHMNET_AREA_CONSUMERS = 6,	/* struct shmnet_consumer by ring received from */
	SHMNET_AREA_DESCRIPTORS = 7,	/* struct shmnet_descriptor[ring] by ring sent into */
	SHMNET_AREA_GRANTS = 8,		/* __u32[ring] by ring received from */
	SHMNET_AREA_POOL = 9,		/* buffers, pool by ring sent into */
	SHMNET_AREA_CASTS = 10,		/* the cast arena */
	SHMNET_AREA_SERVICES = 11,	/* struct shmnet_services, of one global network */
	SHMNET_AREA_PINS = 12,		/* struct shmnet_pins, of one global network */
};

#define SHMNET_AREA_IN_PART	1u	/* @offset counts from the start of each node's part */
#define SHMNET_NO_NETWORK	0xffffffffu

struct shmnet_area {
	__u32 type;		/* enum shmnet_area_type */
	__u32 network;		/* row, or SHMNET_NO_NETWORK */
	__u32 flags;
	__u32 count;		/* elements */
	__u64 offset;		/* bytes */
	__u64 stride;		/* bytes from one element to the next; the area is count * stride */
};
SHMNET_ASSERT_LAYOUT(sizeof(struct shmnet_area) == 32);
SHMNET_ASSERT_LAYOUT(SHMNET_AREAS_OFFSET + SHMNET_AREAS_MAX * 32 <= 2 * SHMNET_PAGE);

/*
 * Rings of a network are numbered, in the part of either end, by the other end and the queue:
 * peer * queues + queue, where a node does not count itself.
 */
#define SHMNET_PEER_INDEX(self, other)	((other) < (self) ? (other) : (other) - 1)

/* What the hub saw of a slot's owner. */
enum shmnet_witness_state {
	SHMNET_WITNESS_NONE = 0,
	SHMNET_WITNESS_DEAD = 1,	/* this incarnation's QEMU is gone */
};

struct shmnet_witness {
	__u64 word;		/* bits 63..32 incarnation, 31..0 enum shmnet_witness_state */
	__u8 reserved[56];
};
SHMNET_ASSERT_LAYOUT(sizeof(struct shmnet_witness) == SHMNET_LINE);

/* ---- The common part: every word changes by compare-and-swap only ------------------------- */

/*
 * Who owns a slot. Bits 63..32 incarnation (grows by one at each claim, 0: never used), 31..1 tag
 * of the owner's identity (a hint: the entry in the part has it in full), 0 claimed. An owner
 * that leaves clears bit 0 and leaves the rest.
 */
struct shmnet_claim {
	__u64 word;
	__u8 reserved[56];
};
SHMNET_ASSERT_LAYOUT(sizeof(struct shmnet_claim) == SHMNET_LINE);

#define SHMNET_CLAIM_CLAIMED	1ULL
#define SHMNET_CLAIM_TAG_MASK	0xfffffffeULL

/*
 * A tape: the order of all casts on it; the frames lie in their writers' cast arenas. Slot
 * (sequence % tape_slots) says who wrote the cast of that sequence; sequences start at 1.
 */
struct shmnet_tape {
	__u64 head;		/* the next sequence, or less: whoever sees it behind moves it on */
	__u8 reserved0[56];
	__u64 label;		/* bits 63..16 group, 15..8 epoch, 7..0 claimed by + 1; tape 0: 0 */
	__u8 reserved1[56];
	__u64 slots[];		/* bits 63..24 sequence, 23..16 writer, 15..0 place in lines */
};
SHMNET_ASSERT_LAYOUT(sizeof(struct shmnet_tape) == 128);

/* A group is its Ethernet address, the first byte uppermost. By compare-and-swap only. */
#define SHMNET_TAPE_GROUP_SHIFT		16
#define SHMNET_TAPE_EPOCH_SHIFT		8
#define SHMNET_TAPE_EPOCH_MASK		0xffULL

#define SHMNET_TAPE_SEQUENCE_SHIFT	24
#define SHMNET_TAPE_WRITER_SHIFT	16
#define SHMNET_TAPE_PLACE_MASK		0xffffULL

/* ---- A node's part ------------------------------------------------------------------------- */

enum shmnet_network_state {
	SHMNET_STATE_DOWN = 0,
	SHMNET_STATE_UP = 1,
	SHMNET_STATE_DRAINING = 2,	/* up, and takes no new flows; of a global network */
};

/* Receive capabilities: what a sender may leave undone. May change at any time. */
#define SHMNET_CAP_CSUM		(1ULL << 0)	/* SHMNET_DESC_NEEDS_CSUM */
#define SHMNET_CAP_TSO4		(1ULL << 1)	/* SHMNET_GSO_TCP4 */
#define SHMNET_CAP_TSO6		(1ULL << 2)	/* SHMNET_GSO_TCP6 */
#define SHMNET_CAP_ECN		(1ULL << 3)	/* SHMNET_GSO_ECN with either */
#define SHMNET_CAP_USO		(1ULL << 4)	/* SHMNET_GSO_UDP_L4 */
#define SHMNET_CAP_PIECES_SHIFT	16		/* bits 31..16: longest chain, descriptors */
#define SHMNET_CAP_PIECES_MASK	0xffffULL
#define SHMNET_CAP_GSO_MAX_SHIFT 32		/* bits 63..32: longest unsegmented frame, bytes */

/* A node on one network. */
struct shmnet_node_network {
	__u32 state;		/* enum shmnet_network_state */
	__u32 mtu;		/* of the interface; for show: it limits what the node sends */
	__u64 capabilities;	/* SHMNET_CAP_* */
	__u8 reserved0[48];
	/* Written at each sleep and wake of the node's receiver. */
	__u32 cast_armed;	/* SHMNET_CAST_BIT()s: who writes there rings @cast_doorbell */
	__u32 cast_doorbell;	/* as in struct shmnet_consumer */
	__u8 reserved1[56];
};
SHMNET_ASSERT_LAYOUT(sizeof(struct shmnet_node_network) == 2 * SHMNET_LINE);

/* The directory entry. Of an @incarnation other than the claim's, nothing counts. */
struct shmnet_node {
	__u32 incarnation;	/* stored last when a node starts; 0: nobody */
	__u32 peer;		/* ivshmem id for doorbells, or SHMNET_NO_PEER */
	__u32 vectors;		/* that may be rung */
	__u32 device;		/* PCI domain << 16 | bus << 8 | device << 3 | function */
	__u8 machine[16];	/* identity: machine UUID, or one that was set */
	char name[64];		/* host name, for show, padded with zeros */
	__u64 probe;		/* hardened: a store lasts in one's own part only */
	__u8 reserved0[24];
	__u64 heartbeat;	/* grows by one at each tick of the node */
	__u8 reserved1[56];
	__u64 casts_reserved;	/* arena: all before this position may be, or has been, written */
	__u8 reserved2[56];
	struct shmnet_node_network networks[SHMNET_NETWORKS_MAX];
};
SHMNET_ASSERT_OFFSET(struct shmnet_node, machine, 16);
SHMNET_ASSERT_OFFSET(struct shmnet_node, name, 32);
SHMNET_ASSERT_OFFSET(struct shmnet_node, probe, 96);
SHMNET_ASSERT_OFFSET(struct shmnet_node, heartbeat, 128);
SHMNET_ASSERT_OFFSET(struct shmnet_node, networks, 256);
SHMNET_ASSERT_LAYOUT(sizeof(struct shmnet_node) == 256 + SHMNET_NETWORKS_MAX * 128);

#define SHMNET_NO_PEER		0xffffffffu
#define SHMNET_HEARTBEAT_MS	100

/* A doorbell word: what to write to the ivshmem doorbell register, or SHMNET_NO_DOORBELL. */
#define SHMNET_DOORBELL(peer, vector)	((__u32)(peer) << 16 | (vector))
#define SHMNET_NO_DOORBELL	0xffffffffu

/* What the sender of a ring writes, in the sender's part. */
struct shmnet_producer {
	__u64 produced;		/* epoch, index of the next descriptor to be written */
	__u8 reserved0[56];
	__u32 consumed_event;	/* ring when consumed passes this index ... */
	__u32 granted_event;	/* ... or granted this one */
	__u32 doorbell;		/* what to ring, as in struct shmnet_consumer */
	__u32 refused;		/* an epoch that the sender does not go on with; 0: none */
	__u8 reserved1[48];
};
SHMNET_ASSERT_LAYOUT(sizeof(struct shmnet_producer) == 2 * SHMNET_LINE);

/* What the receiver of a ring writes, in the receiver's part. */
struct shmnet_consumer {
	__u64 consumed;		/* epoch, index of the next descriptor to be read */
	__u64 granted;		/* epoch, index of the next grant to be written */
	__u8 reserved0[48];
	__u32 event;		/* ring when produced passes this index */
	__u8 reserved1[60];
	__u64 open;		/* bits 63..32 epoch, 31..0 the sender's incarnation; 0: closed */
	__u32 doorbell;		/* SHMNET_DOORBELL(peer, vector) */
	__u8 reserved2[52];
};
SHMNET_ASSERT_OFFSET(struct shmnet_consumer, event, 64);
SHMNET_ASSERT_OFFSET(struct shmnet_consumer, open, 128);
SHMNET_ASSERT_LAYOUT(sizeof(struct shmnet_consumer) == 3 * SHMNET_LINE);

/*
 * One piece of a frame. What lies behind @flags counts in a frame's first descriptor only; in the
 * others it is not read.
 */
struct shmnet_descriptor {
	__u32 buffer;		/* index in the sender's pool area; one of the ring's own */
	__u32 offset;		/* bytes into the buffer */
	__u32 len;		/* bytes, at least 1; offset + len <= buffer_size */
	__u16 flags;		/* SHMNET_DESC_* */
	__u8 gso_type;		/* SHMNET_GSO_* */
	__u8 pieces;		/* descriptors of this frame, 1 .. SHMNET_PIECES_MAX */
	__u32 frame_len;	/* bytes, Ethernet header included, no FCS */
	__u16 gso_size;		/* payload bytes of a segment, with a gso_type */
	__u16 csum_start;	/* with SHMNET_DESC_NEEDS_CSUM: from where to sum ... */
	__u16 csum_offset;	/* ... and where, from there, the sum belongs */
	__u16 reserved;		/* zero */
	__u32 hash;		/* flow hash, or 0; a hint */
};
SHMNET_ASSERT_LAYOUT(sizeof(struct shmnet_descriptor) == 32);
SHMNET_ASSERT_OFFSET(struct shmnet_descriptor, frame_len, 16);

#define SHMNET_DESC_NEXT	(1u << 0)	/* the frame goes on in the next descriptor */
#define SHMNET_DESC_NEEDS_CSUM	(1u << 1)	/* the checksum is still to be computed */
#define SHMNET_DESC_DATA_VALID	(1u << 2)	/* the sender verified the checksum */

#define SHMNET_GSO_NONE		0
#define SHMNET_GSO_TCP4		1
#define SHMNET_GSO_TCP6		2
#define SHMNET_GSO_UDP_L4	3
#define SHMNET_GSO_ECN		0x80		/* with a TCP type: CWR on the first segment only */

/*
 * The cast arena: a circle of SHMNET_CASTS_SIZE bytes. Positions run free in 64 bits; a cast
 * starts on a line, never wraps, and stands until casts_reserved is more than the circle's size
 * ahead of its position.
 */
struct shmnet_cast {
	__u64 sequence;		/* on its tape, in full */
	__u64 position;		/* in the arena, in full */
	__u32 tape;		/* network << 16 | tape */
	__u32 incarnation;	/* of the writer */
	__u32 len;		/* bytes of the frame, which follows */
	__u32 flags;		/* SHMNET_CAST_* */
};
SHMNET_ASSERT_LAYOUT(sizeof(struct shmnet_cast) == 32);

/* Whether a node wants to hear of casts on a tape; tapes share bits. */
#define SHMNET_CAST_BIT(tape)	(1u << ((tape) & 31))

#define SHMNET_CAST_DATA_VALID	(1u << 0)	/* as SHMNET_DESC_DATA_VALID */

/* ---- Addresses and command frames ---------------------------------------------------------- */

/*
 * A node's MAC: byte 0 is 02 | network << 3, bytes 1..3 the region id, bytes 4..5 the slot, both
 * big-endian. With the command bit it is the source of the driver's own frames, which go over the
 * broadcast tape only and never reach the stack.
 */
#define SHMNET_MAC_BASE		0x02
#define SHMNET_MAC_COMMAND	0x04		/* in byte 0 */
#define SHMNET_MAC_NETWORK_SHIFT 3		/* in byte 0 */

#define SHMNET_COMMAND_ETHERTYPE 0x88b6		/* IEEE 802 local experimental 2 */

enum shmnet_command_type {
	SHMNET_COMMAND_HELLO = 1,	/* look at the directory: I came or changed */
	SHMNET_COMMAND_LEAVE = 2,	/* look at the directory: I go */
	SHMNET_COMMAND_ASK = 3,		/* who has a socket of this connection? */
	SHMNET_COMMAND_HAVE = 4,	/* I have */
	SHMNET_COMMAND_ASK_ALL = 5,	/* as ASK; who has none says so */
	SHMNET_COMMAND_HAVE_NOT = 6,	/* I have none */
};

/* A connection as packets to a shared address have it, for all that is asked and answered. */
struct shmnet_command_flow {
	__u8 source[16];	/* IPv4 as ::ffff:a.b.c.d */
	__u8 destination[16];
	__be16 source_port;
	__be16 destination_port;
	__u8 protocol;		/* of IP */
	__u8 reserved[3];	/* zero */
};
SHMNET_ASSERT_LAYOUT(sizeof(struct shmnet_command_flow) == 40);

/* A command frame; big-endian as all that is on a wire. A hint: the directory is the truth. */
struct shmnet_command {
	__u8 destination[6];
	__u8 source[6];
	__be16 ethertype;
	__u8 version;		/* SHMNET_VERSION */
	__u8 type;		/* enum shmnet_command_type */
	__be32 incarnation;
	struct shmnet_command_flow flow;	/* of HELLO and LEAVE zero */
} __attribute__((packed));
SHMNET_ASSERT_LAYOUT(sizeof(struct shmnet_command) == 60);

/* ---- Global networks ----------------------------------------------------------------------- */

/*
 * The ports by which nodes begin connections from a shared address: each slot has a block of its
 * own, so that answers find the way back to whoever has asked.
 */
#define SHMNET_PORTS_FIRST	32768
#define SHMNET_PORTS		28672
#define SHMNET_PORTS_OF(nodes)	(SHMNET_PORTS / (nodes))

/* How a service's new flows are given to the nodes that offer it. */
enum shmnet_balance {
	SHMNET_BALANCE_ROUND_ROBIN = 1,	/* in turn, by the weights; each entry for itself */
	SHMNET_BALANCE_FLOW = 2,	/* by addresses and ports, alike at all entries */
	SHMNET_BALANCE_SOURCE = 3,	/* by the client's address, alike at all entries */
	SHMNET_BALANCE_LEAST = 4,	/* to whoever has the fewest connections for its weight */
};

/* What a node offers at a shared address. A record that breaks a rule is passed over. */
struct shmnet_service {
	__u8 address[16];	/* IPv4 as ::ffff:a.b.c.d; not zeros */
	__u32 connections;	/* that it has now */
	__u16 port;		/* not 0 */
	__u16 weight;		/* 1 .. SHMNET_WEIGHT_MAX, or 0: takes no new flows */
	__u8 protocol;		/* of IP: TCP, UDP or SCTP */
	__u8 balance;		/* enum shmnet_balance; where nodes differ the first slot counts */
	__u8 flags;		/* SHMNET_SERVICE_* */
	__u8 reserved[5];	/* zero */
};
SHMNET_ASSERT_LAYOUT(sizeof(struct shmnet_service) == 32);
SHMNET_ASSERT_OFFSET(struct shmnet_service, connections, 16);
SHMNET_ASSERT_OFFSET(struct shmnet_service, protocol, 24);

#define SHMNET_WEIGHT_MAX	256
#define SHMNET_SERVICE_LOCAL	(1u << 0)	/* an entry that offers it keeps its new flows */
#define SHMNET_SERVICE_FLAGS	SHMNET_SERVICE_LOCAL

/*
 * What a node says of a shared address, in the place of a service. Of all that nodes say of it the
 * record of the highest generation defines it, of equal ones that of the lowest slot.
 */
struct shmnet_shared_address {
	__u8 address[16];	/* as a service's */
	__u64 nodes;		/* bit by slot: who may be given new flows; all bits: everybody */
	__u8 protocol;		/* SHMNET_ADDRESS_RECORD */
	__u8 balance;		/* enum shmnet_balance of services without one; 0: none */
	__u8 flags;		/* SHMNET_ADDRESS_* */
	__u8 reserved;		/* zero */
	__u32 generation;	/* 0: this record defines nothing */
};
SHMNET_ASSERT_LAYOUT(sizeof(struct shmnet_shared_address) == sizeof(struct shmnet_service));
SHMNET_ASSERT_OFFSET(struct shmnet_shared_address, protocol, 24);
SHMNET_ASSERT_OFFSET(struct shmnet_shared_address, generation, 28);

/* No protocol of IP (RFC 5237 reserves it): readers that do not know it pass over the record. */
#define SHMNET_ADDRESS_RECORD	255
#define SHMNET_ADDRESS_JOINED	(1u << 0)	/* this node has the address */
#define SHMNET_ADDRESS_DRAINING	(1u << 1)	/* and takes no new flows of it */
#define SHMNET_ADDRESS_FLAGS	(SHMNET_ADDRESS_JOINED | SHMNET_ADDRESS_DRAINING)

/*
 * All that a node offers on a network, replaced as a whole under @sequence, which is odd meanwhile.
 * 0: nothing was said yet.
 */
struct shmnet_services {
	__u64 sequence;
	__u32 count;		/* of @services, at most SHMNET_SERVICES_MAX */
	__u8 reserved[52];	/* zero */
	struct shmnet_service services[];	/* or struct shmnet_shared_address */
};
SHMNET_ASSERT_LAYOUT(sizeof(struct shmnet_services) == SHMNET_LINE);

#define SHMNET_SERVICES_MAX	1022		/* of one node on one network */

/*
 * To which nodes this one, as an entry, has lately given flows. A pin is one word: bits 63..24 of
 * the flow's hash under @secret, 23..14 the lower bits of the incarnation and 13..8 the slot of the
 * node that serves it, 7..2 when it was written (SHMNET_PIN_AGE_MS, wraps), 1..0 enum
 * shmnet_pin_state. Bits 23..0 of the hash, modulo the lines, say in which line of SHMNET_PIN_WAYS
 * words it may be.
 */
struct shmnet_pins {
	__u64 secret[2];	/* of SipHash-1-3; zeros: there are none yet */
	__u8 reserved[48];	/* zero */
	__u64 words[];		/* SHMNET_PINS */
};
SHMNET_ASSERT_LAYOUT(sizeof(struct shmnet_pins) == SHMNET_LINE);

enum shmnet_pin_state {
	SHMNET_PIN_NONE = 0,
	SHMNET_PIN_PROPOSED = 1,	/* the writer has not yet seen whether another was faster */
	SHMNET_PIN_CONFIRMED = 2,	/* from now on it stands */
};

#define SHMNET_PINS		16384	/* of one node on one network */
#define SHMNET_PIN_WAYS		8
#define SHMNET_PIN_AGE_MS	4000

#endif /* _UAPI_LINUX_SHMNET_SHM_H */
