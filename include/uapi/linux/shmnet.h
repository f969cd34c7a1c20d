/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * shmnet: the control interface, a generic netlink family.
 *
 * All requests are dumps; each answer is a message for each object. With SHMNET_A_DEVICE in the
 * request only that device's are told. A request in a network namespace tells of devices that
 * have an interface there; the initial namespace sees all. No request needs a privilege.
 */
#ifndef _UAPI_LINUX_SHMNET_H
#define _UAPI_LINUX_SHMNET_H

#define SHMNET_GENL_NAME	"shmnet"
#define SHMNET_GENL_VERSION	1

enum shmnet_genl_command {
	SHMNET_CMD_UNSPEC,
	/*
	 * The ivshmem devices that this kernel is a node with: DEVICE, SLOT, INCARNATION, NODES,
	 * REGION_SIZE, VECTORS, READ_SPEED, WRITE_SPEED, and an INTERFACE for each network.
	 */
	SHMNET_CMD_GET_DEVICE,
	/*
	 * The slots of each region that are, or were, in use, as this node sees them: DEVICE, SLOT,
	 * NODE_STATE, INCARNATION, and of a node whose entry stands NAME, MACHINE, PCI_ADDRESS,
	 * HEARTBEAT, PEER_ID, VECTORS, and a NETWORK for each network of the region.
	 */
	SHMNET_CMD_GET_NODE,
	/* The counters of each interface: DEVICE, IFINDEX, and a COUNTER for each. */
	SHMNET_CMD_GET_COUNTERS,

	__SHMNET_CMD_MAX,
	SHMNET_CMD_MAX = __SHMNET_CMD_MAX - 1
};

enum shmnet_genl_attribute {
	SHMNET_A_UNSPEC,
	SHMNET_A_PAD,
	SHMNET_A_DEVICE,	/* string: PCI address in this kernel, 0000:00:04.0 */
	SHMNET_A_SLOT,		/* u32 */
	SHMNET_A_INCARNATION,	/* u32 */
	SHMNET_A_NODES,		/* u32: slots of the region */
	SHMNET_A_REGION_SIZE,	/* u64: bytes */
	SHMNET_A_VECTORS,	/* u32: 0 where there are no doorbells */
	SHMNET_A_READ_SPEED,	/* u32: MB/s, measured when the device was probed */
	SHMNET_A_WRITE_SPEED,	/* u32: MB/s */
	SHMNET_A_INTERFACE,	/* nested, repeated: NETWORK_INDEX, IFINDEX, IFNAME */
	SHMNET_A_IFINDEX,	/* u32: in the namespace of the interface */
	SHMNET_A_IFNAME,	/* string */
	SHMNET_A_NODE_STATE,	/* u32: enum shmnet_node_state */
	SHMNET_A_NAME,		/* string: host name, as the node gave it */
	SHMNET_A_MACHINE,	/* binary, 16 bytes: machine UUID */
	SHMNET_A_PCI_ADDRESS,	/* u32: domain << 16 | bus << 8 | device << 3 | function */
	SHMNET_A_HEARTBEAT,	/* u64 */
	SHMNET_A_PEER_ID,	/* u32: ivshmem id; absent where there are no doorbells */
	SHMNET_A_NETWORK,	/* nested, repeated: the following */
	SHMNET_A_NETWORK_INDEX,	/* u32: row of the geometry */
	SHMNET_A_NETWORK_KIND,	/* u32: enum shmnet_network_kind */
	SHMNET_A_NETWORK_STATE,	/* u32: enum shmnet_network_state */
	SHMNET_A_MTU,		/* u32 */
	SHMNET_A_CAPABILITIES,	/* u64: SHMNET_CAP_* */
	SHMNET_A_MAC,		/* binary, 6 bytes */
	SHMNET_A_CONNECTED,	/* flag: there is a connection to this node on this network */
	SHMNET_A_COUNTER,	/* nested, repeated: COUNTER_NAME, COUNTER_VALUE */
	SHMNET_A_COUNTER_NAME,	/* string: as ethtool -S shows it */
	SHMNET_A_COUNTER_VALUE,	/* u64 */

	__SHMNET_A_MAX,
	SHMNET_A_MAX = __SHMNET_A_MAX - 1
};

/* What a node is to the one that is asked. */
enum shmnet_node_state {
	SHMNET_NODE_SELF = 1,
	SHMNET_NODE_UP = 2,
	SHMNET_NODE_SILENT = 3,	/* its slot is claimed, and it shows no life */
	SHMNET_NODE_DEAD = 4,	/* the hub saw it end */
	SHMNET_NODE_LEFT = 5,	/* it left in order; its slot waits for it */
};

#endif /* _UAPI_LINUX_SHMNET_H */
