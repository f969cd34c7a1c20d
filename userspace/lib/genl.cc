// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "genl.hh"
#include "error.hh"

#include <linux/shmnet.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

namespace shmnet {

Attributes Attributes::of(nl_msg* message)
{
	auto* header = static_cast<genlmsghdr*>(nlmsg_data(nlmsg_hdr(message)));
	return {genlmsg_attrdata(header, 0), genlmsg_attrlen(header, 0)};
}

int keep_refusal(sockaddr_nl*, nlmsgerr* refusal, void* error)
{
	*static_cast<int*>(error) = -refusal->error;
	return NL_STOP;
}

GenlSocket::GenlSocket() : socket_(nl_socket_alloc())
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

GenlSocket::~GenlSocket()
{
	nl_socket_free(socket_);
}

} // namespace shmnet
