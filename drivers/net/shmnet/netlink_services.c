// SPDX-License-Identifier: GPL-2.0-only
/* Generic netlink: what nodes offer on global networks, and what this one shall. */
#include "shmnet.h"

#include "netlink.h"

#include <linux/slab.h>

static const struct nla_policy service_policy[] = {
	[SHMNET_A_SERVICE_PROTOCOL] = NLA_POLICY_MAX(NLA_U32, U8_MAX),
	[SHMNET_A_SERVICE_ADDRESS] =
		NLA_POLICY_EXACT_LEN(sizeof_field(struct shmnet_service, address)),
	[SHMNET_A_SERVICE_PORT] = { .type = NLA_U32 },
	[SHMNET_A_SERVICE_WEIGHT] = NLA_POLICY_MAX(NLA_U32, SHMNET_WEIGHT_MAX),
	[SHMNET_A_SERVICE_BALANCE] = NLA_POLICY_MAX(NLA_U32, U8_MAX),
	[SHMNET_A_SERVICE_CONNECTIONS] = { .type = NLA_U32 },
	[SHMNET_A_SERVICE_FLAGS] = NLA_POLICY_MAX(NLA_U32, U8_MAX),
	[SHMNET_A_SERVICE_NODES] = { .type = NLA_U64 },
	[SHMNET_A_SERVICE_GENERATION] = { .type = NLA_U32 },
};

const struct nla_policy shmnet_services_policy[SHMNET_A_SERVICE + 1] = {
	[SHMNET_A_IFINDEX] = { .type = NLA_U32 },
	[SHMNET_A_SERVICE] = NLA_POLICY_NESTED(service_policy),
};

static u32 value_of(const struct nlattr *attribute)
{
	return attribute ? nla_get_u32(attribute) : 0;
}

/* What a node says of an address. */
static void read_address(struct nlattr **attributes, struct shmnet_service *record)
{
	struct shmnet_shared_address shared = {
		.protocol = SHMNET_ADDRESS_RECORD,
		.balance = value_of(attributes[SHMNET_A_SERVICE_BALANCE]),
		.flags = value_of(attributes[SHMNET_A_SERVICE_FLAGS]),
		.generation = value_of(attributes[SHMNET_A_SERVICE_GENERATION]),
	};

	if (attributes[SHMNET_A_SERVICE_NODES])
		shared.nodes = nla_get_u64(attributes[SHMNET_A_SERVICE_NODES]);
	memcpy(record, &shared, sizeof(*record));
}

static int read_service(const struct nlattr *nest, struct shmnet_service *service,
			struct netlink_ext_ack *extack)
{
	struct nlattr *attributes[ARRAY_SIZE(service_policy)];
	int err = nla_parse_nested(attributes, ARRAY_SIZE(service_policy) - 1, nest, service_policy,
				   extack);
	u32 port;

	if (err)
		return err;
	port = value_of(attributes[SHMNET_A_SERVICE_PORT]);
	*service = (struct shmnet_service){
		.connections = value_of(attributes[SHMNET_A_SERVICE_CONNECTIONS]),
		.port = port,
		.weight = value_of(attributes[SHMNET_A_SERVICE_WEIGHT]),
		.protocol = value_of(attributes[SHMNET_A_SERVICE_PROTOCOL]),
		.balance = value_of(attributes[SHMNET_A_SERVICE_BALANCE]),
		.flags = value_of(attributes[SHMNET_A_SERVICE_FLAGS]),
	};
	if (service->protocol == SHMNET_ADDRESS_RECORD)
		read_address(attributes, service);
	if (attributes[SHMNET_A_SERVICE_ADDRESS])
		nla_memcpy(service->address, attributes[SHMNET_A_SERVICE_ADDRESS],
			   sizeof(service->address));
	if (port <= U16_MAX && shmnet_service_is_valid(service))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, nest,
			    "a service has an address, a port, a way to balance, and TCP, UDP or SCTP");
	return -EINVAL;
}

/* The services of a request, in memory of their own. */
static struct shmnet_service *read_request(struct genl_info *info, u32 *count)
{
	struct shmnet_service *services;
	struct nlattr *attribute;
	u32 wanted = 0;
	int rest, err;

	nla_for_each_attr(attribute, genlmsg_data(info->genlhdr), genlmsg_len(info->genlhdr), rest)
		wanted += nla_type(attribute) == SHMNET_A_SERVICE;
	if (wanted > SHMNET_SERVICES_MAX) {
		NL_SET_ERR_MSG(info->extack, "more services than a node can have");
		return ERR_PTR(-E2BIG);
	}
	services = kvmalloc_array(max(wanted, 1u), sizeof(*services), GFP_KERNEL);
	if (!services)
		return ERR_PTR(-ENOMEM);
	*count = 0;
	nla_for_each_attr(attribute, genlmsg_data(info->genlhdr), genlmsg_len(info->genlhdr),
			  rest) {
		if (nla_type(attribute) != SHMNET_A_SERVICE)
			continue;
		err = read_service(attribute, &services[*count], info->extack);
		if (err) {
			kvfree(services);
			return ERR_PTR(err);
		}
		++*count;
	}
	return services;
}

static int set_services(struct genl_info *info, struct shmnet_service *services, u32 count)
{
	struct shmnet_net *net = shmnet_global_of(info);

	if (IS_ERR(net))
		return PTR_ERR(net);
	mutex_lock(&net->device->lock);
	shmnet_services_set(net, genl_info_net(info), services, count);
	mutex_unlock(&net->device->lock);
	return 0;
}

int shmnet_do_set_services(struct sk_buff *skb, struct genl_info *info)
{
	struct shmnet_service *services;
	u32 count;
	int err;

	services = read_request(info, &count);
	if (IS_ERR(services))
		return PTR_ERR(services);
	mutex_lock(&shmnet_devices_lock);
	err = set_services(info, services, count);
	mutex_unlock(&shmnet_devices_lock);
	if (err)
		kvfree(services);
	return err;
}

static int put_address(struct sk_buff *skb, const struct shmnet_service *record)
{
	struct shmnet_shared_address shared;

	memcpy(&shared, record, sizeof(shared));
	if (nla_put_u32(skb, SHMNET_A_SERVICE_BALANCE, shared.balance) ||
	    nla_put_u32(skb, SHMNET_A_SERVICE_FLAGS, shared.flags) ||
	    nla_put_u64_64bit(skb, SHMNET_A_SERVICE_NODES, shared.nodes, SHMNET_A_PAD) ||
	    nla_put_u32(skb, SHMNET_A_SERVICE_GENERATION, shared.generation))
		return -EMSGSIZE;
	return 0;
}

static int put_service(struct sk_buff *skb, const struct shmnet_service *service)
{
	if (nla_put_u32(skb, SHMNET_A_SERVICE_PORT, service->port) ||
	    nla_put_u32(skb, SHMNET_A_SERVICE_WEIGHT, service->weight) ||
	    nla_put_u32(skb, SHMNET_A_SERVICE_BALANCE, service->balance) ||
	    nla_put_u32(skb, SHMNET_A_SERVICE_CONNECTIONS, service->connections) ||
	    nla_put_u32(skb, SHMNET_A_SERVICE_FLAGS, service->flags))
		return -EMSGSIZE;
	return 0;
}

/* Items are numbered by service, slot and network. */
u32 shmnet_service_items(const struct shmnet_device *device)
{
	u32 most = 0, slot, i;

	for (i = 0; i < device->info.networks; i++) {
		if (!device->net[i] || !device->net[i]->services)
			continue;
		for (slot = 0; slot < device->info.nodes; slot++)
			most = max(most, shmnet_services_of(device->net[i], slot)->count);
	}
	return most * device->info.nodes * device->info.networks;
}

int shmnet_fill_service(struct sk_buff *skb, struct shmnet_device *device, u32 item)
{
	const struct shmnet_net *net = device->net[item % device->info.networks];
	u32 slot = item / device->info.networks % device->info.nodes;
	u32 number = item / device->info.networks / device->info.nodes;
	const struct shmnet_services_told *told;
	const struct shmnet_service *service;
	u32 incarnation;

	if (!net || !net->services)
		return -ENODATA;
	told = shmnet_services_of(net, slot);
	if (number >= told->count)
		return -ENODATA;
	service = &told->services[number];
	incarnation = shmnet_is_own(net, slot) ? device->incarnation : told->sequence >> 32;
	if (shmnet_put_interface(skb, net) || nla_put_u32(skb, SHMNET_A_SLOT, slot) ||
	    nla_put_u32(skb, SHMNET_A_INCARNATION, incarnation) ||
	    nla_put_u32(skb, SHMNET_A_SERVICE_PROTOCOL, service->protocol) ||
	    nla_put(skb, SHMNET_A_SERVICE_ADDRESS, sizeof(service->address), service->address))
		return -EMSGSIZE;
	return service->protocol == SHMNET_ADDRESS_RECORD ? put_address(skb, service) :
							    put_service(skb, service);
}
