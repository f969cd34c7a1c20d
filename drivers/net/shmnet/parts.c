// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hardened set-up: the hub part is the device that the driver is bound to, and the functions
 * behind it are the doorbells and the nodes' parts. Whose part is which the host says by their
 * addresses; which of them is this node's, by letting it write there. Nothing else is believed.
 */
#include "shmnet.h"

#include <linux/io.h>
#include <linux/random.h>
#include <linux/slab.h>

/* A function of the set that the driver is not bound to, but holds all the same. */
struct shmnet_part {
	struct pci_dev *pdev;
	void *memory;		/* NULL: the doorbells' */
};

static int hold(struct shmnet_device *device, u32 function, struct shmnet_part *part)
{
	struct pci_dev *first = device->pdev;
	u32 devfn = first->devfn + function;
	struct pci_dev *pdev = NULL;
	int err;

	if (devfn < 256)
		pdev = pci_get_domain_bus_and_slot(pci_domain_nr(first->bus), first->bus->number,
						   devfn);
	if (!pdev || pdev->vendor != first->vendor || pdev->device != first->device) {
		pci_err(first, "function %02x.%x should be an ivshmem device of this hardened region: see docs/operations.md\n",
			PCI_SLOT(devfn), PCI_FUNC(devfn));
		err = -ENODEV;
		goto put;
	}
	err = pci_enable_device_mem(pdev);
	if (err)
		goto put;
	/* Who is bound there may request the memory only later. */
	err = pdev->driver ? -EBUSY : pci_request_regions(pdev, SHMNET_NAME);
	if (err) {
		pci_err(first, "%s belongs to this hardened region, and somebody has it: error %d\n",
			pci_name(pdev), err);
		goto disable;
	}
	part->pdev = pdev;
	return 0;

disable:
	pci_disable_device(pdev);
put:
	pci_dev_put(pdev);
	return err;
}

static void let_go(struct shmnet_part *part)
{
	if (!part->pdev)
		return;
	if (part->memory)
		memunmap(part->memory);
	pci_release_regions(part->pdev);
	pci_disable_device(part->pdev);
	pci_dev_put(part->pdev);
}

static int hold_part(struct shmnet_device *device, u32 slot)
{
	struct shmnet_part *part = &device->parts[slot];
	resource_size_t size;
	int err;

	err = hold(device, SHMNET_FUNCTION_PART(slot), part);
	if (err)
		return err;
	part->memory = shmnet_map_memory(part->pdev, &size);
	if (!part->memory)
		return -ENOMEM;
	if (size < device->info.part_size) {
		pci_err(device->pdev, "%s has %llu KiB, and the part of node %u has %llu: give it all of its file\n",
			pci_name(part->pdev), (u64)size >> 10, slot, device->info.part_size >> 10);
		return -ENODEV;
	}
	shmnet_core_set_part(device->core, slot, part->memory);
	return 0;
}

/* Whether a store lasts there, of what nobody could guess. */
static bool can_write(struct shmnet_device *device, u32 part)
{
	u64 nonce = get_random_u64();

	shmnet_core_probe(device->core, part, nonce);
	return shmnet_core_probed(device->core, part) == nonce;
}

/* Exactly one part may be written: else it is not the set-up that it is said to be. */
static int find_own_part(struct shmnet_device *device)
{
	u32 slot, own = device->info.nodes;

	for (slot = 0; slot < device->info.nodes; slot++) {
		if (!can_write(device, slot))
			continue;
		if (own < device->info.nodes) {
			pci_err(device->pdev,
				"this guest can write to the parts of nodes %u and %u: give all but its own read-only\n",
				own, slot);
			return -EPERM;
		}
		own = slot;
	}
	if (own == device->info.nodes) {
		pci_err(device->pdev, "this guest can write to no node's part: give it its own without readonly=on\n");
		return -EROFS;
	}
	shmnet_core_set_own(device->core, own);
	return 0;
}

/* Of any region; one that is not hardened has all in one device. */
int shmnet_parts_get(struct shmnet_device *device)
{
	struct shmnet_part *doorbells;
	u32 slot;
	int err;

	device->doorbells = device->pdev;
	if (!device->info.hardened)
		return 0;
	/* Who could have written that it is hardened must not have us write to other devices. */
	if (can_write(device, SHMNET_HUB_PART)) {
		shmnet_core_probe(device->core, SHMNET_HUB_PART, 0);
		pci_err(device->pdev, "the memory says that it is a hardened region's hub part, and can be written: give it readonly=on\n");
		return -EPERM;
	}
	device->parts = kcalloc(device->info.nodes + 1, sizeof(*device->parts), GFP_KERNEL);
	if (!device->parts)
		return -ENOMEM;
	doorbells = &device->parts[device->info.nodes];
	err = hold(device, SHMNET_FUNCTION_DOORBELL, doorbells);
	device->doorbells = doorbells->pdev;
	for (slot = 0; slot < device->info.nodes && !err; slot++)
		err = hold_part(device, slot);
	if (!err)
		err = find_own_part(device);
	if (err)
		shmnet_parts_put(device);
	return err;
}

void shmnet_parts_put(struct shmnet_device *device)
{
	u32 i;

	if (!device->parts)
		return;
	for (i = 0; i <= device->info.nodes; i++)
		let_go(&device->parts[i]);
	kfree(device->parts);
	device->parts = NULL;
}

/* Whether a function is held by a device of a set that this driver is bound to. */
bool shmnet_is_part(const struct pci_dev *pdev)
{
	struct shmnet_device *device;
	bool found = false;
	u32 i;

	mutex_lock(&shmnet_devices_lock);
	list_for_each_entry(device, &shmnet_devices, list)
		for (i = 0; device->parts && i <= device->info.nodes; i++)
			found |= device->parts[i].pdev == pdev;
	mutex_unlock(&shmnet_devices_lock);
	return found;
}

/* How many bytes it is, as if it were one piece of memory. */
u64 shmnet_region_size(const struct shmnet_device *device)
{
	return device->parts ? device->info.region_size : device->region_size;
}

/* Where an offset of that lies, and how many bytes follow there; NULL: beyond the end. */
const void *shmnet_region_at(const struct shmnet_device *device, u64 offset, u64 *bytes)
{
	u64 end = device->parts ? device->info.parts_offset : device->region_size;
	u64 slot, start;

	if (offset < end) {
		*bytes = end - offset;
		return device->region + offset;
	}
	*bytes = 0;
	if (!device->parts)
		return NULL;
	slot = div64_u64_rem(offset - end, device->info.part_size, &start);
	if (slot >= device->info.nodes)
		return NULL;
	*bytes = device->info.part_size - start;
	return device->parts[slot].memory + start;
}
