// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCI function. Its id (1af4:1110) belongs to all users of ivshmem, so nothing is written, and
 * nobody is bothered, before the memory says that it is a shmnet region.
 */
#include "shmnet.h"

#include <linux/dmi.h>
#include <linux/io.h>
#include <linux/slab.h>

#define BAR_REGISTERS	0

LIST_HEAD(shmnet_devices);
/* Of the list; taken before a device's own lock. */
DEFINE_MUTEX(shmnet_devices_lock);

/* The machine's UUID and the function's address: the same after every reboot. */
static void identify(struct shmnet_device *device)
{
	struct pci_dev *pdev = device->pdev;
	const char *uuid = dmi_get_system_info(DMI_PRODUCT_UUID);
	uuid_t parsed;

	if (uuid && !uuid_parse(uuid, &parsed))
		memcpy(device->identity.machine, &parsed, sizeof(device->identity.machine));
	device->identity.device = pci_domain_nr(pdev->bus) << 16 | pci_dev_id(pdev);
}

/* Looks at the memory; declines what is not a region of ours. */
static int attach(struct shmnet_device *device)
{
	void *scratch = kvzalloc(shmnet_core_scratch_size(), GFP_KERNEL);
	const char *fault;

	device->core = kvzalloc(shmnet_core_size(), GFP_KERNEL);
	if (!scratch || !device->core) {
		kvfree(scratch);
		return -ENOMEM;
	}
	fault = shmnet_core_attach(device->core, scratch, device->region, device->region_size);
	kvfree(scratch);
	if (fault) {
		pci_info(device->pdev, "not used: %s\n", fault);
		return -ENODEV;
	}
	shmnet_core_info(device->core, &device->info);
	return 0;
}

static int create_interfaces(struct shmnet_device *device)
{
	u32 i;

	for (i = 0; i < device->info.networks; i++) {
		int err = shmnet_net_create(device, i);

		if (err)
			return err;
	}
	return 0;
}

static void destroy_interfaces(struct shmnet_device *device)
{
	u32 i;

	for (i = 0; i < device->info.networks; i++) {
		if (!device->net[i])
			continue;
		unregister_netdev(device->net[i]->dev);
	}
}

static void free_interfaces(struct shmnet_device *device)
{
	u32 i;

	for (i = 0; i < device->info.networks; i++) {
		struct shmnet_net *net = device->net[i];

		device->net[i] = NULL;
		if (net)
			shmnet_net_destroy(net);
	}
}

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct shmnet_device *device;
	int err;

	if (pdev->class >> 8 != PCI_CLASS_MEMORY_RAM || shmnet_is_part(pdev))
		return -ENODEV;
	device = kzalloc(sizeof(*device), GFP_KERNEL);
	if (!device)
		return -ENOMEM;
	device->pdev = pdev;
	shmnet_device_init(device);
	identify(device);

	err = shmnet_way_back_create(device);
	if (err)
		goto free_device;
	err = pci_enable_device_mem(pdev);
	if (err)
		goto free_way_back;
	err = pci_request_regions(pdev, SHMNET_NAME);
	if (err)
		goto disable;
	err = shmnet_map_region(device);
	if (err)
		goto release_regions;
	err = attach(device);
	if (err)
		goto free_core;
	err = shmnet_parts_get(device);
	if (err)
		goto free_core;
	device->registers = pci_iomap(device->doorbells, BAR_REGISTERS, 0);
	err = shmnet_claim(device);
	if (err)
		goto unmap_registers;
	shmnet_measure(device);
	err = shmnet_request_vectors(device);
	if (err) {
		pci_err(pdev, "interrupts cannot be had: error %d\n", err);
		goto release_slot;
	}
	pci_set_drvdata(pdev, device);
	shmnet_join(device);
	err = create_interfaces(device);
	if (err)
		goto leave;
	mutex_lock(&shmnet_devices_lock);
	list_add_tail(&device->list, &shmnet_devices);
	mutex_unlock(&shmnet_devices_lock);
	shmnet_debugfs_add(device);
	pci_info(pdev, "node %u of %u%s, incarnation %u, %u vectors%s\n", device->slot,
		 device->info.nodes, device->info.hardened ? " (hardened)" : "",
		 device->incarnation, device->vectors, device->vectors ? "" : ": polling");
	return 0;

leave:
	destroy_interfaces(device);
	shmnet_leave(device);
	shmnet_free_vectors(device);
	free_interfaces(device);
	goto unmap_registers;
release_slot:
	shmnet_core_release(device->core);
unmap_registers:
	if (device->registers)
		pci_iounmap(device->doorbells, device->registers);
	shmnet_parts_put(device);
free_core:
	kvfree(device->core);
	shmnet_unmap_region(device);
release_regions:
	pci_release_regions(pdev);
disable:
	pci_disable_device(pdev);
free_way_back:
	shmnet_way_back_destroy(device);
free_device:
	kfree(device);
	return err;
}

/*
 * Make unreachable, wait, free: interfaces first (peers see the networks go down), then the tick
 * and the slot, then the vectors, and only then what all of them used.
 */
static void remove(struct pci_dev *pdev)
{
	struct shmnet_device *device = pci_get_drvdata(pdev);

	shmnet_debugfs_remove(device);
	mutex_lock(&shmnet_devices_lock);
	list_del(&device->list);
	mutex_unlock(&shmnet_devices_lock);
	destroy_interfaces(device);
	shmnet_leave(device);
	shmnet_free_vectors(device);
	free_interfaces(device);
	if (device->registers)
		pci_iounmap(device->doorbells, device->registers);
	shmnet_parts_put(device);
	kvfree(device->core);
	shmnet_unmap_region(device);
	pci_release_regions(pdev);
	pci_disable_device(pdev);
	shmnet_way_back_destroy(device);
	kfree(device);
}

/* Reboot and power-off: the others need not find out by themselves. */
static void shutdown(struct pci_dev *pdev)
{
	shmnet_suspend(pci_get_drvdata(pdev));
}

static int __maybe_unused suspend(struct device *dev)
{
	shmnet_suspend(dev_get_drvdata(dev));
	return 0;
}

static int __maybe_unused resume(struct device *dev)
{
	return shmnet_resume(dev_get_drvdata(dev));
}

static SIMPLE_DEV_PM_OPS(pm_ops, suspend, resume);

static const struct pci_device_id ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_REDHAT_QUMRANET, 0x1110) },
	{ }
};
MODULE_DEVICE_TABLE(pci, ids);

struct pci_driver shmnet_pci_driver = {
	.name = SHMNET_NAME,
	.id_table = ids,
	.probe = probe,
	.remove = remove,
	.shutdown = shutdown,
	.driver.pm = &pm_ops,
};
