// SPDX-License-Identifier: GPL-2.0-only
/* Generic netlink: the connection tables of global interfaces. */
#include "shmnet.h"

#include "netlink.h"

/* Items are numbered by entry and network, so that a table may grow while it is told. */
u32 shmnet_flow_items(const struct shmnet_device *device)
{
	u32 most = 0, i;

	for (i = 0; i < device->info.networks; i++)
		if (device->net[i] && device->net[i]->flows)
			most = max(most, shmnet_flow_capacity(device->net[i]->flows));
	return most * device->info.networks;
}

int shmnet_fill_flow(struct sk_buff *skb, struct shmnet_device *device, u32 item)
{
	struct shmnet_net *net = device->net[item % device->info.networks];
	struct shmnet_flow_view flow;
	u32 idle;

	if (!net || !net->flows ||
	    !shmnet_flow_view(net->flows, item / device->info.networks, &flow, &idle))
		return -ENODATA;
	if (shmnet_put_interface(skb, net) ||
	    nla_put_u32(skb, SHMNET_A_FLOW_PROTOCOL, flow.protocol) ||
	    nla_put(skb, SHMNET_A_FLOW_SOURCE, sizeof(flow.source), flow.source) ||
	    nla_put(skb, SHMNET_A_FLOW_DESTINATION, sizeof(flow.destination), flow.destination) ||
	    nla_put_u32(skb, SHMNET_A_FLOW_SOURCE_PORT, flow.source_port) ||
	    nla_put_u32(skb, SHMNET_A_FLOW_DESTINATION_PORT, flow.destination_port) ||
	    nla_put_u32(skb, SHMNET_A_FLOW_STATE, flow.state) ||
	    nla_put_u32(skb, SHMNET_A_FLOW_IDLE, idle) ||
	    nla_put_u32(skb, SHMNET_A_SLOT, flow.target.node) ||
	    nla_put_u32(skb, SHMNET_A_INCARNATION, flow.target.incarnation))
		return -EMSGSIZE;
	return 0;
}
