// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "ospf_renewal.hh"

#include "size.hh"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace shmnet::ctl {

namespace {

/* RFC 2328, 12.1.6, as FRR prints it, and the age of what is withdrawn (B). */
constexpr long long FIRST_SEQUENCE = 0x80000001;
constexpr long long MAX_AGE = 3600;
constexpr long long WITHDRAWN = -1;
/* For a minute they have the withdrawal. */
constexpr std::chrono::seconds KEPT{65};
/* In which what a renewal itself begins anew is seen. */
constexpr std::chrono::seconds SETTLES{30};
constexpr const char* COST6 = "ipv6 ospf6 cost";

} // namespace

OspfPrefixes OspfRenewal::due(const nlohmann::json& own, Time now)
{
	try {
		OspfPrefixes begun = begun_again(own);
		if (!begun.empty()) {
			plan(now);
			prefixes_.merge(begun);
		}
	} catch (const nlohmann::json::exception&) {
		/* Of another FRR, which may not need it. */
	}
	if (std::erase_if(due_, [now](Time time) { return time <= now; }) == 0)
		return {};
	renewed_ = now;
	return due_.empty() ? std::exchange(prefixes_, {}) : prefixes_;
}

/*
 * A renewal makes this router withdraw and announce, too, and some of it from the start. Of the first one that is made
 * good by the last, which comes when nobody has any withdrawal more; for that itself there is nothing to do.
 */
void OspfRenewal::plan(Time now)
{
	if (!renewed_ || now - *renewed_ >= SETTLES)
		due_ = {now, now + KEPT};
	else if (!due_.empty())
		due_ = {now + KEPT};
}

OspfPrefixes OspfRenewal::begun_again(const nlohmann::json& own)
{
	OspfPrefixes begun;
	std::map<Key, long long> ages;
	for (const auto& area : own.at("areaScopedLinkStateDb"))
		for (const auto& told : area.at("lsa")) {
			const Key key(area.at("areaId"), told.at("lsId"));
			const long long age = told.at("age");
			const auto before = ages_.find(key);
			ages[key] = age < MAX_AGE ? age : WITHDRAWN;
			if (told.at("seqNum") == FIRST_SEQUENCE && age < MAX_AGE &&
			    before != ages_.end() &&
			    (before->second == WITHDRAWN || age < before->second))
				begun.insert(told.at("payload"));
		}
	for (const auto& [key, age] : ages_)
		ages.try_emplace(key, WITHDRAWN);
	ages_ = std::move(ages);
	return begun;
}

std::set<std::string> ways_to(const OspfPrefixes& prefixes, const nlohmann::json& routes)
{
	std::set<std::string> interfaces;
	try {
		const nlohmann::json& all = routes.at("routes");
		for (const std::string& prefix : prefixes)
			if (all.contains(prefix))
				for (const auto& hop : all.at(prefix).at("nextHops"))
					interfaces.insert(hop.at("interfaceName"));
	} catch (const nlohmann::json::exception&) {
		/* Likewise. */
	}
	return interfaces;
}

std::vector<OspfLine> with_other_costs(std::vector<OspfLine> plan,
				       const std::set<std::string>& interfaces)
{
	std::set<std::vector<std::string>> contexts;
	for (const std::string& name : interfaces)
		contexts.insert({"interface " + name});
	for (OspfLine& line : plan) {
		if (line.key != COST6 || !contexts.contains(line.line.context))
			continue;
		const __u64 cost = *parse_number(line.line.text.substr(line.key.size() + 1));
		line.line.text = fmt::format("{} {}", COST6, cost < COST_MAX ? cost + 1 : cost - 1);
	}
	return plan;
}

} // namespace shmnet::ctl
