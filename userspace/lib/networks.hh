/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The networks of a region, as an argument: "local:mtu=65535,buffer=4K;global". */
#pragma once

#include "geometry.hh"

#include <string>
#include <string_view>
#include <vector>

namespace shmnet {

std::vector<NetworkRequest> default_networks();

/* Throws UsageError, which names the part that is wrong. */
std::vector<NetworkRequest> parse_networks(std::string_view text);

const char* network_kind_name(u32 kind);

/* As parse_networks() reads it, with every value. */
std::string format_networks(const std::vector<NetworkRequest>& networks);

/* For --help. */
extern const char* const NETWORKS_SYNTAX;

} // namespace shmnet
