// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Formatting: one decision, then stores that are the same whoever makes them, and when. */
#include "directory.hh"
#include "support/region.hh"
#include "support/stepped_memory.hh"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstring>
#include <vector>

namespace shmnet::test {

namespace {

constexpr size_t HEAD = 2 * SHMNET_PAGE;

/* The head of a region is all that a formatter touches. */
class Head {
public:
	Head() : memory_(HEAD) {}

	u8* base() { return memory_.base(); }
	u64& word(size_t index) { return reinterpret_cast<u64*>(memory_.base())[index]; }
	std::vector<u8> bytes() const { return {memory_.base(), memory_.base() + HEAD}; }
	void clear() { memset(memory_.base(), 0, HEAD); }

	template <typename Memory = HardwareMemory> FormatResult format(const Geometry& geometry)
	{
		return format_region<Memory>(memory_.base(), geometry);
	}

	AttachError read(u64 size)
	{
		Geometry scratch;
		Layout layout;
		return read_layout<HardwareMemory>(memory_.base(), size, scratch, layout);
	}

private:
	GuardedMemory memory_;
};

const Geometry& wanted()
{
	static const Geometry geometry = geometry_of(default_request(4));
	return geometry;
}

const Geometry& other()
{
	static const Geometry geometry = geometry_of(default_request(5));
	return geometry;
}

std::vector<u8> formatted(const Geometry& geometry)
{
	Head head;
	head.format(geometry);
	return head.bytes();
}

u64 stores_of_a_formatter()
{
	Head head;
	u64 stores = 0;
	SteppedMemory::Watch watch([&](const Step& step) { stores += step.writes(); });
	head.format<SteppedMemory>(wanted());
	return stores;
}

} // namespace

TEST(Format, MakesZeroedMemoryARegion)
{
	Head head;
	EXPECT_EQ(head.read(wanted().superblock.region_size), AttachError::Unformatted);
	EXPECT_EQ(head.format(wanted()), FormatResult::Formatted);
	EXPECT_EQ(head.read(wanted().superblock.region_size), AttachError::None);
}

TEST(Format, AgainChangesNothing)
{
	Head head;
	head.format(wanted());
	std::vector<u8> before = head.bytes();
	EXPECT_EQ(head.format(wanted()), FormatResult::Formatted);
	EXPECT_EQ(head.bytes(), before);
}

TEST(Format, OfAnotherRequestIsToldAndChangesNothing)
{
	Head head;
	head.format(wanted());
	std::vector<u8> before = head.bytes();
	EXPECT_EQ(head.format(other()), FormatResult::OtherGeometry);
	EXPECT_EQ(head.bytes(), before);
}

TEST(Format, StoppedAnywhereIsSeenAndIsFinishedByAnother)
{
	std::vector<u8> whole = formatted(wanted());
	u64 stores = stores_of_a_formatter();
	for (u64 count = 0; count < stores; count++) {
		SCOPED_TRACE(count);
		Head head;
		ASSERT_TRUE(
			stop_after_stores(count, [&] { head.format<SteppedMemory>(wanted()); }));
		ASSERT_EQ(head.read(wanted().superblock.region_size),
			  count == 0 ? AttachError::Unformatted : AttachError::HalfFormatted);
		ASSERT_EQ(head.format(wanted()), FormatResult::Formatted);
		ASSERT_EQ(head.bytes(), whole);
	}
}

TEST(Format, StoppedAnywhereIsNotFinishedWithAnotherRequest)
{
	u64 stores = stores_of_a_formatter();
	for (u64 count = 1; count < stores; count++) {
		SCOPED_TRACE(count);
		Head head;
		ASSERT_TRUE(
			stop_after_stores(count, [&] { head.format<SteppedMemory>(wanted()); }));
		std::vector<u8> before = head.bytes();
		ASSERT_EQ(head.format(other()), FormatResult::OtherGeometry);
		ASSERT_EQ(head.bytes(), before);
	}
}

/* A formatter that stands still at any step while another formats with the same request. */
TEST(Format, LateWritesTheSameBytes)
{
	std::vector<u8> whole = formatted(wanted());
	Head head;
	u64 steps = count_steps([&] { head.format<SteppedMemory>(wanted()); });
	for (u64 step = 1; step <= steps; step++) {
		head.clear();
		FormatResult late = FormatResult::OtherContent;
		FormatResult quick = FormatResult::OtherContent;
		interrupt_at(
			step, [&] { late = head.format<SteppedMemory>(wanted()); },
			[&] {
				quick = head.format(wanted());
				/* Formatted is formatted: nobody unmakes it while the other goes on. */
				EXPECT_EQ(head.bytes(), whole);
			});
		ASSERT_EQ(quick, FormatResult::Formatted) << step;
		ASSERT_EQ(late, FormatResult::Formatted) << step;
		ASSERT_EQ(head.bytes(), whole) << step;
	}
}

TEST(Format, OfTwoRequestsAtOnceOneWinsAndTheOtherIsTold)
{
	Head head;
	u64 steps = count_steps([&] { head.format<SteppedMemory>(wanted()); });
	for (u64 step = 1; step <= steps; step++) {
		head.clear();
		FormatResult late = FormatResult::OtherContent;
		FormatResult quick = FormatResult::OtherContent;
		interrupt_at(
			step, [&] { late = head.format<SteppedMemory>(wanted()); },
			[&] { quick = head.format(other()); });
		bool first = late == FormatResult::Formatted;
		ASSERT_NE(first, quick == FormatResult::Formatted) << step;
		ASSERT_EQ(first ? quick : late, FormatResult::OtherGeometry) << step;
		ASSERT_EQ(head.bytes(), formatted(first ? wanted() : other())) << step;
	}
}

/* A word of somebody else's anywhere in what a formatter would write. */
TEST(Format, OfForeignMemoryIsRefusedAndWritesNothing)
{
	Head head;
	constexpr size_t FORMAT = offsetof(shmnet_superblock, format) / sizeof(u64);
	for (size_t index = 0; index < HEAD / sizeof(u64); index++) {
		head.clear();
		head.word(index) = 0xf0e1f0e1;
		std::vector<u8> before = head.bytes();
		FormatResult result = head.format(wanted());
		/* Where formatters decide, it cannot be told from another formatter's beginning. */
		ASSERT_EQ(result, index == FORMAT ? FormatResult::OtherGeometry
						  : FormatResult::OtherContent)
			<< index;
		ASSERT_EQ(head.bytes(), before) << index;
	}
}

RC_GTEST_PROP(Format, OfRandomBytesIsRefusedAndWritesNothing, ())
{
	auto bytes = *rc::gen::container<std::vector<u8>>(256, rc::gen::arbitrary<u8>());
	RC_PRE(!std::all_of(bytes.begin(), bytes.end(), [](u8 byte) { return byte == 0; }));
	size_t offset = *rc::gen::inRange<size_t>(0, HEAD - bytes.size());
	Head head;
	memcpy(head.base() + offset, bytes.data(), bytes.size());
	std::vector<u8> before = head.bytes();
	RC_ASSERT(head.format(wanted()) != FormatResult::Formatted);
	RC_ASSERT(head.bytes() == before);
}

/* Words that change in use are not the formatter's: a late one must not touch them. */
TEST(Format, WritesNothingThatChangesLater)
{
	Region region(default_request(4));
	const Layout& layout = region.layout();
	SteppedMemory::Watch watch([&](const Step& step) {
		if (!step.writes())
			return;
		auto offset =
			static_cast<u64>(static_cast<const u8*>(step.address) - region.base());
		EXPECT_LT(offset, layout.witness_offset);
	});
	format_region<SteppedMemory>(region.base(), region.geometry());
}

} // namespace shmnet::test
