/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Frames of one kind on one Ethernet interface (packet(7)). Needs CAP_NET_RAW. */
#pragma once

#include "segment_frame.hh"
#include "unique_fd.hh"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace shmnet::shmnetd {

/* An interface as it is now; with another index or address it is another one. */
struct SegmentLink {
	int index = 0;
	Mac mac = {};

	bool operator==(const SegmentLink&) const = default;
};

/* Nothing, and @why, if there is no such interface, or none of Ethernet that is up. */
std::optional<SegmentLink> find_segment_link(const std::string& name, std::string& why);

struct ReceivedFrame {
	Mac from = {};
	std::vector<__u8> bytes; /* the first 1,514 */
};

class PacketSocket {
public:
	/* @ethertype: of IPv6, neighbour solicitations only. Throws Error. */
	PacketSocket(const SegmentLink& link, __u16 ethertype);

	int descriptor() const { return socket_.get(); }
	/* Hears frames to @group. Throws Error. */
	void join(const Mac& group);
	/* Nothing if none is there, or the interface is down. Not what was sent from here. */
	std::optional<ReceivedFrame> receive();
	/* False, with errno. */
	bool send(const SegmentFrame& frame);

private:
	SegmentLink link_;
	UniqueFd socket_;
};

/* Hears, as routers and switches are told, who asks for addresses of IPv6 (RFC 4861, 7.2.3). */
class SolicitedGroups {
public:
	explicit SolicitedGroups(const SegmentLink& link);

	/* For these and no others. False, with errno, if one cannot be joined: it is tried again. */
	bool follow(const std::set<Address>& addresses);

private:
	bool change(int option, const Address& group);

	SegmentLink link_;
	UniqueFd socket_;
	std::set<Address> joined_;
};

} // namespace shmnet::shmnetd
