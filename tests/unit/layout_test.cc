// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Attaching: whatever the tables of a region say, a node declines or stays inside the memory. */
#include "support/places.hh"
#include "support/random.hh"
#include "support/region.hh"
#include "support/requests.hh"
#include "support/stepped_memory.hh"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstring>
#include <map>
#include <set>
#include <vector>

namespace shmnet::test {

namespace {

constexpr size_t HEAD = 2 * SHMNET_PAGE;
constexpr size_t TABLES_END = SHMNET_AREAS_OFFSET + SHMNET_AREAS_MAX * sizeof(shmnet_area);

/* Three nodes, so that rings have neighbours on both sides; two queues likewise. */
GeometryRequest request()
{
	GeometryRequest request = default_request(3);
	request.network[0].queues = 2;
	return request;
}

/* The head of a region of @size bytes; the rest of it is never looked at. */
class Tables {
public:
	Tables() : memory_(HEAD), geometry_(geometry_of(request()))
	{
		format_region<HardwareMemory>(memory_.base(), geometry_);
		original_.assign(memory_.base(), memory_.base() + HEAD);
	}

	u8* base() { return memory_.base(); }
	u64 size() const { return geometry_.superblock.region_size; }
	void restore() { memcpy(memory_.base(), original_.data(), HEAD); }
	void make_read_only() const { memory_.make_read_only(); }

	template <typename T> void set(size_t offset, T value)
	{
		memcpy(memory_.base() + offset, &value, sizeof(value));
	}

	template <typename T> T get(size_t offset) const
	{
		T value;
		memcpy(&value, memory_.base() + offset, sizeof(value));
		return value;
	}

	template <typename Memory = HardwareMemory> AttachError read()
	{
		return read_layout<Memory>(memory_.base(), size(), scratch_, layout_);
	}

	/* Reads; if the region is taken, everything must lie where it may. */
	std::string read_and_check()
	{
		return read() == AttachError::None ? PlaceCheck(layout_, size()).run() : "";
	}

	const Layout& layout() const { return layout_; }

private:
	GuardedMemory memory_;
	Geometry geometry_;
	std::vector<u8> original_;
	Geometry scratch_;
	Layout layout_;
};

/* Around @original, around all powers of two, and both ends. */
template <typename T> std::set<T> boundary_values(T original)
{
	std::set<T> values;
	auto around = [&values](T value) {
		for (T by : {T{0}, T{1}, T{2}, T{63}, T{64}}) {
			values.insert(value + by);
			values.insert(value - by);
		}
	};
	around(0);
	around(original);
	around(original * 2);
	around(original / 2);
	for (unsigned shift = 0; shift < sizeof(T) * 8; shift++) {
		values.insert(T{1} << shift);
		values.insert((T{1} << shift) - 1);
		values.insert((T{1} << shift) + 1);
		values.insert(original ^ T{1} << shift);
		values.insert(static_cast<T>(-(T{1} << shift)));
	}
	return values;
}

template <typename T> void try_all_words(Tables& tables, size_t begin, size_t end)
{
	unsigned taken = 0;
	unsigned declined = 0;
	for (size_t offset = begin; offset < end; offset += sizeof(T)) {
		T original = tables.get<T>(offset);
		for (T value : boundary_values(original)) {
			tables.set(offset, value);
			std::string wrong = tables.read_and_check();
			ASSERT_EQ(wrong, "") << "word at " << offset << " was " << original
					     << ", set to " << value;
			(tables.read() == AttachError::None ? taken : declined)++;
		}
		tables.set(offset, original);
	}
	EXPECT_GT(taken, 0u);
	EXPECT_GT(declined, 0u);
}

} // namespace

TEST(Layout, OfAGoodRegionPassesTheCheckOfPlaces)
{
	Tables tables;
	ASSERT_EQ(tables.read(), AttachError::None);
	EXPECT_EQ(PlaceCheck(tables.layout(), tables.size()).run(), "");
}

TEST(Layout, StaysInsideForEveryWordOfTheSuperblock)
{
	Tables tables;
	try_all_words<u32>(tables, 0, sizeof(shmnet_superblock));
	try_all_words<u64>(tables, 0, sizeof(shmnet_superblock));
}

TEST(Layout, StaysInsideForEveryWordOfTheRows)
{
	Tables tables;
	size_t end = SHMNET_NETWORKS_OFFSET + 3 * sizeof(shmnet_network);
	try_all_words<u32>(tables, SHMNET_NETWORKS_OFFSET, end);
	try_all_words<u64>(tables, SHMNET_NETWORKS_OFFSET, end);
}

TEST(Layout, StaysInsideForEveryWordOfTheAreaTable)
{
	Tables tables;
	try_all_words<u32>(tables, SHMNET_AREAS_OFFSET, TABLES_END);
	try_all_words<u64>(tables, SHMNET_AREAS_OFFSET, TABLES_END);
}

/* Several words at once, of values that have something to do with the others. */
TEST(Layout, StaysInsideForManyWordsAtRandom)
{
	Tables tables;
	Random random;
	unsigned taken = 0;
	for (unsigned round = 0; round < 100000; round++) {
		tables.restore();
		for (u32 words = random.between(1, 6); words > 0; words--) {
			size_t offset = random.below(TABLES_END / 4) * 4;
			u32 other = tables.get<u32>(random.below(TABLES_END / 4) * 4);
			u32 value = random.one_in(3) ? other : 1u << random.below(32);
			tables.set<u32>(offset, random.one_in(4) ? value - 1 : value);
		}
		ASSERT_EQ(tables.read_and_check(), "");
		taken += tables.read() == AttachError::None;
	}
	EXPECT_GT(taken, 0u);
}

TEST(Layout, StaysInsideForRandomBytesBehindAGoodMagic)
{
	Tables tables;
	Random random;
	for (unsigned round = 0; round < 20000; round++) {
		tables.restore();
		/* From somewhere on; the fields before make the later ones be looked at. */
		for (size_t offset = random.below(TABLES_END / 8) * 8; offset < TABLES_END;
		     offset += 8)
			tables.set<u64>(offset, random.next());
		ASSERT_EQ(tables.read_and_check(), "");
	}
}

/* A word that changes while it is read: what was checked is what is used (B1). */
TEST(Layout, StaysInsideWhileTheTablesChange)
{
	Tables tables;
	Random random;
	for (unsigned round = 0; round < 2000; round++) {
		tables.restore();
		SteppedMemory::Watch watch([&](const Step&) {
			if (random.one_in(50))
				tables.set<u32>(8 + random.below((TABLES_END - 8) / 4) * 4,
						static_cast<u32>(random.next()));
		});
		if (tables.read<SteppedMemory>() != AttachError::None)
			continue;
		ASSERT_EQ(PlaceCheck(tables.layout(), tables.size()).run(), "");
	}
}

TEST(Layout, ReadsEachWordOnceButForTheMagic)
{
	Tables tables;
	std::map<const void*, unsigned> loads;
	SteppedMemory::Watch watch([&](const Step& step) {
		EXPECT_FALSE(step.writes());
		if (step.kind == Step::LOAD)
			loads[step.address]++;
	});
	ASSERT_EQ(tables.read<SteppedMemory>(), AttachError::None);
	for (auto [address, count] : loads)
		EXPECT_EQ(count, address == tables.base() ? 2u : 1u) << address;
}

TEST(Layout, IsReadFromMemoryThatCannotBeWritten)
{
	Tables tables;
	tables.make_read_only();
	EXPECT_EQ(tables.read(), AttachError::None);
}

RC_GTEST_PROP(Layout, OfAnyGeometryLeadsInside, (const GeometryRequest& request))
{
	GuardedMemory memory(HEAD);
	Geometry geometry = geometry_of(request);
	format_region<HardwareMemory>(memory.base(), geometry);
	Geometry scratch;
	Layout layout;
	u64 size = geometry.superblock.region_size;
	RC_ASSERT(read_layout<HardwareMemory>(memory.base(), size, scratch, layout) ==
		  AttachError::None);
	RC_ASSERT(PlaceCheck(layout, size).run() == "");
}

/* ---- What is declined, and how ---------------------------------------------------------------- */

TEST(Attach, DeclinesMemoryThatIsNotARegionEachForItsReason)
{
	Tables tables;
	auto declined = [&tables](size_t offset, auto value) {
		tables.restore();
		tables.set(offset, value);
		return tables.read();
	};
	EXPECT_EQ(declined(offsetof(shmnet_superblock, magic), 0x4b474c4dULL),
		  AttachError::Foreign);
	EXPECT_EQ(declined(offsetof(shmnet_superblock, magic), 0ULL), AttachError::HalfFormatted);
	EXPECT_EQ(declined(offsetof(shmnet_superblock, version), SHMNET_VERSION + 1u),
		  AttachError::Version);
	EXPECT_EQ(declined(offsetof(shmnet_superblock, version), 0u), AttachError::Version);
	EXPECT_EQ(declined(offsetof(shmnet_superblock, features), 1ULL << 63),
		  AttachError::Features);
	EXPECT_EQ(declined(offsetof(shmnet_superblock, region_size), tables.size() * 2),
		  AttachError::Size);
	EXPECT_EQ(declined(offsetof(shmnet_superblock, nodes), 1u), AttachError::Geometry);
	EXPECT_EQ(declined(offsetof(shmnet_superblock, areas), 3u), AttachError::Geometry);
	memset(tables.base(), 0, HEAD);
	EXPECT_EQ(tables.read(), AttachError::Unformatted);
}

TEST(Attach, DeclinesMemoryTooSmallForAHeadWithoutLookingAtIt)
{
	GuardedMemory memory(SHMNET_PAGE);
	Geometry scratch;
	Layout layout;
	for (u64 size : {0u, 1u, 64u, 4096u, 8191u})
		EXPECT_EQ(read_layout<HardwareMemory>(memory.base(), size, scratch, layout),
			  AttachError::TooSmall);
}

TEST(Attach, PassesOverAreasOfTypesThatItDoesNotKnow)
{
	Tables tables;
	u32 areas = tables.get<u32>(offsetof(shmnet_superblock, areas));
	for (u32 i = 0; i < 4; i++) {
		size_t at = SHMNET_AREAS_OFFSET + (areas + i) * sizeof(shmnet_area);
		tables.set(at, shmnet_area{1000 + i, ~0u, ~0u, ~0u, ~0ULL, ~0ULL});
	}
	tables.set(offsetof(shmnet_superblock, areas), areas + 4);
	EXPECT_EQ(tables.read_and_check(), "");
	EXPECT_EQ(tables.read(), AttachError::None);
}

TEST(Attach, SaysSomethingOfItsOwnForEachError)
{
	std::set<std::string> texts;
	for (AttachError error :
	     {AttachError::None, AttachError::Unformatted, AttachError::Foreign,
	      AttachError::HalfFormatted, AttachError::Version, AttachError::Features,
	      AttachError::TooSmall, AttachError::Size, AttachError::Geometry})
		texts.insert(describe(error));
	EXPECT_EQ(texts.size(), 9u);
	EXPECT_FALSE(texts.contains("unknown"));
}

} // namespace shmnet::test
