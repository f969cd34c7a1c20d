/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Another fault of ospf6d (FRR 8.4) that can be helped. Where one of two ways to a network of another area costs more
 * from now on, its next hop is taken away; and the other way's too, if that is the same. The route stays, is the best one,
 * and leads nowhere, until all routes are calculated from the start: as they are when `maximum-paths` changes.
 */
#pragma once

#include "frr.hh"

#include <string_view>

namespace shmnet::ctl {

inline constexpr const char* OSPF_ROUTES6_DETAIL = "show ipv6 ospf6 route detail";

/* Whether a best route has no next hop. @detail: what OSPF_ROUTES6_DETAIL shows. */
bool has_stranded_route(std::string_view detail);

/* What has all routes calculated from the start, and leaves @running as it is. */
FrrConfig recalculation(const FrrConfig& running);

} // namespace shmnet::ctl
