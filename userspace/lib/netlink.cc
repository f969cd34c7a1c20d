// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "netlink.hh"

#include "error.hh"

#include <netlink/msg.h>
#include <netlink/netlink.h>

#include <algorithm>

namespace shmnet {

namespace {

int on_message(nl_msg* message, void* take)
{
	(*static_cast<const Netlink::Take*>(take))(*nlmsg_hdr(message));
	return NL_OK;
}

} // namespace

Netlink::Netlink(int protocol) : socket_(nl_socket_alloc())
{
	if (!socket_)
		throw Error("no memory for a netlink socket");
	if (int code = nl_connect(socket_, protocol); code < 0) {
		nl_socket_free(socket_);
		throw Error(fmt::format("netlink: {}", nl_geterror(code)));
	}
}

Netlink::~Netlink()
{
	nl_socket_free(socket_);
}

int Netlink::dump(int type, const void* request, size_t size, const Take& take)
{
	nl_socket_modify_cb(socket_, NL_CB_VALID, NL_CB_CUSTOM, on_message,
			    const_cast<Take*>(&take));
	int code = nl_send_simple(socket_, type, NLM_F_DUMP, const_cast<void*>(request), size);
	if (code >= 0)
		code = nl_recvmsgs_default(socket_);
	/* What changes meanwhile is told, or is found by the next dump. */
	return code == -NLE_DUMP_INTR ? 0 : std::min(code, 0);
}

} // namespace shmnet
