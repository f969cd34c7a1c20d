// SPDX-License-Identifier: GPL-2.0-only
/*
 * Multicast groups: which of them this interface has joined, which tapes it therefore reads, and
 * which tape a frame for a group goes onto.
 *
 * A group that is sent to often gets a tape of its own, and all nodes are told. Who has joined it
 * reads that tape from where it was when labels were last looked at: what was cast since then is
 * heard, though the label was seen later (core/groups.hh). All other groups share the broadcast
 * tape, and are dropped there by whoever has not joined them. In a hardened region no group has a
 * tape: each node's casts are all on that node's own.
 */
#include "shmnet.h"

#include <linux/hash.h>

/* More than this many and an interface takes all groups. */
#define JOINED_MAX	256
/* A group gets a tape with this many frames of one node in a second ... */
#define CLAIM_FRAMES	4
/* ... and loses it when nobody has written there for so long; tests cannot wait that long. */
#ifdef SHMNET_FAULT_BUILD
#define IDLE		(2 * HZ)
#else
#define IDLE		(60 * HZ)
#endif

/* What the interface has joined. */
struct shmnet_joined {
	struct rcu_head rcu;
	u32 count;
	u64 group[];
};

static bool is_joined(const struct shmnet_joined *joined, u64 group)
{
	u32 i;

	if (!joined)
		return true;
	for (i = 0; i < joined->count; i++)
		if (joined->group[i] == group)
			return true;
	return false;
}

/* Whether frames to a multicast address are for this interface. NAPI. */
bool shmnet_group_joined(const struct shmnet_net *net, const u8 *mac)
{
	bool result;

	rcu_read_lock();
	result = is_joined(rcu_dereference(net->joined), ether_addr_to_u64(mac));
	rcu_read_unlock();
	return result;
}

/* ndo_set_rx_mode: under the address lock, with BH disabled. */
void shmnet_set_rx_mode(struct net_device *dev)
{
	struct shmnet_net *net = netdev_priv(dev);
	struct shmnet_joined *joined = NULL, *old;
	u32 count = netdev_mc_count(dev);
	struct netdev_hw_addr *address;

	/* Without a list, for whatever reason: everything. */
	if (!(dev->flags & (IFF_PROMISC | IFF_ALLMULTI)) && count <= JOINED_MAX)
		joined = kmalloc(struct_size(joined, group, count), GFP_ATOMIC);
	if (joined) {
		joined->count = 0;
		netdev_for_each_mc_addr(address, dev)
			joined->group[joined->count++] = ether_addr_to_u64(address->addr);
	}
	old = rcu_replace_pointer(net->joined, joined, true);
	if (old)
		kfree_rcu(old, rcu);
	if (READ_ONCE(net->running))
		shmnet_look(net);
}

/* Has NAPI look at the labels. Any context but hard interrupts. */
void shmnet_look(struct shmnet_net *net)
{
	WRITE_ONCE(net->look, true);
	shmnet_scan(net, BIT_ULL(net->device->slot));
}

/* Finds what is to be read, and gives back what nobody uses. NAPI. */
void shmnet_look_at_tapes(struct shmnet_net *net)
{
	struct shmnet_core *core = net->device->core;
	const struct shmnet_joined *joined;
	bool changed = false;
	u32 tape;

	WRITE_ONCE(net->look, false);
	/* No tape there is a group's: what is read stays as it is. */
	if (net->device->info.hardened)
		return;
	rcu_read_lock();
	joined = rcu_dereference(net->joined);
	for (tape = 1; tape < net->info.tapes; tape++) {
		struct shmnet_tape_reader *reader = &net->tapes[tape];
		u64 label = shmnet_reader_look(reader->core);
		u64 group = label >> SHMNET_TAPE_GROUP_SHIFT;
		bool reading = shmnet_reader_follow(reader->core,
						    group && is_joined(joined, group));

		changed |= reading != reader->reading;
		WRITE_ONCE(reader->reading, reading);
		if (label != reader->label ||
		    shmnet_reader_position(reader->core) != reader->position) {
			reader->label = label;
			reader->position = shmnet_reader_position(reader->core);
			reader->moved = jiffies;
		} else if (group && time_after(jiffies, reader->moved + IDLE)) {
			SHMNET_AT(group_G3);
			shmnet_tape_release(core, net->index, tape, label);
			SHMNET_AT(group_G4);
		}
	}
	rcu_read_unlock();
	/* Doorbells were asked for on other tapes: ask anew. */
	if (changed)
		shmnet_disarm_casts(net);
}

void shmnet_disarm_casts(struct shmnet_net *net)
{
	if (net->casts_armed)
		shmnet_core_disarm_casts(net->device->core, net->index);
	net->casts_armed = false;
}

/* Asks for doorbells on all tapes that are read. The caller fences, and looks again. */
void shmnet_arm_casts(struct shmnet_net *net)
{
	u32 tape, bits = 0;

	for (tape = 0; tape < net->info.tapes; tape++)
		if (net->tapes[tape].reading)
			bits |= SHMNET_CAST_BIT(tape);
	shmnet_core_arm_casts(net->device->core, net->index,
			      shmnet_own_doorbell(net, net->device->slot), bits);
	net->casts_armed = true;
}

bool shmnet_casts_waiting(const struct shmnet_net *net)
{
	u32 tape;

	for (tape = 0; tape < net->info.tapes; tape++)
		if (net->tapes[tape].reading && shmnet_reader_waiting(net->tapes[tape].core))
			return true;
	return false;
}

/* The tape for a frame to a multicast address. Under device->cast_lock. */
u32 shmnet_group_tape(struct shmnet_net *net, const u8 *mac)
{
	struct shmnet_device *device = net->device;
	u64 group = ether_addr_to_u64(mac);
	struct shmnet_sent_group *sent = &net->sent[hash_64(group, SHMNET_SENT_BITS)];
	u32 slot;

	if (is_broadcast_ether_addr(mac) || device->info.hardened)
		return shmnet_broadcast_tape(net);
	if (sent->group != group)
		*sent = (struct shmnet_sent_group){ .group = group, .since = jiffies };
	if (sent->tape &&
	    shmnet_tape_label(device->core, net->index, sent->tape) >> SHMNET_TAPE_GROUP_SHIFT ==
		    group)
		return sent->tape;

	sent->tape = shmnet_tape_find(device->core, net->index, group);
	if (sent->tape)
		return sent->tape;
	if (time_after(jiffies, sent->since + HZ)) {
		sent->since = jiffies;
		sent->frames = 0;
	}
	if (++sent->frames < CLAIM_FRAMES ||
	    !shmnet_tape_claim(device->core, net->index, group))
		return 0;
	SHMNET_AT(group_G2);
	sent->tape = shmnet_tape_find(device->core, net->index, group);
	for (slot = 0; slot < device->info.nodes; slot++)
		if (!shmnet_is_own(net, slot))
			shmnet_ring_directory(device, slot);
	return sent->tape;
}

/* A reader for each tape; only the broadcast tape is read before labels were looked at. */
int shmnet_tapes_create(struct shmnet_net *net)
{
	size_t size = shmnet_reader_size();
	u32 tape;
	u8 *memory;

	net->tapes = kvcalloc(net->info.tapes, sizeof(*net->tapes), GFP_KERNEL);
	net->reader_memory = kvcalloc(net->info.tapes, size, GFP_KERNEL);
	if (!net->tapes || !net->reader_memory)
		return -ENOMEM;
	memory = net->reader_memory;
	for (tape = 0; tape < net->info.tapes; tape++)
		net->tapes[tape].core = shmnet_reader_init(memory + tape * size, net->device->core,
							   net->index, tape);
	return 0;
}

void shmnet_tapes_destroy(struct shmnet_net *net)
{
	kvfree(net->tapes);
	kvfree(net->reader_memory);
	net->tapes = NULL;
	net->reader_memory = NULL;
}

/* Before NAPI is enabled: nothing that is on the tapes already is read. */
void shmnet_tapes_start(struct shmnet_net *net)
{
	u32 broadcasts = shmnet_broadcast_tape(net);
	u32 tape;

	for (tape = 0; tape < net->info.tapes; tape++) {
		struct shmnet_tape_reader *reader = &net->tapes[tape];

		shmnet_reader_start(reader->core);
		/* Hardened: all but this node's own. */
		reader->reading = (tape == broadcasts) != net->device->info.hardened;
		reader->label = shmnet_tape_label(net->device->core, net->index, tape);
		reader->position = shmnet_reader_position(reader->core);
		reader->moved = jiffies;
	}
	net->casts_armed = false;
	net->look = true;
}

/* The interface is unregistered. */
void shmnet_joined_free(struct shmnet_net *net)
{
	kfree(rcu_dereference_protected(net->joined, true));
}
