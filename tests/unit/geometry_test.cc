// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What a region of so many nodes and networks looks like. */
#include "layout.hh"
#include "support/region.hh"
#include "support/requests.hh"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

namespace shmnet::test {

namespace {

constexpr u64 MIB = 1 << 20;

struct Extent {
	u64 begin;
	u64 end;
	u32 type;
};

/* The areas of the region's shared head, or those of each node's part. */
std::vector<Extent> extents(const Geometry& geometry, bool in_part)
{
	std::vector<Extent> found;
	for (u32 i = 0; i < geometry.superblock.areas; i++) {
		const shmnet_area& area = geometry.area[i];
		if (area.flags == (in_part ? SHMNET_AREA_IN_PART : 0))
			found.push_back(
				{area.offset, area.offset + area.count * area.stride, area.type});
	}
	std::sort(found.begin(), found.end(),
		  [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
	return found;
}

void assert_apart(const std::vector<Extent>& extents, u64 room)
{
	u64 end = 0;
	for (const Extent& extent : extents) {
		RC_ASSERT(extent.begin < extent.end);
		RC_ASSERT(extent.begin >= end);
		RC_ASSERT(extent.begin % SHMNET_LINE == 0u);
		end = extent.end;
	}
	RC_ASSERT(end <= room);
}

/* The rules of the region that a geometry has to keep, whatever was asked for. */
void assert_sound(const GeometryRequest& request, const Geometry& geometry)
{
	const shmnet_superblock& superblock = geometry.superblock;
	RC_ASSERT(superblock.magic == SHMNET_MAGIC);
	RC_ASSERT(superblock.version == u32{SHMNET_VERSION});
	RC_ASSERT(superblock.nodes == request.nodes);
	RC_ASSERT(superblock.networks == request.networks);
	RC_ASSERT((superblock.format & SHMNET_FORMAT_ID_MASK) == request.region_id);
	RC_ASSERT(superblock.features == (request.hardened ? SHMNET_FEATURE_HARDENED : 0));
	RC_ASSERT(is_power_of_two(superblock.region_size));
	for (u64 size : {superblock.common_size, superblock.part_size}) {
		if (size == 0 && request.hardened)
			continue;
		RC_ASSERT(is_power_of_two(size));
		RC_ASSERT(size >= SHMNET_PART_MIN);
	}
	/* A device of its own, of which QEMU takes no other size. */
	if (request.hardened)
		RC_ASSERT(is_power_of_two(superblock.parts_offset));
	RC_ASSERT(superblock.common_offset % SHMNET_PART_MIN == 0u);
	RC_ASSERT(superblock.common_offset >= 2 * SHMNET_PAGE);
	RC_ASSERT(superblock.parts_offset % SHMNET_PART_MIN == 0u);
	RC_ASSERT(superblock.parts_offset >= superblock.common_offset + superblock.common_size);
	RC_ASSERT(superblock.parts_offset + superblock.nodes * superblock.part_size <=
		  superblock.region_size);

	std::vector<Extent> shared = extents(geometry, false);
	std::vector<Extent> own = extents(geometry, true);
	RC_ASSERT(shared.size() + own.size() == superblock.areas);
	assert_apart(shared, superblock.parts_offset);
	assert_apart(own, superblock.part_size);
	for (const Extent& extent : shared) {
		/* Areas of two writers lie in two parts. */
		if (extent.type == SHMNET_AREA_WITNESS)
			RC_ASSERT(extent.begin >= 2 * SHMNET_PAGE &&
				  extent.end <= superblock.common_offset);
		else
			RC_ASSERT(extent.begin >= superblock.common_offset);
	}
	for (u32 i = 0; i < request.networks; i++) {
		const shmnet_network& row = geometry.network[i];
		u32 largest = pieces_of(request.network[i].mtu + SHMNET_L2_MAX, row.buffer_size);
		RC_ASSERT(row.pool >= 4 * largest);
		RC_ASSERT(row.pool >= 64u);
		RC_ASSERT(row.pool <= u32{SHMNET_POOL_MAX});
		RC_ASSERT(row.ring >= row.pool);
		RC_ASSERT(is_power_of_two(row.ring));
	}
}

} // namespace

struct TableRow {
	u32 nodes;
	u64 region_mib;
	u64 part_mib;
	u32 local_pool;
	u32 local_ring;
	u32 global_pool;
	u32 global_ring;
};

/* The figures of docs/protocol.md; geometry_document_test.cc compares the two. */
TEST(Geometry, HasTheTabledSizesForDefaultNetworks)
{
	for (const TableRow& row : {
		     TableRow{2, 8, 2, 136, 256, 128, 128},
		     TableRow{4, 32, 4, 136, 256, 128, 128},
		     TableRow{8, 64, 4, 68, 128, 64, 64},
		     TableRow{16, 256, 8, 68, 128, 64, 64},
		     TableRow{64, 4096, 32, 68, 128, 64, 64},
	     }) {
		SCOPED_TRACE(row.nodes);
		Geometry geometry = geometry_of(default_request(row.nodes));
		EXPECT_EQ(geometry.superblock.region_size, row.region_mib * MIB);
		EXPECT_EQ(geometry.superblock.part_size, row.part_mib * MIB);
		EXPECT_EQ(geometry.network[0].pool, row.local_pool);
		EXPECT_EQ(geometry.network[0].ring, row.local_ring);
		EXPECT_EQ(geometry.network[1].pool, row.global_pool);
		EXPECT_EQ(geometry.network[1].ring, row.global_ring);
	}
}

RC_GTEST_PROP(Geometry, AreasLieApartAndInsideTheirParts, (const GeometryRequest& request))
{
	Geometry geometry;
	GeometryResult result = compute_geometry(request, geometry);
	RC_ASSERT(result.error == GeometryError::None);
	RC_ASSERT(result.needed == geometry.superblock.region_size);
	assert_sound(request, geometry);
}

RC_GTEST_PROP(Geometry, MoreMemoryIsUsedAndTheRulesStillHold, (GeometryRequest request))
{
	Geometry least;
	compute_geometry(request, least);
	request.region_size = least.superblock.region_size << *rc::gen::inRange(0, 8);
	Geometry geometry;
	RC_ASSERT(compute_geometry(request, geometry).error == GeometryError::None);
	RC_ASSERT(geometry.superblock.region_size == request.region_size);
	RC_ASSERT(geometry.superblock.part_size >= least.superblock.part_size);
	for (u32 i = 0; i < request.networks; i++)
		RC_ASSERT(geometry.network[i].pool >= least.network[i].pool);
	assert_sound(request, geometry);
	/* The parts could not be twice as large. */
	RC_ASSERT(geometry.superblock.parts_offset +
			  geometry.superblock.nodes * geometry.superblock.part_size * 2 >
		  request.region_size);
}

RC_GTEST_PROP(Geometry, TooSmallNamesTheSizeThatSuffices, (GeometryRequest request))
{
	Geometry least;
	compute_geometry(request, least);
	request.region_size = least.superblock.region_size >> *rc::gen::inRange(1, 12);
	RC_PRE(request.region_size > 0u);
	Geometry geometry;
	GeometryResult result = compute_geometry(request, geometry);
	RC_ASSERT(result.error == GeometryError::TooSmall);
	RC_ASSERT(result.needed == least.superblock.region_size);
	request.region_size = result.needed;
	RC_ASSERT(compute_geometry(request, geometry).error == GeometryError::None);
}

RC_GTEST_PROP(Geometry, EqualRequestsHaveEqualWordsAndOthersHaveOthers,
	      (const GeometryRequest& request, const GeometryRequest& other))
{
	Geometry first = geometry_of(request);
	Geometry again = geometry_of(request);
	RC_ASSERT(__builtin_memcmp(&first, &again, sizeof(first)) == 0);
	GeometryRequest renamed = other;
	renamed.region_id = request.region_id;
	Geometry third = geometry_of(renamed);
	bool same = __builtin_memcmp(first.network, third.network, sizeof(first.network)) == 0 &&
		    first.superblock.nodes == third.superblock.nodes;
	RC_ASSERT((first.superblock.format == third.superblock.format) == same);
	RC_ASSERT((first.superblock.format >> 63) == 1u);
}

RC_GTEST_PROP(Geometry, IsWhatANodeReadsFromTheRegion, (const GeometryRequest& request))
{
	Geometry geometry = geometry_of(request);
	GuardedMemory memory(2 * SHMNET_PAGE);
	RC_ASSERT(format_region<HardwareMemory>(memory.base(), geometry) ==
		  FormatResult::Formatted);
	Geometry scratch;
	Layout layout;
	AttachError error = read_layout<HardwareMemory>(
		memory.base(), geometry.superblock.region_size, scratch, layout);
	RC_ASSERT(error == AttachError::None);
	RC_ASSERT(__builtin_memcmp(&scratch, &geometry, sizeof(geometry)) == 0);
	RC_ASSERT(layout.region_id == request.region_id);
	for (u32 i = 0; i < request.networks; i++) {
		const NetworkLayout& net = layout.network[i];
		RC_ASSERT(net.frame_max == request.network[i].mtu + SHMNET_L2_MAX);
		RC_ASSERT(net.pieces_max * net.buffer_size >= GSO_FRAME_MAX);
		RC_ASSERT(net.pieces_max <= u32{SHMNET_PIECES_MAX});
		RC_ASSERT(net.pool >= net.pieces_max);
	}
}

/* ---- Requests that are refused ---------------------------------------------------------------- */

namespace {

GeometryResult refuse(const GeometryRequest& request)
{
	Geometry geometry;
	return compute_geometry(request, geometry);
}

/* Of the second network, so that the result has to name it. */
GeometryResult refuse_row(void (*spoil)(NetworkRequest&))
{
	GeometryRequest request = default_request(4);
	spoil(request.network[1]);
	GeometryResult result = refuse(request);
	EXPECT_EQ(result.network, 1u);
	return result;
}

} // namespace

TEST(GeometryRequest, WithTooFewOrTooManyNodesIsRefused)
{
	for (u32 nodes : {0u, 1u, 65u, 0xffffffffu})
		EXPECT_EQ(refuse(default_request(nodes)).error, GeometryError::Nodes) << nodes;
}

TEST(GeometryRequest, WithTooFewOrTooManyNetworksIsRefused)
{
	for (u32 networks : {0u, 9u, 0xffffffffu}) {
		GeometryRequest request = default_request(4);
		request.networks = networks;
		EXPECT_EQ(refuse(request).error, GeometryError::Networks) << networks;
	}
}

TEST(GeometryRequest, WithABadRowIsRefusedAndTheRowNamed)
{
	EXPECT_EQ(refuse_row([](NetworkRequest& row) { row.kind = 0; }).error, GeometryError::Kind);
	EXPECT_EQ(refuse_row([](NetworkRequest& row) { row.kind = 3; }).error, GeometryError::Kind);
	EXPECT_EQ(refuse_row([](NetworkRequest& row) { row.mtu = 1489; }).error,
		  GeometryError::Mtu);
	EXPECT_EQ(refuse_row([](NetworkRequest& row) { row.mtu = 65536; }).error,
		  GeometryError::Mtu);
	EXPECT_EQ(refuse_row([](NetworkRequest& row) { row.buffer_size = 1024; }).error,
		  GeometryError::BufferSize);
	EXPECT_EQ(refuse_row([](NetworkRequest& row) { row.buffer_size = 3072; }).error,
		  GeometryError::BufferSize);
	EXPECT_EQ(refuse_row([](NetworkRequest& row) { row.buffer_size = 131072; }).error,
		  GeometryError::BufferSize);
	EXPECT_EQ(refuse_row([](NetworkRequest& row) { row.buffer_size = 0; }).error,
		  GeometryError::BufferSize);
	EXPECT_EQ(refuse_row([](NetworkRequest& row) { row.queues = 0; }).error,
		  GeometryError::Queues);
	EXPECT_EQ(refuse_row([](NetworkRequest& row) { row.queues = 17; }).error,
		  GeometryError::Queues);
	EXPECT_EQ(refuse_row([](NetworkRequest& row) { row.tapes = 0; }).error,
		  GeometryError::Tapes);
	EXPECT_EQ(refuse_row([](NetworkRequest& row) { row.tapes = 257; }).error,
		  GeometryError::Tapes);
}

TEST(GeometryRequest, OfASizeThatIsNoPowerOfTwoIsRefusedWithTheNextOne)
{
	GeometryRequest request = default_request(2);
	request.region_size = 12 * MIB;
	GeometryResult result = refuse(request);
	EXPECT_EQ(result.error, GeometryError::NotPowerOfTwo);
	EXPECT_EQ(result.needed, 16 * MIB);
}

/* Sizes that no power of two can hold, or whose parts' sizes wrap, must not loop. */
TEST(GeometryRequest, OfTheLargestSizesComesToAnEnd)
{
	GeometryRequest request = default_request(64);
	for (u32 shift = 40; shift < 64; shift++) {
		request.region_size = 1ULL << shift;
		Geometry geometry;
		ASSERT_EQ(compute_geometry(request, geometry).error, GeometryError::None) << shift;
		EXPECT_EQ(geometry.superblock.region_size, request.region_size);
		EXPECT_LE(geometry.superblock.part_size, request.region_size / 64);
		EXPECT_GE(geometry.superblock.part_size, request.region_size / 64 / 4);
	}
	for (u64 size : {~0ULL, (1ULL << 63) + 1, (1ULL << 63) + MIB}) {
		request.region_size = size;
		GeometryResult result = refuse(request);
		EXPECT_EQ(result.error, GeometryError::NotPowerOfTwo);
		EXPECT_EQ(result.needed, 0u) << "no size would suffice";
	}
}

} // namespace shmnet::test
