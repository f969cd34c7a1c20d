// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "support/network_namespace.hh"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace shmnet::test {

namespace {

[[noreturn]] void fail(const std::string& what)
{
	throw std::runtime_error(what + ": " + strerror(errno));
}

struct End {
	sockaddr_storage address = {};
	socklen_t length = 0;

	const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

End end_of(const std::string& address, __u16 port)
{
	End end;
	auto* ipv4 = reinterpret_cast<sockaddr_in*>(&end.address);
	auto* ipv6 = reinterpret_cast<sockaddr_in6*>(&end.address);
	if (inet_pton(AF_INET, address.c_str(), &ipv4->sin_addr) == 1) {
		ipv4->sin_family = AF_INET;
		ipv4->sin_port = htons(port);
		end.length = sizeof(*ipv4);
	} else if (inet_pton(AF_INET6, address.c_str(), &ipv6->sin6_addr) == 1) {
		ipv6->sin6_family = AF_INET6;
		ipv6->sin6_port = htons(port);
		end.length = sizeof(*ipv6);
	} else {
		throw std::runtime_error(address + " is no address");
	}
	return end;
}

UniqueFd make_socket(const End& end, int type)
{
	UniqueFd socket(::socket(end.address.ss_family, type | SOCK_CLOEXEC, 0));
	if (!socket)
		fail("socket");
	return socket;
}

void set_option(const UniqueFd& socket, int level, int option, int value)
{
	if (::setsockopt(socket.get(), level, option, &value, sizeof(value)) != 0)
		fail("setsockopt");
}

} // namespace

bool set_loopback_address(const std::string& address)
{
	End end = end_of(address, 0);
	UniqueFd socket = make_socket(end, SOCK_DGRAM);
	ifreq request = {};
	strcpy(request.ifr_name, "lo");
	memcpy(&request.ifr_addr, end.get(), sizeof(request.ifr_addr));
	return ::ioctl(socket.get(), SIOCSIFADDR, &request) == 0;
}

bool enter_network_namespace(const std::string& address)
{
	/* Who is not root has a user namespace, too. */
	if (::unshare(CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return false;
	UniqueFd socket = make_socket(end_of(address, 0), SOCK_DGRAM);
	ifreq request = {};
	strcpy(request.ifr_name, "lo");
	request.ifr_flags = IFF_UP;
	return ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0 && set_loopback_address(address);
}

UniqueFd open_socket(int type, const std::string& address, __u16 port, const SocketSetup& setup)
{
	End end = end_of(address, port);
	UniqueFd socket = make_socket(end, type);
	if (end.address.ss_family == AF_INET6)
		set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, setup.v6only);
	set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1);
	set_option(socket, SOL_SOCKET, SO_REUSEPORT, setup.reuse_port);
	if (setup.to_loopback &&
	    ::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) != 0)
		fail("SO_BINDTODEVICE");
	if (::bind(socket.get(), end.get(), end.length) != 0)
		fail("bind");
	if (type == SOCK_STREAM && ::listen(socket.get(), 8) != 0)
		fail("listen");
	return socket;
}

UniqueFd connect_socket(int type, const std::string& address, __u16 port)
{
	End end = end_of(address, port);
	UniqueFd socket = make_socket(end, type);
	if (::connect(socket.get(), end.get(), end.length) != 0)
		fail("connect");
	return socket;
}

} // namespace shmnet::test
