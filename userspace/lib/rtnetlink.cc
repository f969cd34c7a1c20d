// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "rtnetlink.hh"

#include "error.hh"
#include "genl.hh"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <sys/socket.h>

namespace shmnet {

namespace {

/* A dump that something changed under is asked again, so often. */
constexpr int DUMP_TRIES = 20;

size_t address_bytes(int family)
{
	return family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr);
}

std::string address_of(int family, const nlattr* attribute)
{
	char text[INET6_ADDRSTRLEN] = "";
	if (attribute && static_cast<size_t>(nla_len(attribute)) >= address_bytes(family))
		inet_ntop(family, nla_data(attribute), text, sizeof(text));
	return text;
}

void put_address(nl_msg* message, int type, const std::string& address)
{
	int family = address_family(address);
	in6_addr bytes;
	if (inet_pton(family, address.c_str(), &bytes) == 1)
		nla_put(message, type, static_cast<int>(address_bytes(family)), &bytes);
}

template <typename Header> void put_header(nl_msg* message, const Header& header)
{
	nlmsg_append(message, const_cast<Header*>(&header), sizeof(header), NLMSG_ALIGNTO);
}

template <typename Header> const Header& header_of(nl_msg* message)
{
	return *static_cast<const Header*>(nlmsg_data(nlmsg_hdr(message)));
}

template <typename Header> Attributes attributes_of(nl_msg* message)
{
	return {nlmsg_attrdata(nlmsg_hdr(message), sizeof(Header)),
		nlmsg_attrlen(nlmsg_hdr(message), sizeof(Header))};
}

__u8 whole(const std::string& address)
{
	return static_cast<__u8>(address_bytes(address_family(address)) * 8);
}

/* The interfaces of a route with several ways. */
std::vector<int> ways_of(const nlattr* attribute)
{
	std::vector<int> interfaces;
	auto* way = static_cast<rtnexthop*>(nla_data(attribute));
	int left = nla_len(attribute);
	for (; RTNH_OK(way, left); left -= NLMSG_ALIGN(way->rtnh_len), way = RTNH_NEXT(way))
		interfaces.push_back(way->rtnh_ifindex);
	return interfaces;
}

RouteInfo read_route(nl_msg* message)
{
	const auto& header = header_of<rtmsg>(message);
	Attributes attributes = attributes_of<rtmsg>(message);
	RouteInfo route;
	route.family = header.rtm_family;
	route.table = attributes.has(RTA_TABLE) ? attributes.u32_of(RTA_TABLE) : header.rtm_table;
	route.is_default = header.rtm_dst_len == 0 && header.rtm_type == RTN_UNICAST;
	if (header.rtm_dst_len == address_bytes(route.family) * 8)
		route.destination = address_of(route.family, attributes.find(RTA_DST));
	if (attributes.has(RTA_OIF))
		route.interfaces.push_back(static_cast<int>(attributes.u32_of(RTA_OIF)));
	if (const nlattr* ways = attributes.find(RTA_MULTIPATH))
		route.interfaces = ways_of(ways);
	route.source = address_of(route.family, attributes.find(RTA_PREFSRC));
	return route;
}

/* Whether an attribute of a rule leaves it what RuleInfo says. */
bool is_plain(const nlattr* attribute)
{
	switch (nla_type(attribute)) {
	case FRA_TABLE:
	case FRA_PRIORITY:
	case FRA_PROTOCOL:
	case FRA_IIFNAME:
	case FRA_DST:
	case FRA_PAD:
		return true;
	case FRA_SUPPRESS_PREFIXLEN:
		return nla_get_u32(attribute) == ~__u32{0};
	}
	return false;
}

RuleInfo read_rule(nl_msg* message)
{
	const auto& header = header_of<fib_rule_hdr>(message);
	Attributes attributes = attributes_of<fib_rule_hdr>(message);
	RuleInfo rule;
	rule.family = header.family;
	rule.preference = attributes.u32_of(FRA_PRIORITY);
	rule.table = attributes.has(FRA_TABLE) ? attributes.u32_of(FRA_TABLE) : header.table;
	rule.from_interface = attributes.string_of(FRA_IIFNAME);
	rule.to = address_of(rule.family, attributes.find(FRA_DST));
	if (const nlattr* protocol = attributes.find(FRA_PROTOCOL))
		rule.protocol = nla_get_u8(protocol);
	rule.plain = header.action == FR_ACT_TO_TBL && header.tos == 0 && header.src_len == 0 &&
		     !(header.flags & FIB_RULE_INVERT) &&
		     (header.dst_len == 0 || header.dst_len == address_bytes(rule.family) * 8);
	nlattr* attribute;
	int left;
	nlmsg_for_each_attr(attribute, nlmsg_hdr(message), sizeof(fib_rule_hdr), left)
	{
		rule.plain = rule.plain && is_plain(attribute);
	}
	return rule;
}

int on_message(nl_msg* message, void* take)
{
	(*static_cast<const std::function<void(nl_msg*)>*>(take))(message);
	return NL_OK;
}

/* @code is libnl's; @error the kernel's, and says more where there is one. */
Error failure(int code, int error)
{
	return Error(error != 0 ? strerror(error) : nl_geterror(code));
}

nl_msg* new_message(int type, int flags)
{
	nl_msg* message = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);
	if (!message)
		throw Error("no memory for a netlink message");
	return message;
}

} // namespace

int address_family(const std::string& address)
{
	in6_addr bytes;
	if (inet_pton(AF_INET, address.c_str(), &bytes) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, address.c_str(), &bytes) == 1 ? AF_INET6 : 0;
}

Rtnetlink::Rtnetlink() : socket_(nl_socket_alloc())
{
	if (!socket_)
		throw Error("no memory for a netlink socket");
	int code = nl_connect(socket_, NETLINK_ROUTE);
	if (code < 0) {
		nl_socket_free(socket_);
		throw Error(fmt::format("rtnetlink: {}", nl_geterror(code)));
	}
	/* So that a dump of routes is of the table that it asks for. */
	int on = 1;
	::setsockopt(nl_socket_get_fd(socket_), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on,
		     sizeof(on));
	nl_socket_modify_err_cb(socket_, NL_CB_CUSTOM, keep_refusal, &error_);
}

Rtnetlink::~Rtnetlink()
{
	nl_socket_free(socket_);
}

void Rtnetlink::dump(int type, const Fill& fill, const std::function<void(nl_msg*)>& take)
{
	std::vector<nl_msg*> answers;
	std::function<void(nl_msg*)> keep = [&answers](nl_msg* message) {
		nlmsg_get(message);
		answers.push_back(message);
	};
	auto drop = [&answers] {
		for (nl_msg* message : answers)
			nlmsg_free(message);
		answers.clear();
	};
	nl_socket_modify_cb(socket_, NL_CB_VALID, NL_CB_CUSTOM, on_message, &keep);
	int code = -NLE_DUMP_INTR;
	for (int i = 0; i < DUMP_TRIES && code == -NLE_DUMP_INTR; i++) {
		drop();
		error_ = 0;
		nl_msg* message = new_message(type, NLM_F_DUMP);
		fill(message);
		code = nl_send_auto(socket_, message);
		nlmsg_free(message);
		if (code >= 0)
			code = nl_recvmsgs_default(socket_);
	}
	if (code < 0 && error_ != ENOENT) {
		drop();
		throw failure(code, error_);
	}
	for (nl_msg* message : answers)
		take(message);
	drop();
}

void Rtnetlink::request(int type, int flags, const Fill& fill)
{
	error_ = 0;
	nl_msg* message = new_message(type, flags);
	fill(message);
	int code = nl_send_auto(socket_, message);
	nlmsg_free(message);
	if (code >= 0)
		code = nl_wait_for_ack(socket_);
	if (code < 0)
		throw failure(code, error_);
}

std::vector<LinkInfo> Rtnetlink::links()
{
	std::vector<LinkInfo> links;
	dump(
		RTM_GETLINK, [](nl_msg* message) { put_header(message, ifinfomsg{}); },
		[&links](nl_msg* message) {
			const auto& header = header_of<ifinfomsg>(message);
			links.push_back({header.ifi_index,
					 attributes_of<ifinfomsg>(message).string_of(IFLA_IFNAME),
					 (header.ifi_flags & IFF_UP) != 0,
					 (header.ifi_flags & IFF_POINTOPOINT) != 0});
		});
	return links;
}

std::vector<AddressInfo> Rtnetlink::addresses()
{
	std::vector<AddressInfo> addresses;
	dump(
		RTM_GETADDR, [](nl_msg* message) { put_header(message, ifaddrmsg{}); },
		[&addresses](nl_msg* message) {
			const auto& header = header_of<ifaddrmsg>(message);
			Attributes attributes = attributes_of<ifaddrmsg>(message);
			/* On a point-to-point link IFA_ADDRESS is the other end. */
			const nlattr* own = attributes.find(
				attributes.has(IFA_LOCAL) ? IFA_LOCAL : IFA_ADDRESS);
			addresses.push_back({header.ifa_family, static_cast<int>(header.ifa_index),
					     address_of(header.ifa_family, own),
					     header.ifa_scope < RT_SCOPE_LINK});
		});
	return addresses;
}

std::vector<RouteInfo> Rtnetlink::routes(int family, __u32 table)
{
	std::vector<RouteInfo> routes;
	dump(
		RTM_GETROUTE,
		[family, table](nl_msg* message) {
			rtmsg header = {};
			header.rtm_family = static_cast<unsigned char>(family);
			put_header(message, header);
			nla_put_u32(message, RTA_TABLE, table);
		},
		[&routes, table](nl_msg* message) {
			RouteInfo route = read_route(message);
			if (route.table == table)
				routes.push_back(std::move(route));
		});
	return routes;
}

std::vector<RuleInfo> Rtnetlink::rules(int family)
{
	std::vector<RuleInfo> rules;
	dump(
		RTM_GETRULE,
		[family](nl_msg* message) {
			fib_rule_hdr header = {};
			header.family = static_cast<__u8>(family);
			put_header(message, header);
		},
		[&rules](nl_msg* message) { rules.push_back(read_rule(message)); });
	return rules;
}

void Rtnetlink::set_link_up(int index, bool up)
{
	request(RTM_NEWLINK, 0, [index, up](nl_msg* message) {
		ifinfomsg header = {};
		header.ifi_index = index;
		header.ifi_flags = up ? IFF_UP : 0;
		header.ifi_change = IFF_UP;
		put_header(message, header);
	});
}

void Rtnetlink::change_address(int type, int flags, const std::string& address, int index)
{
	request(type, flags, [&address, index](nl_msg* message) {
		ifaddrmsg header = {};
		header.ifa_family = static_cast<__u8>(address_family(address));
		header.ifa_prefixlen = whole(address);
		header.ifa_index = static_cast<__u32>(index);
		put_header(message, header);
		put_address(message, IFA_LOCAL, address);
		put_address(message, IFA_ADDRESS, address);
		if (header.ifa_family == AF_INET6)
			nla_put_u32(message, IFA_FLAGS, IFA_F_NODAD);
	});
}

void Rtnetlink::add_address(const std::string& address, int index)
{
	change_address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, address, index);
}

void Rtnetlink::remove_address(const std::string& address, int index)
{
	change_address(RTM_DELADDR, 0, address, index);
}

void Rtnetlink::change_route(int type, int flags, const RouteInfo& route)
{
	request(type, flags, [&route](nl_msg* message) {
		rtmsg header = {};
		header.rtm_family = static_cast<unsigned char>(route.family);
		header.rtm_dst_len = whole(route.destination);
		header.rtm_scope = route.family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
		header.rtm_protocol = RTPROT_BOOT;
		header.rtm_type = RTN_UNICAST;
		put_header(message, header);
		nla_put_u32(message, RTA_TABLE, route.table);
		put_address(message, RTA_DST, route.destination);
		for (int index : route.interfaces)
			nla_put_u32(message, RTA_OIF, static_cast<__u32>(index));
		if (!route.source.empty())
			put_address(message, RTA_PREFSRC, route.source);
	});
}

void Rtnetlink::put_route(const RouteInfo& route)
{
	change_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route);
}

void Rtnetlink::remove_route(const RouteInfo& route)
{
	change_route(RTM_DELROUTE, 0, route);
}

void Rtnetlink::change_rule(int type, int flags, const RuleInfo& rule)
{
	request(type, flags, [&rule](nl_msg* message) {
		fib_rule_hdr header = {};
		header.family = static_cast<__u8>(rule.family);
		header.dst_len = rule.to.empty() ? 0 : whole(rule.to);
		header.action = FR_ACT_TO_TBL;
		put_header(message, header);
		nla_put_u32(message, FRA_TABLE, rule.table);
		nla_put_u32(message, FRA_PRIORITY, rule.preference);
		nla_put_u8(message, FRA_PROTOCOL, rule.protocol);
		if (!rule.from_interface.empty())
			nla_put_string(message, FRA_IIFNAME, rule.from_interface.c_str());
		if (!rule.to.empty())
			put_address(message, FRA_DST, rule.to);
	});
}

void Rtnetlink::add_rule(const RuleInfo& rule)
{
	change_rule(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);
}

void Rtnetlink::remove_rule(const RuleInfo& rule)
{
	change_rule(RTM_DELRULE, 0, rule);
}

} // namespace shmnet
