// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "ospf_plan.hh"

#include "error.hh"
#include "rtnetlink.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/socket.h>

#include <algorithm>

namespace shmnet::ctl {

namespace {

constexpr const char* ROUTER4 = "router ospf";
constexpr const char* ROUTER6 = "router ospf6";
constexpr const char* BFD = "bfd";
constexpr const char* BFD_PROFILE = "profile shmnet";
/* What FRR has where nothing is configured, and therefore does not show. */
constexpr __u32 BFD_INTERVAL = 300;
constexpr __u32 BFD_MULTIPLIER = 3;
constexpr __u32 HELLO_INTERVAL = 10;
constexpr __u32 DEAD_INTERVAL = 40;
/*
 * Seconds of silence on the local network, whose nodes are all ours: one that comes is found at once, and ospf6d,
 * which elects a designated router there, waits for as long before it does.
 */
constexpr __u32 LOCAL_DEAD = 4;
constexpr __u32 LOCAL_DEAD_WITHOUT_BFD = 1;
/* Hellos in that time; ospfd sends those of a second within it, ospf6d sends one a second at most. */
constexpr __u32 HELLOS = 4;
constexpr __u32 DEAD6_MIN = 2;
/*
 * Milliseconds. A router whose neighbours all go tells of the first, and of the others only after this time; until
 * then it offers ways to them. FRR has five seconds, and takes no more than one telling a second from another.
 */
constexpr __u32 LSA_INTERVAL = 200;
constexpr __u32 LSA_ARRIVAL = 100;
/* Seconds; FRR has five. What a router outside refused, as it came so soon behind another, it is told again. */
constexpr __u32 RETRANSMIT_INTERVAL = 1;

class Plan {
public:
	Plan(const OspfConfig& config, const OspfSurroundings& here, bool draining)
	    : config_(config), here_(here), draining_(draining)
	{
	}

	std::vector<OspfLine> make()
	{
		if (config_.bfd)
			add_bfd_profile();
		add_routers();
		add_local();
		for (const auto& [name, card] : here_.cards)
			add_card(name, card);
		auto outside = std::find_if(here_.cards.begin(), here_.cards.end(),
					    [](const auto& card) { return card.second.announce; });
		if (outside != here_.cards.end() && !here_.global.empty())
			add_announced(outside->second.area);
		return std::move(lines_);
	}

private:
	using Context = std::vector<std::string>;

	void add(Context context, std::string text) { lines_.push_back({{context, text}, {}}); }

	void set(Context context, const std::string& key, const std::string& value)
	{
		lines_.push_back({{context, key + " " + value}, key});
	}

	void set(Context context, const std::string& key, __u32 value)
	{
		set(context, key, fmt::format("{}", value));
	}

	void add_bfd_profile()
	{
		const Context profile = {BFD, BFD_PROFILE};
		add({}, BFD);
		add({BFD}, BFD_PROFILE);
		if (config_.bfd_multiplier != BFD_MULTIPLIER)
			set(profile, "detect-multiplier", config_.bfd_multiplier);
		if (config_.bfd_interval == BFD_INTERVAL)
			return;
		set(profile, "transmit-interval", config_.bfd_interval);
		set(profile, "receive-interval", config_.bfd_interval);
	}

	void add_routers()
	{
		std::string id = config_.router_id.empty() ? here_.router_id : config_.router_id;
		if (id.empty())
			throw Error(
				fmt::format("{} has no IPv4 address to be the router ID: give it "
					    "one, or say router-id in the configuration",
					    here_.local));
		add({}, ROUTER4);
		set({ROUTER4}, "ospf router-id", id);
		for (const std::string& link : config_.virtual_links)
			add({ROUTER4}, fmt::format("area {} virtual-link {}", config_.area, link));
		set({ROUTER4}, "timers throttle lsa all", LSA_INTERVAL);
		set({ROUTER4}, "timers lsa min-arrival", LSA_ARRIVAL);
		if (draining_)
			add({ROUTER4}, "max-metric router-lsa administrative");
		if (!here_.ipv6)
			return;
		add({}, ROUTER6);
		set({ROUTER6}, "ospf6 router-id", id);
		set({ROUTER6}, "timers lsa min-arrival", LSA_ARRIVAL);
		if (draining_)
			add({ROUTER6}, "stub-router administrative");
	}

	void add_local()
	{
		add_interface(here_.local,
			      {.area = config_.area,
			       .cost = config_.cost,
			       .password = config_.password,
			       .dead_interval = config_.bfd ? LOCAL_DEAD : LOCAL_DEAD_WITHOUT_BFD},
			      "point-to-multipoint", "");
	}

	void add_card(const std::string& name, const OspfCard& card)
	{
		const std::string type = card.point_to_point ? "point-to-point" : "";
		add_interface(name, card, type, type);
	}

	/*
	 * The area comes last, with which the interface begins: where routers elect one, it first waits for the dead
	 * interval that it has then.
	 */
	void add_interface(const std::string& name, const OspfCard& card, const std::string& type,
			   const std::string& type6)
	{
		const Context interface = {"interface " + name};
		if (!type.empty())
			set(interface, "ip ospf network", type);
		add_common(interface, card);
		set(interface, "ip ospf area", card.area);
		if (!here_.ipv6)
			return;
		if (!type6.empty())
			set(interface, "ipv6 ospf6 network", type6);
		add_common6(interface, card);
		set(interface, "ipv6 ospf6 area", card.area);
	}

	void add_common(const Context& interface, const OspfCard& card)
	{
		set(interface, "ip ospf cost", card.cost);
		set(interface, "ip ospf retransmit-interval", RETRANSMIT_INTERVAL);
		if (card.dead_interval == 1)
			set(interface, "ip ospf dead-interval",
			    fmt::format("minimal hello-multiplier {}", HELLOS));
		else if (card.dead_interval)
			set_intervals(interface, "ip ospf", card.dead_interval);
		if (config_.bfd) {
			add(interface, "ip ospf bfd");
			set(interface, "ip ospf bfd", BFD_PROFILE);
		}
		if (card.password.empty())
			return;
		set(interface, "ip ospf authentication", "message-digest");
		set(interface, "ip ospf message-digest-key 1", "md5 " + card.password);
	}

	void add_common6(const Context& interface, const OspfCard& card)
	{
		set(interface, "ipv6 ospf6 cost", card.cost);
		set(interface, "ipv6 ospf6 retransmit-interval", RETRANSMIT_INTERVAL);
		if (card.dead_interval)
			set_intervals(interface, "ipv6 ospf6",
				      std::max(card.dead_interval, DEAD6_MIN));
		if (config_.bfd) {
			add(interface, "ipv6 ospf6 bfd");
			set(interface, "ipv6 ospf6 bfd", BFD_PROFILE);
		}
		if (!card.password.empty())
			set(interface, "ipv6 ospf6 authentication",
			    "key-id 1 hash-algo hmac-sha-256 key " + card.password);
	}

	void set_intervals(const Context& interface, const std::string& which, __u32 dead)
	{
		const __u32 hello = std::max(dead / HELLOS, 1u);
		if (hello != HELLO_INTERVAL)
			set(interface, which + " hello-interval", hello);
		if (dead != DEAD_INTERVAL)
			set(interface, which + " dead-interval", dead);
	}

	/* In the area of one card: to those of others they go by the summaries of a border router. */
	void add_announced(const std::string& area)
	{
		const Context interface = {"interface " + here_.global};
		/* What says of a router that it is the last one to take leaves out its own addresses. */
		const __u32 cost = draining_ ? COST_MAX : config_.announce_cost;
		std::vector<std::string> announced6;
		bool any4 = false;
		for (const std::string& address : here_.announced) {
			if (address_family(address) == AF_INET6) {
				announced6.push_back(address);
				continue;
			}
			add(interface, fmt::format("ip ospf area {} {}", area, address));
			any4 = true;
		}
		if (any4) {
			add(interface, "ip ospf passive");
			set(interface, "ip ospf cost", cost);
		}
		if (!here_.ipv6 || announced6.empty())
			return;
		/*
		 * IPv6 is not announced address by address. ospf6d sees that the name of a list changes, but
		 * not that the list does: so the name says what is in it.
		 */
		std::string name = fmt::format("shmnet-{}", fmt::join(announced6, "+"));
		for (const std::string& address : announced6)
			add({}, fmt::format("ipv6 prefix-list {} permit {}/128", name, address));
		if (!here_.link_address)
			add(interface, fmt::format("ipv6 address {}/64", OSPF_LINK_ADDRESS));
		set(interface, "ipv6 ospf6 advertise prefix-list", name);
		set(interface, "ipv6 ospf6 area", area);
		add(interface, "ipv6 ospf6 passive");
		set(interface, "ipv6 ospf6 cost", cost);
	}

	const OspfConfig& config_;
	const OspfSurroundings& here_;
	const bool draining_;
	std::vector<OspfLine> lines_;
};

bool has_key(const FrrLine& line, const OspfLine& wanted)
{
	return !wanted.key.empty() && line.context == wanted.line.context &&
	       line.text.rfind(wanted.key + " ", 0) == 0;
}

/*
 * A value that is taken away and then given another one is announced twice, and the second time five seconds
 * later. FRR takes the new one at once; but areas and keys must be taken away before.
 */
bool is_replaced(const FrrLine& line, const OspfLine& wanted)
{
	return has_key(line, wanted) && wanted.key.find(" area") == std::string::npos &&
	       wanted.key.find(" message-digest-key") == std::string::npos &&
	       wanted.key.find(" authentication") == std::string::npos;
}

/* Of what FRR has, what somebody else wants instead of a line; empty: nothing. */
std::string in_the_way(const OspfLine& wanted, const FrrConfig& running, const FrrConfig& ours)
{
	for (const FrrLine& line : running) {
		/* ospfd takes interfaces by their networks, or one by one. */
		bool network = wanted.line.text.rfind("ip ospf area ", 0) == 0 &&
			       line.context == std::vector{std::string(ROUTER4)} &&
			       line.text.rfind("network ", 0) == 0;
		if ((has_key(line, wanted) || network) && line != wanted.line &&
		    !has_line(ours, line))
			return line.text;
	}
	return {};
}

} // namespace

std::vector<OspfLine> plan_ospf(const OspfConfig& config, const OspfSurroundings& here,
				bool draining)
{
	return Plan(config, here, draining).make();
}

std::vector<OspfFinding> compare_ospf(const std::vector<OspfLine>& plan, const FrrConfig& running,
				      const FrrConfig& ours)
{
	std::vector<OspfFinding> findings;
	for (auto line = ours.rbegin(); line != ours.rend(); line++) {
		auto matches = [&line](const OspfLine& wanted) { return wanted.line == *line; };
		auto replaces = [&line](const OspfLine& wanted) {
			return is_replaced(*line, wanted);
		};
		if (!has_line(running, *line) || std::any_of(plan.begin(), plan.end(), matches))
			continue;
		bool replaced = std::any_of(plan.begin(), plan.end(), replaces);
		findings.push_back({replaced ? OspfState::Replaced : OspfState::Stale, *line});
	}
	for (const OspfLine& wanted : plan) {
		if (has_line(running, wanted.line)) {
			findings.push_back(
				{has_line(ours, wanted.line) ? OspfState::Right : OspfState::Yours,
				 wanted.line});
			continue;
		}
		std::string other = in_the_way(wanted, running, ours);
		findings.push_back(
			{other.empty() ? OspfState::Missing : OspfState::Kept, wanted.line, other});
	}
	return findings;
}

bool is_ospf_context(const FrrLine& line)
{
	return line.text == ROUTER4 || line.text == ROUTER6 || line.text == BFD ||
	       line.text == BFD_PROFILE;
}

bool is_ospf_context_needed(const FrrLine& context, const FrrConfig& running)
{
	const std::string use = context.text == ROUTER4   ? "ip ospf area "
				: context.text == ROUTER6 ? "ipv6 ospf6 area "
				: context.context.empty() ? "bfd "
							  : " bfd " + context.text;
	std::vector<std::string> inside = context.context;
	inside.push_back(context.text);
	return std::any_of(running.begin(), running.end(), [&](const FrrLine& line) {
		bool uses =
			line.context != context.context && line.text.find(use) != std::string::npos;
		return uses || line.context == inside;
	});
}

} // namespace shmnet::ctl
