// SPDX-License-Identifier: GPL-2.0-only
/* Generic netlink: what there is to be seen (include/uapi/linux/shmnet.h). */
#include "shmnet.h"

#include "netlink.h"

#include <net/sock.h>

/* Where a dump goes on: the device and, within it, the slot or network. */
struct position {
	unsigned long device;
	unsigned long item;
};

static struct position *position_of(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct position) > sizeof(cb->ctx));
	return (struct position *)cb->ctx;
}

/* Whether the namespace of a request may see the device. */
static bool is_visible(const struct shmnet_device *device, const struct net *net)
{
	u32 i;

	if (net_eq(net, &init_net))
		return true;
	for (i = 0; i < device->info.networks; i++)
		if (device->net[i] && net_eq(dev_net(device->net[i]->dev), net))
			return true;
	return false;
}

static bool is_wanted(const struct shmnet_device *device, struct netlink_callback *cb)
{
	const struct nlattr *name = shmnet_dump_attributes(cb)[SHMNET_A_DEVICE];

	return is_visible(device, sock_net(cb->skb->sk)) &&
	       (!name || !nla_strcmp(name, pci_name(device->pdev)));
}

typedef int (*fill_t)(struct sk_buff *skb, struct shmnet_device *device, u32 item);

/* One message for each of @count items of each device, from where the last call left off. */
static int dump(struct sk_buff *skb, struct netlink_callback *cb, u8 command, fill_t fill,
		u32 (*count)(const struct shmnet_device *device))
{
	struct position *at = position_of(cb);
	struct shmnet_device *device;
	unsigned long index = 0;
	int err = 0;

	mutex_lock(&shmnet_devices_lock);
	list_for_each_entry(device, &shmnet_devices, list) {
		if (index++ < at->device)
			continue;
		mutex_lock(&device->lock);
		for (; is_wanted(device, cb) && at->item < count(device); at->item++) {
			void *header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
						   cb->nlh->nlmsg_seq, &shmnet_family, NLM_F_MULTI,
						   command);

			err = header ? nla_put_string(skb, SHMNET_A_DEVICE, pci_name(device->pdev))
				     : -EMSGSIZE;
			if (!err)
				err = fill(skb, device, at->item);
			if (err == -ENODATA) {
				genlmsg_cancel(skb, header);
				err = 0;
				/* A connection table may have a million free entries. */
				cond_resched();
				continue;
			}
			if (err) {
				genlmsg_cancel(skb, header);
				break;
			}
			genlmsg_end(skb, header);
		}
		mutex_unlock(&device->lock);
		if (err)
			break;
		at->device++;
		at->item = 0;
	}
	mutex_unlock(&shmnet_devices_lock);
	return err ? (skb->len ? skb->len : err) : skb->len;
}

static u32 one(const struct shmnet_device *device)
{
	return 1;
}

static u32 nodes_of(const struct shmnet_device *device)
{
	return device->info.nodes;
}

static u32 networks_of(const struct shmnet_device *device)
{
	return device->info.networks;
}

int shmnet_put_interface(struct sk_buff *skb, const struct shmnet_net *net)
{
	if (nla_put_u32(skb, SHMNET_A_NETWORK_INDEX, net->index) ||
	    nla_put_u32(skb, SHMNET_A_IFINDEX, net->dev->ifindex) ||
	    nla_put_string(skb, SHMNET_A_IFNAME, net->dev->name))
		return -EMSGSIZE;
	return 0;
}

static int fill_interface(struct sk_buff *skb, const struct shmnet_net *net)
{
	struct nlattr *nest = nla_nest_start(skb, SHMNET_A_INTERFACE);

	if (!nest || shmnet_put_interface(skb, net))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* By which this node begins connections from shared addresses. */
static int fill_ports(struct sk_buff *skb, const struct shmnet_device *device)
{
	u32 first, last;

	shmnet_core_ports(device->core, device->slot, &first, &last);
	if (nla_put_u32(skb, SHMNET_A_PORTS_FIRST, first) ||
	    nla_put_u32(skb, SHMNET_A_PORTS_LAST, last))
		return -EMSGSIZE;
	return 0;
}

static int fill_device(struct sk_buff *skb, struct shmnet_device *device, u32 item)
{
	u32 i;

	if (nla_put_u32(skb, SHMNET_A_SLOT, device->slot) ||
	    nla_put_u32(skb, SHMNET_A_INCARNATION, device->incarnation) ||
	    nla_put_u32(skb, SHMNET_A_NODES, device->info.nodes) ||
	    nla_put_u64_64bit(skb, SHMNET_A_REGION_SIZE, device->info.region_size, SHMNET_A_PAD) ||
	    nla_put_u32(skb, SHMNET_A_VECTORS, device->vectors) ||
	    nla_put_u32(skb, SHMNET_A_READ_SPEED, device->read_speed) ||
	    nla_put_u32(skb, SHMNET_A_WRITE_SPEED, device->write_speed) ||
	    fill_ports(skb, device))
		return -EMSGSIZE;
	for (i = 0; i < device->info.networks; i++)
		if (device->net[i] && fill_interface(skb, device->net[i]))
			return -EMSGSIZE;
	return 0;
}

static int fill_network(struct sk_buff *skb, const struct shmnet_device *device, u32 slot,
			u32 index, const struct shmnet_node_network *words)
{
	const struct shmnet_net *net = device->net[index];
	struct nlattr *nest = nla_nest_start(skb, SHMNET_A_NETWORK);
	struct shmnet_network_info info;
	u8 mac[ETH_ALEN];

	shmnet_network_info(device->core, index, &info);
	shmnet_node_mac(device, index, slot, mac);
	if (!nest || nla_put_u32(skb, SHMNET_A_NETWORK_INDEX, index) ||
	    nla_put_u32(skb, SHMNET_A_NETWORK_KIND, info.kind) ||
	    nla_put_u32(skb, SHMNET_A_NETWORK_STATE, words->state) ||
	    nla_put_u32(skb, SHMNET_A_MTU, words->mtu) ||
	    nla_put_u64_64bit(skb, SHMNET_A_CAPABILITIES, words->capabilities, SHMNET_A_PAD) ||
	    nla_put(skb, SHMNET_A_MAC, sizeof(mac), mac))
		return -EMSGSIZE;
	if (net && READ_ONCE(net->tx[slot].connected) && nla_put_flag(skb, SHMNET_A_CONNECTED))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int fill_entry(struct sk_buff *skb, const struct shmnet_device *device, u32 slot,
		      const struct shmnet_node *entry)
{
	u32 i;

	if (nla_put_string(skb, SHMNET_A_NAME, entry->name) ||
	    nla_put(skb, SHMNET_A_MACHINE, sizeof(entry->machine), entry->machine) ||
	    nla_put_u32(skb, SHMNET_A_PCI_ADDRESS, entry->device) ||
	    nla_put_u64_64bit(skb, SHMNET_A_HEARTBEAT, entry->heartbeat, SHMNET_A_PAD) ||
	    nla_put_u32(skb, SHMNET_A_VECTORS, entry->vectors))
		return -EMSGSIZE;
	if (entry->peer != SHMNET_NO_PEER && nla_put_u32(skb, SHMNET_A_PEER_ID, entry->peer))
		return -EMSGSIZE;
	for (i = 0; i < device->info.networks; i++)
		if (fill_network(skb, device, slot, i, &entry->networks[i]))
			return -EMSGSIZE;
	return 0;
}

static u32 state_of(const struct shmnet_device *device, u32 slot, bool claimed)
{
	if (slot == device->slot)
		return SHMNET_NODE_SELF;
	if (!claimed)
		return SHMNET_NODE_LEFT;
	if (!shmnet_core_living(device->core, slot))
		return SHMNET_NODE_DEAD;
	return shmnet_core_peer_alive(device->core, slot) ? SHMNET_NODE_UP : SHMNET_NODE_SILENT;
}

static int fill_node(struct sk_buff *skb, struct shmnet_device *device, u32 slot)
{
	bool claimed;
	u32 incarnation = shmnet_core_claimed(device->core, slot, &claimed);
	struct shmnet_node *entry;
	int err = 0;

	if (!incarnation)
		return -ENODATA;
	if (nla_put_u32(skb, SHMNET_A_SLOT, slot) ||
	    nla_put_u32(skb, SHMNET_A_INCARNATION, incarnation) ||
	    nla_put_u32(skb, SHMNET_A_NODE_STATE, state_of(device, slot, claimed)))
		return -EMSGSIZE;
	entry = kmalloc(sizeof(*entry), GFP_KERNEL);
	if (!entry)
		return -ENOMEM;
	if (shmnet_core_read_entry(device->core, slot, entry) && entry->incarnation == incarnation)
		err = fill_entry(skb, device, slot, entry);
	kfree(entry);
	return err;
}

int shmnet_put_counters(struct sk_buff *skb, const struct shmnet_counters *counters, bool zeros)
{
	int i;

	for (i = 0; i < SHMNET_COUNTERS; i++) {
		u64 value = READ_ONCE(counters->value[i]);
		struct nlattr *nest;

		if (!value && !zeros)
			continue;
		nest = nla_nest_start(skb, SHMNET_A_COUNTER);
		if (!nest ||
		    nla_put_string(skb, SHMNET_A_COUNTER_NAME, shmnet_counter_names[i]) ||
		    nla_put_u64_64bit(skb, SHMNET_A_COUNTER_VALUE, value, SHMNET_A_PAD))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

static int fill_counters(struct sk_buff *skb, struct shmnet_device *device, u32 index)
{
	const struct shmnet_net *net = device->net[index];
	struct shmnet_counters sum;

	if (!net)
		return -ENODATA;
	if (shmnet_put_interface(skb, net))
		return -EMSGSIZE;
	shmnet_sum_counters(net, &sum);
	return shmnet_put_counters(skb, &sum, true);
}

static int dump_devices(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, SHMNET_CMD_GET_DEVICE, fill_device, one);
}

static int dump_nodes(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, SHMNET_CMD_GET_NODE, fill_node, nodes_of);
}

static int dump_counters(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, SHMNET_CMD_GET_COUNTERS, fill_counters, networks_of);
}

static int dump_rings(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, SHMNET_CMD_GET_RING, shmnet_fill_ring, shmnet_ring_items);
}

static int dump_tapes(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, SHMNET_CMD_GET_TAPE, shmnet_fill_tape, shmnet_tape_items);
}

static int dump_flows(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, SHMNET_CMD_GET_FLOW, shmnet_fill_flow, shmnet_flow_items);
}

static int dump_services(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, SHMNET_CMD_GET_SERVICE, shmnet_fill_service, shmnet_service_items);
}

static const struct nla_policy policy[] = {
	[SHMNET_A_DEVICE] = { .type = NLA_NUL_STRING, .len = 31 },
};

static const struct genl_ops ops[] = {
	{ .cmd = SHMNET_CMD_GET_DEVICE, .dumpit = dump_devices },
	{ .cmd = SHMNET_CMD_GET_NODE, .dumpit = dump_nodes },
	{ .cmd = SHMNET_CMD_GET_COUNTERS, .dumpit = dump_counters },
	{ .cmd = SHMNET_CMD_GET_RING, .dumpit = dump_rings },
	{ .cmd = SHMNET_CMD_GET_TAPE, .dumpit = dump_tapes },
	/* Who speaks with whom. */
	{ .cmd = SHMNET_CMD_GET_FLOW, .dumpit = dump_flows, .flags = GENL_UNS_ADMIN_PERM },
	{ .cmd = SHMNET_CMD_GET_SERVICE, .dumpit = dump_services },
	{ .cmd = SHMNET_CMD_SET_SERVICES, .doit = shmnet_do_set_services,
	  .flags = GENL_UNS_ADMIN_PERM,
	  .policy = shmnet_services_policy, .maxattr = SHMNET_A_SERVICE },
	{ .cmd = SHMNET_CMD_SET_DRAINING, .doit = shmnet_do_set_draining,
	  .flags = GENL_UNS_ADMIN_PERM,
	  .policy = shmnet_draining_policy, .maxattr = SHMNET_A_DRAINING },
	{ .cmd = SHMNET_CMD_EXPLAIN, .doit = shmnet_do_explain, .flags = GENL_UNS_ADMIN_PERM,
	  .policy = shmnet_explain_policy, .maxattr = SHMNET_A_FLOW_DESTINATION_PORT },
};

static const struct genl_multicast_group groups[] = {
	[SHMNET_GROUP_EVENTS] = { .name = SHMNET_GENL_EVENTS },
};

struct genl_family shmnet_family __ro_after_init = {
	.name = SHMNET_GENL_NAME,
	.version = SHMNET_GENL_VERSION,
	.maxattr = ARRAY_SIZE(policy) - 1,
	.policy = policy,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
	.resv_start_op = SHMNET_CMD_MAX + 1,
	.netnsok = true,
	.module = THIS_MODULE,
};
