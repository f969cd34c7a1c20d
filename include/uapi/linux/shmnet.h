/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * shmnet: the control interface, a generic netlink family.
 *
 * The GET requests are dumps; each answer is a message for each object. With SHMNET_A_DEVICE in
 * the request only that device's are told. A request in a network namespace tells of devices that
 * have an interface there; the initial namespace sees all. No dump needs a privilege but GET_FLOW.
 *
 * What changes is told to the multicast group SHMNET_GENL_EVENTS: SHMNET_CMD_EVENT for each. The
 * same namespaces hear it. A listener that is slower than events come loses some: the socket then
 * says ENOBUFS, and the dumps say how things are.
 */
#ifndef _UAPI_LINUX_SHMNET_H
#define _UAPI_LINUX_SHMNET_H

#define SHMNET_GENL_NAME	"shmnet"
#define SHMNET_GENL_VERSION	1
#define SHMNET_GENL_EVENTS	"events"	/* multicast group */

enum shmnet_genl_command {
	SHMNET_CMD_UNSPEC,
	/*
	 * The ivshmem devices that this kernel is a node with: DEVICE, SLOT, INCARNATION, NODES,
	 * REGION_SIZE, VECTORS, READ_SPEED, WRITE_SPEED, PORTS_FIRST, PORTS_LAST, and an
	 * INTERFACE for each network.
	 */
	SHMNET_CMD_GET_DEVICE,
	/*
	 * The slots of each region that are, or were, in use, as this node sees them: DEVICE, SLOT,
	 * NODE_STATE, INCARNATION, and of a node whose entry stands NAME, MACHINE, PCI_ADDRESS,
	 * HEARTBEAT, PEER_ID, VECTORS, and a NETWORK for each network of the region.
	 */
	SHMNET_CMD_GET_NODE,
	/*
	 * The counters of each interface: DEVICE, NETWORK_INDEX, IFINDEX, IFNAME, and a COUNTER for
	 * each.
	 */
	SHMNET_CMD_GET_COUNTERS,
	/*
	 * The rings of each interface, of peers that are or were there: DEVICE, NETWORK_INDEX,
	 * IFINDEX, IFNAME, SLOT (the peer's), QUEUE, DIRECTION, RING_STATE, POOL; unless it is
	 * closed INCARNATION (the peer's), EPOCH, DESCRIPTORS, BUFFERS, ARMED, and FRAMES of a ring
	 * that is sent into; and a COUNTER for each of this ring's that is not 0. A receiving end
	 * is looked at while it works: its values are of nearly the same moment.
	 */
	SHMNET_CMD_GET_RING,
	/*
	 * The tapes of each interface that it reads, or that a group has: DEVICE, NETWORK_INDEX,
	 * IFINDEX, IFNAME, TAPE, GROUP, READING, ARMED, POSITION, HEAD, MISSED.
	 */
	SHMNET_CMD_GET_TAPE,
	/* Never a request: DEVICE, EVENT, and what enum shmnet_event says. */
	SHMNET_CMD_EVENT,
	/*
	 * The flows that a global interface's connection table knows: DEVICE, NETWORK_INDEX,
	 * IFINDEX, IFNAME, FLOW_PROTOCOL, FLOW_SOURCE, FLOW_DESTINATION, FLOW_SOURCE_PORT,
	 * FLOW_DESTINATION_PORT, FLOW_STATE, FLOW_IDLE, SLOT and INCARNATION (of the node that
	 * serves it). CAP_NET_ADMIN, in the user namespace of the request's network namespace.
	 */
	SHMNET_CMD_GET_FLOW,
	/*
	 * What nodes offer on global networks, as this node has read it: DEVICE, NETWORK_INDEX,
	 * IFINDEX, IFNAME, SLOT, INCARNATION, and what is said of a SERVICE below.
	 */
	SHMNET_CMD_GET_SERVICE,
	/*
	 * Not a dump. Replaces all that this node offers on the global network of the interface
	 * IFINDEX by a SERVICE for each; by none, it offers nothing. Whoever asks is in the
	 * interface's network namespace and has CAP_NET_ADMIN there. ENODEV: no such interface.
	 * EOPNOTSUPP: its network is not global. E2BIG: more than SHMNET_SERVICES_MAX. EINVAL: a
	 * service that cannot be. All or nothing. It stands until it is replaced, the
	 * interface goes to another network namespace, or the device goes.
	 */
	SHMNET_CMD_SET_SERVICES,
	/*
	 * Not a dump. DRAINING: whether this node is still given new flows on the global network of
	 * the interface IFINDEX; those that it has stay. Whoever asks, and what is refused, as of
	 * SET_SERVICES. It stands until it is set anew, or the device goes.
	 */
	SHMNET_CMD_SET_DRAINING,
	/*
	 * Not a dump. To whom a packet to an address that nodes share would go if it were a flow's
	 * first: asked with IFINDEX, FLOW_PROTOCOL, FLOW_SOURCE, FLOW_DESTINATION and both ports.
	 * Answered by STEP, and as that says by SLOT and INCARNATION, or by CANDIDATES. Of a flow
	 * that is known it counts as a packet. Whoever asks, and what is refused, as of
	 * SET_SERVICES.
	 */
	SHMNET_CMD_EXPLAIN,

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
	SHMNET_A_QUEUE,		/* u32: of a pair of nodes on a network, from 0 */
	SHMNET_A_DIRECTION,	/* u32: enum shmnet_direction */
	SHMNET_A_RING_STATE,	/* u32: enum shmnet_ring_state */
	SHMNET_A_EPOCH,		/* u32: of the connection */
	SHMNET_A_FRAMES,	/* u32: sent, and not read yet */
	SHMNET_A_DESCRIPTORS,	/* u32: likewise; a frame has one for each buffer */
	SHMNET_A_BUFFERS,	/* u32: with the sender. It fills them; a receiver waits for them */
	SHMNET_A_POOL,		/* u32: buffers of the ring in all */
	SHMNET_A_ARMED,		/* flag: the receiver sleeps, and wants to be rung */
	SHMNET_A_TAPE,		/* u32: 0 is the broadcast tape */
	SHMNET_A_GROUP,		/* binary, 6 bytes: address of the group whose tape it is */
	SHMNET_A_READING,	/* flag */
	SHMNET_A_POSITION,	/* u64: sequence that is read next */
	SHMNET_A_HEAD,		/* u64: sequence that is written next */
	SHMNET_A_MISSED,	/* u64: casts, since the reader was made */
	SHMNET_A_EVENT,		/* u32: enum shmnet_event */
	SHMNET_A_FAULT,		/* u32: place of the counter resets_* that counted it, from 1 */
	SHMNET_A_FLOW_PROTOCOL,	/* u32: of IP */
	SHMNET_A_FLOW_SOURCE,	/* binary, 16 bytes: IPv4 as ::ffff:a.b.c.d */
	SHMNET_A_FLOW_DESTINATION,	/* binary, 16 bytes: likewise */
	SHMNET_A_FLOW_SOURCE_PORT,	/* u32 */
	SHMNET_A_FLOW_DESTINATION_PORT,	/* u32 */
	SHMNET_A_FLOW_STATE,	/* u32: enum shmnet_flow_state */
	SHMNET_A_FLOW_IDLE,	/* u32: milliseconds since its last packet, to a second */
	SHMNET_A_PORTS_FIRST,	/* u32: by which this node begins connections ... */
	SHMNET_A_PORTS_LAST,	/* u32: ... from an address that nodes share */
	SHMNET_A_SERVICE,	/* nested, repeated: the following; what is left out is 0 */
	SHMNET_A_SERVICE_PROTOCOL,	/* u32: of IP: TCP, UDP or SCTP */
	SHMNET_A_SERVICE_ADDRESS,	/* binary, 16 bytes: as FLOW_SOURCE; one of the interface */
	SHMNET_A_SERVICE_PORT,	/* u32 */
	SHMNET_A_SERVICE_WEIGHT,	/* u32: to SHMNET_WEIGHT_MAX; 0: no new flows */
	SHMNET_A_SERVICE_BALANCE,	/* u32: enum shmnet_balance */
	SHMNET_A_SERVICE_CONNECTIONS,	/* u32: that it has now */
	SHMNET_A_SERVICE_FLAGS,	/* u32: SHMNET_SERVICE_* */
	SHMNET_A_DRAINING,	/* u32: 0 or 1 */
	SHMNET_A_STEP,		/* u32: enum shmnet_flow_step */
	SHMNET_A_CANDIDATES,	/* u64: bit by slot */
	/*
	 * Of a SERVICE whose protocol is SHMNET_ADDRESS_RECORD, which is what a node says of a
	 * shared address: SERVICE_ADDRESS, _BALANCE, _FLAGS (SHMNET_ADDRESS_*), and these.
	 */
	SHMNET_A_SERVICE_NODES,	/* u64: bit by slot */
	SHMNET_A_SERVICE_GENERATION,	/* u32 */

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

enum shmnet_direction {
	SHMNET_DIRECTION_SEND = 1,
	SHMNET_DIRECTION_RECEIVE = 2,
};

enum shmnet_ring_state {
	SHMNET_RING_CLOSED = 1,
	SHMNET_RING_OPEN = 2,		/* its receiver has opened it, its sender is not seen yet */
	SHMNET_RING_CONNECTED = 3,
	SHMNET_RING_STALLED = 4,	/* the receiver does not read: what is sent is dropped */
};

/* By what packets to the shared address have said; those from it may take another way. */
enum shmnet_flow_state {
	SHMNET_FLOW_OPENING = 1,	/* TCP: a SYN, and nothing that follows a SYN-ACK */
	SHMNET_FLOW_ESTABLISHED = 2,	/* TCP */
	SHMNET_FLOW_CLOSING = 3,	/* TCP: a FIN */
	SHMNET_FLOW_CLOSED = 4,		/* TCP: a RST */
	SHMNET_FLOW_DATAGRAM = 5,	/* all that is not TCP */
};

/* What says to which node a packet to a shared address goes; in the order in which it is asked. */
enum shmnet_flow_step {
	SHMNET_FLOW_STEP_KNOWN = 1,	/* SLOT, INCARNATION: the connection table */
	SHMNET_FLOW_STEP_ANSWER = 2,	/* SLOT, INCARNATION: by whose ports it was begun */
	SHMNET_FLOW_STEP_PINNED = 3,	/* SLOT, INCARNATION: some entry has given it away */
	SHMNET_FLOW_STEP_OFFERED = 4,	/* CANDIDATES: nodes that offer it; one is chosen */
	SHMNET_FLOW_STEP_ANY = 5,	/* CANDIDATES: nobody has said anything: all may */
	SHMNET_FLOW_STEP_NOBODY = 6,	/* nobody offers it: this node's own stack answers */
	/* Of what begins no flow, and so not of an explanation. */
	SHMNET_FLOW_STEP_OWN = 7,	/* this node has a socket of it */
	SHMNET_FLOW_STEP_ASKED = 8,	/* all nodes are asked */
};

/*
 * What has happened. SLOT and INCARNATION are the other node's. Events of an interface have
 * NETWORK_INDEX, IFINDEX and IFNAME, too.
 */
enum shmnet_event {
	SHMNET_EVENT_NODE_CAME = 1,	/* SLOT, INCARNATION: it lives */
	SHMNET_EVENT_NODE_LEFT = 2,	/* SLOT, INCARNATION: in order, or was replaced */
	SHMNET_EVENT_NODE_DIED = 3,	/* SLOT, INCARNATION: the hub saw its guest end */
	SHMNET_EVENT_NODE_SUSPECTED = 4,/* SLOT, INCARNATION: no sign of life for too long */
	SHMNET_EVENT_RING_CONNECTED = 5,/* SLOT, INCARNATION, QUEUE: frames can be sent to it */
	SHMNET_EVENT_RING_ENDED = 6,	/* SLOT, QUEUE; FAULT if it broke the rules */
	SHMNET_EVENT_TAPE_LAPPED = 7,	/* TAPE, MISSED; once a second at most on an interface */
	SHMNET_EVENT_REJOINED = 8,	/* SLOT, INCARNATION, its own: joined anew, or resumed */
	SHMNET_EVENT_POLLING = 9,	/* doorbells do not arrive: the interface polls */
};

#endif /* _UAPI_LINUX_SHMNET_H */
