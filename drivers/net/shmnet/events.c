// SPDX-License-Identifier: GPL-2.0-only
/* Tells of changes (events.h). A message is built only for namespaces where somebody listens. */
#include "shmnet.h"

#include "events.h"
#include "netlink.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

#include <net/genetlink.h>

/* What a message says, besides the device; an attribute is absent where its value is NONE. */
struct message {
	enum shmnet_event event;
	const struct shmnet_net *net;	/* NULL: the device's event */
	u32 slot;
	u32 incarnation;
	u32 queue;
	u32 tape;
	u64 missed;
	u32 fault;
};

#define NONE U32_MAX

static int put(struct sk_buff *skb, int attribute, u32 value)
{
	return value == NONE ? 0 : nla_put_u32(skb, attribute, value);
}

static int fill(struct sk_buff *skb, const struct shmnet_device *device,
		const struct message *message)
{
	if (nla_put_string(skb, SHMNET_A_DEVICE, pci_name(device->pdev)) ||
	    nla_put_u32(skb, SHMNET_A_EVENT, message->event) ||
	    put(skb, SHMNET_A_SLOT, message->slot) ||
	    put(skb, SHMNET_A_INCARNATION, message->incarnation) ||
	    put(skb, SHMNET_A_QUEUE, message->queue) ||
	    put(skb, SHMNET_A_TAPE, message->tape) ||
	    put(skb, SHMNET_A_FAULT, message->fault))
		return -EMSGSIZE;
	if (message->tape != NONE &&
	    nla_put_u64_64bit(skb, SHMNET_A_MISSED, message->missed, SHMNET_A_PAD))
		return -EMSGSIZE;
	return message->net ? shmnet_put_interface(skb, message->net) : 0;
}

static void send_to(struct net *where, const struct shmnet_device *device,
		    const struct message *message)
{
	struct sk_buff *skb;
	void *header;

	if (!genl_has_listeners(&shmnet_family, where, SHMNET_GROUP_EVENTS))
		return;
	skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_ATOMIC);
	if (!skb)
		return;
	header = genlmsg_put(skb, 0, 0, &shmnet_family, 0, SHMNET_CMD_EVENT);
	if (!header || fill(skb, device, message)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, header);
	genlmsg_multicast_netns(&shmnet_family, where, skb, 0, SHMNET_GROUP_EVENTS, GFP_ATOMIC);
}

/* Where an interface is; NULL: nowhere, or on its way out. Under RCU. */
static struct net *namespace_of(const struct shmnet_net *net)
{
	/* Unregistering waits for RCU, and the namespace goes only then. */
	return net && READ_ONCE(net->dev->reg_state) == NETREG_REGISTERED ? dev_net(net->dev)
									  : NULL;
}

/* To the initial namespace, and once to each where the device has an interface. */
static void send(const struct shmnet_device *device, const struct message *message)
{
	u32 i, j;

	rcu_read_lock();
	send_to(&init_net, device, message);
	for (i = 0; i < device->info.networks; i++) {
		struct net *where = namespace_of(READ_ONCE(device->net[i]));

		for (j = 0; j < i && where; j++)
			if (where == namespace_of(READ_ONCE(device->net[j])))
				where = NULL;
		if (where && !net_eq(where, &init_net))
			send_to(where, device, message);
	}
	rcu_read_unlock();
}

void shmnet_tell_node(struct shmnet_device *device, enum shmnet_event event, u32 slot,
		      u32 incarnation)
{
	const struct message message = {
		.event = event,
		.slot = slot,
		.incarnation = incarnation,
		.queue = NONE,
		.tape = NONE,
		.fault = NONE,
	};
	const char *name = pci_name(device->pdev);

	switch (event) {
	case SHMNET_EVENT_NODE_CAME:
		trace_node_came(name, slot, incarnation);
		break;
	case SHMNET_EVENT_NODE_LEFT:
		trace_node_gone(name, slot, incarnation);
		break;
	case SHMNET_EVENT_NODE_DIED:
		trace_node_died(name, slot, incarnation);
		break;
	case SHMNET_EVENT_NODE_SUSPECTED:
		trace_node_suspected(name, slot, incarnation);
		break;
	default:
		break;
	}
	send(device, &message);
}

void shmnet_tell_connected(struct shmnet_net *net, u32 slot)
{
	const struct message message = {
		.event = SHMNET_EVENT_RING_CONNECTED,
		.net = net,
		.slot = slot,
		.incarnation = shmnet_core_peer_incarnation(net->device->core, slot),
		.tape = NONE,
		.fault = NONE,
	};

	trace_ring_connect(net->dev, slot, message.queue, message.incarnation);
	send(net->device, &message);
}

void shmnet_tell_ended(struct shmnet_net *net, u32 slot, enum shmnet_fault fault)
{
	const struct message message = {
		.event = SHMNET_EVENT_RING_ENDED,
		.net = net,
		.slot = slot,
		.incarnation = NONE,
		.tape = NONE,
		.fault = fault ? (u32)fault : NONE,
	};

	trace_ring_end(net->dev, slot, message.queue, fault);
	send(net->device, &message);
}

void shmnet_tell_lapped(struct shmnet_net *net, u32 tape, u64 missed)
{
	const struct message message = {
		.event = SHMNET_EVENT_TAPE_LAPPED,
		.net = net,
		.slot = NONE,
		.incarnation = NONE,
		.queue = NONE,
		.tape = tape,
		.missed = missed,
		.fault = NONE,
	};

	trace_cast_lapped(net->dev, tape, missed);
	if (net->told_lapped && time_before(jiffies, net->told_lapped + HZ))
		return;
	/* Never 0, which stands for never. */
	net->told_lapped = jiffies | 1;
	send(net->device, &message);
}

void shmnet_tell_polling(struct shmnet_net *net)
{
	const struct message message = {
		.event = SHMNET_EVENT_POLLING,
		.net = net,
		.slot = NONE,
		.incarnation = NONE,
		.queue = NONE,
		.tape = NONE,
		.fault = NONE,
	};

	send(net->device, &message);
}
