// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Ports of a shared address: each block is one slot's, and nobody has what is around them. */
#include "ports.hh"

#include <gtest/gtest.h>

namespace shmnet::test {

TEST(Ports, EachBlockIsItsSlots)
{
	for (u32 nodes = SHMNET_NODES_MIN; nodes <= SHMNET_NODES_MAX; nodes++) {
		u32 next = SHMNET_PORTS_FIRST;
		for (u32 slot = 0; slot < nodes; slot++) {
			PortBlock block = ports_of(nodes, slot);
			EXPECT_EQ(block.first, next);
			EXPECT_EQ(port_owner(nodes, block.first), slot);
			EXPECT_EQ(port_owner(nodes, block.last), slot);
			next = block.last + 1;
		}
		EXPECT_LE(next, 65536u);
		EXPECT_EQ(port_owner(nodes, next), nodes);
		EXPECT_EQ(port_owner(nodes, SHMNET_PORTS_FIRST - 1), nodes);
		EXPECT_EQ(port_owner(nodes, 0), nodes);
		EXPECT_EQ(port_owner(nodes, 65535), nodes);
	}
}

} // namespace shmnet::test
