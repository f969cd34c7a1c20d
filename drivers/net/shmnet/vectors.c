// SPDX-License-Identifier: GPL-2.0-only
/*
 * Doorbells: which vector speaks for which rings, and what is done when one rings without end.
 *
 * A doorbell comes because a ring or the tapes asked for it, once for each time that they did. What
 * comes beyond is nobody's need, and costs this node an interrupt that any peer can cause. A vector
 * that has too many of them is masked for a while, in which the interfaces look by the timer at the
 * rings that it speaks for.
 */
#include "shmnet.h"

#include <linux/interrupt.h>

#define REGISTER_IV_POSITION	8
#define REGISTER_DOORBELL	12

/* Doorbells that nobody asked for, of one vector, beside one for each node that may come ... */
#define UNCALLED_MAX		32
/* ... in such a time, jiffies. */
#define UNCALLED_WINDOW		(HZ / 20)
/* Of one slot at a time: for frames, for what was read, and for room. */
#define CALLS			3
/* Jiffies for which a vector that had more is masked. */
#define MASKED			(HZ / 4)

/*
 * The vectors behind the first are shared by the rings of all networks in turn. An index of an
 * interface's own slot stands for its tapes.
 */
static u32 vector_of(const struct shmnet_device *device, u32 network, u32 slot)
{
	u32 rings = device->vectors - 1;

	return rings ? 1 + (network * device->info.nodes + slot) % rings : 0;
}

/* What peers ring to say that there is something from @slot; own slot: a cast. */
u32 shmnet_own_doorbell(const struct shmnet_net *net, u32 slot)
{
	if (net->device->peer_id == SHMNET_NO_PEER || READ_ONCE(net->polling))
		return SHMNET_NO_DOORBELL;
	return SHMNET_DOORBELL(net->device->peer_id, vector_of(net->device, net->index, slot));
}

void shmnet_ring(struct shmnet_device *device, u32 doorbell, struct shmnet_counters *counters)
{
	if (doorbell == SHMNET_NO_DOORBELL || !device->vectors)
		return;
	shmnet_count(counters, doorbells_sent);
	/* The region is ordinary memory: what was stored there is seen before the device acts. */
	iowrite32(doorbell, device->registers + REGISTER_DOORBELL);
}

/* Tells a node that the directory, or a ring's state, has changed. Process or NAPI context. */
void shmnet_ring_directory(struct shmnet_device *device, u32 slot)
{
	u32 peer = shmnet_core_doorbell_peer(device->core, slot);

	if (device->vectors && peer != SHMNET_NO_PEER)
		iowrite32(SHMNET_DOORBELL(peer, SHMNET_VECTOR_DIRECTORY),
			  device->registers + REGISTER_DOORBELL);
}

/* All others look at the directory. */
void shmnet_ring_directories(struct shmnet_device *device)
{
	u32 slot;

	for (slot = 0; slot < device->info.nodes; slot++)
		if (slot != device->slot)
			shmnet_ring_directory(device, slot);
}

/* A ring to or from @slot, or the tapes, will ask for a doorbell: one may come. Any context. */
void shmnet_call(struct shmnet_net *net, u32 slot)
{
	const struct shmnet_device *device = net->device;
	struct shmnet_vector *vector;

	if (!device->vectors)
		return;
	vector = &device->vector[vector_of(device, net->index, slot)];
	/*
	 * Those that never came would be a credit for others. Pairs with nothing: a doorbell that
	 * is counted on the wrong side is one of UNCALLED_MAX.
	 */
	if (atomic_read(&vector->called) < vector->callers)
		atomic_inc(&vector->called);
}

/* Of which rings, and tapes, no doorbell is heard for a while. Any context. */
u64 shmnet_masked_slots(const struct shmnet_net *net)
{
	const struct shmnet_device *device = net->device;
	u64 slots = 0;
	u32 i;

	if (likely(!READ_ONCE(device->masked)))
		return 0;
	for (i = 0; i < device->vectors; i++)
		if (READ_ONCE(device->vector[i].masked))
			slots |= device->vector[i].slots[net->index];
	return slots;
}

/* The vector's handler: masks it, if it is rung without end. */
static void limit(struct shmnet_vector *vector, int irq)
{
	struct shmnet_device *device = vector->device;

	if (atomic_dec_if_positive(&vector->called) >= 0)
		return;
	if (time_after(jiffies, vector->window + UNCALLED_WINDOW)) {
		vector->window = jiffies;
		vector->uncalled = 0;
	}
	if (++vector->uncalled <= UNCALLED_MAX + device->info.nodes ||
	    !READ_ONCE(device->may_mask))
		return;
	disable_irq_nosync(irq);
	WRITE_ONCE(vector->masked, true);
	WRITE_ONCE(device->masked, true);
	atomic_inc(&device->maskings);
	/* The polls that this interrupt begins start the timers. */
	schedule_delayed_work(&device->unmask, MASKED);
}

/* All are heard again. */
void shmnet_unmask(struct work_struct *work)
{
	struct shmnet_device *device =
		container_of(to_delayed_work(work), struct shmnet_device, unmask);
	u32 i;

	/* A vector that is masked from here on comes again for this. */
	WRITE_ONCE(device->masked, false);
	for (i = 0; i < device->vectors; i++) {
		struct shmnet_vector *vector = &device->vector[i];

		if (!READ_ONCE(vector->masked))
			continue;
		/* Its handler does not run. */
		WRITE_ONCE(vector->masked, false);
		vector->uncalled = 0;
		enable_irq(pci_irq_vector(device->doorbells, i));
	}
	for (i = 0; i < device->info.networks; i++)
		if (device->net[i] && READ_ONCE(device->net[i]->running))
			shmnet_scan(device->net[i], shmnet_all_slots(device->net[i]));
	shmnet_check_now(device);
	if (__ratelimit(&device->log_limit))
		pci_warn(device->pdev, "doorbells that nobody asked for: masked for a while\n");
}

static irqreturn_t handle_vector(int irq, void *data)
{
	struct shmnet_vector *vector = data;
	struct shmnet_device *device = vector->device;
	u32 i;

	limit(vector, irq);
	if (vector->index == SHMNET_VECTOR_DIRECTORY)
		shmnet_check_now(device);
	for (i = 0; i < device->info.networks; i++) {
		struct shmnet_net *net = device->net[i];

		if (net && vector->slots[i] && READ_ONCE(net->running)) {
			atomic64_or(vector->slots[i], &net->pending);
			napi_schedule_irqoff(&net->napi);
		}
	}
	return IRQ_HANDLED;
}

/* Which slots a vector speaks for, on each network. */
static void assign_slots(struct shmnet_device *device)
{
	u32 network, slot;

	for (network = 0; network < device->info.networks; network++) {
		for (slot = 0; slot < device->info.nodes; slot++) {
			struct shmnet_vector *vector =
				&device->vector[vector_of(device, network, slot)];

			vector->slots[network] |= BIT_ULL(slot);
			vector->callers += CALLS;
		}
	}
}

int shmnet_request_vectors(struct shmnet_device *device)
{
	u32 wanted = 1 + device->info.nodes * device->info.networks;
	u32 i;
	int err;

	device->peer_id = SHMNET_NO_PEER;
	device->vectors = 0;
	if (!device->registers || pci_msix_vec_count(device->doorbells) <= 0)
		return 0;
	err = pci_alloc_irq_vectors(device->doorbells, 1, wanted, PCI_IRQ_MSIX);
	if (err < 0)
		return err;
	device->vectors = err;
	device->vector = kcalloc(device->vectors, sizeof(*device->vector), GFP_KERNEL);
	if (!device->vector) {
		err = -ENOMEM;
		goto free_vectors;
	}
	assign_slots(device);
	for (i = 0; i < device->vectors; i++) {
		struct shmnet_vector *vector = &device->vector[i];

		vector->device = device;
		vector->index = i;
		vector->window = jiffies;
		snprintf(vector->name, sizeof(vector->name), "%s-%s-%u", SHMNET_NAME,
			 pci_name(device->doorbells), i);
		err = request_irq(pci_irq_vector(device->doorbells, i), handle_vector, 0,
				  vector->name, vector);
		if (err)
			goto free_irqs;
	}
	/* QEMU gives no interrupt before the driver has taken bus mastering. */
	pci_set_master(device->doorbells);
	device->peer_id = ioread32(device->registers + REGISTER_IV_POSITION);
	WRITE_ONCE(device->may_mask, true);
	return 0;

free_irqs:
	while (i--)
		free_irq(pci_irq_vector(device->doorbells, i), &device->vector[i]);
	kfree(device->vector);
	device->vector = NULL;
free_vectors:
	pci_free_irq_vectors(device->doorbells);
	device->vectors = 0;
	return err;
}

/* No vector is masked any more, nor will be. Process context. */
static void stop_masking(struct shmnet_device *device)
{
	u32 i;

	/* A handler that saw it true has run to its end behind this. */
	WRITE_ONCE(device->may_mask, false);
	for (i = 0; i < device->vectors; i++)
		synchronize_irq(pci_irq_vector(device->doorbells, i));
	cancel_delayed_work_sync(&device->unmask);
	WRITE_ONCE(device->masked, false);
}

void shmnet_free_vectors(struct shmnet_device *device)
{
	u32 i;

	stop_masking(device);
	for (i = 0; i < device->vectors; i++)
		free_irq(pci_irq_vector(device->doorbells, i), &device->vector[i]);
	/* A peer that rings while the node leaves has a handler ask for a tick behind the last. */
	cancel_delayed_work_sync(&device->tick);
	if (device->vectors)
		pci_free_irq_vectors(device->doorbells);
	kfree(device->vector);
	device->vector = NULL;
	device->vectors = 0;
}
