/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Another fault of ospf6d (FRR 8.4) that can be helped. Where one of two ways to a network of another area costs more
 * from now on, its next hop is taken away; and the other way's too, if that is the same. The route stays, is the best one,
 * and leads nowhere, until all routes are calculated from the start: as they are when `maximum-paths` changes.
 */
#pragma once

#include "frr.hh"

#include <chrono>
#include <optional>
#include <string_view>

namespace shmnet::ctl {

inline constexpr const char* OSPF_ROUTES6_DETAIL = "show ipv6 ospf6 route detail";

/* Whether a best route has no next hop. @detail: what OSPF_ROUTES6_DETAIL shows. */
bool has_stranded_route(std::string_view detail);

class StrandedRoutes {
public:
	using Time = std::chrono::steady_clock::time_point;

	/*
	 * To be asked every few seconds: whether all should be calculated anew now. That is so where such a route is
	 * seen twice, for it may be on its way, and not again within a minute: it may be of no help.
	 */
	bool is_due(std::string_view detail, Time now);

private:
	bool seen_ = false;
	std::optional<Time> last_;
};

/* What has all routes calculated from the start, and leaves @running as it is. */
FrrConfig recalculation(const FrrConfig& running);

} // namespace shmnet::ctl
