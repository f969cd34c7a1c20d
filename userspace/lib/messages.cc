// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "messages.hh"

namespace shmnet {

namespace {

std::optional<__u32> optional_u32(const Attributes& attributes, int type)
{
	if (!attributes.has(type))
		return {};
	return attributes.u32_of(type);
}

InterfaceInfo read_interface(const Attributes& attributes)
{
	return {.network = attributes.u32_of(SHMNET_A_NETWORK_INDEX),
		.index = attributes.u32_of(SHMNET_A_IFINDEX),
		.name = attributes.string_of(SHMNET_A_IFNAME)};
}

NodeNetworkInfo read_network(const Attributes& attributes)
{
	return {.network = attributes.u32_of(SHMNET_A_NETWORK_INDEX),
		.kind = attributes.u32_of(SHMNET_A_NETWORK_KIND),
		.state = attributes.u32_of(SHMNET_A_NETWORK_STATE),
		.mtu = attributes.u32_of(SHMNET_A_MTU),
		.capabilities = attributes.u64_of(SHMNET_A_CAPABILITIES),
		.mac = attributes.bytes_of<6>(SHMNET_A_MAC),
		.connected = attributes.has(SHMNET_A_CONNECTED)};
}

std::vector<std::pair<std::string, __u64>> read_values(const Attributes& attributes)
{
	return attributes.each(SHMNET_A_COUNTER, [](const Attributes& counter) {
		return std::pair(counter.string_of(SHMNET_A_COUNTER_NAME),
				 counter.u64_of(SHMNET_A_COUNTER_VALUE));
	});
}

} // namespace

DeviceInfo read_device(const Attributes& attributes)
{
	return {.device = attributes.string_of(SHMNET_A_DEVICE),
		.slot = attributes.u32_of(SHMNET_A_SLOT),
		.incarnation = attributes.u32_of(SHMNET_A_INCARNATION),
		.nodes = attributes.u32_of(SHMNET_A_NODES),
		.region_size = attributes.u64_of(SHMNET_A_REGION_SIZE),
		.vectors = attributes.u32_of(SHMNET_A_VECTORS),
		.read_speed = attributes.u32_of(SHMNET_A_READ_SPEED),
		.write_speed = attributes.u32_of(SHMNET_A_WRITE_SPEED),
		.ports_first = attributes.u32_of(SHMNET_A_PORTS_FIRST),
		.ports_last = attributes.u32_of(SHMNET_A_PORTS_LAST),
		.interfaces = attributes.each(SHMNET_A_INTERFACE, read_interface)};
}

NodeInfo read_node(const Attributes& attributes)
{
	NodeInfo node;
	node.device = attributes.string_of(SHMNET_A_DEVICE);
	node.slot = attributes.u32_of(SHMNET_A_SLOT);
	node.incarnation = attributes.u32_of(SHMNET_A_INCARNATION);
	node.state = attributes.u32_of(SHMNET_A_NODE_STATE);
	node.has_entry = attributes.has(SHMNET_A_MACHINE);
	node.name = attributes.string_of(SHMNET_A_NAME);
	node.machine = attributes.bytes_of<16>(SHMNET_A_MACHINE);
	node.pci_address = attributes.u32_of(SHMNET_A_PCI_ADDRESS);
	node.heartbeat = attributes.u64_of(SHMNET_A_HEARTBEAT);
	if (attributes.has(SHMNET_A_PEER_ID))
		node.peer = attributes.u32_of(SHMNET_A_PEER_ID);
	node.vectors = attributes.u32_of(SHMNET_A_VECTORS);
	node.networks = attributes.each(SHMNET_A_NETWORK, read_network);
	return node;
}

CounterInfo read_counters(const Attributes& attributes)
{
	return {.device = attributes.string_of(SHMNET_A_DEVICE),
		.interface = read_interface(attributes),
		.counters = read_values(attributes)};
}

RingInfo read_ring(const Attributes& attributes)
{
	return {.device = attributes.string_of(SHMNET_A_DEVICE),
		.interface = read_interface(attributes),
		.slot = attributes.u32_of(SHMNET_A_SLOT),
		.queue = attributes.u32_of(SHMNET_A_QUEUE),
		.direction = attributes.u32_of(SHMNET_A_DIRECTION),
		.state = attributes.u32_of(SHMNET_A_RING_STATE),
		.incarnation = attributes.u32_of(SHMNET_A_INCARNATION),
		.epoch = attributes.u32_of(SHMNET_A_EPOCH),
		.frames = attributes.u32_of(SHMNET_A_FRAMES),
		.descriptors = attributes.u32_of(SHMNET_A_DESCRIPTORS),
		.buffers = attributes.u32_of(SHMNET_A_BUFFERS),
		.pool = attributes.u32_of(SHMNET_A_POOL),
		.armed = attributes.has(SHMNET_A_ARMED),
		.counters = read_values(attributes)};
}

TapeInfo read_tape(const Attributes& attributes)
{
	TapeInfo tape;
	tape.device = attributes.string_of(SHMNET_A_DEVICE);
	tape.interface = read_interface(attributes);
	tape.tape = attributes.u32_of(SHMNET_A_TAPE);
	if (attributes.has(SHMNET_A_GROUP))
		tape.group = attributes.bytes_of<6>(SHMNET_A_GROUP);
	tape.reading = attributes.has(SHMNET_A_READING);
	tape.armed = attributes.has(SHMNET_A_ARMED);
	tape.position = attributes.u64_of(SHMNET_A_POSITION);
	tape.head = attributes.u64_of(SHMNET_A_HEAD);
	tape.missed = attributes.u64_of(SHMNET_A_MISSED);
	return tape;
}

FlowInfo read_flow(const Attributes& attributes)
{
	return {.device = attributes.string_of(SHMNET_A_DEVICE),
		.interface = read_interface(attributes),
		.protocol = attributes.u32_of(SHMNET_A_FLOW_PROTOCOL),
		.source = attributes.bytes_of<16>(SHMNET_A_FLOW_SOURCE),
		.destination = attributes.bytes_of<16>(SHMNET_A_FLOW_DESTINATION),
		.source_port = attributes.u32_of(SHMNET_A_FLOW_SOURCE_PORT),
		.destination_port = attributes.u32_of(SHMNET_A_FLOW_DESTINATION_PORT),
		.state = attributes.u32_of(SHMNET_A_FLOW_STATE),
		.idle = attributes.u32_of(SHMNET_A_FLOW_IDLE),
		.slot = attributes.u32_of(SHMNET_A_SLOT),
		.incarnation = attributes.u32_of(SHMNET_A_INCARNATION)};
}

bool is_address_offer(const Attributes& attributes)
{
	return attributes.u32_of(SHMNET_A_SERVICE_PROTOCOL) == SHMNET_ADDRESS_RECORD;
}

AddressOffer read_address_offer(const Attributes& attributes)
{
	return {.device = attributes.string_of(SHMNET_A_DEVICE),
		.interface = read_interface(attributes),
		.slot = attributes.u32_of(SHMNET_A_SLOT),
		.incarnation = attributes.u32_of(SHMNET_A_INCARNATION),
		.shared = {.address = attributes.bytes_of<16>(SHMNET_A_SERVICE_ADDRESS),
			   .nodes = attributes.u64_of(SHMNET_A_SERVICE_NODES),
			   .balance = attributes.u32_of(SHMNET_A_SERVICE_BALANCE),
			   .flags = attributes.u32_of(SHMNET_A_SERVICE_FLAGS),
			   .generation = attributes.u32_of(SHMNET_A_SERVICE_GENERATION)}};
}

OfferInfo read_offer(const Attributes& attributes)
{
	return {
		.device = attributes.string_of(SHMNET_A_DEVICE),
		.interface = read_interface(attributes),
		.slot = attributes.u32_of(SHMNET_A_SLOT),
		.incarnation = attributes.u32_of(SHMNET_A_INCARNATION),
		.service =
			{
				.protocol = attributes.u32_of(SHMNET_A_SERVICE_PROTOCOL),
				.address = attributes.bytes_of<16>(SHMNET_A_SERVICE_ADDRESS),
				.port = attributes.u32_of(SHMNET_A_SERVICE_PORT),
				.weight = attributes.u32_of(SHMNET_A_SERVICE_WEIGHT),
				.balance = attributes.u32_of(SHMNET_A_SERVICE_BALANCE),
				.connections = attributes.u32_of(SHMNET_A_SERVICE_CONNECTIONS),
				.flags = attributes.u32_of(SHMNET_A_SERVICE_FLAGS),
			},
	};
}

EventInfo read_event(const Attributes& attributes)
{
	EventInfo event;
	event.event = attributes.u32_of(SHMNET_A_EVENT);
	event.device = attributes.string_of(SHMNET_A_DEVICE);
	if (attributes.has(SHMNET_A_IFINDEX))
		event.interface = {.network = attributes.u32_of(SHMNET_A_NETWORK_INDEX),
				   .index = attributes.u32_of(SHMNET_A_IFINDEX),
				   .name = attributes.string_of(SHMNET_A_IFNAME)};
	event.slot = optional_u32(attributes, SHMNET_A_SLOT);
	event.incarnation = optional_u32(attributes, SHMNET_A_INCARNATION);
	event.queue = optional_u32(attributes, SHMNET_A_QUEUE);
	event.tape = optional_u32(attributes, SHMNET_A_TAPE);
	event.fault = optional_u32(attributes, SHMNET_A_FAULT);
	if (attributes.has(SHMNET_A_MISSED))
		event.missed = attributes.u64_of(SHMNET_A_MISSED);
	return event;
}

Explanation read_explanation(const Attributes& attributes)
{
	Explanation explanation;
	explanation.step = attributes.u32_of(SHMNET_A_STEP);
	if (attributes.has(SHMNET_A_SLOT))
		explanation.slot = attributes.u32_of(SHMNET_A_SLOT);
	explanation.incarnation = attributes.u32_of(SHMNET_A_INCARNATION);
	explanation.candidates = attributes.u64_of(SHMNET_A_CANDIDATES);
	return explanation;
}

size_t services_bytes(size_t services)
{
	/* Six numbers and an address in a nest. */
	int service = nla_total_size(6 * nla_total_size(sizeof(__u32)) +
				     nla_total_size(sizeof(ServiceInfo::address)));
	return nla_total_size(sizeof(__u32)) + services * service;
}

namespace {

void put_service(nl_msg* message, const ServiceInfo& service)
{
	nlattr* nest = nla_nest_start(message, SHMNET_A_SERVICE);
	nla_put_u32(message, SHMNET_A_SERVICE_PROTOCOL, service.protocol);
	nla_put(message, SHMNET_A_SERVICE_ADDRESS, service.address.size(), service.address.data());
	nla_put_u32(message, SHMNET_A_SERVICE_PORT, service.port);
	nla_put_u32(message, SHMNET_A_SERVICE_WEIGHT, service.weight);
	nla_put_u32(message, SHMNET_A_SERVICE_BALANCE, service.balance);
	nla_put_u32(message, SHMNET_A_SERVICE_CONNECTIONS, service.connections);
	nla_put_u32(message, SHMNET_A_SERVICE_FLAGS, service.flags);
	nla_nest_end(message, nest);
}

void put_address(nl_msg* message, const SharedAddressInfo& shared)
{
	nlattr* nest = nla_nest_start(message, SHMNET_A_SERVICE);
	nla_put_u32(message, SHMNET_A_SERVICE_PROTOCOL, SHMNET_ADDRESS_RECORD);
	nla_put(message, SHMNET_A_SERVICE_ADDRESS, shared.address.size(), shared.address.data());
	nla_put_u64(message, SHMNET_A_SERVICE_NODES, shared.nodes);
	nla_put_u32(message, SHMNET_A_SERVICE_BALANCE, shared.balance);
	nla_put_u32(message, SHMNET_A_SERVICE_FLAGS, shared.flags);
	nla_put_u32(message, SHMNET_A_SERVICE_GENERATION, shared.generation);
	nla_nest_end(message, nest);
}

} // namespace

void put_tellings(nl_msg* message, __u32 ifindex, const Tellings& tellings)
{
	nla_put_u32(message, SHMNET_A_IFINDEX, ifindex);
	for (const SharedAddressInfo& shared : tellings.addresses)
		put_address(message, shared);
	for (const ServiceInfo& service : tellings.services)
		put_service(message, service);
}

void put_flow_question(nl_msg* message, __u32 ifindex, const FlowQuestion& flow)
{
	nla_put_u32(message, SHMNET_A_IFINDEX, ifindex);
	nla_put_u32(message, SHMNET_A_FLOW_PROTOCOL, flow.protocol);
	nla_put(message, SHMNET_A_FLOW_SOURCE, flow.source.size(), flow.source.data());
	nla_put(message, SHMNET_A_FLOW_DESTINATION, flow.destination.size(),
		flow.destination.data());
	nla_put_u32(message, SHMNET_A_FLOW_SOURCE_PORT, flow.source_port);
	nla_put_u32(message, SHMNET_A_FLOW_DESTINATION_PORT, flow.destination_port);
}

} // namespace shmnet
