/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The geometry: what a region of so many bytes, nodes and networks looks like. One function
 * computes it, and whoever formats stores its result. Nodes do not compute: they read the tables
 * of the region (layout.hh).
 */
#pragma once

#include "memory.hh"

#include <linux/shmnet_shm.h>

namespace shmnet {

struct NetworkRequest {
	u32 kind;
	u32 mtu;
	u32 buffer_size;
	u32 queues;
	u32 tapes;
};

inline constexpr NetworkRequest DEFAULT_LOCAL = {SHMNET_NETWORK_LOCAL, 65535, 4096, 1, 17};
inline constexpr NetworkRequest DEFAULT_GLOBAL = {SHMNET_NETWORK_GLOBAL, 1500, 2048, 1, 17};

struct GeometryRequest {
	u64 region_size; /* bytes; 0: the least that holds the rest */
	u32 nodes;
	u32 region_id; /* 24 bits, part of the MACs */
	u32 networks;
	bool hardened = false;
	NetworkRequest network[SHMNET_NETWORKS_MAX];
};

/* All that a formatter stores, in the order of the region. */
struct Geometry {
	shmnet_superblock superblock;
	shmnet_network network[SHMNET_NETWORKS_MAX];
	shmnet_area area[SHMNET_AREAS_MAX];
};

enum class GeometryError : u8 {
	None,
	Nodes,
	Networks,
	Kind,
	Mtu,
	BufferSize,
	Queues,
	Tapes,
	NotPowerOfTwo,
	TooSmall,
};

struct GeometryResult {
	GeometryError error;
	u32 network; /* the row that is wrong, for errors of rows */
	u64 needed;  /* bytes of region, for TooSmall and NotPowerOfTwo; 0: no size would do */
};

constexpr u32 TAPE_SLOTS = 1024;
constexpr u64 SERVICES_BYTES =
	sizeof(shmnet_services) + SHMNET_SERVICES_MAX * sizeof(shmnet_service);
constexpr u64 PINS_BYTES = sizeof(shmnet_pins) + SHMNET_PINS * sizeof(u64);

constexpr u32 frame_max(u32 mtu)
{
	return mtu + SHMNET_L2_MAX;
}

constexpr u32 pieces_of(u32 bytes, u32 buffer_size)
{
	return (bytes + buffer_size - 1) / buffer_size;
}

/* An unsegmented (GSO) frame is as large as an IP packet can be, whatever the MTU. */
constexpr u32 GSO_FRAME_MAX = frame_max(SHMNET_MTU_MAX);

/* The least pool of a ring: four of the largest frames, and not under 64 small ones. */
constexpr u32 pool_min(const NetworkRequest& request)
{
	u32 four = 4 * pieces_of(frame_max(request.mtu), request.buffer_size);
	return four > 64 ? four : 64;
}

/* Lays areas one behind the other and notes them in the area table. */
class AreaWriter {
public:
	constexpr explicit AreaWriter(Geometry& geometry) : geometry_(geometry) {}

	constexpr void begin(u64 offset, u32 flags)
	{
		offset_ = offset;
		flags_ = flags;
	}

	constexpr void add(u32 type, u32 network, u32 count, u64 stride,
			   u64 alignment = SHMNET_LINE)
	{
		offset_ = round_up(offset_, alignment);
		shmnet_area& area = geometry_.area[geometry_.superblock.areas++];
		area = {type, network, flags_, count, offset_, stride};
		offset_ += count * stride;
	}

	constexpr u64 end() const { return offset_; }

private:
	Geometry& geometry_;
	u64 offset_ = 0;
	u32 flags_ = 0;
};

constexpr GeometryResult check_request(const GeometryRequest& request)
{
	if (request.nodes < SHMNET_NODES_MIN || request.nodes > SHMNET_NODES_MAX)
		return {GeometryError::Nodes, 0, 0};
	if (request.networks < 1 || request.networks > SHMNET_NETWORKS_MAX)
		return {GeometryError::Networks, 0, 0};
	for (u32 i = 0; i < request.networks; i++) {
		const NetworkRequest& row = request.network[i];
		if (row.kind != SHMNET_NETWORK_LOCAL && row.kind != SHMNET_NETWORK_GLOBAL)
			return {GeometryError::Kind, i, 0};
		if (row.mtu < SHMNET_MTU_MIN || row.mtu > SHMNET_MTU_MAX)
			return {GeometryError::Mtu, i, 0};
		if (!is_power_of_two(row.buffer_size) || row.buffer_size < SHMNET_BUFFER_MIN ||
		    row.buffer_size > SHMNET_BUFFER_MAX)
			return {GeometryError::BufferSize, i, 0};
		if (row.queues < 1 || row.queues > SHMNET_QUEUES_MAX)
			return {GeometryError::Queues, i, 0};
		if (row.tapes < 1 || row.tapes > SHMNET_TAPES_MAX)
			return {GeometryError::Tapes, i, 0};
	}
	if (request.region_size != 0 && !is_power_of_two(request.region_size))
		return {GeometryError::NotPowerOfTwo, 0,
			round_up_power_of_two(request.region_size)};
	return {GeometryError::None, 0, 0};
}

/* Claims and tapes: of all nodes in the common part, or of one in its own. */
constexpr void add_common(AreaWriter& areas, const GeometryRequest& request, u32 claims)
{
	areas.add(SHMNET_AREA_CLAIMS, SHMNET_NO_NETWORK, claims, sizeof(shmnet_claim));
	for (u32 i = 0; i < request.networks; i++)
		areas.add(SHMNET_AREA_TAPES, i, request.hardened ? 1 : request.network[i].tapes,
			  sizeof(shmnet_tape) + TAPE_SLOTS * sizeof(u64));
}

/* Fills everything but sizes of parts, with pools of @scale times the least. */
constexpr void lay_out(const GeometryRequest& request, u32 scale, Geometry& geometry)
{
	geometry = {};
	shmnet_superblock& superblock = geometry.superblock;
	superblock.nodes = request.nodes;
	superblock.networks = request.networks;
	superblock.features = request.hardened ? SHMNET_FEATURE_HARDENED : 0;

	for (u32 i = 0; i < request.networks; i++) {
		const NetworkRequest& row = request.network[i];
		u32 pool = pool_min(row) * scale;
		if (pool > SHMNET_POOL_MAX)
			pool = SHMNET_POOL_MAX;
		geometry.network[i] = {
			.kind = row.kind,
			.mtu = row.mtu,
			.buffer_size = row.buffer_size,
			.pool = pool,
			.ring = static_cast<u32>(round_up_power_of_two(pool)),
			.queues = row.queues,
			.tapes = request.hardened ? request.nodes : row.tapes,
			.tape_slots = TAPE_SLOTS,
			.reserved = {},
		};
	}

	AreaWriter areas(geometry);
	areas.begin(2 * SHMNET_PAGE, 0);
	areas.add(SHMNET_AREA_WITNESS, SHMNET_NO_NETWORK, request.nodes, sizeof(shmnet_witness));

	superblock.common_offset = SHMNET_PART_MIN;
	areas.begin(superblock.common_offset, 0);
	if (!request.hardened) {
		add_common(areas, request, request.nodes);
		superblock.common_size = round_up_power_of_two(areas.end() - SHMNET_PART_MIN);
		if (superblock.common_size < SHMNET_PART_MIN)
			superblock.common_size = SHMNET_PART_MIN;
	}
	superblock.parts_offset = superblock.common_offset + superblock.common_size;

	areas.begin(0, SHMNET_AREA_IN_PART);
	areas.add(SHMNET_AREA_NODE, SHMNET_NO_NETWORK, 1, sizeof(shmnet_node));
	if (request.hardened)
		add_common(areas, request, 1);
	for (u32 i = 0; i < request.networks; i++) {
		const shmnet_network& row = geometry.network[i];
		u32 rings = (request.nodes - 1) * row.queues;
		areas.add(SHMNET_AREA_PRODUCERS, i, rings, sizeof(shmnet_producer));
		areas.add(SHMNET_AREA_CONSUMERS, i, rings, sizeof(shmnet_consumer));
		areas.add(SHMNET_AREA_GRANTS, i, rings, row.ring * sizeof(u32));
		areas.add(SHMNET_AREA_DESCRIPTORS, i, rings, row.ring * sizeof(shmnet_descriptor));
		if (row.kind == SHMNET_NETWORK_GLOBAL) {
			areas.add(SHMNET_AREA_SERVICES, i, 1, SERVICES_BYTES);
			areas.add(SHMNET_AREA_PINS, i, 1, PINS_BYTES);
		}
	}
	areas.add(SHMNET_AREA_CASTS, SHMNET_NO_NETWORK, 1, SHMNET_CASTS_SIZE, SHMNET_PAGE);
	for (u32 i = 0; i < request.networks; i++) {
		const shmnet_network& row = geometry.network[i];
		areas.add(SHMNET_AREA_POOL, i, (request.nodes - 1) * row.queues,
			  static_cast<u64>(row.pool) * row.buffer_size, SHMNET_PAGE);
	}
	superblock.part_size = round_up_power_of_two(areas.end());
	if (superblock.part_size < SHMNET_PART_MIN)
		superblock.part_size = SHMNET_PART_MIN;
	superblock.region_size = round_up_power_of_two(superblock.parts_offset +
						       request.nodes * superblock.part_size);
}

/* FNV-1a over what was asked for: two formatters agree exactly if they ask for the same. */
constexpr u64 format_word(const Geometry& geometry, u32 region_id)
{
	u64 digest = 0xcbf29ce484222325;
	auto mix = [&digest](u64 value) {
		for (int shift = 0; shift < 64; shift += 8) {
			digest ^= (value >> shift) & 0xff;
			digest *= 0x100000001b3;
		}
	};
	const shmnet_superblock& superblock = geometry.superblock;
	mix(superblock.region_size);
	mix(superblock.nodes);
	if (superblock.features)
		mix(superblock.features);
	for (u32 i = 0; i < superblock.networks; i++) {
		const shmnet_network& row = geometry.network[i];
		const u32 values[] = {row.kind, row.mtu,    row.buffer_size,
				      row.pool, row.queues, row.tapes};
		for (u32 value : values)
			mix(value);
	}
	return ((digest | 1ULL << 63) & ~SHMNET_FORMAT_ID_MASK) |
	       (region_id & SHMNET_FORMAT_ID_MASK);
}

/*
 * The one function. Memory beyond the least goes into larger parts, and what a part has to spare
 * into larger pools, alike for all networks.
 */
constexpr GeometryResult compute_geometry(const GeometryRequest& request, Geometry& geometry)
{
	GeometryResult result = check_request(request);
	if (result.error != GeometryError::None)
		return result;

	lay_out(request, 1, geometry);
	u64 needed = geometry.superblock.region_size;
	u64 size = request.region_size ? request.region_size : needed;
	if (size < needed)
		return {GeometryError::TooSmall, 0, needed};

	u64 part_size = geometry.superblock.part_size;
	while (part_size * 2 <= (size - geometry.superblock.parts_offset) / request.nodes)
		part_size *= 2;
	u32 scale = SHMNET_POOL_MAX / 64;
	do
		lay_out(request, scale, geometry);
	while (geometry.superblock.part_size > part_size && --scale > 0);

	shmnet_superblock& superblock = geometry.superblock;
	superblock.part_size = part_size;
	superblock.region_size = size;
	superblock.version = SHMNET_VERSION;
	superblock.format = format_word(geometry, request.region_id);
	superblock.magic = SHMNET_MAGIC;
	return {GeometryError::None, 0, size};
}

enum class FormatResult : u8 {
	Formatted,
	OtherContent,  /* the first bytes are neither zero nor ours */
	OtherGeometry, /* a region of another geometry, or one being formatted to be so */
};

/*
 * Formats a region whose memory is zero. Two formatters that ask for the same may run at once,
 * and either may stop at any step: the decision is one compare-and-swap, and all later stores
 * are the same for both, of words that never change again.
 */
template <typename Memory> FormatResult format_region(u8* base, const Geometry& geometry)
{
	auto* words = reinterpret_cast<aliasing_u64*>(base);
	constexpr size_t FORMAT = offsetof(shmnet_superblock, format) / sizeof(u64);

	u64 decided = Memory::load_relaxed(&words[FORMAT]);
	if (decided == 0) {
		bool zero = true;
		for (size_t i = 0; i < 2 * SHMNET_PAGE / sizeof(u64); i++)
			zero = zero && Memory::load_relaxed(&words[i]) == 0;
		/*
		 * Not zero may mean that another formatter has begun: then it has decided. Pairs with
		 * the release fence below.
		 */
		Memory::acquire_fence();
		decided = Memory::load_relaxed(&words[FORMAT]);
		if (!zero && decided == 0)
			return FormatResult::OtherContent;
		if (decided == 0)
			Memory::compare_exchange(&words[FORMAT], decided,
						 geometry.superblock.format);
	}
	if (decided != 0 && decided != geometry.superblock.format) {
		u64 magic = Memory::load_relaxed(&words[0]);
		return magic == SHMNET_MAGIC || magic == 0 ? FormatResult::OtherGeometry
							   : FormatResult::OtherContent;
	}

	/* Pairs with the acquire fence above: whoever sees any of what follows sees the decision. */
	Memory::release_fence();
	copy_to_region<Memory>(base + SHMNET_NETWORKS_OFFSET, geometry.network,
			       sizeof(geometry.network));
	copy_to_region<Memory>(base + SHMNET_AREAS_OFFSET, geometry.area, sizeof(geometry.area));
	copy_to_region<Memory>(base + sizeof(u64), &geometry.superblock.version,
			       sizeof(geometry.superblock) - sizeof(u64));
	/* Pairs with the acquire load of the magic in read_layout(). */
	Memory::store_release(&words[0], geometry.superblock.magic);
	return FormatResult::Formatted;
}

} // namespace shmnet
