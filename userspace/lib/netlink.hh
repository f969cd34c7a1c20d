/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Dumps of the kernel's own netlink families. */
#pragma once

#include <cstddef>
#include <functional>

struct nl_sock;
struct nlmsghdr;

namespace shmnet {

class Netlink {
public:
	/* NETLINK_ROUTE, NETLINK_SOCK_DIAG. Throws Error. */
	explicit Netlink(int protocol);
	~Netlink();
	Netlink(const Netlink&) = delete;
	Netlink& operator=(const Netlink&) = delete;

	nl_sock* get() const { return socket_; }

	using Take = std::function<void(const nlmsghdr&)>;

	/* Gives each message of the answer to @take. Returns 0, or libnl's code below 0. */
	int dump(int type, const void* request, size_t size, const Take& take);

private:
	nl_sock* socket_;
};

} // namespace shmnet
