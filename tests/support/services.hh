/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Services of the address 203.0.113.1, and flows to them. */
#pragma once

#include "flow.hh"

#include <linux/shmnet_shm.h>

#include <cstring>

namespace shmnet::test {

constexpr u8 SHARED_ADDRESS[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 203, 0, 113, 1};

inline shmnet_service tcp_service(u32 port, u32 weight = 1,
				  u32 balance = SHMNET_BALANCE_ROUND_ROBIN)
{
	shmnet_service service = {};
	memcpy(service.address, SHARED_ADDRESS, sizeof(service.address));
	service.port = static_cast<u16>(port);
	service.weight = static_cast<u16>(weight);
	service.protocol = PROTOCOL_TCP;
	service.balance = static_cast<u8>(balance);
	return service;
}

/* What a node says of that address, in the place of a service. */
inline shmnet_service shared_address(u64 nodes, u32 generation, u32 flags = SHMNET_ADDRESS_JOINED)
{
	shmnet_shared_address shared = {};
	memcpy(shared.address, SHARED_ADDRESS, sizeof(shared.address));
	shared.nodes = nodes;
	shared.protocol = SHMNET_ADDRESS_RECORD;
	shared.flags = static_cast<u8>(flags);
	shared.generation = generation;
	shmnet_service record;
	memcpy(&record, &shared, sizeof(record));
	return record;
}

/* From the client of a number, by a port. */
inline FlowKey tcp_flow(u32 port, u32 client, u32 client_port = 40000)
{
	FlowKey key = {};
	memcpy(key.source, SHARED_ADDRESS, sizeof(key.source));
	key.source[12] = 10;
	key.source[13] = static_cast<u8>(client >> 16);
	key.source[14] = static_cast<u8>(client >> 8);
	key.source[15] = static_cast<u8>(client);
	memcpy(key.destination, SHARED_ADDRESS, sizeof(key.destination));
	key.source_port = static_cast<u16>(client_port);
	key.destination_port = static_cast<u16>(port);
	key.protocol = PROTOCOL_TCP;
	return key;
}

} // namespace shmnet::test
