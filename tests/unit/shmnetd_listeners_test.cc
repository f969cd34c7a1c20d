// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Real sockets and addresses, in a network namespace of the test's own, as the kernel lists them.
#include "shmnetd/addresses.hh"

#include "listeners.hh"

#include "support/network_namespace.hh"
#include "support/program.hh"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

using namespace shmnet;
using namespace shmnet::shmnetd;
using namespace shmnet::test;

namespace {

constexpr const char* SHARED = "192.0.2.1";

class ShmnetdListeners : public ::testing::Test {
protected:
	/* Each test begins with a namespace without sockets. */
	void SetUp() override
	{
		if (!enter_network_namespace(SHARED))
			GTEST_SKIP() << "no network namespace for the test: " << strerror(errno)
				     << "; run it as root";
	}

	static Address at(const std::string& text) { return parse_address(text).value(); }
};

} // namespace

TEST_F(ShmnetdListeners, AreFound)
{
	SocketDump dump;
	EXPECT_TRUE(dump.listeners().empty());
	UniqueFd bound = open_socket(SOCK_STREAM, SHARED, 80);
	UniqueFd any = open_socket(SOCK_STREAM, "0.0.0.0", 22);
	UniqueFd dual = open_socket(SOCK_STREAM, "::", 443);
	UniqueFd only = open_socket(SOCK_STREAM, "::", 8080, {.v6only = true});
	UniqueFd mapped = open_socket(SOCK_STREAM, "::ffff:192.0.2.1", 8081);
	UniqueFd device = open_socket(SOCK_STREAM, "0.0.0.0", 8082, {.to_loopback = true});
	UniqueFd datagram = open_socket(SOCK_DGRAM, "0.0.0.0", 53);
	UniqueFd datagram_only = open_socket(SOCK_DGRAM, "::1", 53, {.v6only = true});
	std::set<Listener> expected = {
		{IPPROTO_TCP, at(SHARED), 80, false, 0},
		{IPPROTO_TCP, at("0.0.0.0"), 22, false, 0},
		{IPPROTO_TCP, at("::"), 443, false, 0},
		{IPPROTO_TCP, at("::"), 8080, true, 0},
		{IPPROTO_TCP, at(SHARED), 8081, false, 0},
		{IPPROTO_TCP, at("0.0.0.0"), 8082, false, LOOPBACK},
		{IPPROTO_UDP, at("0.0.0.0"), 53, false, 0},
		{IPPROTO_UDP, at("::1"), 53, true, 0},
	};
	EXPECT_EQ(dump.listeners(), expected);
	any.reset();
	datagram.reset();
	EXPECT_EQ(dump.listeners().size(), expected.size() - 2);
}

TEST_F(ShmnetdListeners, KnowWhatTheyTake)
{
	UniqueFd any = open_socket(SOCK_STREAM, "0.0.0.0", 1);
	UniqueFd dual = open_socket(SOCK_STREAM, "::", 2);
	UniqueFd only = open_socket(SOCK_STREAM, "::", 3, {.v6only = true});
	UniqueFd mapped = open_socket(SOCK_STREAM, "::ffff:0.0.0.0", 4);
	UniqueFd bound = open_socket(SOCK_STREAM, SHARED, 5);
	std::set<__u32> ipv4, ipv6;
	for (const Listener& listener : SocketDump().listeners()) {
		if (listener.any_ipv4())
			ipv4.insert(listener.port);
		if (listener.any_ipv6())
			ipv6.insert(listener.port);
	}
	EXPECT_EQ(ipv4, (std::set<__u32>{1, 2, 4}));
	EXPECT_EQ(ipv6, (std::set<__u32>{2, 3}));
}

TEST_F(ShmnetdListeners, AreOneOfAReusePortGroup)
{
	UniqueFd first = open_socket(SOCK_STREAM, SHARED, 80, {.reuse_port = true});
	UniqueFd second = open_socket(SOCK_STREAM, SHARED, 80, {.reuse_port = true});
	EXPECT_EQ(SocketDump().listeners().size(), 1u);
}

TEST_F(ShmnetdListeners, AreNoConnections)
{
	UniqueFd listener = open_socket(SOCK_STREAM, SHARED, 80);
	UniqueFd dual = open_socket(SOCK_STREAM, "::", 81);
	UniqueFd connection = connect_socket(SOCK_STREAM, SHARED, 80);
	UniqueFd another = connect_socket(SOCK_STREAM, SHARED, 80);
	UniqueFd mapped = connect_socket(SOCK_STREAM, SHARED, 81);
	UniqueFd datagrams = connect_socket(SOCK_DGRAM, SHARED, 53);
	SocketDump dump;
	EXPECT_EQ(dump.listeners().size(), 2u);
	Connections counts = dump.connections(1u << TCP_ESTABLISHED);
	EXPECT_EQ((counts[{at(SHARED), 80}]), 2u);
	EXPECT_EQ((counts[{at(SHARED), 81}]), 1u) << "an IPv6 socket with an IPv4 connection";
}

TEST_F(ShmnetdListeners, AreFoundThoughTheyAreMany)
{
	std::vector<UniqueFd> sockets;
	for (__u16 port = 1; port <= 900; port++)
		sockets.push_back(open_socket(SOCK_STREAM, SHARED, port));
	EXPECT_EQ(SocketDump().listeners().size(), 900u);
}

TEST_F(ShmnetdListeners, HaveTheAddressesOfTheInterface)
{
	Addresses addresses = AddressDump().addresses();
	EXPECT_EQ(addresses[LOOPBACK], (std::set<Address>{at(SHARED), at("::1")}));
}

TEST_F(ShmnetdListeners, AreToldThatAddressesChange)
{
	AddressChanges changes;
	pollfd poll = {changes.descriptor(), POLLIN, 0};
	ASSERT_EQ(::poll(&poll, 1, 0), 0);
	ASSERT_TRUE(set_loopback_address("192.0.2.2"));
	ASSERT_EQ(::poll(&poll, 1, 10000), 1);
	changes.drain();
	EXPECT_EQ(::poll(&poll, 1, 0), 0);
	EXPECT_TRUE(AddressDump().addresses()[LOOPBACK].contains(at("192.0.2.2")));
}
