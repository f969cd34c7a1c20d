// SPDX-License-Identifier: GPL-2.0-only
/* The nodes' Ethernet addresses (shmnet_shm.h, "Addresses and command frames"). */
#include "shmnet.h"

void shmnet_node_mac(const struct shmnet_device *device, u32 network, u32 slot, u8 *mac)
{
	mac[0] = SHMNET_MAC_BASE | network << SHMNET_MAC_NETWORK_SHIFT;
	put_unaligned_be24(device->info.region_id, mac + 1);
	put_unaligned_be16(slot, mac + 4);
}

/* Whether @mac is some node's on this network; which, and whether with the command bit. */
bool shmnet_is_node_mac(const struct shmnet_net *net, const u8 *mac, u32 *slot, bool *command)
{
	u8 base = SHMNET_MAC_BASE | net->index << SHMNET_MAC_NETWORK_SHIFT;

	*slot = get_unaligned_be16(mac + 4);
	*command = mac[0] & SHMNET_MAC_COMMAND;
	return (mac[0] & ~SHMNET_MAC_COMMAND) == base &&
	       get_unaligned_be24(mac + 1) == net->device->info.region_id &&
	       *slot < net->device->info.nodes;
}
