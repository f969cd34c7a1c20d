/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The C interface to what nodes offer; a part of abi.cc, the one C++ translation unit. */
#pragma once

#include "abi_flows.hh"
#include "abi_place.hh"
#include "flows.h"
#include "service_table.hh"

struct shmnet_service_table {
	shmnet::ServiceTable table;
};

struct shmnet_service_entry : shmnet::ServiceEntry {};

/* The table's memory lies behind it. */
static_assert(SHMNET_NO_OFFER == shmnet::ServiceTable::NONE);
static_assert(sizeof(shmnet_service_table) % alignof(shmnet::ServiceOffer) == 0);

using namespace shmnet;

size_t shmnet_service_table_size(u32 offers)
{
	return sizeof(shmnet_service_table) + ServiceTable::bytes(offers);
}

shmnet_service_table* shmnet_service_table_init(void* memory, u32 offers, const __u64 secret[2],
						u64 format)
{
	return new (memory)
		shmnet_service_table{ServiceTable(static_cast<shmnet_service_table*>(memory) + 1,
						  offers, {{secret[0], secret[1]}}, format)};
}

void shmnet_service_table_add(shmnet_service_table* table, u32 slot, u64 sequence,
			      const shmnet_service* services, u32 count)
{
	table->table.add(slot, sequence, services, count);
}

void shmnet_service_table_carry_on(shmnet_service_table* table, const shmnet_service_table* before)
{
	table->table.carry_on(before->table);
}

shmnet_service_entry* shmnet_service_find(const shmnet_service_table* table,
					  const shmnet_flow* flow)
{
	return static_cast<shmnet_service_entry*>(table->table.find(key_of(flow)));
}

u32 shmnet_service_first(const shmnet_service_entry* entry)
{
	return entry->first;
}

u32 shmnet_service_next(const shmnet_service_table* table, u32 offer, shmnet_flow_target* target,
			u32* weight)
{
	const ServiceOffer& found = table->table.offer(offer);
	*target = {found.node, epoch_of(found.said)};
	*weight = found.weight;
	return found.next;
}

u64 shmnet_service_nodes(const shmnet_service_table* table, const shmnet_service_entry* entry)
{
	return table->table.nodes_of(*entry);
}

bool shmnet_service_choose(shmnet_service_table* table, shmnet_service_entry* entry,
			   const shmnet_flow* flow, u64 able, u32 own, shmnet_flow_target* target)
{
	const ServiceOffer* chosen = table->table.choose(*entry, key_of(flow), able, own);
	if (chosen)
		*target = {chosen->node, epoch_of(chosen->said)};
	return chosen != nullptr;
}
