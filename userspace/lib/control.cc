// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "control.hh"
#include "error.hh"

#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

namespace shmnet {

namespace {

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

std::vector<FlowInfo> Control::flows(const std::string& device)
{
	return all(SHMNET_CMD_GET_FLOW, device, read_flow);
}

} // namespace shmnet
