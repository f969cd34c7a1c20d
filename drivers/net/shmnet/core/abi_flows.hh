/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The C interface to flows; a part of abi.cc, the one C++ translation unit. */
#pragma once

#include "abi_place.hh"
#include "flow_table.hh"
#include "flows.h"

#include <linux/shmnet.h>

struct shmnet_flows {
	shmnet::FlowTable<shmnet::HardwareMemory> table;
};

namespace shmnet {

using Flows = FlowTable<HardwareMemory>;

static_assert(static_cast<u32>(FlowKind::Short) == SHMNET_FLOW_SHORT &&
	      static_cast<u32>(FlowKind::Other) == SHMNET_FLOW_OTHER);
static_assert(static_cast<u32>(FlowInsert::Full) == SHMNET_FLOW_FULL);
static_assert(SHMNET_FLOW_OPENING + static_cast<u32>(FlowState::Datagram) == SHMNET_FLOW_DATAGRAM);

inline const FlowKey& key_of(const shmnet_flow* flow)
{
	static_assert(sizeof(flow->key) == sizeof(FlowKey));
	return *reinterpret_cast<const FlowKey*>(flow->key);
}

inline void set_key(shmnet_flow* flow, const FlowKey& key)
{
	flow->protocol = key.protocol;
	flow->destination_port = key.destination_port;
	__builtin_memcpy(flow->key, &key, sizeof(key));
}

} // namespace shmnet

using namespace shmnet;

void shmnet_flow_parse(const void* packet, __u32 available, __u32 total, shmnet_flow* flow)
{
	Flow parsed = FlowParser(static_cast<const u8*>(packet), available, total).parse();
	flow->kind = static_cast<u8>(parsed.kind);
	flow->needed = parsed.needed;
	flow->tcp_flags = parsed.tcp_flags;
	flow->is_first_part = parsed.is_first_part;
	flow->identification = parsed.identification;
	set_key(flow, parsed.key);
}

void shmnet_flow_fragments(const shmnet_flow* first, shmnet_flow* others)
{
	FlowKey key = key_of(first);
	set_fragment(key, first->identification);
	*others = {};
	others->kind = SHMNET_FLOW_FRAGMENT;
	set_key(others, key);
}

void shmnet_flow_reverse(const shmnet_flow* flow, shmnet_flow* back)
{
	FlowKey key = reversed(key_of(flow));
	*back = *flow;
	set_key(back, key);
}

void shmnet_flow_tell(const shmnet_flow* flow, shmnet_command_flow* told)
{
	const FlowKey& key = key_of(flow);
	*told = {};
	__builtin_memcpy(told->source, key.source, sizeof(told->source));
	__builtin_memcpy(told->destination, key.destination, sizeof(told->destination));
	told->source_port = __builtin_bswap16(key.source_port);
	told->destination_port = __builtin_bswap16(key.destination_port);
	told->protocol = key.protocol;
}

void shmnet_flow_hear(const shmnet_command_flow* told, shmnet_flow* flow)
{
	FlowKey key = {};
	__builtin_memcpy(key.source, told->source, sizeof(key.source));
	__builtin_memcpy(key.destination, told->destination, sizeof(key.destination));
	key.source_port = __builtin_bswap16(told->source_port);
	key.destination_port = __builtin_bswap16(told->destination_port);
	key.protocol = told->protocol;
	*flow = {};
	flow->kind = SHMNET_FLOW_PORTS;
	set_key(flow, key);
}

size_t shmnet_flows_size()
{
	return sizeof(shmnet_flows);
}

size_t shmnet_flows_chunk_size()
{
	return Flows::CHUNK_BYTES;
}

size_t shmnet_flows_chunks_size(u32 flows_max)
{
	return Flows::chunks_bytes(flows_max);
}

size_t shmnet_flows_buckets_size(u32 buckets)
{
	return buckets * sizeof(FlowBucket);
}

u32 shmnet_flows_buckets_min()
{
	return Flows::BUCKETS_MIN;
}

shmnet_flows* shmnet_flows_init(void* memory, u32 flows_max, const __u64 secret[2], void* chunks,
				void* buckets)
{
	return new (memory)
		shmnet_flows{Flows(flows_max, {{secret[0], secret[1]}}, FLOW_TIMEOUTS,
				   static_cast<u64*>(chunks), static_cast<FlowBucket*>(buckets))};
}

bool shmnet_flows_find(shmnet_flows* flows, const shmnet_flow* flow, u32 now,
		       shmnet_flow_target* target, bool* anew)
{
	FlowTarget found;
	if (!flows->table.find(key_of(flow), {now, flow->tcp_flags}, found, *anew))
		return false;
	*target = {found.node, found.incarnation};
	return true;
}

u32 shmnet_flows_count(const shmnet_flows* flows)
{
	return flows->table.flows();
}

u64 shmnet_flows_hash(const shmnet_flows* flows, const shmnet_flow* flow)
{
	return flows->table.hash_of(key_of(flow));
}

shmnet_flow_insert shmnet_flows_insert(shmnet_flows* flows, const shmnet_flow* flow,
				       const shmnet_flow_target* target, u32 now)
{
	return static_cast<shmnet_flow_insert>(
		flows->table.insert(key_of(flow), {target->node, target->incarnation},
				    first_state(flow->protocol, flow->tcp_flags), now));
}

u32 shmnet_flows_collect(shmnet_flows* flows, u32 now, u32 looks, const u32* living)
{
	return flows->table.collect(now, looks, [living](const FlowTarget& target) {
		return living[target.node] == target.incarnation;
	});
}

u32 shmnet_flows_capacity(const shmnet_flows* flows)
{
	return flows->table.capacity();
}

bool shmnet_flows_view(const shmnet_flows* flows, u32 number, shmnet_flow_view* view)
{
	FlowView flow;
	if (!flows->table.view(number, flow))
		return false;
	__builtin_memcpy(view->source, flow.key.source, sizeof(view->source));
	__builtin_memcpy(view->destination, flow.key.destination, sizeof(view->destination));
	view->source_port = flow.key.source_port;
	view->destination_port = flow.key.destination_port;
	view->protocol = flow.key.protocol;
	view->state = static_cast<u8>(SHMNET_FLOW_OPENING + static_cast<u32>(flow.state));
	view->used = flow.used;
	view->target = {flow.target.node, flow.target.incarnation};
	return true;
}

bool shmnet_flows_wants_chunk(const shmnet_flows* flows)
{
	return flows->table.wants_chunk();
}

void shmnet_flows_add_chunk(shmnet_flows* flows, void* memory)
{
	flows->table.add_chunk(memory);
}

u32 shmnet_flows_wants_buckets(const shmnet_flows* flows)
{
	return flows->table.wants_buckets();
}

void shmnet_flows_grow(shmnet_flows* flows, void* buckets, u32 count)
{
	flows->table.grow(static_cast<FlowBucket*>(buckets), count);
}

void* shmnet_flows_migrate(shmnet_flows* flows, u32 count)
{
	return flows->table.migrate(count);
}

void* shmnet_flows_chunk(const shmnet_flows* flows, u32 number)
{
	return number < flows->table.chunk_count() ? flows->table.chunk(number) : nullptr;
}

void* shmnet_flows_buckets(const shmnet_flows* flows)
{
	return flows->table.buckets();
}
