// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "ospf_stranded.hh"

#include <sstream>
#include <string>
#include <utility>

namespace shmnet::ctl {

namespace {

const std::vector<std::string> ROUTER6 = {"router ospf6"};
constexpr std::string_view KEY = "maximum-paths ";
constexpr std::chrono::seconds PAUSE{60};

/* What stands behind @name in a line, or nothing. */
std::string_view value_of(std::string_view line, std::string_view name)
{
	const size_t at = line.find(name);
	return at == std::string_view::npos ? "" : line.substr(at + name.size());
}

} // namespace

bool has_stranded_route(std::string_view detail)
{
	std::istringstream lines{std::string(detail)};
	bool best = false;
	for (std::string line; std::getline(lines, line);) {
		/* "Lock: 2 Flags: BA--" */
		if (const std::string_view flags = value_of(line, " Flags: "); !flags.empty())
			best = flags.starts_with('B');
		if (best && value_of(line, "Nexthop count: ") == "0")
			return true;
	}
	return false;
}

bool StrandedRoutes::is_due(std::string_view detail, Time now)
{
	const bool seen_before = std::exchange(seen_, has_stranded_route(detail));
	if (!seen_ || !seen_before || (last_ && now - *last_ < PAUSE))
		return false;
	last_ = now;
	return true;
}

FrrConfig recalculation(const FrrConfig& running)
{
	for (const FrrLine& line : running)
		if (line.context == ROUTER6 && line.text.starts_with(KEY)) {
			const bool is_one = line.text.substr(KEY.size()) == "1";
			return {{ROUTER6, std::string(KEY) + (is_one ? "2" : "1")}, line};
		}
	/* Fewer than what FRR was built for, which is its default. */
	return {{ROUTER6, "maximum-paths 2"}, {ROUTER6, "no maximum-paths"}};
}

} // namespace shmnet::ctl
