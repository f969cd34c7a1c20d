// SPDX-License-Identifier: GPL-2.0-only
/*
 * What nodes offer on a global network. This node's services are set over netlink, and told in its
 * part; those of others are read when their sequence changes, and of all of them a table is made
 * that says whom a new flow is given to (core/service_table.hh).
 */
#include "shmnet.h"

#include <linux/random.h>
#include <linux/slab.h>

/* Jiffies, at least: from one table to the next, and behind one that there was no memory for. */
#define MAKE_INTERVAL	(HZ / 100 ?: 1)
#define MAKE_AGAIN	HZ

/* Of a node that lives, and has said something; else 0. */
static u64 sequence_of(const struct shmnet_net *net, u32 slot)
{
	const struct shmnet_core *core = net->device->core;
	u32 incarnation = shmnet_core_living(core, slot);
	u64 sequence = shmnet_core_services_sequence(core, net->index, slot);

	return incarnation && sequence >> 32 == incarnation ? sequence : 0;
}

static bool has_changed(const struct shmnet_services_told *told, u64 sequence)
{
	/* Odd: somebody is just about to say it. */
	return sequence != told->sequence && !(sequence & 1);
}

/* Shows them anew in the part of this node, which has joined. Under device->lock. */
void shmnet_services_show(struct shmnet_net *net)
{
	const struct shmnet_services_told *own = &net->services->own;

	if (!own->sequence)
		return;
	shmnet_core_publish_services(net->device->core, net->index, own->services, own->count);
	/* Its incarnation may be another by now. */
	mod_delayed_work(system_wq, &net->services->making, 0);
}

static void forget(struct shmnet_services_told *told)
{
	kvfree(told->services);
	*told = (struct shmnet_services_told){};
}

/* The interface has gone to another namespace: what was offered, programs of the last one did. */
static void withdraw(struct shmnet_net *net)
{
	forget(&net->services->own);
	shmnet_core_withdraw_services(net->device->core, net->index);
	shmnet_ring_directories(net->device);
	mod_delayed_work(system_wq, &net->services->making, 0);
}

/* The tick: has a table made if somebody has said something new. Under device->lock. */
void shmnet_services_look(struct shmnet_net *net)
{
	struct shmnet_net_services *services = net->services;
	bool changed = false;
	u32 slot;

	if (services->own.sequence && services->namespace != dev_net(net->dev)->net_cookie)
		withdraw(net);
	if (shmnet_core_services_lost(net->device->core, net->index))
		shmnet_services_show(net);
	for (slot = 0; slot < net->device->info.nodes; slot++)
		changed |= !shmnet_is_own(net, slot) &&
			   has_changed(&services->told[slot], sequence_of(net, slot));
	if (changed)
		schedule_delayed_work(&services->making,
				      time_before(jiffies, services->made + MAKE_INTERVAL) ?
					      MAKE_INTERVAL : 0);
}

/* @buffer: of SHMNET_SERVICES_MAX. What cannot be had now is as it was, and looked at again. */
static void read_services(struct shmnet_net *net, u32 slot, struct shmnet_service *buffer)
{
	struct shmnet_services_told *told = &net->services->told[slot];
	struct shmnet_service *copy;
	u64 sequence = sequence_of(net, slot);
	u32 count = 0;

	if (!has_changed(told, sequence))
		return;
	if (sequence && !shmnet_core_read_services(net->device->core, net->index, slot, sequence,
						   buffer, &count))
		return;
	copy = kvmalloc_array(max(count, 1u), sizeof(*copy), GFP_KERNEL);
	if (!copy)
		return;
	memcpy(copy, buffer, count * sizeof(*copy));
	forget(told);
	told->sequence = sequence;
	told->services = copy;
	told->count = count;
}

/* What is known of a slot: of this node what was set here, whatever its part says. */
const struct shmnet_services_told *shmnet_services_of(const struct shmnet_net *net, u32 slot)
{
	return shmnet_is_own(net, slot) ? &net->services->own : &net->services->told[slot];
}

/* The table of all that is known; NULL if nobody has said anything. False: no memory. */
static bool make_table(const struct shmnet_net *net, struct shmnet_service_table **table)
{
	u32 offers = 0, slot;
	bool told = false;
	void *memory;

	*table = NULL;
	for (slot = 0; slot < net->device->info.nodes; slot++) {
		offers += shmnet_services_of(net, slot)->count;
		told |= shmnet_services_of(net, slot)->sequence;
	}
	if (!told)
		return true;
	memory = kvzalloc(shmnet_service_table_size(offers), GFP_KERNEL);
	if (!memory)
		return false;
	*table = shmnet_service_table_init(memory, offers, net->services->secret,
					   net->device->info.format);
	for (slot = 0; slot < net->device->info.nodes; slot++) {
		const struct shmnet_services_told *said = shmnet_services_of(net, slot);
		u64 sequence = said->sequence;

		if (shmnet_is_own(net, slot))
			sequence |= (u64)net->device->incarnation << 32;
		shmnet_service_table_add(*table, slot, sequence, said->services, said->count);
	}
	return true;
}

static void make(struct work_struct *work)
{
	struct shmnet_net_services *services =
		container_of(to_delayed_work(work), struct shmnet_net_services, making);
	struct shmnet_net *net = services->net;
	struct shmnet_service_table *table, *before = NULL;
	struct shmnet_service *buffer = kvmalloc_array(SHMNET_SERVICES_MAX, sizeof(*buffer),
						       GFP_KERNEL);
	bool made;
	u32 slot;

	mutex_lock(&net->device->lock);
	for (slot = 0; buffer && slot < net->device->info.nodes; slot++)
		if (!shmnet_is_own(net, slot))
			read_services(net, slot, buffer);
	made = make_table(net, &table);
	services->made = jiffies;
	if (made) {
		before = rcu_dereference_protected(services->table,
						   lockdep_is_held(&net->device->lock));
		if (before && table)
			shmnet_service_table_carry_on(table, before);
		rcu_assign_pointer(services->table, table);
	}
	mutex_unlock(&net->device->lock);
	if (!buffer || !made)
		schedule_delayed_work(&services->making, MAKE_AGAIN);
	kvfree(buffer);
	if (before) {
		synchronize_rcu();
		kvfree(before);
	}
}

/*
 * Replaces what this node offers, by programs of @namespace. @services is the callee's, and was
 * checked. Under device->lock; other nodes hear of it at once.
 */
void shmnet_services_set(struct shmnet_net *net, const struct net *namespace,
			 struct shmnet_service *services, u32 count)
{
	struct shmnet_device *device = net->device;
	struct shmnet_services_told *own = &net->services->own;
	u32 sequence = own->sequence + 1 ?: 1;

	forget(own);
	own->sequence = sequence;
	own->services = services;
	own->count = count;
	net->services->namespace = namespace->net_cookie;
	/* Otherwise when it joins. */
	if (device->joined) {
		shmnet_services_show(net);
		shmnet_ring_directories(device);
	}
}

int shmnet_services_create(struct shmnet_net *net)
{
	struct shmnet_net_services *services = kvzalloc(sizeof(*services), GFP_KERNEL);

	if (!services)
		return -ENOMEM;
	services->net = net;
	services->made = jiffies - MAKE_INTERVAL;
	get_random_bytes(services->secret, sizeof(services->secret));
	INIT_DELAYED_WORK(&services->making, make);
	net->services = services;
	return 0;
}

/* Nothing is sent any more, and the tick has stopped. */
void shmnet_services_destroy(struct shmnet_net *net)
{
	struct shmnet_net_services *services = net->services;
	u32 slot;

	if (!services)
		return;
	cancel_delayed_work_sync(&services->making);
	for (slot = 0; slot < SHMNET_NODES_MAX; slot++)
		forget(&services->told[slot]);
	forget(&services->own);
	kvfree(rcu_dereference_protected(services->table, true));
	kvfree(services);
	net->services = NULL;
}
