// SPDX-License-Identifier: GPL-2.0-only
/* The memory of an interface's rings and tape readers: private, made for one slot of this node. */
#include "shmnet.h"

#include <linux/slab.h>
#include <linux/vmalloc.h>

/* What the pools keep at most for reuse: 8 MiB each, more than what one TCP socket queues. */
#define POOL_PAGES	2048
#define POOL_CHUNKS	256

static int create_pair(struct shmnet_net *net, u32 slot)
{
	const struct shmnet_core *core = net->device->core;
	struct shmnet_tx_queue *tx = &net->tx[slot];
	struct shmnet_rx_queue *rx = &net->rx[slot];
	void *memory;

	/* A frame takes at least one descriptor, so there are never more entries than those. */
	tx->entries_mask = net->info.ring - 1;
	tx->entries = kvcalloc(net->info.ring, sizeof(*tx->entries), GFP_KERNEL);
	if (!tx->entries)
		return -ENOMEM;
	memory = kvzalloc(shmnet_tx_size(core, net->index), GFP_KERNEL);
	if (!memory)
		return -ENOMEM;
	tx->ring = shmnet_tx_init(memory, core, net->index, slot, 0);
	memory = kvzalloc(shmnet_rx_size(core, net->index), GFP_KERNEL);
	if (!memory)
		return -ENOMEM;
	rx->ring = shmnet_rx_init(memory, core, net->index, slot, 0);
	rx->opened_at = jiffies - SHMNET_REOPEN_INTERVAL;
	return 0;
}

static struct page_pool *create_pool(struct shmnet_net *net, u32 order, u32 size)
{
	struct page_pool_params params = {
		.order = order,
		.pool_size = size,
		.nid = NUMA_NO_NODE,
		.dev = &net->device->pdev->dev,
		SHMNET_PAGE_POOL_NAPI(&net->napi)
	};

	return page_pool_create(&params);
}

static void destroy_pools(struct shmnet_net *net)
{
	page_pool_destroy(net->chunks);
	page_pool_destroy(net->pages);
}

/* Pages that are still with sockets come home later, also after the module is gone. */
int shmnet_pools_create(struct shmnet_net *net)
{
	int err;

	net->pages = create_pool(net, 0, POOL_PAGES);
	if (IS_ERR(net->pages))
		return PTR_ERR(net->pages);
	net->chunks = create_pool(net, SHMNET_CHUNK_ORDER, POOL_CHUNKS);
	if (IS_ERR(net->chunks)) {
		page_pool_destroy(net->pages);
		return PTR_ERR(net->chunks);
	}
	err = shmnet_xdp_open(net);
	if (err)
		destroy_pools(net);
	return err;
}

void shmnet_pools_destroy(struct shmnet_net *net)
{
	shmnet_xdp_close(net);
	destroy_pools(net);
}

/* On error the caller calls shmnet_rings_destroy(). */
int shmnet_rings_create(struct shmnet_net *net)
{
	u32 slot;

	for (slot = 0; slot < net->device->info.nodes; slot++) {
		int err = shmnet_is_own(net, slot) ? 0 : create_pair(net, slot);

		if (err)
			return err;
	}
	return shmnet_tapes_create(net);
}

/* The interface is down. Counters stay. */
void shmnet_rings_destroy(struct shmnet_net *net)
{
	u32 slot;

	for (slot = 0; slot < net->device->info.nodes; slot++) {
		kvfree(net->tx[slot].ring);
		kvfree(net->tx[slot].entries);
		kvfree(net->rx[slot].ring);
		net->tx[slot].ring = NULL;
		net->tx[slot].entries = NULL;
		net->rx[slot].ring = NULL;
	}
	shmnet_tapes_destroy(net);
}
