// SPDX-License-Identifier: GPL-2.0-only
#include "shmnet.h"

#include <linux/ethtool.h>

static void get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	struct shmnet_net *net = netdev_priv(dev);

	strscpy(info->driver, SHMNET_NAME, sizeof(info->driver));
	strscpy(info->bus_info, pci_name(net->device->pdev), sizeof(info->bus_info));
	snprintf(info->fw_version, sizeof(info->fw_version), "region format %d", SHMNET_VERSION);
}

static int get_sset_count(struct net_device *dev, int set)
{
	return set == ETH_SS_STATS ? SHMNET_COUNTERS : -EOPNOTSUPP;
}

static void get_strings(struct net_device *dev, u32 set, u8 *data)
{
	int i;

	if (set != ETH_SS_STATS)
		return;
	for (i = 0; i < SHMNET_COUNTERS; i++)
		strscpy(data + i * ETH_GSTRING_LEN, shmnet_counter_names[i], ETH_GSTRING_LEN);
}

static void get_ethtool_stats(struct net_device *dev, struct ethtool_stats *stats, u64 *data)
{
	struct shmnet_counters sum;

	shmnet_sum_counters(netdev_priv(dev), &sum);
	memcpy(data, sum.value, sizeof(sum.value));
}

/* What the geometry of the region gives each pair; it cannot be changed by one node. */
static void get_ringparam(struct net_device *dev, struct ethtool_ringparam *ring,
			  struct kernel_ethtool_ringparam *kernel_ring,
			  struct netlink_ext_ack *extack)
{
	struct shmnet_net *net = netdev_priv(dev);

	ring->rx_max_pending = net->info.pool;
	ring->tx_max_pending = net->info.pool;
	ring->rx_pending = net->info.pool;
	ring->tx_pending = net->info.pool;
	kernel_ring->rx_buf_len = net->info.buffer_size;
}

static int set_ringparam(struct net_device *dev, struct ethtool_ringparam *ring,
			 struct kernel_ethtool_ringparam *kernel_ring,
			 struct netlink_ext_ack *extack)
{
	NL_SET_ERR_MSG(extack,
		       "rings are as the region was formatted: start the hub with another --memory");
	return -EOPNOTSUPP;
}

/*
 * How long the next poll waits behind one that had frames, without doorbells; two that had none end
 * that. It is the kernel's own moderation, which /sys/class/net/IFACE/gro_flush_timeout and
 * napi_defer_hard_irqs show, too.
 */
#define DEFERRED_POLLS	2
/* Longer, and senders take their doorbells for lost (SHMNET_REPEAT_TICKS). */
#define USECS_MAX	1000

static int get_coalesce(struct net_device *dev, struct ethtool_coalesce *coalesce,
			struct kernel_ethtool_coalesce *kernel_coalesce,
			struct netlink_ext_ack *extack)
{
	if (READ_ONCE(dev->napi_defer_hard_irqs))
		coalesce->rx_coalesce_usecs = READ_ONCE(dev->gro_flush_timeout) / NSEC_PER_USEC;
	return 0;
}

static int set_coalesce(struct net_device *dev, struct ethtool_coalesce *coalesce,
			struct kernel_ethtool_coalesce *kernel_coalesce,
			struct netlink_ext_ack *extack)
{
	u32 usecs = coalesce->rx_coalesce_usecs;

	if (usecs > USECS_MAX) {
		NL_SET_ERR_MSG(extack, "rx-usecs is at most 1000");
		return -ERANGE;
	}
	WRITE_ONCE(dev->gro_flush_timeout, usecs * NSEC_PER_USEC);
	WRITE_ONCE(dev->napi_defer_hard_irqs, usecs ? DEFERRED_POLLS : 0);
	return 0;
}

static void get_channels(struct net_device *dev, struct ethtool_channels *channels)
{
	channels->max_combined = 1;
	channels->combined_count = 1;
}

static int get_link_ksettings(struct net_device *dev, struct ethtool_link_ksettings *settings)
{
	settings->base.speed = SPEED_UNKNOWN;
	settings->base.duplex = DUPLEX_FULL;
	settings->base.port = PORT_OTHER;
	return 0;
}

const struct ethtool_ops shmnet_ethtool_ops = {
	.supported_coalesce_params = ETHTOOL_COALESCE_RX_USECS,
	.get_drvinfo = get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = get_link_ksettings,
	.get_sset_count = get_sset_count,
	.get_strings = get_strings,
	.get_ethtool_stats = get_ethtool_stats,
	.get_ringparam = get_ringparam,
	.set_ringparam = set_ringparam,
	.get_coalesce = get_coalesce,
	.set_coalesce = set_coalesce,
	.get_channels = get_channels,
	.get_ts_info = ethtool_op_get_ts_info,
};
