/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Frames on the segment of a card: who asks for an address (ARP, RFC 826; neighbour discovery,
 * RFC 4861), what is answered, and what nodes tell each other to agree on who answers
 * (docs/protocol.md, "On the segment of a card"). Without the Ethernet header, whose fields stand
 * beside the bytes. Whoever is on the segment may have written what is parsed here.
 */
#pragma once

#include "address.hh"

#include <linux/types.h>

#include <optional>
#include <set>
#include <span>
#include <vector>

namespace shmnet::shmnetd {

using Bytes = std::span<const __u8>;

/* A frame to be sent. */
struct SegmentFrame {
	__u16 ethertype = 0;
	Mac to = {};
	std::vector<__u8> bytes;

	bool operator==(const SegmentFrame&) const = default;
};

/* Somebody wants to know who has an address. */
struct Question {
	Address address = {};
	Mac asker = {};
	/* IPv6 of the asker; all zero: it looks whether the address is taken, and is to be told so
	 * before all. Of IPv4 the sender's address. */
	Address from = {};

	bool operator==(const Question&) const = default;
};

/* An ARP request for IPv4 over Ethernet that is not an announcement; nothing if it is none. */
std::optional<Question> parse_arp_request(Bytes frame);
/* A valid neighbour solicitation (RFC 4861, 7.1.1). @source: of the frame. */
std::optional<Question> parse_solicitation(Bytes packet, const Mac& source);

/* What @own answers. */
SegmentFrame answer_to(const Question& question, const Mac& own);
/* Told to all, so that they forget who had the address before. */
SegmentFrame announcement_of(const Address& address, const Mac& own);

/* IEEE 802: the first of those for local experiments. */
constexpr __u16 CANDIDACY_ETHERTYPE = 0x88b5;
/* A group of local administration. */
constexpr Mac CANDIDACY_GROUP = {0x03, 's', 'h', 'm', 'n', 't'};
/* What fits a frame of 1,500 bytes. */
constexpr size_t CANDIDACY_ADDRESSES = 93;

/* "I could answer for these." */
struct Candidacy {
	__u8 priority = 0; /* 0: no more */
	std::set<Address> addresses;

	bool operator==(const Candidacy&) const = default;
};

/* Of more than CANDIDACY_ADDRESSES the first ones. */
SegmentFrame candidacy_frame(const Candidacy& candidacy);
std::optional<Candidacy> parse_candidacy(Bytes frame);

} // namespace shmnet::shmnetd
