/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the core offers to C. The core allocates nothing, sleeps nowhere, prints nothing and knows
 * no clock, so all of it may be called in any context; each object is for one thread at a time,
 * and the comment of a group says who that is. Objects live in memory that the caller brings,
 * aligned to 8, zeroed or not, and need no destruction.
 */
#ifndef SHMNET_CORE_H
#define SHMNET_CORE_H

#include "core_types.h"

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#include <stddef.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct shmnet_core;	/* a region, as one node of it sees it */
struct shmnet_tx;	/* the sending end of a pair ring */
struct shmnet_rx;	/* the receiving end of a pair ring */
struct shmnet_reader;	/* the reading end of a tape */

/* The one full fence: behind shmnet_rx_arm() and shmnet_core_arm_casts(), before looking again. */
void shmnet_full_fence(void);

/* ---- The region: set-up, one thread --------------------------------------------------------- */

size_t shmnet_core_size(void);
size_t shmnet_core_scratch_size(void);

/*
 * Checks the region of @size bytes at @base and makes @core of it. NULL, or a text that says what
 * is wrong and what to do. Writes nothing to the region. @scratch is free again on return.
 */
const char *shmnet_core_attach(struct shmnet_core *core, void *scratch, void *base, __u64 size);

struct shmnet_core_info {
	__u32 nodes;
	__u32 networks;
	__u32 region_id;
	__u64 region_size;
	__u64 format;		/* the superblock's word: the same for all nodes */
	__u64 parts_offset;
	__u64 part_size;
	bool hardened;		/* the parts are elsewhere: shmnet_core_set_part() each, then own */
};

struct shmnet_network_info {
	__u32 kind;
	__u32 mtu;
	__u32 frame_max;	/* bytes of a frame without GSO */
	__u32 gso_frame_max;	/* bytes of one with */
	__u32 pieces_max;
	__u32 buffer_size;
	__u32 pool;
	__u32 ring;
	__u32 queues;
	__u32 tapes;
};

void shmnet_core_info(const struct shmnet_core *core, struct shmnet_core_info *info);
void shmnet_network_info(const struct shmnet_core *core, __u32 network,
			 struct shmnet_network_info *info);

/* Where a part of a hardened region lies, part_size bytes; for each, before anything below. */
void shmnet_core_set_part(struct shmnet_core *core, __u32 slot, void *memory);
/* Stores to a word that is there to be tried, of a part or of SHMNET_HUB_PART; and what stands there. */
void shmnet_core_probe(struct shmnet_core *core, __u32 part, __u64 value);
__u64 shmnet_core_probed(const struct shmnet_core *core, __u32 part);
/* Which slot is this node's; the only one that shmnet_core_find_slot() will find. */
void shmnet_core_set_own(struct shmnet_core *core, __u32 slot);

/* ---- The directory: set-up and the tick, one thread ------------------------------------------ */

void shmnet_core_find_slot(const struct shmnet_core *core, const struct shmnet_identity *identity,
			   struct shmnet_slot_search *found);
bool shmnet_core_shows_life(const struct shmnet_core *core, const struct shmnet_slot_search *found);

/*
 * Claims what was found and clears this node's part; false: somebody was faster, find again.
 * From here on the core knows its slot and incarnation.
 */
bool shmnet_core_claim(struct shmnet_core *core, const struct shmnet_slot_search *found,
		       const struct shmnet_identity *identity);
__u32 shmnet_core_slot(const struct shmnet_core *core);
__u32 shmnet_core_incarnation(const struct shmnet_core *core);

/* This node's cast arena, SHMNET_CASTS_SIZE bytes; free to be written until it has joined. */
void *shmnet_core_arena(const struct shmnet_core *core);

/* Fills in @entry's incarnation and shows it: from here on peers may connect. */
void shmnet_core_publish(struct shmnet_core *core, struct shmnet_node *entry);

/* Leaves in order. The caller's rings are closed and its networks down. */
void shmnet_core_release(struct shmnet_core *core);

/* Whether claim and entry still say what this node put there. */
bool shmnet_core_owns_slot(const struct shmnet_core *core);

/* Shows life, and anew what publish_network() said, if somebody wrote over that. */
void shmnet_core_beat(struct shmnet_core *core);
void shmnet_core_publish_network(struct shmnet_core *core, __u32 network, __u32 state, __u32 mtu,
				 __u64 capabilities);

/* Copies a slot's entry; false: nobody is there, or it changed hands meanwhile. */
bool shmnet_core_read_entry(const struct shmnet_core *core, __u32 slot, struct shmnet_node *entry);

/* Looks at one peer. @hello: the incarnation that it last announced itself as, or 0. */
enum shmnet_peer_event shmnet_core_check_peer(struct shmnet_core *core, __u32 slot,
					      enum shmnet_check check, __u32 hello);
bool shmnet_core_peer_alive(const struct shmnet_core *core, __u32 slot);
__u32 shmnet_core_peer_incarnation(const struct shmnet_core *core, __u32 slot);

/* The incarnation that owns a slot and is not witnessed dead, or 0. */
__u32 shmnet_core_living(const struct shmnet_core *core, __u32 slot);

/* Whether the hub saw this incarnation's machine end. */
bool shmnet_core_witnessed_dead(const struct shmnet_core *core, __u32 slot, __u32 incarnation);

/* The incarnation of the last claim of a slot, or 0; and whether it still stands. */
__u32 shmnet_core_claimed(const struct shmnet_core *core, __u32 slot, bool *claimed);

/* The ivshmem id that a node names for its doorbells, or SHMNET_NO_PEER. */
__u32 shmnet_core_doorbell_peer(const struct shmnet_core *core, __u32 slot);

/* One word each, any thread: what a peer says of itself on a network. */
__u64 shmnet_core_capabilities(const struct shmnet_core *core, __u32 slot, __u32 network);
__u32 shmnet_core_network_state(const struct shmnet_core *core, __u32 slot, __u32 network);

/* The ports by which a slot begins connections from a shared address. Any thread. */
void shmnet_core_ports(const struct shmnet_core *core, __u32 slot, __u32 *first, __u32 *last);
/* Whose block has the port. False: nobody's. */
bool shmnet_core_port_owner(const struct shmnet_core *core, __u32 port, __u32 *slot);

/* ---- What nodes offer on a global network (services.hh) ---------------------------------------- */

/* Whether a record is one that other nodes will take. */
bool shmnet_service_is_valid(const struct shmnet_service *service);
/* Replaces what this node offers, up to SHMNET_SERVICES_MAX; it has joined. One thread. */
void shmnet_core_publish_services(struct shmnet_core *core, __u32 network,
				  const struct shmnet_service *services, __u32 count);
/* As if it had never said anything. The same thread. */
void shmnet_core_withdraw_services(struct shmnet_core *core, __u32 network);
/* Whether this node's records are gone since: somebody wrote over them. The same thread. */
bool shmnet_core_services_lost(const struct shmnet_core *core, __u32 network);
/*
 * The sequence of what a node offers, changed with it; bits 63..32 the incarnation that has said it, 0:
 * nothing. Any thread.
 */
__u64 shmnet_core_services_sequence(const struct shmnet_core *core, __u32 network, __u32 slot);
/*
 * Copies what was said under @sequence, as far as it is valid, to room for SHMNET_SERVICES_MAX. False: it is
 * being replaced: look again later. Any thread.
 */
bool shmnet_core_read_services(const struct shmnet_core *core, __u32 network, __u32 slot,
			       __u64 sequence, struct shmnet_service *services, __u32 *count);

/* ---- Pins of a global network (pins.hh) -------------------------------------------------------- */

struct shmnet_flow;
struct shmnet_flow_target;

/* As Pinning::Outcome of pins.hh. */
enum shmnet_pinning {
	SHMNET_PIN_PLACED,	/* with this target */
	SHMNET_PIN_FOUND,	/* another entry, or this one, has given it to @target before */
	SHMNET_PIN_UNDECIDED,	/* another entry is just about to */
};

/*
 * @living: by slot the incarnation of each node that takes part in the network, or 0; @now: in units of
 * SHMNET_PIN_AGE_MS. All but the first: the owner, one thread at a time; it has joined.
 *
 * To which node some entry has given the flow. Any thread.
 */
bool shmnet_core_find_pin(const struct shmnet_core *core, __u32 network,
			  const struct shmnet_flow *flow, const __u32 *living,
			  struct shmnet_flow_target *target);
/* Gives a flow to @target, unless that is decided already. @secret: random, always the same. */
enum shmnet_pinning shmnet_core_place_pin(struct shmnet_core *core, __u32 network,
					  const struct shmnet_flow *flow, const __u32 *living,
					  const __u64 secret[2], __u32 now,
					  struct shmnet_flow_target *target);
/* The flow goes on: its pin is as new. */
void shmnet_core_renew_pin(struct shmnet_core *core, __u32 network, const struct shmnet_flow *flow,
			   const struct shmnet_flow_target *target, const __u64 secret[2],
			   __u32 now);
/* Forgets old ones, of the words from @first on; for all SHMNET_PINS to be called within 100 s. */
void shmnet_core_expire_pins(struct shmnet_core *core, __u32 network, __u32 first, __u32 count,
			     __u32 now);

/* ---- Sending: the transmit queue's lock ------------------------------------------------------ */

size_t shmnet_tx_size(const struct shmnet_core *core, __u32 network);
struct shmnet_tx *shmnet_tx_init(void *memory, const struct shmnet_core *core, __u32 network,
				 __u32 destination, __u32 queue);
bool shmnet_tx_connect(struct shmnet_tx *tx, __u32 incarnation, __u32 doorbell);
bool shmnet_tx_connected(const struct shmnet_tx *tx);
/* False: the receiver has closed it, or somebody wrote over our words: disconnect. */
bool shmnet_tx_still_open(const struct shmnet_tx *tx);
void shmnet_tx_disconnect(struct shmnet_tx *tx);
enum shmnet_fault shmnet_tx_fault(const struct shmnet_tx *tx);

/* Whether a frame of @len bytes has room now. */
bool shmnet_tx_has_room(struct shmnet_tx *tx, __u32 len);
/* False: no room (arm and stop), or no connection any more. Nothing is taken before commit. */
bool shmnet_tx_reserve(struct shmnet_tx *tx, __u32 len, struct shmnet_frame *frame);
void shmnet_tx_commit(struct shmnet_tx *tx, const struct shmnet_frame *frame);
/* True: ring shmnet_tx_doorbell(). */
bool shmnet_tx_publish(struct shmnet_tx *tx);
__u32 shmnet_tx_doorbell(const struct shmnet_tx *tx);
bool shmnet_tx_receiver_sleeps(const struct shmnet_tx *tx);
__u32 shmnet_tx_produced(const struct shmnet_tx *tx);
__u32 shmnet_tx_consumed(struct shmnet_tx *tx);
bool shmnet_tx_arm_consumed(struct shmnet_tx *tx, __u32 index);
bool shmnet_tx_arm_granted(struct shmnet_tx *tx, __u32 len);
void shmnet_tx_view(const struct shmnet_tx *tx, struct shmnet_ring_view *view);

/* ---- Receiving: NAPI ------------------------------------------------------------------------- */

size_t shmnet_rx_size(const struct shmnet_core *core, __u32 network);
struct shmnet_rx *shmnet_rx_init(void *memory, const struct shmnet_core *core, __u32 network,
				 __u32 source, __u32 queue);
void shmnet_rx_open(struct shmnet_rx *rx, __u32 own_incarnation, __u32 peer_incarnation,
		    __u32 doorbell);
void shmnet_rx_close(struct shmnet_rx *rx);
bool shmnet_rx_is_open(const struct shmnet_rx *rx);
/* True: the sender refuses the connection, or somebody wrote over our words: open anew. */
bool shmnet_rx_refused(const struct shmnet_rx *rx);
enum shmnet_fault shmnet_rx_fault(const struct shmnet_rx *rx);
__u32 shmnet_rx_waiting(struct shmnet_rx *rx);
enum shmnet_receive shmnet_rx_next(struct shmnet_rx *rx, struct shmnet_frame *frame);
void shmnet_rx_release(struct shmnet_rx *rx);
/* True: ring shmnet_rx_doorbell(). */
bool shmnet_rx_publish(struct shmnet_rx *rx);
__u32 shmnet_rx_doorbell(const struct shmnet_rx *rx);
void shmnet_rx_arm(struct shmnet_rx *rx);
__u32 shmnet_rx_consumed(const struct shmnet_rx *rx);
/* Any thread, beside the one that receives: its words are then of nearly the same moment. */
void shmnet_rx_view(const struct shmnet_rx *rx, struct shmnet_ring_view *view);

/* ---- Casting: one lock for all casts of this node -------------------------------------------- */

/* Names the memory for a cast of @len bytes, at most frame_max; then publish it. */
void *shmnet_cast_begin(struct shmnet_core *core, __u32 network, __u32 tape, __u32 len,
			__u32 flags);
bool shmnet_cast_publish(struct shmnet_core *core);

/* After publishing on @tape, for each living peer: what to ring, or SHMNET_NO_DOORBELL. */
__u32 shmnet_cast_doorbell(const struct shmnet_core *core, __u32 network, __u32 slot, __u32 tape);

/* ---- Groups and their tapes: any context ----------------------------------------------------- */

/* See struct shmnet_tape. */
__u64 shmnet_tape_label(const struct shmnet_core *core, __u32 network, __u32 tape);
/* The tape of a group, an address of 48 bits; 0 if it has none. */
__u32 shmnet_tape_find(const struct shmnet_core *core, __u32 network, __u64 group);
/* Gives a group without a tape one. False: none is free, or another node was faster. */
bool shmnet_tape_claim(struct shmnet_core *core, __u32 network, __u64 group);
/* Gives back a tape whose label is still @label. */
bool shmnet_tape_release(struct shmnet_core *core, __u32 network, __u32 tape, __u64 label);

/* ---- Reading tapes: NAPI --------------------------------------------------------------------- */

size_t shmnet_reader_size(void);
struct shmnet_reader *shmnet_reader_init(void *memory, const struct shmnet_core *core,
					 __u32 network, __u32 tape);
/* From now on: what is on the tape already is not read. */
void shmnet_reader_start(struct shmnet_reader *reader);
/*
 * A look at the label of a group's tape, which the first returns; the second, told whether this node
 * has joined that group, says whether to read the tape until the next look.
 */
__u64 shmnet_reader_look(struct shmnet_reader *reader);
bool shmnet_reader_follow(struct shmnet_reader *reader, bool wanted);
enum shmnet_receive shmnet_reader_next(struct shmnet_reader *reader, struct shmnet_cast_view *cast);
/* Whether there is something to look at. */
bool shmnet_reader_waiting(const struct shmnet_reader *reader);
/* After the copy: whether the bytes stood meanwhile. Moves on either way. */
bool shmnet_reader_confirm(struct shmnet_reader *reader);
__u64 shmnet_reader_missed(const struct shmnet_reader *reader);
/* The sequence that is read next, and the one that is written next; any thread, to be shown. */
__u64 shmnet_reader_position(const struct shmnet_reader *reader);
__u64 shmnet_reader_head(const struct shmnet_reader *reader);
/* @tapes: SHMNET_CAST_BIT() of those whose writers shall ring. Then a full fence, and look again. */
void shmnet_core_arm_casts(struct shmnet_core *core, __u32 network, __u32 doorbell, __u32 tapes);
void shmnet_core_disarm_casts(struct shmnet_core *core, __u32 network);

#ifdef __cplusplus
}
#endif

#endif /* SHMNET_CORE_H */
