/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Interfaces, addresses, routes and rules of this network namespace, over rtnetlink. The messages
 * are made here and not by libnl-route, which does not see all of a rule: one with "not", or that
 * suppresses prefixes, must not be taken for another.
 */
#pragma once

#include <linux/types.h>

#include <functional>
#include <string>
#include <vector>

struct nl_msg;
struct nl_sock;

namespace shmnet {

/* AF_INET or AF_INET6, of an address as text; 0 if it is none. */
int address_family(const std::string& address);

struct LinkInfo {
	int index = 0;
	std::string name;
	bool up = false;
	bool point_to_point = false; /* as tunnels are */
};

struct AddressInfo {
	int family = 0;
	int index = 0; /* of the interface */
	std::string address;
	bool global = false; /* others than hosts on the link may know it */
};

struct RouteInfo {
	int family = 0;
	__u32 table = 0;
	std::string destination;     /* an address; empty: all, or a network */
	bool is_default = false;     /* to all */
	std::vector<int> interfaces; /* indexes, one for each way */
	std::string source;          /* preferred; may be empty */
};

struct RuleInfo {
	int family = 0;
	__u32 preference = 0;
	__u32 table = 0;
	std::string from_interface; /* "iif"; may be empty */
	std::string to;             /* an address; may be empty */
	__u8 protocol = 0;          /* who made it: RTPROT_KERNEL or another */
	bool plain = true;          /* it is a lookup, and selects by nothing else */
};

/* Everything throws Error, with the kernel's reason. */
class Rtnetlink {
public:
	Rtnetlink();
	~Rtnetlink();
	Rtnetlink(const Rtnetlink&) = delete;
	Rtnetlink& operator=(const Rtnetlink&) = delete;

	std::vector<LinkInfo> links();
	std::vector<AddressInfo> addresses();
	/* A table that is not there has none. */
	std::vector<RouteInfo> routes(int family, __u32 table);
	std::vector<RuleInfo> rules(int family);

	void set_link_up(int index, bool up);
	/* The address alone, without its network; IPv6 without looking for duplicates. */
	void add_address(const std::string& address, int index);
	void remove_address(const std::string& address, int index);
	/* By one interface, to one address. Replaces the route of that table that goes there. */
	void put_route(const RouteInfo& route);
	void remove_route(const RouteInfo& route);
	void add_rule(const RuleInfo& rule);
	void remove_rule(const RuleInfo& rule);

private:
	using Fill = std::function<void(nl_msg*)>;

	void dump(int type, const Fill& fill, const std::function<void(nl_msg*)>& take);
	void request(int type, int flags, const Fill& fill);
	void change_address(int type, int flags, const std::string& address, int index);
	void change_route(int type, int flags, const RouteInfo& route);
	void change_rule(int type, int flags, const RuleInfo& rule);

	nl_sock* socket_;
	int error_ = 0; /* errno of the last request's refusal */
};

} // namespace shmnet
