// SPDX-License-Identifier: GPL-2.0-only
#include "shmnet.h"

const char *const shmnet_counter_names[SHMNET_COUNTERS] = {
#define SHMNET_COUNTER_NAME(name) #name,
	SHMNET_COUNTERS_LIST(SHMNET_COUNTER_NAME)
#undef SHMNET_COUNTER_NAME
};

static_assert(SHMNET_COUNT_resets_chain - SHMNET_COUNT_resets_index + 2 == SHMNET_FAULTS);

static void add(struct shmnet_counters *sum, const struct shmnet_counters *set)
{
	int i;

	for (i = 0; i < SHMNET_COUNTERS; i++)
		sum->value[i] += READ_ONCE(set->value[i]);
}

void shmnet_sum_counters(const struct shmnet_net *net, struct shmnet_counters *sum)
{
	u32 slot;

	memset(sum, 0, sizeof(*sum));
	add(sum, &net->counters);
	add(sum, &net->cast_counters);
	if (net->questions)
		add(sum, &net->questions->counters);
	for (slot = 0; slot < net->device->info.nodes; slot++) {
		add(sum, &net->tx[slot].counters);
		add(sum, &net->rx[slot].counters);
	}
}
