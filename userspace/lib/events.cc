// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "events.hh"
#include "error.hh"

#include <linux/genetlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

namespace shmnet {

namespace {

struct Receiving {
	int family;
	bool gone = false; /* the module's family */
	Events::Batch batch;
};

int on_message(nl_msg* message, void* data)
{
	auto* receiving = static_cast<Receiving*>(data);
	const nlmsghdr* header = nlmsg_hdr(message);
	auto command = static_cast<const genlmsghdr*>(nlmsg_data(header))->cmd;
	Attributes attributes = Attributes::of(message);
	if (header->nlmsg_type == receiving->family && command == SHMNET_CMD_EVENT) {
		receiving->batch.events.push_back(read_event(attributes));
	} else if (header->nlmsg_type == GENL_ID_CTRL && command == CTRL_CMD_DELFAMILY) {
		const nlattr* family = attributes.find(CTRL_ATTR_FAMILY_ID);
		receiving->gone |= family && nla_get_u16(family) == receiving->family;
	}
	return NL_OK;
}

} // namespace

Events::Events()
{
	nl_sock* socket = socket_.get();
	int group = genl_ctrl_resolve_grp(socket, SHMNET_GENL_NAME, SHMNET_GENL_EVENTS);
	/* The kernel's own, which says that a family goes: without it one would wait for ever. */
	int notify = genl_ctrl_resolve_grp(socket, "nlctrl", "notify");
	if (group < 0 || notify < 0)
		throw Error("the module that is loaded tells no events: it is an older one");
	nl_socket_disable_seq_check(socket);
	int code = nl_socket_add_memberships(socket, group, notify, 0);
	if (code < 0)
		throw Error(fmt::format("cannot listen to events: {}", nl_geterror(code)));
}

int Events::descriptor() const
{
	return nl_socket_get_fd(socket_.get());
}

Events::Batch Events::receive()
{
	Receiving receiving = {.family = socket_.family(), .batch = {}};
	nl_socket_modify_cb(socket_.get(), NL_CB_VALID, NL_CB_CUSTOM, on_message, &receiving);
	int code = nl_recvmsgs_default(socket_.get());
	if (receiving.gone)
		throw Error("the module was unloaded");
	if (code == -NLE_NOMEM)
		receiving.batch.lost = true;
	else if (code < 0 && code != -NLE_INTR)
		throw Error(fmt::format("cannot listen to events: {}", nl_geterror(code)));
	return receiving.batch;
}

} // namespace shmnet
