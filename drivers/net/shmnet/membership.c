// SPDX-License-Identifier: GPL-2.0-only
/*
 * Membership: claiming a slot, the tick that shows life and looks at the others, and making the
 * rings what the directory says they should be.
 *
 * The directory is the truth and the tick compares with it; a doorbell on vector 0 or a command
 * frame only makes that happen earlier.
 */
#include "shmnet.h"

#include "events.h"

#include <linux/delay.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <linux/utsname.h>

#define TICK		(SHMNET_HEARTBEAT_MS * HZ / 1000)
/* How long a slot that bears this machine's own identity is watched before it is taken over. */
#define DETECTION_MS	1100
#define CLAIM_TRIES	16
#define FDB_TICKS	100
#define REJOIN_RETRY	(10 * HZ)
/* Jiffies: a look at the directory that is asked for costs so many, and so many may be owed. */
#define LOOK_COST	(HZ / 50 ?: 1)
#define LOOKS_CREDIT	(HZ)

static struct workqueue_struct *workqueue;

int shmnet_membership_init(void)
{
	/* The heartbeat must go on while other work sleeps, or while the CPU is busy. */
	workqueue = alloc_workqueue(SHMNET_NAME, WQ_HIGHPRI | WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	return workqueue ? 0 : -ENOMEM;
}

void shmnet_membership_exit(void)
{
	destroy_workqueue(workqueue);
}

/*
 * Whether the owner of the slot found shows life within the detection period. False may also mean
 * that the slot has become another machine's: then it cannot be claimed with what was found.
 */
static bool owner_lives(struct shmnet_device *device, const struct shmnet_slot_search *found)
{
	struct shmnet_slot_search now;
	unsigned long end = jiffies + msecs_to_jiffies(DETECTION_MS);

	pci_info(device->pdev, "slot %u bears this machine's identity: waiting to see whether its owner lives\n",
		 found->slot);
	SHMNET_AT(membership_W);
	while (time_before(jiffies, end)) {
		msleep(SHMNET_HEARTBEAT_MS);
		if (shmnet_core_shows_life(device->core, found)) {
			shmnet_core_find_slot(device->core, &device->identity, &now);
			return now.outcome == SHMNET_SLOT_OWN_CLAIMED && now.slot == found->slot;
		}
	}
	return false;
}

static void say_who_lives(struct shmnet_device *device, u32 slot)
{
	if (device->info.hardened)
		pci_err(device->pdev,
			"a living node uses part %u: give each guest a part of its own\n", slot);
	else
		pci_err(device->pdev,
			"a living node in slot %u has this machine's identity (UUID %pUb, device %s): give each machine a UUID of its own\n",
			slot, device->identity.machine, pci_name(device->pdev));
}

/* Claims a slot. Process context, for up to a second; says why it fails. */
int shmnet_claim(struct shmnet_device *device)
{
	struct shmnet_slot_search found;
	int tries;

	for (tries = 0; tries < CLAIM_TRIES; tries++) {
		SHMNET_AT(membership_S);
		shmnet_core_find_slot(device->core, &device->identity, &found);
		if (found.outcome == SHMNET_SLOT_FULL) {
			pci_err(device->pdev,
				"all %u slots of the region are taken: make one for more nodes (shmnet-hub --nodes)\n",
				device->info.nodes);
			return -ENOSPC;
		}
		if (found.outcome == SHMNET_SLOT_OWN_CLAIMED && owner_lives(device, &found)) {
			say_who_lives(device, found.slot);
			return -EADDRINUSE;
		}
		if (shmnet_core_claim(device->core, &found, &device->identity)) {
			device->slot = shmnet_core_slot(device->core);
			device->incarnation = shmnet_core_incarnation(device->core);
			return 0;
		}
	}
	pci_err(device->pdev, "other nodes change the claims of this region without end: try again\n");
	return -EBUSY;
}

/* Shows the entry and starts the tick. Vectors are there, a slot is claimed; device->lock. */
static void join(struct shmnet_device *device)
{
	struct shmnet_node entry = {
		.peer = device->peer_id,
		.vectors = device->vectors,
	};
	u32 i;

	strscpy(entry.name, init_utsname()->nodename, sizeof(entry.name));
	shmnet_core_publish(device->core, &entry);
	for (i = 0; i < device->info.networks; i++)
		if (device->net[i] && device->net[i]->services)
			shmnet_services_show(device->net[i]);
	device->joined = true;
	WRITE_ONCE(device->tick_due, jiffies);
	device->looks_paid = jiffies;
	queue_delayed_work(workqueue, &device->tick, 0);
}

/*
 * Looks at the directory soon: at once, but not more than once a jiffy. Any context. Who is asked
 * without end (a storm of doorbells, a flood of commands) spends no more on it than a bit's test,
 * and one look in LOOK_COST.
 */
void shmnet_check_now(struct shmnet_device *device)
{
	unsigned long now = jiffies, due = READ_ONCE(device->look_due);
	unsigned long tick_due = READ_ONCE(device->tick_due);

	if (test_and_set_bit(0, &device->asked))
		return;
	if (time_after(due, tick_due))
		due = tick_due;
	mod_delayed_work(workqueue, &device->tick, time_after(due, now) ? due - now : 0);
}

/* A look at @now; device->lock. */
static void pay_look(struct shmnet_device *device, unsigned long now)
{
	unsigned long due;

	if (time_before(device->looks_paid, now))
		device->looks_paid = now;
	device->looks_paid += LOOK_COST;
	due = device->looks_paid - LOOKS_CREDIT;
	WRITE_ONCE(device->look_due, time_after(due, now) ? due : now + 1);
}

static bool takes_part(const struct shmnet_net *net, u32 slot)
{
	u32 state = shmnet_core_network_state(net->device->core, slot, net->index);

	return state == SHMNET_STATE_UP || state == SHMNET_STATE_DRAINING;
}

static void reconcile(struct shmnet_net *net, u32 slot)
{
	struct shmnet_device *device = net->device;
	const struct shmnet_core *core = device->core;
	bool up = net->running && shmnet_core_peer_alive(core, slot) && takes_part(net, slot);

	WRITE_ONCE(net->rx[slot].wanted, up ? shmnet_core_peer_incarnation(core, slot) : 0);
	shmnet_tx_reconcile(net, slot, up);
}

/* The incarnation of a node that takes part in this network, or 0. Any context. */
u32 shmnet_active_incarnation(const struct shmnet_net *net, u32 slot)
{
	if (slot >= net->device->info.nodes)
		return 0;
	if (shmnet_is_own(net, slot))
		return READ_ONCE(net->running) ? net->device->incarnation : 0;
	return takes_part(net, slot) ? shmnet_core_living(net->device->core, slot) : 0;
}

/* Likewise of a node that shows life. Any context. */
u32 shmnet_expected_incarnation(const struct shmnet_net *net, u32 slot)
{
	u32 incarnation = shmnet_active_incarnation(net, slot);

	return incarnation != READ_ONCE(net->device->suspected[slot]) ? incarnation : 0;
}

/* Of all slots, those that there are not, too. Any context. */
void shmnet_active_incarnations(const struct shmnet_net *net, u32 incarnations[SHMNET_NODES_MAX])
{
	u32 slot;

	for (slot = 0; slot < SHMNET_NODES_MAX; slot++)
		incarnations[slot] = shmnet_active_incarnation(net, slot);
}

static bool is_draining(const struct shmnet_net *net, u32 slot)
{
	return shmnet_is_own(net, slot) ?
		       READ_ONCE(net->draining) :
		       shmnet_core_network_state(net->device->core, slot, net->index) ==
			       SHMNET_STATE_DRAINING;
}

/* Likewise of a node that is given new flows. Any context. */
u32 shmnet_inviting_incarnation(const struct shmnet_net *net, u32 slot)
{
	return is_draining(net, slot) ? 0 : shmnet_expected_incarnation(net, slot);
}

static void update_carrier(struct shmnet_net *net)
{
	/* A global adapter is its own peer. */
	bool connected = shmnet_is_global(net);
	u32 slot;

	for (slot = 0; slot < net->device->info.nodes; slot++)
		connected |= READ_ONCE(net->tx[slot].connected);
	if (connected == netif_carrier_ok(net->dev))
		return;
	if (connected)
		netif_carrier_on(net->dev);
	else
		netif_carrier_off(net->dev);
}

static u32 last_hello(const struct shmnet_device *device, u32 slot)
{
	u32 i, hello = 0;

	for (i = 0; i < device->info.networks; i++)
		if (device->net[i] && READ_ONCE(device->net[i]->hello[slot]))
			hello = READ_ONCE(device->net[i]->hello[slot]);
	return hello;
}

static void check_peer(struct shmnet_device *device, u32 slot, enum shmnet_check check)
{
	u32 before = shmnet_core_peer_incarnation(device->core, slot);
	bool witnessed;
	u32 i;

	switch (shmnet_core_check_peer(device->core, slot, check, last_hello(device, slot))) {
	case SHMNET_PEER_CAME:
		WRITE_ONCE(device->suspected[slot], 0);
		if (__ratelimit(&device->log_limit))
			pci_info(device->pdev, "node %u is up, incarnation %u\n", slot,
				 shmnet_core_peer_incarnation(device->core, slot));
		shmnet_tell_node(device, SHMNET_EVENT_NODE_CAME, slot,
				 shmnet_core_peer_incarnation(device->core, slot));
		break;
	case SHMNET_PEER_GONE:
		witnessed = shmnet_core_witnessed_dead(device->core, slot, before);
		if (__ratelimit(&device->log_limit))
			pci_info(device->pdev, "node %u, incarnation %u, %s\n", slot, before,
				 witnessed ? "has died: its guest ended" :
					     "has left or was replaced");
		shmnet_tell_node(device,
				 witnessed ? SHMNET_EVENT_NODE_DIED : SHMNET_EVENT_NODE_LEFT,
				 slot, before);
		break;
	case SHMNET_PEER_DIED:
		WRITE_ONCE(device->suspected[slot], before);
		if (__ratelimit(&device->log_limit))
			pci_warn(device->pdev, "node %u, incarnation %u, shows no life: disconnected\n",
				 slot, before);
		shmnet_tell_node(device, SHMNET_EVENT_NODE_SUSPECTED, slot, before);
		break;
	case SHMNET_PEER_SAME:
		break;
	}
	for (i = 0; i < device->info.networks; i++)
		if (device->net[i])
			reconcile(device->net[i], slot);
}

static void tick(struct work_struct *work)
{
	struct shmnet_device *device = container_of(work, struct shmnet_device, tick.work);
	enum shmnet_check check = SHMNET_CHECK_EXTRA;
	unsigned long now = jiffies;
	bool expire;
	u32 slot, i;

	clear_bit(0, &device->asked);
	/* Pairs with the bit's test in shmnet_check_now(): who comes later is looked at later. */
	smp_mb__after_atomic();
	mutex_lock(&device->lock);
	if (!device->joined || device->leaving)
		goto unlock;
	if (time_after_eq(now, device->tick_due)) {
		check = time_after(now, device->tick_due + TICK) ? SHMNET_CHECK_LATE
								 : SHMNET_CHECK_TICK;
		WRITE_ONCE(device->tick_due, now + TICK);
		shmnet_core_beat(device->core);
	}
	pay_look(device, now);
	SHMNET_AT(membership_R2);
	if (!shmnet_core_owns_slot(device->core)) {
		queue_delayed_work(workqueue, &device->rejoin, 0);
		goto unlock;
	}
	for (slot = 0; slot < device->info.nodes; slot++)
		if (slot != device->slot)
			check_peer(device, slot, check);
	expire = check != SHMNET_CHECK_EXTRA && ++device->ticks % FDB_TICKS == 0;
	for (i = 0; i < device->info.networks; i++) {
		struct shmnet_net *net = device->net[i];

		if (!net || !net->running)
			continue;
		update_carrier(net);
		WRITE_ONCE(net->look, true);
		shmnet_scan(net, shmnet_all_slots(net));
		if (expire)
			shmnet_fdb_expire(&net->fdb);
		if (net->services)
			shmnet_services_look(net);
	}
	SHMNET_AT(membership_R3);
	queue_delayed_work(workqueue, &device->tick,
			   time_after(device->tick_due, jiffies) ? device->tick_due - jiffies : 0);
unlock:
	mutex_unlock(&device->lock);
}

/* Stops the interfaces, which stay up as the user sees them. Under rtnl. */
static void stop_interfaces(struct shmnet_device *device)
{
	u32 i;

	mutex_lock(&device->lock);
	device->joined = false;
	for (i = 0; i < device->info.networks; i++) {
		struct shmnet_net *net = device->net[i];

		if (!net || !net->running)
			continue;
		netif_device_detach(net->dev);
		netif_tx_disable(net->dev);
		synchronize_net();
		shmnet_net_stop(net);
	}
	mutex_unlock(&device->lock);
}

/* Makes an interface fit the slot that was claimed anew. Under rtnl. */
static int renew_interface(struct shmnet_net *net, u32 old_slot)
{
	u8 old[ETH_ALEN];
	struct sockaddr address = { .sa_family = ARPHRD_ETHER };
	int err;

	shmnet_rings_destroy(net);
	err = shmnet_rings_create(net);
	if (err)
		return err;
	shmnet_node_mac(net->device, net->index, old_slot, old);
	shmnet_node_mac(net->device, net->index, net->device->slot, address.sa_data);
	if (shmnet_is_global(net)) {
		eth_hw_addr_set(net->dev, address.sa_data);
		return 0;
	}
	/* One that the user set stays. */
	if (ether_addr_equal(net->dev->dev_addr, old) && net->device->slot != old_slot)
		err = dev_set_mac_address(net->dev, &address, NULL);
	return err;
}

/* Claims a slot and starts the interfaces again. Process context, without rtnl. */
static int rejoin(struct shmnet_device *device)
{
	u32 old_slot = device->slot;
	int err;
	u32 i;

	/*
	 * If the claim is this node's still, it was the entry that somebody wrote over: given up,
	 * the slot is found free, and nobody is waited for who might live there.
	 */
	shmnet_core_release(device->core);
	SHMNET_AT(membership_J2);
	err = shmnet_claim(device);
	if (err)
		return err;
	SHMNET_AT(membership_J3);
	rtnl_lock();
	for (i = 0; i < device->info.networks && !err; i++)
		if (device->net[i])
			err = renew_interface(device->net[i], old_slot);
	mutex_lock(&device->lock);
	if (!err && !device->leaving) {
		SHMNET_AT(membership_J4);
		join(device);
		shmnet_tell_node(device, SHMNET_EVENT_REJOINED, device->slot,
				 device->incarnation);
		for (i = 0; i < device->info.networks; i++) {
			struct shmnet_net *net = device->net[i];

			if (!net)
				continue;
			shmnet_count(&net->counters, rejoins);
			if (netif_running(net->dev))
				shmnet_net_start(net);
			netif_device_attach(net->dev);
		}
	}
	mutex_unlock(&device->lock);
	rtnl_unlock();
	if (err)
		shmnet_core_release(device->core);
	return err;
}

/*
 * The slot is not this incarnation's any more: witnessed dead, given away, a snapshot restored,
 * or scribbled over. Stops everything, and joins as a new incarnation.
 */
static void rejoin_work(struct work_struct *work)
{
	struct shmnet_device *device = container_of(work, struct shmnet_device, rejoin.work);

	if (READ_ONCE(device->leaving))
		return;
	if (device->joined)
		pci_warn(device->pdev, "slot %u is not this node's any more: joining anew\n",
			 device->slot);
	SHMNET_AT(membership_J1);
	rtnl_lock();
	stop_interfaces(device);
	rtnl_unlock();
	if (rejoin(device) && !READ_ONCE(device->leaving))
		queue_delayed_work(workqueue, &device->rejoin, REJOIN_RETRY);
}

/* Joins for the first time; then the interfaces may be made. */
void shmnet_join(struct shmnet_device *device)
{
	mutex_lock(&device->lock);
	join(device);
	mutex_unlock(&device->lock);
}

/* Leaves in order; the interfaces are gone. */
void shmnet_leave(struct shmnet_device *device)
{
	mutex_lock(&device->lock);
	device->leaving = true;
	mutex_unlock(&device->lock);
	cancel_delayed_work_sync(&device->tick);
	cancel_delayed_work_sync(&device->rejoin);
	device->joined = false;
	shmnet_core_release(device->core);
	SHMNET_AT(membership_L6);
	shmnet_ring_directories(device);
}

/* Shutdown and suspend: stops the interfaces and leaves. */
void shmnet_suspend(struct shmnet_device *device)
{
	rtnl_lock();
	stop_interfaces(device);
	rtnl_unlock();
	shmnet_leave(device);
}

/* The device is the caller's again even if it cannot join at once: then it goes on trying. */
int shmnet_resume(struct shmnet_device *device)
{
	device->leaving = false;
	if (rejoin(device))
		queue_delayed_work(workqueue, &device->rejoin, REJOIN_RETRY);
	return 0;
}

void shmnet_device_init(struct shmnet_device *device)
{
	mutex_init(&device->lock);
	spin_lock_init(&device->cast_lock);
	ratelimit_state_init(&device->log_limit, HZ, SHMNET_LOG_LINES);
	INIT_DELAYED_WORK(&device->tick, tick);
	INIT_DELAYED_WORK(&device->rejoin, rejoin_work);
	INIT_DELAYED_WORK(&device->unmask, shmnet_unmask);
}
