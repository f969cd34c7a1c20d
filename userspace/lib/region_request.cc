// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "region_request.hh"

#include "error.hh"
#include "networks.hh"
#include "size.hh"

#include <fmt/format.h>

#include <charconv>

namespace shmnet {

namespace {

/* Only for a request that compute_geometry() refused. */
[[noreturn]] void refuse(const GeometryRequest& request, const GeometryResult& result)
{
	const NetworkRequest& row = request.network[result.network];
	std::string name =
		fmt::format("network {} ({})", result.network, network_kind_name(row.kind));
	switch (result.error) {
	case GeometryError::Nodes:
		throw UsageError(fmt::format("--nodes {}: give {} to {}", request.nodes,
					     SHMNET_NODES_MIN, SHMNET_NODES_MAX));
	case GeometryError::Networks:
		throw UsageError(fmt::format("--networks: {} of them; give 1 to {}",
					     request.networks, SHMNET_NETWORKS_MAX));
	case GeometryError::Kind:
		throw UsageError(fmt::format("--networks: {} has no known kind", name));
	case GeometryError::Mtu:
		throw UsageError(fmt::format("--networks: {} has mtu={}; give {} to {}", name,
					     row.mtu, SHMNET_MTU_MIN, SHMNET_MTU_MAX));
	case GeometryError::BufferSize:
		throw UsageError(
			fmt::format("--networks: {} has buffer={}; give a power of two from "
				    "2K to 64K",
				    name, row.buffer_size));
	case GeometryError::Queues:
		throw UsageError(fmt::format("--networks: {} has queues={}; give 1 to {}", name,
					     row.queues, SHMNET_QUEUES_MAX));
	case GeometryError::Tapes:
		throw UsageError(fmt::format("--networks: {} has tapes={}; give 1 to {}", name,
					     row.tapes, SHMNET_TAPES_MAX));
	case GeometryError::TooSmall:
		throw UsageError(fmt::format("--memory {} is too small: {} nodes on these networks "
					     "need {}; give --memory {} or leave it out",
					     format_size_argument(request.region_size),
					     request.nodes, format_size(result.needed),
					     format_size_argument(result.needed)));
	case GeometryError::NotPowerOfTwo:
	case GeometryError::None:
		break;
	}
	throw Error("the region's geometry cannot be computed");
}

} // namespace

Geometry make_geometry(const RegionRequest& request, u32 id)
{
	if (request.networks.size() > SHMNET_NETWORKS_MAX)
		throw UsageError(fmt::format("--networks: {} of them; give 1 to {}",
					     request.networks.size(), SHMNET_NETWORKS_MAX));
	if (request.memory > 1ULL << 46)
		throw UsageError("--memory: more than a machine can map; give at most 64T");
	GeometryRequest core = {
		.region_size = request.memory ? round_up_power_of_two(request.memory) : 0,
		.nodes = request.nodes,
		.region_id = id,
		.networks = static_cast<u32>(request.networks.size()),
		.hardened = request.hardened,
		.network = {},
	};
	for (size_t i = 0; i < request.networks.size(); i++)
		core.network[i] = request.networks[i];

	Geometry geometry;
	GeometryResult result = compute_geometry(core, geometry);
	if (result.error != GeometryError::None)
		refuse(core, result);
	return geometry;
}

std::string describe_geometry(const Geometry& geometry)
{
	std::vector<NetworkRequest> networks;
	for (u32 i = 0; i < geometry.superblock.networks && i < SHMNET_NETWORKS_MAX; i++) {
		const shmnet_network& row = geometry.network[i];
		networks.push_back({row.kind, row.mtu, row.buffer_size, row.queues, row.tapes});
	}
	bool hardened = geometry.superblock.features & SHMNET_FEATURE_HARDENED;
	return fmt::format("{} nodes{}, {}, networks {}, id {:06x}", geometry.superblock.nodes,
			   hardened ? ", hardened" : "",
			   format_size(geometry.superblock.region_size), format_networks(networks),
			   geometry.superblock.format & SHMNET_FORMAT_ID_MASK);
}

u32 parse_region_id(std::string_view text)
{
	u32 id = 0;
	auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
	if (text.empty() || error != std::errc() || end != text.data() + text.size() ||
	    id > SHMNET_FORMAT_ID_MASK)
		throw UsageError(fmt::format(
			"--id {}: give one to six hexadecimal digits, as in 3f29a1", text));
	return id;
}

u32 hash_region_id(std::string_view text)
{
	/* FNV-1a, its upper bits folded into the lower ones. */
	u64 hash = 0xcbf29ce484222325;
	for (char c : text) {
		hash ^= static_cast<u8>(c);
		hash *= 0x100000001b3;
	}
	return static_cast<u32>((hash >> 48 ^ hash >> 24 ^ hash) & SHMNET_FORMAT_ID_MASK);
}

} // namespace shmnet
