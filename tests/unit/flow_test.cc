// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Which flow a packet belongs to: each kind, what is cut off, and what lies about its lengths. */
#include "flow.hh"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace shmnet::test {

namespace {

using Bytes = std::vector<u8>;

Bytes operator+(Bytes a, const Bytes& b)
{
	a.insert(a.end(), b.begin(), b.end());
	return a;
}

Bytes word(u32 value)
{
	return {static_cast<u8>(value >> 8), static_cast<u8>(value)};
}

const Bytes CLIENT = {198, 51, 100, 7}, SHARED = {192, 0, 2, 1};

Bytes address6(u8 last)
{
	Bytes address = {0x20, 0x01, 0x0d, 0xb8};
	address.resize(16);
	address[15] = last;
	return address;
}

struct Ip4 {
	u8 protocol;
	Bytes source = CLIENT;
	Bytes destination = SHARED;
	u32 fragment = 0;
	u32 identification = 0;
	Bytes options = {};
};

Bytes ipv4(const Ip4& ip, const Bytes& payload)
{
	u32 header = 20 + static_cast<u32>(ip.options.size());
	return Bytes{static_cast<u8>(0x40 | header / 4), 0} +
	       word(header + static_cast<u32>(payload.size())) + word(ip.identification) +
	       word(ip.fragment) + Bytes{64, ip.protocol, 0, 0} + ip.source + ip.destination +
	       ip.options + payload;
}

Bytes ipv6(u8 next, const Bytes& payload, u8 source = 7, u8 destination = 1)
{
	return Bytes{0x60, 0, 0, 0} + word(static_cast<u32>(payload.size())) + Bytes{next, 64} +
	       address6(source) + address6(destination) + payload;
}

Bytes tcp(u32 source, u32 destination, u8 flags)
{
	Bytes header = word(source) + word(destination);
	header.resize(20);
	header[12] = 0x50;
	header[13] = flags;
	return header;
}

Bytes udp(u32 source, u32 destination)
{
	return word(source) + word(destination) + word(8) + word(0);
}

Bytes icmp(u8 type, u32 identifier, const Bytes& quoted = {})
{
	return Bytes{type, 0, 0, 0} + word(identifier) + word(1) + quoted;
}

/* In memory of exactly its size. */
Flow parse(const Bytes& packet, u32 available, u32 total)
{
	auto there = std::make_unique<u8[]>(available);
	std::copy_n(packet.begin(), available, there.get());
	return FlowParser(there.get(), available, total).parse();
}

Flow parse(const Bytes& packet)
{
	return parse(packet, static_cast<u32>(packet.size()), static_cast<u32>(packet.size()));
}

FlowKey key(const Bytes& source, u16 source_port, const Bytes& destination, u16 destination_port,
	    u8 protocol)
{
	FlowKey key = {};
	for (auto [to, from] :
	     {std::pair(key.source, &source), std::pair(key.destination, &destination)}) {
		if (from->size() == 4)
			to[10] = to[11] = 0xff;
		memcpy(to + 16 - from->size(), from->data(), from->size());
	}
	key.source_port = source_port;
	key.destination_port = destination_port;
	key.protocol = protocol;
	return key;
}

void expect(const Bytes& packet, FlowKind kind, const FlowKey& key)
{
	Flow flow = parse(packet);
	EXPECT_EQ(flow.kind, kind);
	EXPECT_EQ(memcmp(&flow.key, &key, sizeof(key)), 0);
}

} // namespace

TEST(Flow, PortsOfTcpUdpAndSctp)
{
	for (u8 protocol : {PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP}) {
		Bytes transport = tcp(4000, 80, 0);
		expect(ipv4({protocol}, transport), FlowKind::Ports,
		       key(CLIENT, 4000, SHARED, 80, protocol));
		expect(ipv4({protocol, CLIENT, SHARED, 0, 9, Bytes(12, 1)}, transport),
		       FlowKind::Ports, key(CLIENT, 4000, SHARED, 80, protocol));
		expect(ipv6(protocol, transport), FlowKind::Ports,
		       key(address6(7), 4000, address6(1), 80, protocol));
	}
	EXPECT_EQ(parse(ipv4({PROTOCOL_TCP}, tcp(1, 2, TCP_SYN | TCP_ACK))).tcp_flags,
		  TCP_SYN | TCP_ACK);
	EXPECT_EQ(parse(ipv4({PROTOCOL_UDP}, tcp(1, 2, TCP_SYN))).tcp_flags, 0);
}

TEST(Flow, PaddingBehindThePacketIsNotItsOwn)
{
	/* Six bytes of UDP's header, and then an Ethernet frame's padding. */
	Bytes packet = ipv4({PROTOCOL_UDP}, word(1) + word(2));
	expect(packet + Bytes(20, 0xee), FlowKind::Ports, key(CLIENT, 1, SHARED, 2, PROTOCOL_UDP));
	EXPECT_EQ(parse(ipv4({PROTOCOL_UDP}, word(1)) + Bytes(20, 0xee)).kind, FlowKind::Malformed);
}

TEST(Flow, ExtensionHeadersAreSteppedOver)
{
	Bytes transport = tcp(5, 6, 0);
	Bytes options = {PROTOCOL_DESTINATION, 1}, last = {PROTOCOL_TCP, 0};
	options.resize(16);
	last.resize(8);
	FlowKey expected = key(address6(7), 5, address6(1), 6, PROTOCOL_TCP);
	expect(ipv6(PROTOCOL_HOP_BY_HOP, options + last + transport), FlowKind::Ports, expected);
	Bytes authentication = {PROTOCOL_TCP, 4};
	authentication.resize(24);
	expect(ipv6(PROTOCOL_AH, authentication + transport), FlowKind::Ports, expected);
	/* Whole, though it has a fragment header. */
	expect(ipv6(PROTOCOL_FRAGMENT, Bytes{PROTOCOL_TCP, 0, 0, 0, 1, 2, 3, 4} + transport),
	       FlowKind::Ports, expected);
	/* So many that somebody plays with us. */
	Bytes many;
	for (int i = 0; i < 20; i++)
		many = many + Bytes{PROTOCOL_DESTINATION, 0, 0, 0, 0, 0, 0, 0};
	EXPECT_EQ(parse(ipv6(PROTOCOL_DESTINATION, many)).kind, FlowKind::Malformed);
}

TEST(Flow, AllFragmentsButTheFirstHaveOneKey)
{
	Bytes second = ipv4({PROTOCOL_UDP, CLIENT, SHARED, 0x2010, 0x1234}, Bytes(8, 0xaa));
	Bytes third = ipv4({PROTOCOL_UDP, CLIENT, SHARED, 0x0020, 0x1234}, Bytes(3, 0xaa));
	FlowKey expected = key(CLIENT, 0, SHARED, 0x1234, PROTOCOL_UDP);
	expected.fragment = 1;
	for (const Bytes& fragment : {second, third})
		expect(fragment, FlowKind::Fragment, expected);

	expected = key(address6(7), 0x1122, address6(1), 0x3344, PROTOCOL_FRAGMENT);
	expected.fragment = 1;
	for (u8 next : {PROTOCOL_UDP, PROTOCOL_DESTINATION})
		for (u8 place : {0x08, 0x09})
			expect(ipv6(PROTOCOL_FRAGMENT,
				    Bytes{next, 0, 0, place, 0x11, 0x22, 0x33, 0x44} + udp(1, 2)),
			       FlowKind::Fragment, expected);
}

TEST(Flow, TheFirstFragmentHasThePacketsFlow)
{
	Bytes first = ipv4({PROTOCOL_UDP, CLIENT, SHARED, 0x2000, 0x1234}, udp(1, 2));
	expect(first, FlowKind::Ports, key(CLIENT, 1, SHARED, 2, PROTOCOL_UDP));
	Flow flow = parse(first);
	EXPECT_TRUE(flow.is_first_part);
	set_fragment(flow.key, flow.identification);
	EXPECT_EQ(flow.key,
		  parse(ipv4({PROTOCOL_UDP, CLIENT, SHARED, 0x0010, 0x1234}, Bytes(8))).key);

	Bytes head = {PROTOCOL_UDP, 0, 0, 0x01, 0x11, 0x22, 0x33, 0x44};
	first = ipv6(PROTOCOL_FRAGMENT, head + udp(1, 2));
	expect(first, FlowKind::Ports, key(address6(7), 1, address6(1), 2, PROTOCOL_UDP));
	flow = parse(first);
	EXPECT_TRUE(flow.is_first_part);
	set_fragment(flow.key, flow.identification);
	head[3] = 0x08;
	EXPECT_EQ(flow.key, parse(ipv6(PROTOCOL_FRAGMENT, head + Bytes(8))).key);

	/* One so small that it has no ports (RFC 1858), and what is whole. */
	EXPECT_EQ(parse(ipv4({PROTOCOL_TCP, CLIENT, SHARED, 0x2000, 0x1234}, Bytes(8))).kind,
		  FlowKind::Malformed);
	EXPECT_FALSE(
		parse(ipv4({PROTOCOL_UDP, CLIENT, SHARED, 0, 0x1234}, udp(1, 2))).is_first_part);
}

TEST(Flow, EchoesHaveTheirIdentifierForPorts)
{
	for (u8 type : {8, 0})
		expect(ipv4({PROTOCOL_ICMP}, icmp(type, 77)),
		       type == 8 ? FlowKind::Echo : FlowKind::EchoReply,
		       key(CLIENT, 77, SHARED, 77, PROTOCOL_ICMP));
	for (u8 type : {128, 129})
		expect(ipv6(PROTOCOL_ICMPV6, icmp(type, 77)),
		       type == 128 ? FlowKind::Echo : FlowKind::EchoReply,
		       key(address6(7), 77, address6(1), 77, PROTOCOL_ICMPV6));
	expect(ipv6(PROTOCOL_ICMPV6, icmp(135, 77)), FlowKind::Other,
	       key(address6(7), 0, address6(1), 0, PROTOCOL_ICMPV6));
}

TEST(Flow, AnErrorHasTheFlowThatItIsAbout)
{
	/* A router tells the shared address about a packet that went to the client, quoting 8 bytes. */
	const Bytes router = {203, 0, 113, 9};
	Bytes sent = ipv4({PROTOCOL_TCP, SHARED, CLIENT}, tcp(80, 4000, 0));
	sent.resize(28);
	FlowKey expected = key(CLIENT, 4000, SHARED, 80, PROTOCOL_TCP);
	for (u8 type : {3, 4, 5, 11, 12})
		expect(ipv4({PROTOCOL_ICMP, router}, icmp(type, 0, sent)), FlowKind::Error,
		       expected);
	EXPECT_EQ(parse(ipv4({PROTOCOL_ICMP, router}, icmp(3, 0, sent))).tcp_flags, 0);
	/* The first fragment of what was sent has the ports, the others nothing. */
	Bytes first = ipv4({PROTOCOL_UDP, SHARED, CLIENT, 0x2000, 5}, udp(80, 4000));
	expected.protocol = PROTOCOL_UDP;
	expect(ipv4({PROTOCOL_ICMP, router}, icmp(11, 0, first)), FlowKind::Error, expected);
	Bytes later = ipv4({PROTOCOL_UDP, SHARED, CLIENT, 0x2010, 5}, udp(80, 4000));
	EXPECT_EQ(parse(ipv4({PROTOCOL_ICMP, router}, icmp(11, 0, later))).kind, FlowKind::Other);
	/* Of an echo that the shared address sent. */
	Bytes echo = ipv4({PROTOCOL_ICMP, SHARED, CLIENT}, icmp(8, 77));
	expect(ipv4({PROTOCOL_ICMP, router}, icmp(11, 0, echo)), FlowKind::Error,
	       key(CLIENT, 77, SHARED, 77, PROTOCOL_ICMP));
	Bytes error = ipv4({PROTOCOL_ICMP, SHARED, CLIENT}, icmp(3, 0, sent));
	EXPECT_EQ(parse(ipv4({PROTOCOL_ICMP, router}, icmp(3, 0, error))).kind,
		  FlowKind::Malformed);

	Bytes sent6 = ipv6(PROTOCOL_UDP, udp(80, 4000), 1, 7);
	for (u8 type : {1, 2, 3, 4})
		expect(ipv6(PROTOCOL_ICMPV6, icmp(type, 0, sent6), 9, 1), FlowKind::Error,
		       key(address6(7), 4000, address6(1), 80, PROTOCOL_UDP));
}

TEST(Flow, WhatIsNoPacketIsSaidToBeNone)
{
	Bytes good = ipv4({PROTOCOL_TCP}, tcp(1, 2, 0));
	auto with = [&good](size_t at, u8 value) {
		Bytes packet = good;
		packet[at] = value;
		return packet;
	};
	EXPECT_EQ(parse(with(0, 0x55)).kind, FlowKind::Malformed) << "version 5";
	EXPECT_EQ(parse(with(0, 0x44)).kind, FlowKind::Malformed) << "a header of 16 bytes";
	EXPECT_EQ(parse(with(0, 0x4f)).kind, FlowKind::Malformed) << "a header beyond the packet";
	EXPECT_EQ(parse(with(3, 41)).kind, FlowKind::Malformed) << "longer than it is";
	EXPECT_EQ(parse(with(3, 19)).kind, FlowKind::Malformed) << "shorter than its header";
	EXPECT_EQ(parse(with(3, 33)).kind, FlowKind::Malformed) << "without TCP's flags";
	EXPECT_EQ(parse({}).kind, FlowKind::Malformed);
	EXPECT_EQ(parse(Bytes(19, 0x45)).kind, FlowKind::Malformed);
	Bytes six = ipv6(PROTOCOL_TCP, tcp(1, 2, 0));
	six[5]++;
	EXPECT_EQ(parse(six).kind, FlowKind::Malformed) << "longer than it is";
	six.resize(39);
	EXPECT_EQ(parse(six).kind, FlowKind::Malformed);
}

TEST(Flow, WhatIsNotThereYetIsAskedFor)
{
	Bytes quoted = ipv6(PROTOCOL_UDP, udp(80, 4000), 1, 7);
	for (const Bytes& packet :
	     {ipv4({PROTOCOL_TCP, CLIENT, SHARED, 0, 0, Bytes(40, 1)}, tcp(1, 2, 0)),
	      ipv6(PROTOCOL_ICMPV6, icmp(1, 0, quoted), 9, 1),
	      ipv6(PROTOCOL_HOP_BY_HOP, Bytes{PROTOCOL_TCP, 0, 0, 0, 0, 0, 0, 0} + tcp(1, 2, 0))}) {
		auto total = static_cast<u32>(packet.size());
		Flow whole = parse(packet);
		u32 asked = 0;
		for (u32 available = 0; available <= total; available++) {
			Flow flow = parse(packet, available, total);
			if (flow.kind == FlowKind::Short) {
				EXPECT_GT(flow.needed, available);
				EXPECT_LE(flow.needed, total);
				EXPECT_GE(flow.needed, asked);
				asked = flow.needed;
			} else {
				EXPECT_EQ(flow.kind, whole.kind);
				EXPECT_TRUE(flow.key == whole.key);
			}
		}
		EXPECT_GT(asked, 40u);
	}
}

RC_GTEST_PROP(Flow, BothDirectionsAreEachOthersReverse, (u16 one, u16 other))
{
	Flow forth = parse(ipv4({PROTOCOL_UDP, CLIENT, SHARED}, udp(one, other)));
	Flow back = parse(ipv4({PROTOCOL_UDP, SHARED, CLIENT}, udp(other, one)));
	RC_ASSERT(reversed(forth.key) == back.key);
}

} // namespace shmnet::test
