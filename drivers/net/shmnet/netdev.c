// SPDX-License-Identifier: GPL-2.0-only
/* The interface: what the stack may ask of it, but for sending (tx.c, cast.c) and ethtool. */
#include "shmnet.h"

#include <linux/if_vlan.h>
#include <linux/slab.h>

#define SHMNET_FEATURES \
	(NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_TSO_ECN | \
	 NETIF_F_GSO_UDP_L4)
/* Of receiving: GRO_HW stands for unsegmented frames from peers, as in virtio_net. */
#define SHMNET_RX_FEATURES (NETIF_F_RXCSUM | NETIF_F_GRO_HW)

/* What this node lets its peers leave undone. */
static u64 capabilities(const struct shmnet_net *net, netdev_features_t features)
{
	u64 caps = (u64)net->info.gso_frame_max << SHMNET_CAP_GSO_MAX_SHIFT |
		   (u64)net->info.pieces_max << SHMNET_CAP_PIECES_SHIFT;

	if (features & NETIF_F_RXCSUM)
		caps |= SHMNET_CAP_CSUM;
	if (features & NETIF_F_GRO_HW) {
		caps |= SHMNET_CAP_TSO4 | SHMNET_CAP_TSO6 | SHMNET_CAP_ECN;
#ifdef VIRTIO_NET_HDR_GSO_UDP_L4
		caps |= SHMNET_CAP_USO;
#endif
	}
	return caps;
}

static void publish_state(struct shmnet_net *net, netdev_features_t features, u32 mtu)
{
	u32 state = SHMNET_STATE_DOWN;

	if (net->running)
		state = net->draining ? SHMNET_STATE_DRAINING : SHMNET_STATE_UP;
	shmnet_core_publish_network(net->device->core, net->index, state, mtu,
				    capabilities(net, features));
}

/* Whether this node is given new flows; under device->lock. Stays while the interface is down. */
void shmnet_set_draining(struct shmnet_net *net, bool draining)
{
	WRITE_ONCE(net->draining, draining);
	/* Otherwise when it starts. */
	if (net->running)
		publish_state(net, net->dev->features, net->dev->mtu);
}

/* Under device->lock, joined and with rings. */
void shmnet_net_start(struct shmnet_net *net)
{
	atomic64_set(&net->pending, 0);
	atomic64_set(&net->scan, 0);
	net->unfinished = 0;
	net->polling = false;
	net->poll_interval = ns_to_ktime(SHMNET_POLL_NS);
	net->rescue_slots = 0;
	net->unheard = 0;
	net->maskings = atomic_read(&net->device->maskings);
	shmnet_tapes_start(net);
	napi_enable(&net->napi);
	WRITE_ONCE(net->running, true);
	if (!net->device->vectors)
		shmnet_use_polling(net);
	publish_state(net, net->dev->features, net->dev->mtu);
	shmnet_core_beat(net->device->core);
	SHMNET_AT(membership_N3);
	shmnet_cast_command(net, SHMNET_COMMAND_HELLO);
	shmnet_check_now(net->device);
}

/* Under device->lock, with transmission stopped. */
void shmnet_net_stop(struct shmnet_net *net)
{
	u32 slot;

	SHMNET_AT(membership_L1);
	WRITE_ONCE(net->running, false);
	publish_state(net, net->dev->features, net->dev->mtu);
	napi_disable(&net->napi);
	shmnet_moderation_stop(net);
	hrtimer_cancel(&net->timer);
	SHMNET_AT(membership_L2);
	for (slot = 0; slot < net->device->info.nodes; slot++) {
		if (shmnet_is_own(net, slot))
			continue;
		WRITE_ONCE(net->rx[slot].wanted, 0);
		shmnet_close_ring(net, slot);
		shmnet_tx_reconcile(net, slot, false);
	}
	if (net->questions)
		shmnet_questions_flush(net);
	shmnet_core_disarm_casts(net->device->core, net->index);
	netif_carrier_off(net->dev);
	SHMNET_AT(membership_L3);
	shmnet_cast_command(net, SHMNET_COMMAND_LEAVE);
	shmnet_fdb_flush(&net->fdb);
}

static int shmnet_open(struct net_device *dev)
{
	struct shmnet_net *net = netdev_priv(dev);
	struct shmnet_device *device = net->device;
	int err;

	err = shmnet_pools_create(net);
	if (err)
		return err;
	err = -ENETDOWN;
	mutex_lock(&device->lock);
	if (device->joined) {
		shmnet_net_start(net);
		netif_tx_start_all_queues(dev);
		err = 0;
	}
	mutex_unlock(&device->lock);
	if (err)
		shmnet_pools_destroy(net);
	return err;
}

static int shmnet_stop(struct net_device *dev)
{
	struct shmnet_net *net = netdev_priv(dev);

	mutex_lock(&net->device->lock);
	netif_tx_disable(dev);
	/* Not running: the node left its region, and everything stopped then. */
	if (net->running)
		shmnet_net_stop(net);
	mutex_unlock(&net->device->lock);
	shmnet_pools_destroy(net);
	return 0;
}

/* To a node: with what packets from a shared address need. */
static u16 queue_to(struct shmnet_net *net, struct sk_buff *skb, u32 slot)
{
	shmnet_pin_echo(net, skb);
	return shmnet_way_back(net, skb, slot);
}

/* A queue for each peer; the one of the own slot takes what goes onto tapes. */
static u16 shmnet_select_queue(struct net_device *dev, struct sk_buff *skb,
			       struct net_device *sb_dev)
{
	struct shmnet_net *net = netdev_priv(dev);
	bool is_its;
	u32 slot = shmnet_slot_for(net, skb->data, &is_its);

	return is_its ? queue_to(net, skb, slot) : slot;
}

static bool goes_onto_tape(const struct shmnet_net *net, const struct sk_buff *skb, u32 slot)
{
	return shmnet_is_own(net, slot) &&
	       (!shmnet_is_global(net) || is_multicast_ether_addr(skb->data));
}

/* What this frame's receiver cannot do, the stack does before. */
static netdev_features_t shmnet_features_check(struct sk_buff *skb, struct net_device *dev,
					       netdev_features_t features)
{
	const netdev_features_t tso = NETIF_F_TSO | NETIF_F_TSO_ECN;
	struct shmnet_net *net = netdev_priv(dev);
	u32 slot = skb_get_queue_mapping(skb);
	u64 caps;

	features = vlan_features_check(skb, features);
	if (slot >= net->device->info.nodes || goes_onto_tape(net, skb, slot))
		return features & ~(NETIF_F_CSUM_MASK | NETIF_F_GSO_MASK);
	/* It stays here, and nothing need be done to it. */
	if (shmnet_is_own(net, slot))
		return features;
	caps = shmnet_core_capabilities(net->device->core, slot, net->index);
	if (!(caps & SHMNET_CAP_CSUM))
		return features & ~(NETIF_F_CSUM_MASK | NETIF_F_GSO_MASK);
	if (!skb_is_gso(skb))
		return features;
	if (skb->len > caps >> SHMNET_CAP_GSO_MAX_SHIFT ||
	    net->info.pieces_max > (caps >> SHMNET_CAP_PIECES_SHIFT & SHMNET_CAP_PIECES_MASK))
		return features & ~NETIF_F_GSO_MASK;
	if (!(caps & SHMNET_CAP_TSO4))
		features &= ~tso;
	if (!(caps & SHMNET_CAP_TSO6))
		features &= ~NETIF_F_TSO6;
	if (!(caps & SHMNET_CAP_ECN))
		features &= ~NETIF_F_TSO_ECN;
	if (!(caps & SHMNET_CAP_USO))
		features &= ~NETIF_F_GSO_UDP_L4;
	return features;
}

static netdev_features_t shmnet_fix_features(struct net_device *dev, netdev_features_t features)
{
	struct shmnet_net *net = netdev_priv(dev);

	/* A program sees bytes, and nothing beside them. */
	if (rcu_access_pointer(net->xdp_prog))
		features &= ~SHMNET_RX_FEATURES;
	/* An unsegmented frame has no checksum of its own. */
	if (!(features & NETIF_F_RXCSUM))
		features &= ~NETIF_F_GRO_HW;
	return features;
}

static int shmnet_set_features(struct net_device *dev, netdev_features_t features)
{
	struct shmnet_net *net = netdev_priv(dev);

	mutex_lock(&net->device->lock);
	if (net->running)
		publish_state(net, features, dev->mtu);
	mutex_unlock(&net->device->lock);
	return 0;
}

static int shmnet_change_mtu(struct net_device *dev, int mtu)
{
	struct shmnet_net *net = netdev_priv(dev);

	if (!shmnet_xdp_takes_mtu(net, mtu)) {
		netdev_info(dev, "the MTU is too large for the XDP program, which has no section xdp.frags\n");
		return -EINVAL;
	}
	mutex_lock(&net->device->lock);
	WRITE_ONCE(dev->mtu, mtu);
	if (net->running)
		publish_state(net, dev->features, mtu);
	mutex_unlock(&net->device->lock);
	return 0;
}

/* Any address but another node's: peers learn it as they learn a bridge's. */
static int shmnet_set_mac_address(struct net_device *dev, void *address)
{
	struct shmnet_net *net = netdev_priv(dev);
	struct sockaddr *sockaddr = address;
	bool command;
	u32 slot;

	if (shmnet_is_node_mac(net, sockaddr->sa_data, &slot, &command) &&
	    (command || !shmnet_is_own(net, slot)))
		return -EADDRINUSE;
	return eth_mac_addr(dev, address);
}

static void shmnet_get_stats64(struct net_device *dev, struct rtnl_link_stats64 *stats)
{
	struct shmnet_counters sum;
	const u64 *value = sum.value;

	shmnet_sum_counters(netdev_priv(dev), &sum);
	stats->rx_packets = value[SHMNET_COUNT_rx_frames];
	stats->rx_bytes = value[SHMNET_COUNT_rx_bytes];
	stats->multicast = value[SHMNET_COUNT_rx_casts];
	stats->rx_frame_errors = value[SHMNET_COUNT_rx_drop_offload];
	stats->rx_errors = value[SHMNET_COUNT_rx_drop_offload] + value[SHMNET_COUNT_rx_drop_forged];
	stats->rx_dropped = value[SHMNET_COUNT_rx_drop_no_memory] +
			    value[SHMNET_COUNT_rx_drop_xdp];
	stats->rx_missed_errors = value[SHMNET_COUNT_rx_cast_missed];
	stats->tx_packets = value[SHMNET_COUNT_tx_frames];
	stats->tx_bytes = value[SHMNET_COUNT_tx_bytes];
	stats->tx_errors = value[SHMNET_COUNT_tx_drop_forged] + value[SHMNET_COUNT_tx_drop_invalid];
	stats->tx_carrier_errors = value[SHMNET_COUNT_tx_drop_no_peer];
	stats->tx_dropped = value[SHMNET_COUNT_tx_drop_no_peer] +
			    value[SHMNET_COUNT_tx_drop_stalled] +
			    value[SHMNET_COUNT_tx_drop_no_memory] +
			    value[SHMNET_COUNT_tx_drop_backlog] +
			    value[SHMNET_COUNT_tx_drop_contended] +
			    value[SHMNET_COUNT_tx_drop_full];
}

static const struct net_device_ops shmnet_netdev_ops = {
	.ndo_open = shmnet_open,
	.ndo_stop = shmnet_stop,
	.ndo_start_xmit = shmnet_start_xmit,
	.ndo_select_queue = shmnet_select_queue,
	.ndo_features_check = shmnet_features_check,
	.ndo_fix_features = shmnet_fix_features,
	.ndo_set_features = shmnet_set_features,
	.ndo_change_mtu = shmnet_change_mtu,
	.ndo_set_rx_mode = shmnet_set_rx_mode,
	.ndo_set_mac_address = shmnet_set_mac_address,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_get_stats64 = shmnet_get_stats64,
	.ndo_fdb_dump = shmnet_fdb_dump,
	.ndo_bpf = shmnet_xdp,
	.ndo_xdp_xmit = shmnet_xdp_xmit,
};

/* Its Ethernet addresses mean nothing to the stack: no bridge, and none to be set. */
static const struct net_device_ops shmnet_global_ops = {
	.ndo_open = shmnet_open,
	.ndo_stop = shmnet_stop,
	.ndo_start_xmit = shmnet_global_xmit,
	.ndo_select_queue = shmnet_global_select_queue,
	.ndo_features_check = shmnet_features_check,
	.ndo_fix_features = shmnet_fix_features,
	.ndo_set_features = shmnet_set_features,
	.ndo_change_mtu = shmnet_change_mtu,
	.ndo_set_rx_mode = shmnet_set_rx_mode,
	.ndo_get_stats64 = shmnet_get_stats64,
};

static const struct device_type shmnet_device_type = { .name = SHMNET_NAME };

static void set_up(struct net_device *dev)
{
	ether_setup(dev);
	dev->netdev_ops = &shmnet_netdev_ops;
	dev->ethtool_ops = &shmnet_ethtool_ops;
	dev->hw_features = SHMNET_FEATURES | SHMNET_RX_FEATURES;
	dev->features = dev->hw_features | NETIF_F_HIGHDMA;
	dev->vlan_features = SHMNET_FEATURES | NETIF_F_HIGHDMA;
	dev->hw_enc_features = 0;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	shmnet_has_xdp(dev);
	dev->min_mtu = ETH_MIN_MTU;
	SET_NETDEV_DEVTYPE(dev, &shmnet_device_type);
}

static void set_up_global(struct net_device *dev)
{
	set_up(dev);
	dev->netdev_ops = &shmnet_global_ops;
	shmnet_no_xdp(dev);
	/* The same address on every node: nobody may be asked who has it. */
	dev->flags |= IFF_NOARP;
	dev->priv_flags &= ~IFF_LIVE_ADDR_CHANGE;
}

/* It has no rings any more, or not yet, and is not registered. */
static void free_net(struct shmnet_net *net)
{
	kvfree(net->rx);
	kvfree(net->tx);
	shmnet_joined_free(net);
	free_netdev(net->dev);
}

int shmnet_net_create(struct shmnet_device *device, u32 index)
{
	struct shmnet_network_info info;
	struct net_device *dev;
	struct shmnet_net *net;
	bool global;
	u8 mac[ETH_ALEN];
	int err;

	shmnet_network_info(device->core, index, &info);
	global = info.kind == SHMNET_NETWORK_GLOBAL;
	/* A queue for each peer; a global adapter's last is for packets whose node is asked for. */
	dev = alloc_netdev_mqs(sizeof(*net), global ? "shmg%d" : "shml%d", NET_NAME_PREDICTABLE,
			       global ? set_up_global : set_up, device->info.nodes + global, 1);
	if (!dev)
		return -ENOMEM;
	SET_NETDEV_DEV(dev, &device->pdev->dev);
	dev->dev_port = index;

	net = netdev_priv(dev);
	net->dev = dev;
	net->device = device;
	net->index = index;
	net->info = info;
	dev->mtu = net->info.mtu;
	dev->max_mtu = net->info.mtu;
	shmnet_fdb_init(&net->fdb);
	hrtimer_init(&net->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	net->timer.function = shmnet_timer;
	shmnet_moderation_init(net);
	netif_napi_add(dev, &net->napi, shmnet_poll);
	netif_carrier_off(dev);
	shmnet_node_mac(device, index, device->slot, mac);
	eth_hw_addr_set(dev, mac);

	net->tx = kvcalloc(device->info.nodes, sizeof(*net->tx), GFP_KERNEL);
	net->rx = kvcalloc(device->info.nodes, sizeof(*net->rx), GFP_KERNEL);
	err = -ENOMEM;
	if (!net->tx || !net->rx)
		goto free;
	err = shmnet_rings_create(net);
	if (!err && global)
		err = shmnet_flow_table_create(net) ?: shmnet_services_create(net) ?:
		      shmnet_questions_create(net);
	if (err)
		goto free_rings;
	/* Pairs with the acquire of whoever sends by another network (pins.c). */
	smp_store_release(&device->net[index], net);
	err = register_netdev(dev);
	if (err)
		goto forget;
	return 0;

forget:
	device->net[index] = NULL;
	synchronize_net();
free_rings:
	shmnet_questions_destroy(net);
	shmnet_services_destroy(net);
	shmnet_flow_table_destroy(net);
	shmnet_rings_destroy(net);
free:
	free_net(net);
	return err;
}

/* Vectors are freed and the tick is stopped: nobody else holds the interface any more. */
void shmnet_net_destroy(struct shmnet_net *net)
{
	shmnet_questions_destroy(net);
	shmnet_services_destroy(net);
	shmnet_flow_table_destroy(net);
	shmnet_rings_destroy(net);
	free_net(net);
}
