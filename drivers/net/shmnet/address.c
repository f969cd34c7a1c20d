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

/*
 * Which node a frame for that address goes to, @is_its where that is its own; this one: to all, by
 * a tape.
 */
u32 shmnet_slot_for(struct shmnet_net *net, const u8 *destination, bool *is_its)
{
	bool command;
	int behind;
	u32 slot;

	*is_its = false;
	if (is_multicast_ether_addr(destination))
		return net->device->slot;
	*is_its = shmnet_is_node_mac(net, destination, &slot, &command);
	if (*is_its)
		return slot;
	behind = shmnet_fdb_find(&net->fdb, destination);
	return behind < 0 ? net->device->slot : behind;
}

/* Whether a frame says to come from another node, or to be the driver's own. */
bool shmnet_is_forged(const struct shmnet_net *net, const u8 *frame)
{
	bool command;
	u32 owner;

	return shmnet_is_node_mac(net, frame + ETH_ALEN, &owner, &command) &&
	       (command || !shmnet_is_own(net, owner));
}
