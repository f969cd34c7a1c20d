/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which flow an IP packet belongs to, for a network whose nodes share addresses. Packets come from
 * outside and from peers: every length in them is checked against the bytes that are there.
 *
 * A flow is seen from the address that is shared: its key is that of packets to that address, and an
 * ICMP error, which quotes a packet that went the other way, has the key of the packets that it answers.
 */
#pragma once

#include "memory.hh"

namespace shmnet {

/*
 * Of each packet of a flow the same, and of no other flow's. Zero where a kind does not use it. Aligned,
 * to be hashed and compared by words.
 */
struct alignas(u64) FlowKey {
	u8 source[16]; /* IPv4: as ::ffff:a.b.c.d */
	u8 destination[16];
	u16 source_port; /* in host order; of an echo its identifier, both */
	u16 destination_port;
	u8 protocol;
	u8 fragment; /* 1: a fragment's, whose identification is in the ports */
	u8 pad[2];

	bool operator==(const FlowKey&) const = default;
};
static_assert(sizeof(FlowKey) == 40);

enum class FlowKind : u8 {
	Short,     /* @needed bytes must be there first */
	Malformed, /* a length, or a version, is not what it must be */
	Ports,     /* TCP, UDP or SCTP */
	Echo,      /* an ICMP echo request */
	EchoReply,
	Error,    /* an ICMP error: the flow is that of the quoted packet */
	Fragment, /* of a larger packet, and not the first of it */
	Other,    /* another protocol, or ICMP of another kind: nothing but the addresses counts */
};

struct Flow {
	FlowKind kind;
	u8 tcp_flags;       /* of TCP with Ports, as in the header; else 0 */
	bool is_first_part; /* of a larger packet: the fragment that has the head */
	u32 identification; /* of such a one */
	u32 needed;         /* of Short: bytes from the packet's start */
	FlowKey key;
};

constexpr u8 TCP_SYN = 0x02, TCP_ACK = 0x10;

constexpr u8 PROTOCOL_HOP_BY_HOP = 0, PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17,
	     PROTOCOL_ROUTING = 43, PROTOCOL_FRAGMENT = 44, PROTOCOL_AH = 51, PROTOCOL_ICMPV6 = 58,
	     PROTOCOL_DESTINATION = 60, PROTOCOL_SCTP = 132;

/* The key of the packets that go the other way. */
constexpr FlowKey reversed(const FlowKey& key)
{
	FlowKey back = key;
	for (u32 i = 0; i < sizeof(key.source); i++) {
		back.source[i] = key.destination[i];
		back.destination[i] = key.source[i];
	}
	back.source_port = key.destination_port;
	back.destination_port = key.source_port;
	return back;
}

inline bool is_ipv4(const FlowKey& key)
{
	constexpr u8 MAPPED[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	return __builtin_memcmp(key.source, MAPPED, sizeof(MAPPED)) == 0;
}

/*
 * What all fragments of a packet but the first have as their key. With IPv6 the protocol that a
 * fragment names may be another in each (RFC 8200, 4.5).
 */
inline void set_fragment(FlowKey& key, u32 identification)
{
	if (!is_ipv4(key))
		key.protocol = PROTOCOL_FRAGMENT;
	key.fragment = 1;
	key.source_port = static_cast<u16>(identification >> 16);
	key.destination_port = static_cast<u16>(identification);
}

/*
 * Takes an IP packet apart. @available bytes of it are at @packet, and the packet has @total; more
 * headers than are there are asked for by Short.
 */
class FlowParser {
public:
	FlowParser(const u8* packet, u32 available, u32 total)
	    : packet_(packet), available_(available < total ? available : total), total_(total)
	{
	}

	Flow parse()
	{
		u32 transport = network(0);
		if (flow_.kind == FlowKind::Other)
			transport_layer(transport, false);
		return flow_;
	}

private:
	/* Enough for every packet that is sent in earnest: RFC 8200 has six kinds, each once. */
	static constexpr u32 EXTENSIONS_MAX = 8;
	static constexpr u32 IPV4_HEADER = 20, IPV6_HEADER = 40, ICMP_HEADER = 8;
	/* What an ICMP error quotes at least behind the IP header, and where a TCP header has its flags. */
	static constexpr u32 PORTS = 4, TCP_FLAGS_END = 14;

	u8 byte(u32 at) const { return packet_[at]; }
	u16 word(u32 at) const { return static_cast<u16>(byte(at) << 8 | byte(at + 1)); }

	bool fail()
	{
		flow_.kind = FlowKind::Malformed;
		return false;
	}

	/* Whether the bytes before @end may be read. */
	bool has(u32 end)
	{
		if (end <= available_)
			return true;
		if (end > total_)
			return fail();
		flow_.kind = FlowKind::Short;
		flow_.needed = end;
		return false;
	}

	/* The IP header at @at: addresses and protocol. Returns where what it carries begins; kind says Other. */
	u32 network(u32 at)
	{
		flow_.kind = FlowKind::Other;
		if (!has(at + 1))
			return 0;
		switch (byte(at) >> 4) {
		case 4:
			return ipv4(at);
		case 6:
			return ipv6(at);
		}
		fail();
		return 0;
	}

	u32 ipv4(u32 at)
	{
		if (!has(at + IPV4_HEADER))
			return 0;
		u32 header = (byte(at) & 0xfu) * 4;
		u32 length = word(at + 2);
		/* A quoted packet is cut off; its length says what it was. */
		if (header < IPV4_HEADER || length < header || (at == 0 && length > total_)) {
			fail();
			return 0;
		}
		if (at == 0)
			cut(length);
		copy_ipv4(flow_.key.source, at + 12);
		copy_ipv4(flow_.key.destination, at + 16);
		flow_.key.protocol = byte(at + 9);
		fragment(word(at + 6) & 0x1fff, word(at + 6) & 0x2000, word(at + 4), at != 0);
		return at + header;
	}

	u32 ipv6(u32 at)
	{
		if (!has(at + IPV6_HEADER))
			return 0;
		u32 length = word(at + 4);
		/* 0: a jumbogram, or one that is yet to be segmented. */
		if (at == 0 && length > total_ - IPV6_HEADER) {
			fail();
			return 0;
		}
		if (at == 0 && length != 0)
			cut(IPV6_HEADER + length);
		copy(flow_.key.source, at + 8);
		copy(flow_.key.destination, at + 24);
		return extensions(byte(at + 6), at + IPV6_HEADER, at != 0);
	}

	/* Steps over IPv6's extension headers. */
	u32 extensions(u8 next, u32 at, bool quoted)
	{
		for (u32 i = 0; i < EXTENSIONS_MAX; i++) {
			flow_.key.protocol = next;
			bool fragmented = next == PROTOCOL_FRAGMENT;
			bool counted = next == PROTOCOL_HOP_BY_HOP || next == PROTOCOL_ROUTING ||
				       next == PROTOCOL_DESTINATION;
			if (!fragmented && !counted && next != PROTOCOL_AH)
				return at;
			if (!has(at + 8))
				return 0;
			if (fragmented &&
			    fragment(word(at + 2) & 0xfff8, word(at + 2) & 1,
				     static_cast<u32>(word(at + 4)) << 16 | word(at + 6), quoted))
				return at;
			next = byte(at);
			at += fragmented ? 8
			      : counted  ? (byte(at + 1) + 1u) * 8
					 : (byte(at + 1) + 2u) * 4;
		}
		fail();
		return 0;
	}

	/*
	 * Whether it is a part of a larger packet that has no head: not the first, which has the ports,
	 * and not one that is whole after all (RFC 6946).
	 */
	bool fragment(bool offset, bool more, u32 identification, bool quoted)
	{
		if (!offset) {
			flow_.is_first_part = more && !quoted;
			flow_.identification = identification;
			return false;
		}
		flow_.kind = FlowKind::Fragment;
		flow_.is_first_part = false;
		set_fragment(flow_.key, identification);
		return true;
	}

	void transport_layer(u32 at, bool quoted)
	{
		switch (flow_.key.protocol) {
		case PROTOCOL_TCP:
		case PROTOCOL_UDP:
		case PROTOCOL_SCTP:
			ports(at, quoted);
			break;
		case PROTOCOL_ICMP:
		case PROTOCOL_ICMPV6:
			icmp(at, quoted);
			break;
		}
	}

	void ports(u32 at, bool quoted)
	{
		bool flags = flow_.key.protocol == PROTOCOL_TCP && !quoted;
		if (!has(at + (flags ? TCP_FLAGS_END : PORTS)))
			return;
		flow_.kind = FlowKind::Ports;
		flow_.key.source_port = word(at);
		flow_.key.destination_port = word(at + 2);
		flow_.tcp_flags = flags ? byte(at + 13) : 0;
	}

	void icmp(u32 at, bool quoted)
	{
		if (!has(at + ICMP_HEADER))
			return;
		u8 type = byte(at);
		bool six = flow_.key.protocol == PROTOCOL_ICMPV6;
		bool request = type == (six ? 128 : 8), reply = type == (six ? 129 : 0);
		bool error = six ? type >= 1 && type <= 4
				 : type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
		if (request || reply) {
			flow_.kind = request ? FlowKind::Echo : FlowKind::EchoReply;
			flow_.key.source_port = flow_.key.destination_port = word(at + 4);
		} else if (error && quoted) {
			fail(); /* no error answers an error */
		} else if (error) {
			quote(at + ICMP_HEADER);
		}
	}

	/* What an ICMP error quotes: a packet that was sent by whoever the error is for. */
	void quote(u32 at)
	{
		flow_.key = {};
		flow_.is_first_part = false;
		u32 transport = network(at);
		if (flow_.kind == FlowKind::Other)
			transport_layer(transport, true);
		if (flow_.kind == FlowKind::Short || flow_.kind == FlowKind::Malformed)
			return;
		/* Without its first part nothing says whose it was. */
		flow_.kind = flow_.key.fragment ? FlowKind::Other : FlowKind::Error;
		flow_.key = reversed(flow_.key);
	}

	/* What lies behind the packet in its frame is not its own. */
	void cut(u32 length)
	{
		total_ = length;
		if (available_ > length)
			available_ = length;
	}

	void copy(u8* to, u32 at) const { __builtin_memcpy(to, packet_ + at, 16); }

	void copy_ipv4(u8* to, u32 at) const
	{
		__builtin_memset(to, 0, 10);
		to[10] = to[11] = 0xff;
		__builtin_memcpy(to + 12, packet_ + at, 4);
	}

	const u8* packet_;
	u32 available_;
	u32 total_;
	Flow flow_ = {};
};

} // namespace shmnet
