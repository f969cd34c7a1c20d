/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A network namespace for this process alone, which goes with it. */
#pragma once

#include "unique_fd.hh"

#include <linux/types.h>

#include <string>

namespace shmnet::test {

/*
 * Leaves the namespace for a new one whose `lo` is up and has the IPv4 address @address instead of
 * 127.0.0.1. False, with errno, if that is not permitted.
 */
bool enter_network_namespace(const std::string& address);

/* Replaces its IPv4 address. False, with errno, if that fails. */
bool set_loopback_address(const std::string& address);

/* `lo`, in every namespace. */
constexpr __u32 LOOPBACK = 1;

struct SocketSetup {
	bool v6only = false;
	bool reuse_port = false;
	bool to_loopback = false; /* bound to the device */
};

/* SOCK_STREAM: listens. Throws std::runtime_error. */
UniqueFd open_socket(int type, const std::string& address, __u16 port,
		     const SocketSetup& setup = {});
/* A SOCK_STREAM or SOCK_DGRAM that is connected. */
UniqueFd connect_socket(int type, const std::string& address, __u16 port);

} // namespace shmnet::test
