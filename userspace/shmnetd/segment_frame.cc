// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "segment_frame.hh"

#include <arpa/inet.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip6.h>

#include <cstring>

namespace shmnet::shmnetd {

namespace {

constexpr __u8 HOP_LIMIT = 255; /* it was not forwarded */
constexpr Mac BROADCAST = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
/* ff02::1, and its group of Ethernet (RFC 2464). */
constexpr Address ALL_NODES = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
constexpr Mac ALL_NODES_GROUP = {0x33, 0x33, 0, 0, 0, 1};

/* Where nothing is aligned. */
template <typename T> T value_at(Bytes bytes, size_t offset)
{
	T value;
	memcpy(&value, bytes.data() + offset, sizeof(value));
	return value;
}

template <typename T> void append(std::vector<__u8>& bytes, const T& value)
{
	const auto* begin = reinterpret_cast<const __u8*>(&value);
	bytes.insert(bytes.end(), begin, begin + sizeof(value));
}

/* ---- IPv4: ARP ---- */

SegmentFrame arp_frame(__u16 operation, const Mac& to, const Mac& own, const Address& own_address,
		       const Mac& target, const Address& target_address)
{
	ether_arp arp = {};
	arp.arp_hrd = htons(ARPHRD_ETHER);
	arp.arp_pro = htons(ETHERTYPE_IP);
	arp.arp_hln = sizeof(arp.arp_sha);
	arp.arp_pln = sizeof(arp.arp_spa);
	arp.arp_op = htons(operation);
	memcpy(arp.arp_sha, own.data(), sizeof(arp.arp_sha));
	memcpy(arp.arp_spa, &own_address[12], sizeof(arp.arp_spa));
	memcpy(arp.arp_tha, target.data(), sizeof(arp.arp_tha));
	memcpy(arp.arp_tpa, &target_address[12], sizeof(arp.arp_tpa));
	SegmentFrame frame = {.ethertype = ETHERTYPE_ARP, .to = to, .bytes = {}};
	append(frame.bytes, arp);
	return frame;
}

/* ---- IPv6: neighbour discovery ---- */

/* The sum of ICMPv6 (RFC 4443, 2.3); 0 for a packet in which it is right. @body: of even length. */
__u16 checksum(const Address& source, const Address& destination, Bytes body)
{
	__u32 sum = static_cast<__u32>(body.size()) + IPPROTO_ICMPV6;
	for (Bytes part : {Bytes(source), Bytes(destination), body})
		for (size_t i = 0; i + 1 < part.size(); i += 2)
			sum += static_cast<__u32>(part[i] << 8 | part[i + 1]);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return static_cast<__u16>(~sum);
}

/* The link-layer address among options; nothing if there is none. False: they are not valid. */
bool parse_options(Bytes options, std::optional<Mac>& mac)
{
	while (!options.empty()) {
		/* Lengths are in units of 8 bytes. */
		if (options.size() < 8 || options[1] == 0 || options[1] * 8u > options.size())
			return false;
		if (options[0] == ND_OPT_SOURCE_LINKADDR)
			mac = value_at<Mac>(options, 2);
		options = options.subspan(options[1] * 8u);
	}
	return true;
}

bool is_multicast(const Address& address)
{
	return address[0] == 0xff;
}

/* @to: ALL_NODES if nobody in particular has asked. */
SegmentFrame advertisement(const Address& address, const Address& to, const Mac& to_mac,
			   const Mac& own)
{
	nd_neighbor_advert advert = {};
	advert.nd_na_type = ND_NEIGHBOR_ADVERT;
	advert.nd_na_flags_reserved =
		ND_NA_FLAG_OVERRIDE | (to == ALL_NODES ? 0 : ND_NA_FLAG_SOLICITED);
	memcpy(&advert.nd_na_target, address.data(), address.size());
	std::vector<__u8> body;
	append(body, advert);
	append(body, nd_opt_hdr{.nd_opt_type = ND_OPT_TARGET_LINKADDR, .nd_opt_len = 1});
	append(body, own);
	__u16 sum = htons(checksum(address, to, body));
	memcpy(&body[offsetof(icmp6_hdr, icmp6_cksum)], &sum, sizeof(sum));

	ip6_hdr header = {};
	header.ip6_flow = htonl(6u << 28);
	header.ip6_plen = htons(static_cast<__u16>(body.size()));
	header.ip6_nxt = IPPROTO_ICMPV6;
	header.ip6_hlim = HOP_LIMIT;
	memcpy(&header.ip6_src, address.data(), address.size());
	memcpy(&header.ip6_dst, to.data(), to.size());
	SegmentFrame frame = {.ethertype = ETHERTYPE_IPV6, .to = to_mac, .bytes = {}};
	append(frame.bytes, header);
	frame.bytes.insert(frame.bytes.end(), body.begin(), body.end());
	return frame;
}

/* ---- Candidacies ---- */

struct CandidacyHeader {
	__u8 magic[4];
	__u8 version;
	__u8 priority;
	__u16 count; /* big-endian; then so many addresses */
};

constexpr CandidacyHeader CANDIDACY = {{'S', 'H', 'M', 'N'}, 1, 0, 0};

} // namespace

std::optional<Question> parse_arp_request(Bytes frame)
{
	if (frame.size() < sizeof(ether_arp))
		return std::nullopt;
	auto arp = value_at<ether_arp>(frame, 0);
	if (arp.arp_hrd != htons(ARPHRD_ETHER) || arp.arp_pro != htons(ETHERTYPE_IP) ||
	    arp.arp_hln != sizeof(arp.arp_sha) || arp.arp_pln != sizeof(arp.arp_spa) ||
	    arp.arp_op != htons(ARPOP_REQUEST))
		return std::nullopt;
	Question question = {.address = from_ipv4(arp.arp_tpa),
			     .asker = value_at<Mac>(Bytes(arp.arp_sha), 0),
			     .from = from_ipv4(arp.arp_spa)};
	/* Who asks for its own address announces it (RFC 5227, 3). */
	if (question.from == question.address)
		return std::nullopt;
	return question;
}

std::optional<Question> parse_solicitation(Bytes packet, const Mac& source)
{
	constexpr size_t HEADERS = sizeof(ip6_hdr) + sizeof(nd_neighbor_solicit);
	if (packet.size() < HEADERS)
		return std::nullopt;
	auto header = value_at<ip6_hdr>(packet, 0);
	size_t length = ntohs(header.ip6_plen);
	/* What follows fills a frame that would be too short. */
	if (header.ip6_nxt != IPPROTO_ICMPV6 || header.ip6_hlim != HOP_LIMIT ||
	    length < sizeof(nd_neighbor_solicit) || length % 8 != 0 ||
	    length > packet.size() - sizeof(header))
		return std::nullopt;
	Bytes body = packet.subspan(sizeof(header), length);
	auto solicit = value_at<nd_neighbor_solicit>(body, 0);
	Address from = from_ipv6(&header.ip6_src), to = from_ipv6(&header.ip6_dst);
	Question question = {
		.address = from_ipv6(&solicit.nd_ns_target), .asker = source, .from = from};
	std::optional<Mac> mac;
	if (solicit.nd_ns_type != ND_NEIGHBOR_SOLICIT || solicit.nd_ns_code != 0 ||
	    checksum(from, to, body) != 0 || is_multicast(question.address) || is_multicast(from) ||
	    !parse_options(body.subspan(sizeof(solicit)), mac))
		return std::nullopt;
	if (from == Address{} && mac)
		return std::nullopt;
	question.asker = mac.value_or(source);
	return question;
}

SegmentFrame answer_to(const Question& question, const Mac& own)
{
	if (is_ipv4(question.address))
		return arp_frame(ARPOP_REPLY, question.asker, own, question.address, question.asker,
				 question.from);
	if (question.from == Address{})
		return advertisement(question.address, ALL_NODES, ALL_NODES_GROUP, own);
	return advertisement(question.address, question.from, question.asker, own);
}

SegmentFrame announcement_of(const Address& address, const Mac& own)
{
	if (is_ipv4(address))
		return arp_frame(ARPOP_REQUEST, BROADCAST, own, address, Mac{}, address);
	return advertisement(address, ALL_NODES, ALL_NODES_GROUP, own);
}

SegmentFrame candidacy_frame(const Candidacy& candidacy)
{
	size_t count = std::min(candidacy.addresses.size(), CANDIDACY_ADDRESSES);
	CandidacyHeader header = CANDIDACY;
	header.priority = candidacy.priority;
	header.count = htons(static_cast<__u16>(count));
	SegmentFrame frame = {.ethertype = CANDIDACY_ETHERTYPE, .to = CANDIDACY_GROUP, .bytes = {}};
	append(frame.bytes, header);
	for (auto address = candidacy.addresses.begin(); count > 0; ++address, --count)
		append(frame.bytes, *address);
	return frame;
}

std::optional<Candidacy> parse_candidacy(Bytes frame)
{
	if (frame.size() < sizeof(CandidacyHeader))
		return std::nullopt;
	auto header = value_at<CandidacyHeader>(frame, 0);
	size_t count = ntohs(header.count);
	if (memcmp(header.magic, CANDIDACY.magic, sizeof(header.magic)) != 0 ||
	    header.version != CANDIDACY.version || count > CANDIDACY_ADDRESSES ||
	    frame.size() < sizeof(header) + count * sizeof(Address))
		return std::nullopt;
	Candidacy candidacy = {.priority = header.priority, .addresses = {}};
	for (size_t i = 0; i < count; i++)
		candidacy.addresses.insert(
			value_at<Address>(frame, sizeof(header) + i * sizeof(Address)));
	return candidacy;
}

} // namespace shmnet::shmnetd
