// SPDX-License-Identifier: GPL-2.0-only
/*
 * The connection table of a global network: its lock, its memory and its collection. What it is and
 * does is in core/flow_table.hh.
 */
#include "shmnet.h"

#include <linux/random.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

/*
 * Slices under the lock. Each entry of one may have to be removed, each of a bucket's eight to be
 * entered elsewhere, which takes a fraction of a microsecond.
 */
#define SLICE_ENTRIES	64
#define SLICE_BUCKETS	16
/* A round looks at all entries once; one is late by that at most. */
#define ROUND		msecs_to_jiffies(SHMNET_FLOW_ROUND_MS)
#define STEP		(HZ / 10)

static u32 now_ms(void)
{
	return (u32)(jiffies64_to_nsecs(get_jiffies_64()) / NSEC_PER_MSEC);
}

/* @anew: the flow had ended, and this packet begins another one by its ports. */
bool shmnet_flow_find(struct shmnet_flow_table *table, const struct shmnet_flow *flow,
		      struct shmnet_flow_target *target, bool *anew)
{
	bool found;

	rcu_read_lock();
	found = shmnet_flows_find(table->core, flow, now_ms(), target, anew);
	rcu_read_unlock();
	return found;
}

/* Any context but hard interrupts. */
enum shmnet_flow_insert shmnet_flow_remember(struct shmnet_flow_table *table,
					     const struct shmnet_flow *flow,
					     const struct shmnet_flow_target *target)
{
	enum shmnet_flow_insert outcome;
	bool wants;

	spin_lock_bh(&table->lock);
	outcome = shmnet_flows_insert(table->core, flow, target, now_ms());
	wants = shmnet_flows_wants_chunk(table->core) || shmnet_flows_wants_buckets(table->core);
	spin_unlock_bh(&table->lock);
	if (wants)
		schedule_work(&table->memory);
	shmnet_flow_collect(table);
	return outcome;
}

/* There is something that will be old. Any context. */
void shmnet_flow_collect(struct shmnet_flow_table *table)
{
	/* Already on its way: stays as it is. */
	schedule_delayed_work(&table->collection, STEP);
}

u32 shmnet_flow_capacity(const struct shmnet_flow_table *table)
{
	return shmnet_flows_capacity(table->core);
}

/* An entry to be shown, and for how many milliseconds it is idle. False: nobody's. */
bool shmnet_flow_view(struct shmnet_flow_table *table, u32 number, struct shmnet_flow_view *view,
		      u32 *idle)
{
	bool found;

	spin_lock_bh(&table->lock);
	found = shmnet_flows_view(table->core, number, view);
	spin_unlock_bh(&table->lock);
	if (found)
		*idle = max_t(s32, now_ms() - view->used, 0);
	return found;
}

static bool bring_chunk(struct shmnet_flow_table *table)
{
	void *chunk = kvzalloc(shmnet_flows_chunk_size(), GFP_KERNEL);

	if (!chunk)
		return false;
	spin_lock_bh(&table->lock);
	shmnet_flows_add_chunk(table->core, chunk);
	spin_unlock_bh(&table->lock);
	return true;
}

/* By large pages, where there are: a lookup goes to any place of it. */
static void *new_buckets(u32 count)
{
	return vmalloc_huge(shmnet_flows_buckets_size(count), GFP_KERNEL | __GFP_ZERO);
}

static bool grow(struct shmnet_flow_table *table, u32 buckets)
{
	void *older, *memory = new_buckets(buckets);

	if (!memory)
		return false;
	spin_lock_bh(&table->lock);
	shmnet_flows_grow(table->core, memory, buckets);
	spin_unlock_bh(&table->lock);
	do {
		cond_resched();
		spin_lock_bh(&table->lock);
		older = shmnet_flows_migrate(table->core, SLICE_BUCKETS);
		spin_unlock_bh(&table->lock);
	} while (!older);
	synchronize_rcu();
	vfree(older);
	return true;
}

/*
 * Only here does the table get memory, so that what it wants it still wants when that is there.
 * What was not to be had is wanted again with the next flow.
 */
static void bring_memory(struct work_struct *work)
{
	struct shmnet_flow_table *table = container_of(work, struct shmnet_flow_table, memory);
	bool chunk, done;
	u32 buckets;

	do {
		spin_lock_bh(&table->lock);
		chunk = shmnet_flows_wants_chunk(table->core);
		buckets = shmnet_flows_wants_buckets(table->core);
		spin_unlock_bh(&table->lock);
		done = (!chunk || bring_chunk(table)) && (!buckets || grow(table, buckets));
	} while (done && (chunk || buckets));
}

/* A step of a round: so many entries that the round ends in time. */
static void collect(struct work_struct *work)
{
	struct shmnet_flow_table *table =
		container_of(to_delayed_work(work), struct shmnet_flow_table, collection);
	u32 slices = shmnet_flows_capacity(table->core) / SLICE_ENTRIES * STEP / ROUND + 1;
	u32 living[SHMNET_NODES_MAX], i;

	shmnet_active_incarnations(table->net, living);
	for (i = 0; i < slices; i++) {
		spin_lock_bh(&table->lock);
		shmnet_flows_collect(table->core, now_ms(), SLICE_ENTRIES, living);
		spin_unlock_bh(&table->lock);
		cond_resched();
	}
	shmnet_pins_collect(table->net, slices * SLICE_ENTRIES);
	if (shmnet_flows_count(table->core) || shmnet_pins_remain(table->net))
		schedule_delayed_work(&table->collection, STEP);
}

int shmnet_flow_table_create(struct shmnet_net *net)
{
	struct shmnet_flow_table *table = kzalloc(sizeof(*table) + shmnet_flows_size(), GFP_KERNEL);
	void *chunks = kvzalloc(shmnet_flows_chunks_size(SHMNET_FLOWS_MAX), GFP_KERNEL);
	void *buckets = new_buckets(shmnet_flows_buckets_min());
	u64 secret[2];

	if (!table || !chunks || !buckets) {
		kfree(table);
		kvfree(chunks);
		vfree(buckets);
		return -ENOMEM;
	}
	get_random_bytes(secret, sizeof(secret));
	table->net = net;
	table->chunks = chunks;
	table->core = shmnet_flows_init(table + 1, SHMNET_FLOWS_MAX, secret, chunks, buckets);
	spin_lock_init(&table->lock);
	INIT_WORK(&table->memory, bring_memory);
	INIT_DELAYED_WORK(&table->collection, collect);
	net->flows = table;
	shmnet_pins_init(net);
	bring_chunk(table);
	return 0;
}

/* Nothing is sent any more. */
void shmnet_flow_table_destroy(struct shmnet_net *net)
{
	struct shmnet_flow_table *table = net->flows;
	void *chunk;
	u32 i;

	if (!table)
		return;
	cancel_delayed_work_sync(&table->collection);
	cancel_work_sync(&table->memory);
	for (i = 0; (chunk = shmnet_flows_chunk(table->core, i)); i++)
		kvfree(chunk);
	vfree(shmnet_flows_buckets(table->core));
	kvfree(table->chunks);
	kfree(table);
	net->flows = NULL;
}
