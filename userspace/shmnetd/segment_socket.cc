// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "segment_socket.hh"

#include "error.hh"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace shmnet::shmnetd {

namespace {

constexpr size_t FRAME_MAX = 1514;

sockaddr_ll address_of(const SegmentLink& link, __u16 ethertype)
{
	sockaddr_ll address = {};
	address.sll_family = AF_PACKET;
	address.sll_protocol = htons(ethertype);
	address.sll_ifindex = link.index;
	return address;
}

/* The kernel drops all of IPv6 but solicitations: an entry passes on much else. */
void keep_solicitations(int socket)
{
	sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, offsetof(ip6_hdr, ip6_nxt)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, sizeof(ip6_hdr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_SOLICIT, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, FRAME_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	sock_fprog program = {.len = std::size(code), .filter = code};
	if (::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0)
		throw system_error("filtering neighbour solicitations");
}

Address solicited_group(const Address& address)
{
	Address group = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};
	std::copy(address.end() - 3, address.end(), group.end() - 3);
	return group;
}

} // namespace

std::optional<SegmentLink> find_segment_link(const std::string& name, std::string& why)
{
	ifreq request = {};
	if (name.size() >= sizeof(request.ifr_name)) {
		why = "no interface has so long a name";
		return std::nullopt;
	}
	strcpy(request.ifr_name, name.c_str());
	UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	SegmentLink link;
	if (!socket || ::ioctl(socket.get(), SIOCGIFINDEX, &request) != 0) {
		why = strerror(errno);
		return std::nullopt;
	}
	link.index = request.ifr_ifindex;
	if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0 || !(request.ifr_flags & IFF_UP)) {
		why = "it is down";
		return std::nullopt;
	}
	if (::ioctl(socket.get(), SIOCGIFHWADDR, &request) != 0 ||
	    request.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
		why = "it is no Ethernet";
		return std::nullopt;
	}
	memcpy(link.mac.data(), request.ifr_hwaddr.sa_data, link.mac.size());
	return link;
}

PacketSocket::PacketSocket(const SegmentLink& link, __u16 ethertype)
    : link_(link),
      /* Of no kind before the filter is there, so that nothing comes past it. */
      socket_(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))
{
	if (!socket_)
		throw system_error("a packet socket");
	if (ethertype == ETHERTYPE_IPV6)
		keep_solicitations(socket_.get());
	sockaddr_ll address = address_of(link, ethertype);
	if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
		throw system_error("binding a packet socket");
}

void PacketSocket::join(const Mac& group)
{
	packet_mreq request = {};
	request.mr_ifindex = link_.index;
	request.mr_type = PACKET_MR_MULTICAST;
	request.mr_alen = static_cast<unsigned short>(group.size());
	memcpy(request.mr_address, group.data(), group.size());
	if (::setsockopt(socket_.get(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request,
			 sizeof(request)) != 0)
		throw system_error("joining the group {}", mac_text(group));
}

std::optional<ReceivedFrame> PacketSocket::receive()
{
	ReceivedFrame frame;
	frame.bytes.resize(FRAME_MAX);
	for (;;) {
		sockaddr_ll from = {};
		socklen_t length = sizeof(from);
		ssize_t size = ::recvfrom(socket_.get(), frame.bytes.data(), frame.bytes.size(), 0,
					  reinterpret_cast<sockaddr*>(&from), &length);
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return std::nullopt;
		if (from.sll_pkttype == PACKET_OUTGOING || from.sll_halen != frame.from.size())
			continue;
		memcpy(frame.from.data(), from.sll_addr, frame.from.size());
		frame.bytes.resize(static_cast<size_t>(size));
		return frame;
	}
}

bool PacketSocket::send(const SegmentFrame& frame)
{
	sockaddr_ll to = address_of(link_, frame.ethertype);
	to.sll_halen = static_cast<unsigned char>(frame.to.size());
	memcpy(to.sll_addr, frame.to.data(), frame.to.size());
	return ::sendto(socket_.get(), frame.bytes.data(), frame.bytes.size(), 0,
			reinterpret_cast<sockaddr*>(&to),
			sizeof(to)) == static_cast<ssize_t>(frame.bytes.size());
}

SolicitedGroups::SolicitedGroups(const SegmentLink& link) : link_(link) {}

bool SolicitedGroups::change(int option, const Address& group)
{
	if (!socket_)
		socket_.reset(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	ipv6_mreq request = {};
	memcpy(&request.ipv6mr_multiaddr, group.data(), group.size());
	request.ipv6mr_interface = static_cast<unsigned>(link_.index);
	return socket_ &&
	       ::setsockopt(socket_.get(), IPPROTO_IPV6, option, &request, sizeof(request)) == 0;
}

bool SolicitedGroups::follow(const std::set<Address>& addresses)
{
	std::set<Address> wanted;
	for (const Address& address : addresses)
		if (!is_ipv4(address))
			wanted.insert(solicited_group(address));
	for (auto group = joined_.begin(); group != joined_.end();)
		if (!wanted.contains(*group)) {
			(void)change(IPV6_LEAVE_GROUP, *group);
			group = joined_.erase(group);
		} else {
			++group;
		}
	for (const Address& group : wanted) {
		if (joined_.contains(group))
			continue;
		if (!change(IPV6_JOIN_GROUP, group))
			return false;
		joined_.insert(group);
	}
	return true;
}

} // namespace shmnet::shmnetd
