/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A fault of ospf6d (FRR 8.4) that can be helped. A border router keeps what it has withdrawn for up to a minute, and the
 * others do, each by a clock of its own. Where it forgets first, and announces again under the same ID, it counts
 * from the start: who still has the withdrawal takes that for the newer one, for half an hour. After any change
 * it counts on, and is heard.
 */
#pragma once

#include "ospf_plan.hh"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace shmnet::ctl {

/* What this router announces of other areas, as FRR shows it. */
inline constexpr const char* OSPF_OWN_SUMMARIES =
	"show ipv6 ospf6 database inter-prefix self-originated json";
/* And its own ways there. */
inline constexpr const char* OSPF_ROUTES6 = "show ipv6 ospf6 route json";

using OspfPrefixes = std::set<std::string>;

class OspfRenewal {
public:
	using Time = std::chrono::steady_clock::time_point;

	/*
	 * To be asked every few seconds, with what OSPF_OWN_SUMMARIES shows: what should be announced anew now.
	 * That is at once what began from the start and had been there before, and again when nobody can have its
	 * withdrawal any more. What the announcing itself makes begin is no reason.
	 */
	OspfPrefixes due(const nlohmann::json& own, Time now);

private:
	using Key = std::pair<std::string, std::string>; /* area and ID */

	OspfPrefixes begun_again(const nlohmann::json& own);
	void plan(Time now);

	std::map<Key, long long> ages_; /* when it was last seen, in seconds; WITHDRAWN */
	OspfPrefixes prefixes_;         /* that are to be announced anew ... */
	std::vector<Time> due_;         /* ... at these times */
	std::optional<Time> renewed_;
};

/* The interfaces by which this router goes there, as OSPF_ROUTES6 shows it. */
std::set<std::string> ways_to(const OspfPrefixes& prefixes, const nlohmann::json& routes);

/*
 * The plan, with what IPv6 costs on these interfaces changed by one. Not on others: what costs more for a while may lose
 * its next hop elsewhere (ospf_stranded.hh).
 */
std::vector<OspfLine> with_other_costs(std::vector<OspfLine> plan,
				       const std::set<std::string>& interfaces);

} // namespace shmnet::ctl
