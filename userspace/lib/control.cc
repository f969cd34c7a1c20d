// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "control.hh"
#include "error.hh"

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include <algorithm>
#include <cstring>

namespace shmnet {

/* The attributes of a message, or of a nest in it. */
class Attributes {
public:
	Attributes(nlattr* first, int bytes) : first_(first), bytes_(bytes) {}

	const nlattr* find(int type) const { return nla_find(first_, bytes_, type); }

	__u32 u32_of(int type) const
	{
		const nlattr* attribute = find(type);
		return attribute ? nla_get_u32(attribute) : 0;
	}

	__u64 u64_of(int type) const
	{
		const nlattr* attribute = find(type);
		return attribute ? nla_get_u64(attribute) : 0;
	}

	std::string string_of(int type) const
	{
		const nlattr* attribute = find(type);
		return attribute ? nla_get_string(attribute) : "";
	}

	template <size_t N> std::array<__u8, N> bytes_of(int type) const
	{
		std::array<__u8, N> bytes = {};
		if (const nlattr* attribute = find(type))
			memcpy(bytes.data(), nla_data(attribute),
			       std::min<size_t>(nla_len(attribute), N));
		return bytes;
	}

	/* What @read makes of each nest of a type. */
	template <typename Read> auto each(int type, Read read) const
	{
		std::vector<decltype(read(*this))> all;
		nlattr* attribute;
		int left;
		nla_for_each_attr(attribute, first_, bytes_, left)
		{
			if (nla_type(attribute) == type)
				all.push_back(
					read(Attributes(static_cast<nlattr*>(nla_data(attribute)),
							nla_len(attribute))));
		}
		return all;
	}

private:
	nlattr* first_;
	int bytes_;
};

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
		.connected = attributes.find(SHMNET_A_CONNECTED) != nullptr};
}

NodeInfo read_node(const Attributes& attributes)
{
	NodeInfo node;
	node.device = attributes.string_of(SHMNET_A_DEVICE);
	node.slot = attributes.u32_of(SHMNET_A_SLOT);
	node.incarnation = attributes.u32_of(SHMNET_A_INCARNATION);
	node.state = attributes.u32_of(SHMNET_A_NODE_STATE);
	node.has_entry = attributes.find(SHMNET_A_MACHINE) != nullptr;
	node.name = attributes.string_of(SHMNET_A_NAME);
	node.machine = attributes.bytes_of<16>(SHMNET_A_MACHINE);
	node.pci_address = attributes.u32_of(SHMNET_A_PCI_ADDRESS);
	node.heartbeat = attributes.u64_of(SHMNET_A_HEARTBEAT);
	if (attributes.find(SHMNET_A_PEER_ID))
		node.peer = attributes.u32_of(SHMNET_A_PEER_ID);
	node.vectors = attributes.u32_of(SHMNET_A_VECTORS);
	node.networks = attributes.each(SHMNET_A_NETWORK, read_network);
	return node;
}

CounterInfo read_counters(const Attributes& attributes)
{
	return {.device = attributes.string_of(SHMNET_A_DEVICE),
		.interface = read_interface(attributes),
		.counters = attributes.each(SHMNET_A_COUNTER, [](const Attributes& counter) {
			return std::pair(counter.string_of(SHMNET_A_COUNTER_NAME),
					 counter.u64_of(SHMNET_A_COUNTER_VALUE));
		})};
}

using Take = std::function<void(const Attributes&)>;

int on_message(nl_msg* answer, void* take)
{
	auto* header = static_cast<genlmsghdr*>(nlmsg_data(nlmsg_hdr(answer)));
	(*static_cast<const Take*>(take))(
		Attributes(genlmsg_attrdata(header, 0), genlmsg_attrlen(header, 0)));
	return NL_OK;
}

} // namespace

Control::Control() : socket_(nl_socket_alloc())
{
	if (!socket_)
		throw Error("no memory for a netlink socket");
	int code = genl_connect(socket_);
	family_ = code < 0 ? code : genl_ctrl_resolve(socket_, SHMNET_GENL_NAME);
	if (family_ >= 0)
		return;
	nl_socket_free(socket_);
	if (code < 0)
		throw Error(fmt::format("netlink: {}", nl_geterror(code)));
	throw Error("the module is not loaded: modprobe shmnet");
}

Control::~Control()
{
	nl_socket_free(socket_);
}

void Control::dump(int command, const std::string& device, const Take& take)
{
	nl_msg* message = nlmsg_alloc();
	if (!message)
		throw Error("no memory for a netlink message");
	genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, family_, 0, NLM_F_DUMP, command,
		    SHMNET_GENL_VERSION);
	if (!device.empty())
		nla_put_string(message, SHMNET_A_DEVICE, device.c_str());
	nl_socket_modify_cb(socket_, NL_CB_VALID, NL_CB_CUSTOM, on_message,
			    const_cast<Take*>(&take));
	int code = nl_send_auto(socket_, message);
	nlmsg_free(message);
	if (code >= 0)
		code = nl_recvmsgs_default(socket_);
	if (code < 0)
		throw Error(fmt::format("the module did not answer: {}", nl_geterror(code)));
}

std::vector<DeviceInfo> Control::devices(const std::string& device)
{
	std::vector<DeviceInfo> all;
	dump(SHMNET_CMD_GET_DEVICE, device,
	     [&all](const Attributes& attributes) { all.push_back(read_device(attributes)); });
	return all;
}

std::vector<NodeInfo> Control::nodes(const std::string& device)
{
	std::vector<NodeInfo> all;
	dump(SHMNET_CMD_GET_NODE, device,
	     [&all](const Attributes& attributes) { all.push_back(read_node(attributes)); });
	return all;
}

std::vector<CounterInfo> Control::counters(const std::string& device)
{
	std::vector<CounterInfo> all;
	dump(SHMNET_CMD_GET_COUNTERS, device,
	     [&all](const Attributes& attributes) { all.push_back(read_counters(attributes)); });
	return all;
}

} // namespace shmnet
