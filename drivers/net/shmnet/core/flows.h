/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the core offers to C for flows: which one a packet belongs to, the connection table, and whom a
 * new one is given to.
 */
#ifndef SHMNET_FLOWS_H
#define SHMNET_FLOWS_H

#include <linux/shmnet_shm.h>
#ifndef __KERNEL__
#include <stdbool.h>
#include <stddef.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* As enum FlowKind of flow.hh. */
enum shmnet_flow_kind {
	SHMNET_FLOW_SHORT,
	SHMNET_FLOW_MALFORMED,
	SHMNET_FLOW_PORTS,
	SHMNET_FLOW_ECHO,
	SHMNET_FLOW_ECHO_REPLY,
	SHMNET_FLOW_ERROR,
	SHMNET_FLOW_FRAGMENT,
	SHMNET_FLOW_OTHER,
};

struct shmnet_flow {
	__u64 key[5];		/* struct FlowKey */
	__u32 needed;		/* SHORT: bytes from the packet's start that must be there */
	__u32 identification;	/* of a first part */
	__u8 kind;		/* enum shmnet_flow_kind */
	__u8 protocol;
	__u8 tcp_flags;
	bool is_first_part;	/* the first fragment of a packet; FRAGMENT are the others */
	__u16 destination_port;	/* in host order */
};

/* Of the first fragment of a packet: what the others are, as shmnet_flow_parse() finds it. Any context. */
void shmnet_flow_fragments(const struct shmnet_flow *first, struct shmnet_flow *others);

/* A flow with ports as commands tell it, and back. Any context. */
void shmnet_flow_tell(const struct shmnet_flow *flow, struct shmnet_command_flow *told);
void shmnet_flow_hear(const struct shmnet_command_flow *told, struct shmnet_flow *flow);

/* The flow of the packets that go the other way, with their ports. Any context. */
void shmnet_flow_reverse(const struct shmnet_flow *flow, struct shmnet_flow *back);

/* Takes an IP packet of @total bytes, of which @available are at @packet, apart. Any context. */
void shmnet_flow_parse(const void *packet, __u32 available, __u32 total, struct shmnet_flow *flow);

/* ---- The connection table (flow_table.hh) ---------------------------------------------------- */

struct shmnet_flows;

/* A node, in the life of it that the flow began in. */
struct shmnet_flow_target {
	__u32 node;
	__u32 incarnation;
};

struct shmnet_flow_view {
	__u8 source[16];	/* IPv4: as ::ffff:a.b.c.d */
	__u8 destination[16];
	__u16 source_port;	/* in host order */
	__u16 destination_port;
	__u8 protocol;
	__u8 state;		/* enum shmnet_flow_state */
	__u32 used;		/* when a packet was last seen, to a second */
	struct shmnet_flow_target target;
};

enum shmnet_flow_insert {
	SHMNET_FLOW_ADDED,
	SHMNET_FLOW_CHANGED,
	SHMNET_FLOW_FULL,
};

size_t shmnet_flows_size(void);
/* Of memory that shmnet_flows_add_chunk() takes, and of the table of chunks. */
size_t shmnet_flows_chunk_size(void);
size_t shmnet_flows_chunks_size(__u32 flows_max);
size_t shmnet_flows_buckets_size(__u32 buckets);
/* The least that the table begins with. */
__u32 shmnet_flows_buckets_min(void);

/*
 * A table in @memory, for at most @flows_max flows. @chunks and @buckets are zeroed, @buckets of
 * shmnet_flows_buckets_min(), aligned to 64; @secret is random.
 */
struct shmnet_flows *shmnet_flows_init(void *memory, __u32 flows_max, const __u64 secret[2],
				       void *chunks, void *buckets);

/*
 * Any context, under RCU, beside the writer. @now in milliseconds, which wrap. @anew: the flow had
 * ended, and this packet begins another one by its ports.
 */
bool shmnet_flows_find(struct shmnet_flows *flows, const struct shmnet_flow *flow, __u32 now,
		       struct shmnet_flow_target *target, bool *anew);
__u32 shmnet_flows_count(const struct shmnet_flows *flows);
/* A number by which equal flows, and nobody outside can tell which others, fall together. */
__u64 shmnet_flows_hash(const struct shmnet_flows *flows, const struct shmnet_flow *flow);

/* The writer: one at a time, all that follows. */
enum shmnet_flow_insert shmnet_flows_insert(struct shmnet_flows *flows,
					    const struct shmnet_flow *flow,
					    const struct shmnet_flow_target *target, __u32 now);
/*
 * Looks at @looks entries and removes those whose time is over, or whose node lives another life
 * than @living has it, by slot. Returns how many.
 */
__u32 shmnet_flows_collect(struct shmnet_flows *flows, __u32 now, __u32 looks,
			   const __u32 *living);
__u32 shmnet_flows_capacity(const struct shmnet_flows *flows);
/* The flow of a number from 0 to capacity, to be shown. False: there is none. */
bool shmnet_flows_view(const struct shmnet_flows *flows, __u32 number,
		       struct shmnet_flow_view *view);

bool shmnet_flows_wants_chunk(const struct shmnet_flows *flows);
void shmnet_flows_add_chunk(struct shmnet_flows *flows, void *memory);
/* How many buckets a larger index should have, or 0. */
__u32 shmnet_flows_wants_buckets(const struct shmnet_flows *flows);
void shmnet_flows_grow(struct shmnet_flows *flows, void *buckets, __u32 count);
/* After that, until it has returned the old index: takes @count buckets over. The old index, to be freed behind readers, or NULL. */
void *shmnet_flows_migrate(struct shmnet_flows *flows, __u32 count);

/* For who takes a table apart that does not grow: its memory, each chunk until NULL. */
void *shmnet_flows_chunk(const struct shmnet_flows *flows, __u32 number);
void *shmnet_flows_buckets(const struct shmnet_flows *flows);

/* ---- What all nodes offer (service_table.hh) ------------------------------------------------- */

struct shmnet_service_table;

size_t shmnet_service_table_size(__u32 offers);
/*
 * @memory: zeroed; @secret is random; @format: the region's. Then each node's are added, in the
 * order of their slots, with the sequence.
 */
struct shmnet_service_table *shmnet_service_table_init(void *memory, __u32 offers,
						       const __u64 secret[2], __u64 format);
void shmnet_service_table_add(struct shmnet_service_table *table, __u32 slot, __u64 sequence,
			      const struct shmnet_service *services, __u32 count);
/* Goes on with the counts of the table before, which may be in use. */
void shmnet_service_table_carry_on(struct shmnet_service_table *table,
				   const struct shmnet_service_table *before);

/* A service as packets ask for it. */
struct shmnet_service_entry;
#define SHMNET_NO_OFFER 0xffffffffu

/* Any context, beside each other. The service that a packet asks for, or NULL. */
struct shmnet_service_entry *shmnet_service_find(const struct shmnet_service_table *table,
						 const struct shmnet_flow *flow);
/*
 * The nodes that offer it: from shmnet_service_first() on, each gives its node and weight, and returns the
 * next, until SHMNET_NO_OFFER.
 */
__u32 shmnet_service_first(const struct shmnet_service_entry *entry);
__u32 shmnet_service_next(const struct shmnet_service_table *table, __u32 offer,
			  struct shmnet_flow_target *target, __u32 *weight);
/* Bit by slot: whom the service's address is for, without those that drain it. */
__u64 shmnet_service_nodes(const struct shmnet_service_table *table,
			   const struct shmnet_service_entry *entry);
/*
 * Gives a flow to one of those that take new ones and whose slot's bit is in @able; @own: this node's slot.
 * False: none.
 */
bool shmnet_service_choose(struct shmnet_service_table *table, struct shmnet_service_entry *entry,
			   const struct shmnet_flow *flow, __u64 able, __u32 own,
			   struct shmnet_flow_target *target);

#ifdef __cplusplus
}
#endif

#endif /* SHMNET_FLOWS_H */
