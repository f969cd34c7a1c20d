// SPDX-License-Identifier: GPL-2.0-only
/* The mapping of the region, and how fast it is. */
#include "shmnet.h"

#include <linux/io.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#define BAR_MEMORY	2

/* Enough to be measured, little enough not to be felt on memory that is not cached. */
#define MEASURE_BYTES	SZ_256K
#define MEASURE_ROUNDS	8
/* Slower than this by so many times than ordinary memory: the mapping is not cached. */
#define SLOW_FACTOR	4

/* Maps a function's memory; NULL if it has none or that fails. memunmap() ends it. */
void *shmnet_map_memory(struct pci_dev *pdev, resource_size_t *size)
{
	*size = pci_resource_len(pdev, BAR_MEMORY);
	if (!*size)
		return NULL;
	/*
	 * Write-back, whatever the BAR says: below 4 GiB firmware leaves such a BAR uncached, and
	 * then every access takes hundreds of times as long.
	 */
	return memremap(pci_resource_start(pdev, BAR_MEMORY), *size, MEMREMAP_WB);
}

int shmnet_map_region(struct shmnet_device *device)
{
	device->region = shmnet_map_memory(device->pdev, &device->region_size);
	if (device->region)
		return 0;
	return device->region_size ? -ENOMEM : -ENODEV;
}

void shmnet_unmap_region(struct shmnet_device *device)
{
	memunmap(device->region);
}

/* MB/s of the fastest of some copies. */
static u32 copy_speed(void *to, const void *from)
{
	u64 best = U64_MAX;
	int i;

	for (i = 0; i < MEASURE_ROUNDS; i++) {
		u64 start = ktime_get_ns();

		memcpy(to, from, MEASURE_BYTES);
		best = min(best, ktime_get_ns() - start);
		cond_resched();
	}
	return div64_u64((u64)MEASURE_BYTES * 1000, max(best, 1ULL));
}

/* Reads from, and writes to, this node's own cast arena: nobody reads it yet. */
void shmnet_measure(struct shmnet_device *device)
{
	void *arena = shmnet_core_arena(device->core);
	void *buffer = kvmalloc(2 * MEASURE_BYTES, GFP_KERNEL | __GFP_ZERO);
	u32 memory_speed;

	if (!buffer)
		return;
	memory_speed = copy_speed(buffer, buffer + MEASURE_BYTES);
	device->read_speed = copy_speed(buffer, arena);
	device->write_speed = copy_speed(arena, buffer + MEASURE_BYTES);
	kvfree(buffer);
	pci_info(device->pdev, "region of %llu MiB: reads %u MB/s, writes %u MB/s (memory: %u MB/s)\n",
		 device->info.region_size >> 20, device->read_speed, device->write_speed,
		 memory_speed);
	if (min(device->read_speed, device->write_speed) < memory_speed / SLOW_FACTOR)
		pci_warn(device->pdev,
			 "the region is mapped slowly: place the device's memory above 4 GiB, see docs/operations.md\n");
}
