// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "control.hh"
#include "error.hh"

#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

namespace shmnet {

namespace {

InterfaceInfo read_interface(const Attributes& attributes)
{
	return {.network = attributes.u32_of(SHMNET_A_NETWORK_INDEX),
		.index = attributes.u32_of(SHMNET_A_IFINDEX),
		.name = attributes.string_of(SHMNET_A_IFNAME)};
}

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
		.interfaces = attributes.each(SHMNET_A_INTERFACE, read_interface)};
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

std::vector<std::pair<std::string, __u64>> read_values(const Attributes& attributes)
{
	return attributes.each(SHMNET_A_COUNTER, [](const Attributes& counter) {
		return std::pair(counter.string_of(SHMNET_A_COUNTER_NAME),
				 counter.u64_of(SHMNET_A_COUNTER_VALUE));
	});
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

using Take = std::function<void(const Attributes&)>;

int on_message(nl_msg* answer, void* take)
{
	(*static_cast<const Take*>(take))(Attributes::of(answer));
	return NL_OK;
}

} // namespace

void Control::dump(int command, const std::string& device, const Take& take)
{
	nl_msg* message = nlmsg_alloc();
	if (!message)
		throw Error("no memory for a netlink message");
	genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, socket_.family(), 0, NLM_F_DUMP, command,
		    SHMNET_GENL_VERSION);
	if (!device.empty())
		nla_put_string(message, SHMNET_A_DEVICE, device.c_str());
	nl_socket_modify_cb(socket_.get(), NL_CB_VALID, NL_CB_CUSTOM, on_message,
			    const_cast<Take*>(&take));
	int code = nl_send_auto(socket_.get(), message);
	nlmsg_free(message);
	if (code >= 0)
		code = nl_recvmsgs_default(socket_.get());
	if (code < 0)
		throw Error(fmt::format("the module did not answer: {}", nl_geterror(code)));
}

template <typename Info> std::vector<Info> Control::all(int command, const std::string& device,
							Info (*read)(const Attributes&))
{
	std::vector<Info> all;
	dump(command, device,
	     [&all, read](const Attributes& attributes) { all.push_back(read(attributes)); });
	return all;
}

std::vector<DeviceInfo> Control::devices(const std::string& device)
{
	return all(SHMNET_CMD_GET_DEVICE, device, read_device);
}

std::vector<NodeInfo> Control::nodes(const std::string& device)
{
	return all(SHMNET_CMD_GET_NODE, device, read_node);
}

std::vector<CounterInfo> Control::counters(const std::string& device)
{
	return all(SHMNET_CMD_GET_COUNTERS, device, read_counters);
}

std::vector<RingInfo> Control::rings(const std::string& device)
{
	return all(SHMNET_CMD_GET_RING, device, read_ring);
}

std::vector<TapeInfo> Control::tapes(const std::string& device)
{
	return all(SHMNET_CMD_GET_TAPE, device, read_tape);
}

} // namespace shmnet
