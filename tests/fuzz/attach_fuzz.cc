// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What a node makes of a region's tables: of good ones in which words were changed, or of garbage.
 * If it takes them, all that they lead to lies where it may. And of memory that it is to format.
 */
#include "fuzzed_memory.hh"
#include "support/places.hh"

#include <memory>

using namespace shmnet;
using namespace shmnet::fuzz;

namespace {

constexpr u64 TABLES = 2 * SHMNET_PAGE;

const test::Region& region()
{
	static const test::Region made(test::default_request(2));
	return made;
}

/* The tables as they were formatted. */
const u8* tables()
{
	static const auto kept = [] {
		auto copy = std::make_unique<u8[]>(TABLES);
		memcpy(copy.get(), region().base(), TABLES);
		return copy;
	}();
	return kept.get();
}

/* A word of the superblock, of a row, or of an area that there is. */
u32* any_word(Input& input)
{
	constexpr u32 SUPERBLOCK = sizeof(shmnet_superblock) / sizeof(u32);
	constexpr u32 ROWS = 2 * sizeof(shmnet_network) / sizeof(u32);
	const u32 areas = region().geometry().superblock.areas * sizeof(shmnet_area) / sizeof(u32);
	u32 word = input.value<u16>() % (SUPERBLOCK + ROWS + areas);
	u64 offset = 0;
	if (word >= SUPERBLOCK + ROWS)
		offset = SHMNET_AREAS_OFFSET - (SUPERBLOCK + ROWS) * sizeof(u32);
	else if (word >= SUPERBLOCK)
		offset = SHMNET_NETWORKS_OFFSET - SUPERBLOCK * sizeof(u32);
	return reinterpret_cast<u32*>(region().base() + offset) + word;
}

void change(Input& input)
{
	u32 changes = input.byte() % 16;
	for (u32 i = 0; i < changes; i++) {
		u32* word = any_word(input);
		u8 how = input.byte();
		if (how < 64)
			*word = input.value<u32>();
		else if (how < 160)
			*word += static_cast<u32>(how) - 112;
		else
			*word = 1u << how % 32;
	}
}

void attach(u64 memory)
{
	static const auto scratch = std::make_unique<Geometry>();
	static const auto layout = std::make_unique<Layout>();
	AttachError error = read_layout<FuzzedMemory>(region().base(), memory, *scratch, *layout);
	SHMNET_MUST(describe(error) != nullptr);
	if (error == AttachError::None)
		SHMNET_MUST(test::PlaceCheck(*layout, memory).run().empty());
}

/* What is there already stays, unless it is the beginning of the same. */
void format()
{
	bool ours = memcmp(region().base(), tables(), SHMNET_PAGE) == 0;
	FormatResult result = format_region<FuzzedMemory>(region().base(), region().geometry());
	if (result != FormatResult::Formatted)
		SHMNET_MUST(!ours || FuzzedMemory::lies > 0);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size)
{
	Input input(data, size);
	begin(input, region().memory());
	u8 what = input.byte();
	if (what & 1)
		memcpy(region().base(), tables(), TABLES);
	else
		memset(region().base(), 0, TABLES);
	change(input);
	if (what & 2)
		format();
	attach(what & 4 ? region().size() : input.value<u32>() % region().size());
	return 0;
}
