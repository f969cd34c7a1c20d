// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Frames on a card's segment: byte for byte as the RFCs have them, and nothing believed that is not right.
#include "shmnetd/segment_frame.hh"

#include <gtest/gtest.h>
#include <netinet/if_ether.h>

#include <algorithm>
#include <random>

using namespace shmnet;
using namespace shmnet::shmnetd;

namespace {

constexpr Mac OWN = {2, 0, 0, 0, 0, 1};
constexpr Mac ASKER = {2, 0, 0, 0, 0, 9};
constexpr Mac ALL = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr Mac ALL_NODES_GROUP = {0x33, 0x33, 0, 0, 0, 1};
const Address SHARED4 = *parse_address("203.0.113.1");
const Address SHARED6 = *parse_address("2001:db8::1");
const Address HOST4 = *parse_address("198.51.100.9");
const Address HOST6 = *parse_address("fe80::9");

/* RFC 826: Ethernet, IPv4, a request of 198.51.100.9 for 203.0.113.1. */
const std::vector<__u8> ARP_REQUEST = {0,   1,  8,   0, 6, 4, 0, 1, 2, 0, 0,   0, 0,   9,
				       198, 51, 100, 9, 0, 0, 0, 0, 0, 0, 203, 0, 113, 1};

/* RFC 4861, 4.3: fe80::9 asks ff02::1:ff00:1 for 2001:db8::1, and says its own MAC. */
const std::vector<__u8> SOLICITATION = {
	0x60, 0, 0, 0, 0,   32, 58,   255,  0xfe, 0x80, 0, 0, 0,    0,    0,    0,    0, 0,
	0,    0, 0, 0, 0,   9,  0xff, 2,    0,    0,    0, 0, 0,    0,    0,    0,    0, 1,
	0xff, 0, 0, 1, 135, 0,  0x4b, 0x32, 0,    0,    0, 0, 0x20, 0x01, 0x0d, 0xb8, 0, 0,
	0,    0, 0, 0, 0,   0,  0,    0,    0,    1,    1, 1, 2,    0,    0,    0,    0, 9};

/* One's complement over a packet of ICMPv6 with its pseudo header; 0 if its sum is right. */
__u16 sum_of(const std::vector<__u8>& packet)
{
	__u32 sum = static_cast<__u32>(packet.size() - 40) + 58;
	for (size_t i = 8; i < packet.size(); i += 2)
		sum += static_cast<__u32>(packet[i] << 8 | packet[i + 1]);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return static_cast<__u16>(~sum);
}

/* The solicitation with other bytes, and a sum that is right again. */
std::vector<__u8> solicitation_with(size_t at, std::vector<__u8> bytes)
{
	std::vector<__u8> packet = SOLICITATION;
	std::copy(bytes.begin(), bytes.end(), packet.begin() + static_cast<ptrdiff_t>(at));
	packet[42] = packet[43] = 0;
	__u16 sum = sum_of(packet);
	packet[42] = static_cast<__u8>(sum >> 8);
	packet[43] = static_cast<__u8>(sum);
	return packet;
}

bool is_solicitation(const std::vector<__u8>& packet)
{
	return parse_solicitation(packet, ASKER).has_value();
}

} // namespace

TEST(SegmentFrame, AnArpRequestIsUnderstood)
{
	EXPECT_EQ(parse_arp_request(ARP_REQUEST), (Question{SHARED4, ASKER, HOST4}));
	std::vector<__u8> padded = ARP_REQUEST;
	padded.resize(46);
	EXPECT_TRUE(parse_arp_request(padded)) << "a frame is filled to 60 bytes";
}

TEST(SegmentFrame, WhatIsNoArpRequestIsNot)
{
	for (auto [at, byte] : {std::pair{1, 2}, {2, 9}, {4, 5}, {5, 16}, {7, 2}}) {
		std::vector<__u8> other = ARP_REQUEST;
		other[static_cast<size_t>(at)] = static_cast<__u8>(byte);
		EXPECT_FALSE(parse_arp_request(other)) << at;
	}
	EXPECT_FALSE(parse_arp_request(Bytes(ARP_REQUEST).first(27)));
	EXPECT_FALSE(parse_arp_request(announcement_of(SHARED4, ASKER).bytes))
		<< "who announces an address does not ask for it";
}

TEST(SegmentFrame, ArpIsAnsweredToWhoAsked)
{
	SegmentFrame answer = answer_to({SHARED4, ASKER, HOST4}, OWN);
	EXPECT_EQ(answer.ethertype, ETHERTYPE_ARP);
	EXPECT_EQ(answer.to, ASKER);
	EXPECT_EQ(answer.bytes,
		  (std::vector<__u8>{0,   1, 8,   0, 6, 4, 0, 2, 2, 0, 0,   0,  0,   1,
				     203, 0, 113, 1, 2, 0, 0, 0, 0, 9, 198, 51, 100, 9}));
}

TEST(SegmentFrame, AnAddressIsAnnouncedToAll)
{
	SegmentFrame ipv4 = announcement_of(SHARED4, OWN);
	EXPECT_EQ(ipv4.to, ALL);
	EXPECT_EQ(ipv4.bytes,
		  (std::vector<__u8>{0,   1, 8,   0, 6, 4, 0, 1, 2, 0, 0,   0, 0,   1,
				     203, 0, 113, 1, 0, 0, 0, 0, 0, 0, 203, 0, 113, 1}));
	SegmentFrame ipv6 = announcement_of(SHARED6, OWN);
	EXPECT_EQ(ipv6.to, ALL_NODES_GROUP);
	EXPECT_EQ(ipv6.bytes[44], 0x20) << "it overrides, and answers nobody";
	EXPECT_EQ(sum_of(ipv6.bytes), 0);
}

TEST(SegmentFrame, ASolicitationIsUnderstood)
{
	ASSERT_EQ(sum_of(solicitation_with(0, {0x60})), 0);
	std::vector<__u8> packet = solicitation_with(0, {0x60});
	EXPECT_EQ(parse_solicitation(packet, OWN), (Question{SHARED6, ASKER, HOST6}));
	packet = solicitation_with(64, {14, 1}); /* another option: the frame's sender counts */
	EXPECT_EQ(parse_solicitation(packet, OWN), (Question{SHARED6, OWN, HOST6}));
}

TEST(SegmentFrame, WhatIsNoValidSolicitationIsNot)
{
	ASSERT_TRUE(is_solicitation(solicitation_with(0, {0x60})));
	EXPECT_FALSE(is_solicitation(solicitation_with(7, {254}))) << "it was forwarded";
	EXPECT_FALSE(is_solicitation(solicitation_with(6, {17}))) << "no ICMPv6";
	EXPECT_FALSE(is_solicitation(solicitation_with(40, {136}))) << "an advertisement";
	EXPECT_FALSE(is_solicitation(solicitation_with(41, {1}))) << "a code";
	EXPECT_FALSE(is_solicitation(solicitation_with(48, {0xff}))) << "for a multicast address";
	EXPECT_FALSE(is_solicitation(solicitation_with(8, {0xff}))) << "from a multicast address";
	EXPECT_FALSE(is_solicitation(solicitation_with(65, {0}))) << "an option without length";
	EXPECT_FALSE(is_solicitation(solicitation_with(65, {2}))) << "an option beyond its end";
	EXPECT_FALSE(is_solicitation(solicitation_with(5, {40}))) << "longer than it is";
	EXPECT_FALSE(is_solicitation(solicitation_with(5, {16}))) << "shorter than one";
	std::vector<__u8> wrong = solicitation_with(0, {0x60});
	wrong[42] ^= 1;
	EXPECT_FALSE(is_solicitation(wrong)) << "the sum is wrong";
	std::vector<__u8> nobody = solicitation_with(8, std::vector<__u8>(16, 0));
	EXPECT_FALSE(is_solicitation(nobody)) << "who has no address yet says no MAC";
}

TEST(SegmentFrame, ASolicitationIsAnsweredToWhoAsked)
{
	SegmentFrame answer = answer_to({SHARED6, ASKER, HOST6}, OWN);
	EXPECT_EQ(answer.ethertype, ETHERTYPE_IPV6);
	EXPECT_EQ(answer.to, ASKER);
	ASSERT_EQ(answer.bytes.size(), 72u);
	EXPECT_EQ(answer.bytes[7], 255);
	EXPECT_EQ(answer.bytes[40], 136);
	EXPECT_EQ(answer.bytes[44], 0x60) << "it is an answer, and overrides";
	EXPECT_TRUE(std::equal(HOST6.begin(), HOST6.end(), answer.bytes.begin() + 24));
	EXPECT_TRUE(std::equal(SHARED6.begin(), SHARED6.end(), answer.bytes.begin() + 48));
	EXPECT_TRUE(std::equal(OWN.begin(), OWN.end(), answer.bytes.begin() + 66));
	EXPECT_EQ(sum_of(answer.bytes), 0);
}

TEST(SegmentFrame, WhoLooksForADuplicateIsToldBeforeAll)
{
	SegmentFrame answer = answer_to({SHARED6, ASKER, Address{}}, OWN);
	EXPECT_EQ(answer.to, ALL_NODES_GROUP);
	EXPECT_EQ(answer, announcement_of(SHARED6, OWN));
}

TEST(SegmentFrame, ACandidacyIsReadAsItWasWritten)
{
	Candidacy candidacy = {.priority = 7, .addresses = {SHARED4, SHARED6}};
	SegmentFrame frame = candidacy_frame(candidacy);
	EXPECT_EQ(frame.ethertype, CANDIDACY_ETHERTYPE);
	EXPECT_EQ(frame.to, CANDIDACY_GROUP);
	EXPECT_EQ(std::vector<__u8>(frame.bytes.begin(), frame.bytes.begin() + 8),
		  (std::vector<__u8>{'S', 'H', 'M', 'N', 1, 7, 0, 2}));
	EXPECT_EQ(parse_candidacy(frame.bytes), candidacy);
	frame.bytes.resize(60);
	EXPECT_EQ(parse_candidacy(frame.bytes), candidacy) << "a frame is filled to 60 bytes";
	EXPECT_FALSE(parse_candidacy(Bytes(frame.bytes).first(39)));
	frame.bytes[4] = 2;
	EXPECT_FALSE(parse_candidacy(frame.bytes)) << "of another version";
}

TEST(SegmentFrame, ACandidacyFitsAFrame)
{
	Candidacy many = {.priority = 1, .addresses = {}};
	for (__u8 i = 0; i < 200; i++)
		many.addresses.insert(*parse_address("192.0.2." + std::to_string(i)));
	SegmentFrame frame = candidacy_frame(many);
	EXPECT_LE(frame.bytes.size(), 1500u);
	std::optional<Candidacy> read = parse_candidacy(frame.bytes);
	ASSERT_TRUE(read);
	EXPECT_EQ(read->addresses.size(), CANDIDACY_ADDRESSES);
	frame.bytes[7] = CANDIDACY_ADDRESSES + 1;
	frame.bytes.resize(4000);
	EXPECT_FALSE(parse_candidacy(frame.bytes)) << "more than a frame has";
}

/* Under the sanitizers: nothing is read that is not there. */
TEST(SegmentFrame, BytesOfAnyKindAreTaken)
{
	std::mt19937 random(1);
	const std::vector<__u8> seeds[] = {ARP_REQUEST, solicitation_with(0, {0x60}),
					   candidacy_frame({1, {SHARED4, SHARED6}}).bytes};
	size_t understood = 0;
	for (int i = 0; i < 100'000; i++) {
		std::vector<__u8> bytes = seeds[random() % std::size(seeds)];
		for (unsigned change = random() % 3; change > 0; change--)
			bytes[random() % bytes.size()] = static_cast<__u8>(random());
		/* Of its own size, so that a read beyond it is seen. */
		std::vector<__u8> part(
			bytes.begin(),
			bytes.begin() + static_cast<ptrdiff_t>(random() % 4
								       ? bytes.size()
								       : random() % bytes.size()));
		understood += parse_arp_request(part).has_value();
		understood += parse_solicitation(part, ASKER).has_value();
		understood += parse_candidacy(part).has_value();
	}
	EXPECT_GT(understood, 20'000u);
	EXPECT_LT(understood, 90'000u);
}
