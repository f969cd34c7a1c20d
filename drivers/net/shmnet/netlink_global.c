// SPDX-License-Identifier: GPL-2.0-only
/* Generic netlink: requests about one interface of a global network. */
#include "shmnet.h"

#include "netlink.h"

static struct shmnet_net *find_interface(const struct net *namespace, u32 ifindex)
{
	struct shmnet_device *device;
	u32 i;

	list_for_each_entry(device, &shmnet_devices, list)
		for (i = 0; i < device->info.networks; i++) {
			struct shmnet_net *net = device->net[i];

			if (net && net->dev->ifindex == ifindex &&
			    net_eq(dev_net(net->dev), namespace))
				return net;
		}
	return NULL;
}

struct shmnet_net *shmnet_global_of(struct genl_info *info)
{
	struct shmnet_net *net;

	if (!info->attrs[SHMNET_A_IFINDEX]) {
		NL_SET_ERR_MSG(info->extack, "of which interface: its index is missing");
		return ERR_PTR(-EINVAL);
	}
	net = find_interface(genl_info_net(info), nla_get_u32(info->attrs[SHMNET_A_IFINDEX]));
	if (!net) {
		NL_SET_ERR_MSG(info->extack, "the interface is not one of shmnet's");
		return ERR_PTR(-ENODEV);
	}
	if (!shmnet_is_global(net)) {
		NL_SET_ERR_MSG(info->extack, "the interface is not one of a global network");
		return ERR_PTR(-EOPNOTSUPP);
	}
	return net;
}

const struct nla_policy shmnet_draining_policy[SHMNET_A_DRAINING + 1] = {
	[SHMNET_A_IFINDEX] = { .type = NLA_U32 },
	[SHMNET_A_DRAINING] = NLA_POLICY_MAX(NLA_U32, 1),
};

int shmnet_do_set_draining(struct sk_buff *skb, struct genl_info *info)
{
	struct shmnet_net *net;

	if (!info->attrs[SHMNET_A_DRAINING]) {
		NL_SET_ERR_MSG(info->extack, "whether it shall drain is missing");
		return -EINVAL;
	}
	mutex_lock(&shmnet_devices_lock);
	net = shmnet_global_of(info);
	if (!IS_ERR(net)) {
		mutex_lock(&net->device->lock);
		shmnet_set_draining(net, nla_get_u32(info->attrs[SHMNET_A_DRAINING]));
		mutex_unlock(&net->device->lock);
	}
	mutex_unlock(&shmnet_devices_lock);
	return PTR_ERR_OR_ZERO(net);
}

#define ADDRESS_POLICY NLA_POLICY_EXACT_LEN(sizeof_field(struct shmnet_command_flow, source))

const struct nla_policy shmnet_explain_policy[SHMNET_A_FLOW_DESTINATION_PORT + 1] = {
	[SHMNET_A_IFINDEX] = { .type = NLA_U32 },
	[SHMNET_A_FLOW_PROTOCOL] = NLA_POLICY_MAX(NLA_U32, U8_MAX),
	[SHMNET_A_FLOW_SOURCE] = ADDRESS_POLICY,
	[SHMNET_A_FLOW_DESTINATION] = ADDRESS_POLICY,
	[SHMNET_A_FLOW_SOURCE_PORT] = { .type = NLA_U32 },
	[SHMNET_A_FLOW_DESTINATION_PORT] = { .type = NLA_U32 },
};

/* What a request asks about, as a flow's first packet has it. */
static int read_flow(const struct genl_info *info, struct shmnet_flow *flow)
{
	struct shmnet_command_flow told = {};
	struct nlattr **attributes = info->attrs;
	u32 i, source_port, destination_port;

	for (i = SHMNET_A_FLOW_PROTOCOL; i <= SHMNET_A_FLOW_DESTINATION_PORT; i++)
		if (!attributes[i]) {
			NL_SET_ERR_MSG(info->extack, "a flow has a protocol, addresses and ports");
			return -EINVAL;
		}
	source_port = nla_get_u32(attributes[SHMNET_A_FLOW_SOURCE_PORT]);
	destination_port = nla_get_u32(attributes[SHMNET_A_FLOW_DESTINATION_PORT]);
	if (source_port > U16_MAX || destination_port > U16_MAX) {
		NL_SET_ERR_MSG(info->extack, "a port is at most 65535");
		return -EINVAL;
	}
	nla_memcpy(told.source, attributes[SHMNET_A_FLOW_SOURCE], sizeof(told.source));
	nla_memcpy(told.destination, attributes[SHMNET_A_FLOW_DESTINATION],
		   sizeof(told.destination));
	told.protocol = nla_get_u32(attributes[SHMNET_A_FLOW_PROTOCOL]);
	told.source_port = htons(source_port);
	told.destination_port = htons(destination_port);
	shmnet_flow_hear(&told, flow);
	return 0;
}

static int put_explanation(struct sk_buff *skb, struct shmnet_net *net,
			   const struct shmnet_flow *flow)
{
	struct shmnet_flow_target target;
	u64 candidates;
	enum shmnet_flow_step step = shmnet_explain(net, flow, &target, &candidates);

	if (nla_put_u32(skb, SHMNET_A_STEP, step))
		return -EMSGSIZE;
	if (candidates)
		return nla_put_u64_64bit(skb, SHMNET_A_CANDIDATES, candidates, SHMNET_A_PAD);
	if (step == SHMNET_FLOW_STEP_NOBODY)
		return 0;
	return nla_put_u32(skb, SHMNET_A_SLOT, target.node) ?:
	       nla_put_u32(skb, SHMNET_A_INCARNATION, target.incarnation);
}

int shmnet_do_explain(struct sk_buff *skb, struct genl_info *info)
{
	struct shmnet_flow flow;
	struct shmnet_net *net;
	struct sk_buff *answer;
	void *header;
	int err = read_flow(info, &flow);

	if (err)
		return err;
	answer = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!answer)
		return -ENOMEM;
	header = genlmsg_put_reply(answer, info, &shmnet_family, 0, SHMNET_CMD_EXPLAIN);
	mutex_lock(&shmnet_devices_lock);
	net = shmnet_global_of(info);
	err = IS_ERR(net) ? PTR_ERR(net) : put_explanation(answer, net, &flow);
	mutex_unlock(&shmnet_devices_lock);
	if (err) {
		nlmsg_free(answer);
		return err;
	}
	genlmsg_end(answer, header);
	return genlmsg_reply(answer, info);
}
