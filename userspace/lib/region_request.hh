/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What a user asks of a region, and the geometry that follows from it. */
#pragma once

#include "geometry.hh"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shmnet {

struct RegionRequest {
	u32 nodes = 0;
	u64 memory = 0; /* bytes; 0: what the nodes and networks need */
	std::vector<NetworkRequest> networks;
	std::optional<u32> id;
	bool hardened = false; /* each part a file of its own */
};

/*
 * Computes the geometry with the region id @id. Throws UsageError, which says which value is wrong
 * and which are right. Memory that is no power of two is rounded up.
 */
Geometry make_geometry(const RegionRequest& request, u32 id);

/* "4 nodes, 16 MiB, networks local:mtu=65535,... " of a region or of one that is to be. */
std::string describe_geometry(const Geometry& geometry);

/* The region id of an argument: up to six hexadecimal digits. Throws UsageError. */
u32 parse_region_id(std::string_view text);

/* A region id that stays the same for the same text. */
u32 hash_region_id(std::string_view text);

} // namespace shmnet
