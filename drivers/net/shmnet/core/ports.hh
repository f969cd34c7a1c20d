/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The blocks of ports by which slots begin connections from a shared address (shmnet_shm.h). */
#pragma once

#include "memory.hh"

#include <linux/shmnet_shm.h>

namespace shmnet {

/* From first to last. */
struct PortBlock {
	u32 first;
	u32 last;
};

constexpr PortBlock ports_of(u32 nodes, u32 slot)
{
	u32 first = SHMNET_PORTS_FIRST + slot * SHMNET_PORTS_OF(nodes);
	return {first, first + SHMNET_PORTS_OF(nodes) - 1};
}

/* The slot whose block has the port; @nodes: none has. */
constexpr u32 port_owner(u32 nodes, u32 port)
{
	if (port < SHMNET_PORTS_FIRST)
		return nodes;
	u32 slot = (port - SHMNET_PORTS_FIRST) / SHMNET_PORTS_OF(nodes);
	return slot < nodes ? slot : nodes;
}

} // namespace shmnet
