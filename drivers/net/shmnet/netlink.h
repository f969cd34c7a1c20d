/* SPDX-License-Identifier: GPL-2.0-only */
/* The generic netlink family, and what its files share (include/uapi/linux/shmnet.h). */
#ifndef SHMNET_NETLINK_H
#define SHMNET_NETLINK_H

#include <linux/shmnet.h>
#include <net/genetlink.h>

/* Place of a multicast group in the family. */
#define SHMNET_GROUP_EVENTS 0

/* NETWORK_INDEX, IFINDEX and IFNAME. 0, or -EMSGSIZE. */
int shmnet_put_interface(struct sk_buff *skb, const struct shmnet_net *net);
/* A COUNTER for each, or for each that is not 0. */
int shmnet_put_counters(struct sk_buff *skb, const struct shmnet_counters *counters, bool zeros);

/*
 * netlink_rings.c: an item of a device for a dump, and how many there are. Under device->lock.
 * -ENODATA: there is nothing to say of this one.
 */
u32 shmnet_ring_items(const struct shmnet_device *device);
int shmnet_fill_ring(struct sk_buff *skb, struct shmnet_device *device, u32 item);
u32 shmnet_tape_items(const struct shmnet_device *device);
int shmnet_fill_tape(struct sk_buff *skb, struct shmnet_device *device, u32 item);
/* netlink_flows.c: likewise. */
u32 shmnet_flow_items(const struct shmnet_device *device);
int shmnet_fill_flow(struct sk_buff *skb, struct shmnet_device *device, u32 item);
/* netlink_services.c: likewise. */
u32 shmnet_service_items(const struct shmnet_device *device);
int shmnet_fill_service(struct sk_buff *skb, struct shmnet_device *device, u32 item);
/* What a request to set services may hold, and what it does. */
extern const struct nla_policy shmnet_services_policy[SHMNET_A_SERVICE + 1];
int shmnet_do_set_services(struct sk_buff *skb, struct genl_info *info);

/*
 * netlink_global.c: the interface of a global network that a request is about. Under
 * shmnet_devices_lock. An error: the request has been told why.
 */
struct shmnet_net *shmnet_global_of(struct genl_info *info);
extern const struct nla_policy shmnet_draining_policy[SHMNET_A_DRAINING + 1];
int shmnet_do_set_draining(struct sk_buff *skb, struct genl_info *info);
extern const struct nla_policy shmnet_explain_policy[SHMNET_A_FLOW_DESTINATION_PORT + 1];
int shmnet_do_explain(struct sk_buff *skb, struct genl_info *info);

#endif /* SHMNET_NETLINK_H */
