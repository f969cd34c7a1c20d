/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the module's messages say (include/uapi/linux/shmnet.h). An attribute that is missing, or too
 * short for what it should be, is zero, or empty.
 */
#pragma once

#include "genl.hh"

#include <linux/shmnet.h>
#include <linux/shmnet_shm.h>

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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
	__u32 ports_first = 0; /* for connections from an address that nodes share */
	__u32 ports_last = 0;
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

/* One end of a ring. */
struct RingInfo {
	std::string device;
	InterfaceInfo interface;
	__u32 slot = 0; /* the peer's */
	__u32 queue = 0;
	__u32 direction = 0; /* enum shmnet_direction */
	__u32 state = 0;     /* enum shmnet_ring_state */
	/* Of a connection. */
	__u32 incarnation = 0; /* the peer's */
	__u32 epoch = 0;
	__u32 frames = 0; /* of a ring that is sent into */
	__u32 descriptors = 0;
	__u32 buffers = 0; /* with the sender */
	__u32 pool = 0;
	bool armed = false;
	std::vector<std::pair<std::string, __u64>> counters; /* those that are not 0 */
};

struct TapeInfo {
	std::string device;
	InterfaceInfo interface;
	__u32 tape = 0;
	std::optional<std::array<__u8, 6>> group;
	bool reading = false;
	bool armed = false;
	__u64 position = 0;
	__u64 head = 0;
	__u64 missed = 0;
};

struct FlowInfo {
	std::string device;
	InterfaceInfo interface;
	__u32 protocol = 0;
	std::array<__u8, 16> source = {}; /* IPv4: as ::ffff:a.b.c.d */
	std::array<__u8, 16> destination = {};
	__u32 source_port = 0;
	__u32 destination_port = 0;
	__u32 state = 0; /* enum shmnet_flow_state */
	__u32 idle = 0;  /* milliseconds */
	__u32 slot = 0;  /* of the node that serves it */
	__u32 incarnation = 0;
};

/* What a node offers at shared addresses. */
struct ServiceInfo {
	__u32 protocol = 0;
	std::array<__u8, 16> address = {}; /* IPv4: as ::ffff:a.b.c.d */
	__u32 port = 0;
	__u32 weight = 0;
	__u32 balance = 0;     /* enum shmnet_balance */
	__u32 connections = 0; /* that it has now */
	__u32 flags = 0;       /* SHMNET_SERVICE_* */

	bool operator==(const ServiceInfo&) const = default;
};

/* What a node says of a shared address. */
struct SharedAddressInfo {
	std::array<__u8, 16> address = {};
	__u64 nodes = ~__u64{0}; /* bit by slot: who may be given new flows */
	__u32 balance = 0; /* enum shmnet_balance of services that say none themselves; 0: none */
	__u32 flags = 0;   /* SHMNET_ADDRESS_* */
	__u32 generation = 0; /* the highest counts, of equal ones that of the lowest slot */

	bool operator==(const SharedAddressInfo&) const = default;
};

/* All that a node says of a global network. */
struct Tellings {
	std::vector<ServiceInfo> services;
	std::vector<SharedAddressInfo> addresses;

	size_t size() const { return services.size() + addresses.size(); }
	bool operator==(const Tellings&) const = default;
};

/* Of a node, as the one that is asked has read it. */
struct OfferInfo {
	std::string device;
	InterfaceInfo interface;
	__u32 slot = 0;
	__u32 incarnation = 0;
	ServiceInfo service;
};

struct AddressOffer {
	std::string device;
	InterfaceInfo interface;
	__u32 slot = 0;
	__u32 incarnation = 0;
	SharedAddressInfo shared;
};

/* A flow that the module is asked about. */
struct FlowQuestion {
	__u32 protocol = 0;
	std::array<__u8, 16> source = {}; /* IPv4: as ::ffff:a.b.c.d */
	std::array<__u8, 16> destination = {};
	__u32 source_port = 0;
	__u32 destination_port = 0;
};

/* To whom it would go. */
struct Explanation {
	__u32 step = 0; /* enum shmnet_flow_step */
	std::optional<__u32> slot;
	__u32 incarnation = 0;
	__u64 candidates = 0; /* bit by slot */
};

struct EventInfo {
	__u32 event = 0;    /* enum shmnet_event */
	std::string device; /* PCI address */
	std::optional<InterfaceInfo> interface;
	std::optional<__u32> slot;
	std::optional<__u32> incarnation;
	std::optional<__u32> queue;
	std::optional<__u32> tape;
	std::optional<__u64> missed;
	std::optional<__u32> fault;
};

DeviceInfo read_device(const Attributes& attributes);
NodeInfo read_node(const Attributes& attributes);
CounterInfo read_counters(const Attributes& attributes);
RingInfo read_ring(const Attributes& attributes);
TapeInfo read_tape(const Attributes& attributes);
FlowInfo read_flow(const Attributes& attributes);
/* Of what a node says, each is one of these. */
bool is_address_offer(const Attributes& attributes);
OfferInfo read_offer(const Attributes& attributes);
AddressOffer read_address_offer(const Attributes& attributes);
EventInfo read_event(const Attributes& attributes);
Explanation read_explanation(const Attributes& attributes);

/* Bytes that an IFINDEX and so many services take in a message. */
size_t services_bytes(size_t services);
/* Adds them to a message that has room for them. */
void put_tellings(nl_msg* message, __u32 ifindex, const Tellings& tellings);
void put_flow_question(nl_msg* message, __u32 ifindex, const FlowQuestion& flow);

} // namespace shmnet
