// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Which listeners are published at a shared address, and what is said of the others.
#include "shmnetd/services.hh"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <optional>

using namespace shmnet;
using namespace shmnet::shmnetd;

namespace {

constexpr __u32 SHARED_DEVICE = 7;

Address at(const std::string& text)
{
	return parse_address(text).value();
}

Listener tcp(const std::string& address, __u32 port)
{
	return {.protocol = IPPROTO_TCP, .address = at(address), .port = port};
}

Listener udp(const std::string& address, __u32 port)
{
	return {.protocol = IPPROTO_UDP, .address = at(address), .port = port};
}

Listener v6only(Listener listener)
{
	listener.v6only = true;
	return listener;
}

Listener on_device(Listener listener, __u32 device)
{
	listener.device = device;
	return listener;
}

/* With an address of each family, and others that nobody shares. */
SharedInterface interface_with(const std::set<std::string>& addresses)
{
	SharedInterface interface = {.index = SHARED_DEVICE, .name = "shmg0", .addresses = {}};
	for (const std::string& address : addresses)
		interface.addresses.insert(at(address));
	return interface;
}

const SharedInterface BOTH = interface_with({"192.0.2.1", "2001:db8::1", "fe80::1", "169.254.1.1"});

/* "tcp 192.0.2.1:80, tcp [2001:db8::1]:80" */
std::string text(const std::vector<ServiceInfo>& services)
{
	std::string all;
	for (const ServiceInfo& service : services)
		all += fmt::format("{}{} {}", all.empty() ? "" : ", ",
				   protocol_name(service.protocol),
				   end_text(service.address, service.port));
	return all;
}

Config choosing(const std::string& name)
{
	Config config;
	config.services.insert(parse_service_name(name).value());
	return config;
}

Config choosing_all()
{
	Config config;
	config.all = true;
	return config;
}

struct Case {
	const char* what;
	Listener listener;
	Config config;
	std::string published;
	std::optional<Reason> reason;
};

} // namespace

TEST(ShmnetdServices, AreThoseThatMatch)
{
	const std::string both = "tcp 192.0.2.1:80, tcp [2001:db8::1]:80";
	const Config none;
	const Config chosen = choosing("tcp/80");
	const Case cases[] = {
		{"bound to the address", tcp("192.0.2.1", 80), none, "tcp 192.0.2.1:80", {}},
		{"bound to the IPv6 address",
		 tcp("2001:db8::1", 80),
		 none,
		 "tcp [2001:db8::1]:80",
		 {}},
		{"an IPv6 socket with the mapped address",
		 tcp("::ffff:192.0.2.1", 80),
		 none,
		 "tcp 192.0.2.1:80",
		 {}},
		{"UDP, bound", udp("192.0.2.1", 53), none, "udp 192.0.2.1:53", {}},
		{"bound to address and device",
		 on_device(tcp("192.0.2.1", 80), SHARED_DEVICE),
		 none,
		 "tcp 192.0.2.1:80",
		 {}},
		{"bound to the address and another device", on_device(tcp("192.0.2.1", 80), 1),
		 none, "", Reason::OtherDevice},

		{"all addresses, not chosen", tcp("0.0.0.0", 80), none, "", Reason::NotChosen},
		{"all of both families, not chosen", tcp("::", 80), none, "", Reason::NotChosen},
		{"another port is chosen", tcp("0.0.0.0", 22), chosen, "", Reason::NotChosen},
		{"the port of the other protocol is", udp("0.0.0.0", 80), chosen, "",
		 Reason::NotChosen},
		{"all addresses, chosen", tcp("0.0.0.0", 80), chosen, "tcp 192.0.2.1:80", {}},
		{"the mapped 0.0.0.0", tcp("::ffff:0.0.0.0", 80), chosen, "tcp 192.0.2.1:80", {}},
		{"all of both families", tcp("::", 80), chosen, both, {}},
		{"all IPv6 addresses", v6only(tcp("::", 80)), chosen, "tcp [2001:db8::1]:80", {}},
		{"everything is chosen",
		 udp("0.0.0.0", 514),
		 choosing_all(),
		 "udp 192.0.2.1:514",
		 {}},
		{"all addresses of this device",
		 on_device(tcp("::", 80), SHARED_DEVICE),
		 chosen,
		 both,
		 {}},
		{"all addresses of another device", on_device(tcp("::", 80), 1), choosing_all(), "",
		 Reason::OtherDevice},

		{"loopback", tcp("127.0.0.1", 80), choosing_all(), "", Reason::OtherAddress},
		{"IPv6 loopback", tcp("::1", 80), choosing_all(), "", Reason::OtherAddress},
		{"the node's own address", tcp("192.0.2.2", 80), choosing_all(), "",
		 Reason::OtherAddress},
		{"link-local", tcp("fe80::1", 80), choosing_all(), "", Reason::NeverShared},
		{"IPv4 link-local", tcp("169.254.1.1", 80), choosing_all(), "",
		 Reason::NeverShared},
		{"multicast", udp("224.0.0.251", 5353), choosing_all(), "", Reason::NeverShared},
		{"IPv6 multicast", udp("ff02::fb", 5353), choosing_all(), "", Reason::NeverShared},

		{"the first port of nodes", udp("192.0.2.1", 32768), choosing_all(), "",
		 Reason::PortOfNodes},
		{"the last port of nodes", tcp("::", 61439), choosing_all(), "",
		 Reason::PortOfNodes},
		{"the port below", tcp("192.0.2.1", 32767), none, "tcp 192.0.2.1:32767", {}},
		{"the port above", tcp("192.0.2.1", 61440), none, "tcp 192.0.2.1:61440", {}},
	};
	for (const Case& row : cases) {
		SCOPED_TRACE(row.what);
		Selection selection = select_services({row.listener}, BOTH, row.config, {});
		EXPECT_EQ(text(selection.services), row.published);
		ASSERT_EQ(selection.hidden.size(), row.reason ? 1u : 0u);
		if (!row.reason)
			continue;
		EXPECT_EQ(selection.hidden[0].listener, row.listener);
		EXPECT_STREQ(reason_name(selection.hidden[0].reason), reason_name(*row.reason));
	}
}

TEST(ShmnetdServices, NeedAnAddressOfTheirFamily)
{
	struct {
		std::set<std::string> addresses;
		Listener listener;
		Reason reason;
	} cases[] = {
		{{}, tcp("::", 80), Reason::NoAddress},
		{{"fe80::1", "169.254.1.1"}, tcp("::", 80), Reason::NoAddress},
		{{"192.0.2.1"}, v6only(tcp("::", 80)), Reason::OtherFamily},
		{{"2001:db8::1"}, tcp("0.0.0.0", 80), Reason::OtherFamily},
	};
	for (const auto& row : cases) {
		Selection selection = select_services({row.listener}, interface_with(row.addresses),
						      choosing_all(), {});
		EXPECT_EQ(text(selection.services), "");
		ASSERT_EQ(selection.hidden.size(), 1u);
		EXPECT_STREQ(reason_name(selection.hidden[0].reason), reason_name(row.reason));
	}
}

TEST(ShmnetdServices, AreOneForSeveralListeners)
{
	/* As of two programs, of which one takes IPv4 and the other IPv6; and one that takes all. */
	std::set<Listener> listeners = {tcp("0.0.0.0", 80), v6only(tcp("::", 80)), tcp("::", 80),
					tcp("192.0.2.1", 80),
					on_device(tcp("0.0.0.0", 80), SHARED_DEVICE)};
	Selection selection = select_services(listeners, BOTH, choosing("tcp/80"), {});
	EXPECT_EQ(text(selection.services), "tcp 192.0.2.1:80, tcp [2001:db8::1]:80");
	EXPECT_TRUE(selection.hidden.empty());
}

TEST(ShmnetdServices, HaveTheirPolicyAndTheirConnections)
{
	Config config = choosing_all();
	config.policy = {.balance = SHMNET_BALANCE_LEAST, .weight = 3, .local_first = false};
	config.own[parse_service_name("tcp/443").value()] = {
		.balance = SHMNET_BALANCE_SOURCE, .weight = 0, .local_first = true};
	Connections connections = {{{at("192.0.2.1"), 80}, 12},
				   {{at("192.0.2.2"), 443}, 5},
				   {{at("192.0.2.1"), 53}, 9}};
	Selection selection =
		select_services({tcp("192.0.2.1", 443), tcp("0.0.0.0", 80), udp("192.0.2.1", 53)},
				interface_with({"192.0.2.1"}), config, connections);
	ASSERT_EQ(text(selection.services),
		  "tcp 192.0.2.1:80, tcp 192.0.2.1:443, udp 192.0.2.1:53");
	const ServiceInfo& http = selection.services[0];
	EXPECT_EQ(http.balance, __u32{SHMNET_BALANCE_LEAST});
	EXPECT_EQ(http.weight, 3u);
	EXPECT_EQ(http.flags, 0u);
	EXPECT_EQ(http.connections, 12u);
	const ServiceInfo& https = selection.services[1];
	EXPECT_EQ(https.balance, __u32{SHMNET_BALANCE_SOURCE});
	EXPECT_EQ(https.weight, 0u);
	EXPECT_EQ(https.flags, SHMNET_SERVICE_LOCAL);
	EXPECT_EQ(https.connections, 0u) << "those of another address";
	EXPECT_EQ(selection.services[2].connections, 0u) << "UDP has none";
}

TEST(ShmnetdServices, AreAtMostSoManyAndBoundOnesComeFirst)
{
	std::set<Listener> listeners;
	for (__u32 port = 1; port <= SHMNET_SERVICES_MAX; port++)
		listeners.insert(tcp("0.0.0.0", port));
	listeners.insert(tcp("192.0.2.1", 5000));
	Selection selection = select_services(listeners, BOTH, choosing_all(), {});
	ASSERT_EQ(selection.services.size(), size_t{SHMNET_SERVICES_MAX});
	EXPECT_EQ(selection.services.back().port, 5000u);
	ASSERT_EQ(selection.hidden.size(), 1u);
	EXPECT_EQ(selection.hidden[0].listener.port, __u32{SHMNET_SERVICES_MAX});
	EXPECT_EQ(selection.hidden[0].reason, Reason::TooMany);
}

TEST(ShmnetdServices, SayWhatToDoForThoseThatAreHidden)
{
	SharedInterface interface = interface_with({"192.0.2.1"});
	Selection selection =
		select_services({tcp("0.0.0.0", 22), tcp("127.0.0.1", 631)}, interface, {}, {});
	ASSERT_EQ(selection.hidden.size(), 2u);
	for (const Hidden& hidden : selection.hidden) {
		EXPECT_NE(hidden.remedy.find("192.0.2.1"), std::string::npos) << hidden.remedy;
		EXPECT_EQ(hidden.remedy.find("services = [\"tcp/22\"]") != std::string::npos,
			  hidden.listener.port == 22)
			<< hidden.remedy;
	}
}
