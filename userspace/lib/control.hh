/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Asks the module over generic netlink (include/uapi/linux/shmnet.h). */
#pragma once

#include <linux/shmnet.h>
#include <linux/shmnet_shm.h>

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

struct nl_sock;

namespace shmnet {

struct InterfaceInfo {
	__u32 network = 0;
	__u32 index = 0; /* ifindex */
	std::string name;
};

struct DeviceInfo {
	std::string device; /* PCI address */
	__u32 slot = 0;
	__u32 incarnation = 0;
	__u32 nodes = 0;
	__u64 region_size = 0; /* bytes */
	__u32 vectors = 0;
	__u32 read_speed = 0; /* MB/s */
	__u32 write_speed = 0;
	std::vector<InterfaceInfo> interfaces;
};

struct NodeNetworkInfo {
	__u32 network = 0;
	__u32 kind = 0;
	__u32 state = 0;
	__u32 mtu = 0;
	__u64 capabilities = 0;
	std::array<__u8, 6> mac = {};
	bool connected = false;
};

struct NodeInfo {
	std::string device; /* PCI address, of the device that the node is seen by */
	__u32 slot = 0;
	__u32 incarnation = 0;
	__u32 state = 0; /* enum shmnet_node_state */
	/* The rest only of a node whose entry stands. */
	bool has_entry = false;
	std::string name;
	std::array<__u8, 16> machine = {};
	__u32 pci_address = 0;
	__u64 heartbeat = 0;
	std::optional<__u32> peer;
	__u32 vectors = 0;
	std::vector<NodeNetworkInfo> networks;
};

struct CounterInfo {
	std::string device;
	InterfaceInfo interface;
	std::vector<std::pair<std::string, __u64>> counters;
};

class Attributes;

/* A connection to the module of this kernel. Everything throws Error. */
class Control {
public:
	/* Throws if the module is not loaded, and says so. */
	Control();
	~Control();
	Control(const Control&) = delete;
	Control& operator=(const Control&) = delete;

	/* Of one device, by its PCI address, or of all if @device is empty. */
	std::vector<DeviceInfo> devices(const std::string& device);
	std::vector<NodeInfo> nodes(const std::string& device);
	std::vector<CounterInfo> counters(const std::string& device);

private:
	void dump(int command, const std::string& device,
		  const std::function<void(const Attributes&)>& take);

	nl_sock* socket_;
	int family_;
};

} // namespace shmnet
