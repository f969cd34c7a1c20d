// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The decoder of regions: what the core wrote it must find, and garbage must not harm it.
#include "layout.hh"
#include "shmnetctl/region_render.hh"
#include "shmnetctl/region_view.hh"
#include "support/program.hh"
#include "support/temporary.hh"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/mman.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <random>

using namespace shmnet;
using namespace shmnet::ctl;
using namespace shmnet::test;

namespace {

constexpr ViewOptions ALL = {.rings = true, .tapes = true};
constexpr RenderOptions RENDER_ALL = {.areas = true, .rings = true, .tapes = true};

/* Formatted by the core. */
class FormattedMemory {
public:
	explicit FormattedMemory(u32 nodes, u32 queues = 1)
	{
		GeometryRequest request = {.region_size = 0,
					   .nodes = nodes,
					   .region_id = 0x3f29a1,
					   .networks = 2,
					   .network = {DEFAULT_LOCAL, DEFAULT_GLOBAL}};
		request.network[1].queues = queues;
		auto geometry = std::make_unique<Geometry>();
		EXPECT_EQ(compute_geometry(request, *geometry).error, GeometryError::None);
		size_ = geometry->superblock.region_size;
		void* memory = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		EXPECT_NE(memory, MAP_FAILED);
		base_ = static_cast<u8*>(memory);
		EXPECT_EQ(format_region<HardwareMemory>(base_, *geometry), FormatResult::Formatted);
		EXPECT_EQ(read_layout<HardwareMemory>(base_, size_, *geometry, layout_),
			  AttachError::None);
	}
	FormattedMemory(const FormattedMemory&) = delete;
	FormattedMemory& operator=(const FormattedMemory&) = delete;
	~FormattedMemory() { ::munmap(base_, size_); }

	u8* base() const { return base_; }
	u64 size() const { return size_; }
	const Layout& layout() const { return layout_; }
	RegionView view() const { return view_region(MemorySource(base_, size_), ALL); }

private:
	u8* base_;
	u64 size_;
	Layout layout_;
};

const RingView* find_ring(const RegionView& view, const RingId& id)
{
	for (const RingView& ring : view.rings)
		if (ring.network == id.network && ring.from == id.source &&
		    ring.to == id.destination && ring.queue == id.queue)
			return &ring;
	return nullptr;
}

} // namespace

TEST(RegionShow, AnEmptyRegionIsWhatItsGeometrySays)
{
	FormattedMemory memory(4);
	RegionView view = memory.view();
	EXPECT_TRUE(view.problems.empty());
	ASSERT_EQ(view.networks.size(), 2u);
	EXPECT_EQ(view.networks[0].mtu, 65535u);
	EXPECT_EQ(view.networks[1].buffer_size, 2048u);
	ASSERT_EQ(view.slots.size(), 4u);
	for (const SlotView& slot : view.slots)
		EXPECT_EQ(slot.state, SlotState::Unused);
	EXPECT_EQ(view.rings.size(), 2u * 4 * 3);
	for (const RingView& ring : view.rings)
		EXPECT_TRUE(ring.idle);
	EXPECT_EQ(view.tapes.size(), 2u * 17);
	EXPECT_EQ(mac_address(view, 1, 0x102), "0a:3f:29:a1:01:02");
}

TEST(RegionShow, SlotsShowClaimEntryAndWitness)
{
	FormattedMemory memory(6);
	const Layout& layout = memory.layout();
	for (u32 slot = 1; slot <= 4; slot++) {
		layout.claim(slot)->word = u64{slot + 10} << 32 | 0xabcdef0 | SHMNET_CLAIM_CLAIMED;
		layout.node(slot)->incarnation = slot + 10;
	}
	layout.claim(2)->word &= ~SHMNET_CLAIM_CLAIMED;
	layout.node(3)->incarnation = 12;
	layout.witness(4)->word = u64{14} << 32 | SHMNET_WITNESS_DEAD;
	layout.witness(1)->word = u64{10} << 32 | SHMNET_WITNESS_DEAD; /* of an earlier one */
	shmnet_node* node = layout.node(1);
	node->peer = 7;
	node->vectors = 4;
	node->device = 0x0001 << 16 | 0x02 << 8 | 0x03 << 3 | 5;
	node->heartbeat = 99;
	strcpy(node->name, "alpha \x1b[31m\xff");
	for (u8 i = 0; i < 16; i++)
		node->machine[i] = i;
	node->networks[1].state = SHMNET_STATE_UP;
	node->networks[1].mtu = 1400;
	node->networks[1].capabilities =
		SHMNET_CAP_CSUM | SHMNET_CAP_USO | 17ULL << 16 | 65557ULL << 32;

	RegionView view = memory.view();
	EXPECT_TRUE(view.problems.empty());
	EXPECT_EQ(view.slots[0].state, SlotState::Unused);
	EXPECT_EQ(view.slots[1].state, SlotState::Claimed);
	EXPECT_EQ(view.slots[2].state, SlotState::Left);
	EXPECT_EQ(view.slots[3].state, SlotState::Starting);
	EXPECT_EQ(view.slots[4].state, SlotState::Dead);
	EXPECT_EQ(view.slots[1].incarnation, 11u);
	EXPECT_EQ(view.slots[1].tag, 0xabcdef0u);

	std::string text = render_text(view, "x", {});
	EXPECT_NE(text.find("claimed   11           7     4        99         dead:10"),
		  std::string::npos)
		<< text;
	EXPECT_NE(text.find("0001:02:03.5  00010203-0405-0607-0809-0a0b0c0d0e0f  alpha??[31m?"),
		  std::string::npos)
		<< text;
	EXPECT_NE(text.find("1     1        up     1400  0a:3f:29:a1:00:01"), std::string::npos)
		<< text;
	EXPECT_NE(text.find("csum,uso,pieces=17,gso_max=65557"), std::string::npos);
	auto json = nlohmann::json::parse(render_json(view, "x", {}));
	EXPECT_EQ(json["slots"][1]["entry"]["peer"], 7);
	EXPECT_EQ(json["slots"][4]["state"], "dead");
	EXPECT_EQ(json["slots"][1]["networks"][1]["mac"], "0a:3f:29:a1:00:01");
}

TEST(RegionShow, EveryRingIsFoundWhereTheCoreHasIt)
{
	constexpr u32 NODES = 5;
	constexpr u32 QUEUES = 3;
	FormattedMemory memory(NODES, QUEUES);
	u32 mark = 100;
	std::vector<std::pair<RingId, u32>> marks;
	for (u32 network = 0; network < 2; network++)
		for (u32 from = 0; from < NODES; from++)
			for (u32 to = 0; to < NODES; to++)
				for (u32 queue = 0; from != to && queue < (network ? QUEUES : 1);
				     queue++) {
					RingId id = {network, from, to, queue};
					RingPlaces places = ring_places(memory.layout(), id);
					places.producer->produced = u64{9} << 32 | (mark + 5);
					places.producer->doorbell = SHMNET_DOORBELL(mark, 1);
					places.consumer->consumed = u64{9} << 32 | mark;
					places.consumer->open = u64{9} << 32 | 3;
					places.consumer->event = mark;
					marks.emplace_back(id, mark++);
				}
	RegionView view = memory.view();
	EXPECT_TRUE(view.problems.empty());
	EXPECT_EQ(view.rings.size(), marks.size());
	for (const auto& [id, value] : marks) {
		const RingView* ring = find_ring(view, id);
		ASSERT_TRUE(ring);
		EXPECT_EQ(ring->consumed.index, value);
		EXPECT_EQ(ring->produced.index, value + 5);
		EXPECT_EQ(ring->outstanding, 5u);
		EXPECT_EQ(ring->event, value);
		EXPECT_EQ(ring->sender_doorbell, SHMNET_DOORBELL(value, 1));
		EXPECT_EQ(ring->state, RingState::Open);
		EXPECT_EQ(ring->open_incarnation, 3u);
	}
}

TEST(RegionShow, StatesOfARing)
{
	FormattedMemory memory(2);
	RingId id = {0, 0, 1, 0};
	RingPlaces places = ring_places(memory.layout(), id);
	auto state = [&] { return find_ring(memory.view(), id)->state; };
	EXPECT_EQ(state(), RingState::Closed);
	places.consumer->open = u64{0x10001} << 32 | 1;
	EXPECT_EQ(state(), RingState::Opening);
	places.producer->produced = u64{0x10001} << 32 | 0xffffff00;
	EXPECT_EQ(state(), RingState::Open);
	places.producer->refused = 0x10001;
	EXPECT_EQ(state(), RingState::Refused);
	/* The index runs across the wrap. */
	places.consumer->consumed = u64{0x10001} << 32 | 0xffffff00;
	places.producer->produced = u64{0x10001} << 32 | 5;
	EXPECT_EQ(find_ring(memory.view(), id)->outstanding, 0x105u);
}

TEST(RegionShow, TapesShowHeadLabelAndLastCasts)
{
	FormattedMemory memory(3);
	const Layout& layout = memory.layout();
	shmnet_tape* tape = layout.tape(1, 4);
	u64 wrap = 1ULL << 40; /* sequences are 64 bits, and 40 in a slot */
	tape->head = wrap + 2;
	tape->label = 0x01005e0000fbULL << 16 | 3 << 8 | 2;
	for (u64 sequence : {wrap - 1, wrap, wrap + 1}) {
		u64 place = 10 + sequence % 8;
		tape->slots[sequence % 1024] = sequence << 24 | 2 << 16 | place;
		auto* cast = reinterpret_cast<shmnet_cast*>(layout.arena(2) + place * 64);
		*cast = {sequence, 640, 1 << 16 | 4, 6, 60, 0};
	}
	reinterpret_cast<shmnet_cast*>(layout.arena(2) + (10 + wrap % 8) * 64)->sequence = 1;

	RegionView view = memory.view();
	const TapeView& seen = view.tapes[17 + 4];
	EXPECT_EQ(seen.head, wrap + 2);
	EXPECT_EQ(group_address(seen.group), "01:00:5e:00:00:fb");
	EXPECT_EQ(seen.epoch, 3u);
	EXPECT_EQ(seen.owner, 1u);
	ASSERT_EQ(seen.last.size(), 3u);
	EXPECT_TRUE(seen.last[0].found);
	EXPECT_FALSE(seen.last[1].found);
	EXPECT_TRUE(seen.last[2].found);
	EXPECT_EQ(seen.last[2].writer, 2u);
	EXPECT_EQ(seen.last[2].len, 60u);
	EXPECT_EQ(seen.last[2].incarnation, 6u);
}

namespace {

/* Values that bounds checks get wrong. */
u64 bad_value(std::mt19937_64& random)
{
	static constexpr u64 VALUES[] = {0,          1,          2,          63,         64,
					 65,         0x7fffffff, 0x80000000, 0xffffffff, 1ULL << 32,
					 1ULL << 62, 1ULL << 63, ~0ULL,      ~0ULL - 63, 4096,
					 0x200000,   0x400000};
	return random() % 2 ? VALUES[random() % std::size(VALUES)] : random();
}

void expect_sane(const MemorySource& source, bool json_too = true)
{
	RegionView view = view_region(source, ALL);
	std::string text = render_text(view, "fuzz", RENDER_ALL);
	EXPECT_FALSE(text.empty());
	if (json_too) {
		/* Throws if a string is no UTF-8. */
		auto json = nlohmann::json::parse(render_json(view, "fuzz", RENDER_ALL));
		EXPECT_EQ(json["problems"].size(), view.problems.size());
	}
	EXPECT_LE(view.slots.size(), 64u);
	EXPECT_LE(view.problems.size(), 60u);
	if (!view.geometry_usable) {
		EXPECT_FALSE(view.problems.empty());
	}
}

} // namespace

TEST(RegionShow, TenThousandDamagedRegionsAreDecodedWithoutHarm)
{
	FormattedMemory memory(2);
	MemorySource source(memory.base(), memory.size());
	const u64 part = memory.layout().parts_offset;
	/* Where words count: tables, claims, the heads of tapes, the heads of both parts. */
	const std::pair<u64, u64> places[] = {{0, 128},
					      {1024, 128},
					      {2048, 16 * 32},
					      {memory.layout().claims_offset, 128},
					      {memory.layout().network[0].tape_offset, 0x3000},
					      {part, 0xb000},
					      {part + memory.layout().part_size, 0xb000}};
	std::mt19937_64 random(1);
	unsigned unusable = 0;
	for (int variant = 0; variant < 10000; variant++) {
		std::vector<std::pair<u64*, u64>> undo;
		for (u64 flips = 1 + random() % 4; flips > 0; flips--) {
			/* Two in three hit the tables. */
			const auto& [offset, size] =
				places[random() % 3 ? random() % 3 : random() % 7];
			u64 at = offset + random() % (size / 8) * 8;
			auto* word = reinterpret_cast<u64*>(memory.base() + at);
			undo.emplace_back(word, *word);
			u64 half = random() % 3;
			u64 value = bad_value(random);
			if (half == 0)
				*word = value;
			else if (half == 1)
				*word = (*word & 0xffffffff) | value << 32;
			else
				*word = (*word & ~0xffffffffULL) | (value & 0xffffffff);
		}
		ASSERT_NO_FATAL_FAILURE(expect_sane(source, variant % 8 == 0))
			<< "variant " << variant;
		unusable += !view_region(source, {}).geometry_usable;
		while (!undo.empty()) {
			*undo.back().first = undo.back().second;
			undo.pop_back();
		}
	}
	EXPECT_TRUE(memory.view().problems.empty());
	EXPECT_GT(unusable, 1000u);
	EXPECT_LT(unusable, 9000u);
}

TEST(RegionShow, RandomBytesAndTruncatedRegionsAreNoRegions)
{
	std::mt19937_64 random(2);
	for (int variant = 0; variant < 500; variant++) {
		std::vector<u64> words(random() % 4096);
		for (u64& word : words)
			word = bad_value(random);
		if (!words.empty() && variant % 2) {
			words[0] = SHMNET_MAGIC;
			if (words.size() > 1)
				words[1] = random() % 70 << 32 | SHMNET_VERSION;
		}
		expect_sane(MemorySource(words.data(), words.size() * sizeof(u64)));
	}
	FormattedMemory memory(2);
	for (u64 size = 0; size < memory.size(); size = size * 3 / 2 + 1) {
		RegionView view = view_region(MemorySource(memory.base(), size), ALL);
		EXPECT_FALSE(view.geometry_usable) << size;
		EXPECT_FALSE(view.problems.empty());
	}
}

class RegionShowProgram : public testing::Test {
protected:
	Finished show(const std::string& name, std::vector<std::string> more = {})
	{
		std::vector<std::string> command = {program_path("shmnetctl"), "region", "show",
						    name};
		command.insert(command.end(), more.begin(), more.end());
		return run(command, directory_.path());
	}

	TemporaryDirectory directory_;
	std::string file_ = directory_ / "region";
};

TEST_F(RegionShowProgram, AGoodRegionEndsWith0)
{
	ASSERT_EQ(run({program_path("shmnet-hub"), "--create", file_, "--nodes", "2"},
		      directory_.path())
			  .status,
		  0);
	Finished text = show(file_, {"--rings", "--tapes", "--areas"});
	EXPECT_EQ(text.status, 0) << text.output;
	EXPECT_NE(text.output.find("8 MiB, 2 nodes, 2 networks"), std::string::npos);
	Finished json = show(file_, {"--json", "--rings"});
	EXPECT_EQ(json.status, 0);
	EXPECT_EQ(nlohmann::json::parse(json.output)["rings"].size(), 4u);
}

TEST_F(RegionShowProgram, WhatIsNoRegionEndsWith1AndNonsenseWith2)
{
	for (std::string content : {"", "x", "some text", "\0"}) {
		write_text(file_, content + std::string(content == "x" ? 100000 : 0, 'x'));
		Finished finished = show(file_);
		EXPECT_EQ(finished.status, 1) << finished.output;
		EXPECT_NE(finished.output.find("problem: "), std::string::npos);
		EXPECT_EQ(show(file_, {"--json"}).status, 1);
	}
	EXPECT_EQ(show(directory_ / "missing").status, 1);
	EXPECT_EQ(show(directory_.path()).status, 1);
	EXPECT_EQ(show("/dev/zero").status, 1);
	EXPECT_EQ(show("ffff:00:1f.7").status, 1);
	EXPECT_EQ(show(file_, {"--nonsense"}).status, 2);
	EXPECT_EQ(run({program_path("shmnetctl")}, directory_.path()).status, 2);
}

TEST_F(RegionShowProgram, LookingDoesNotFillASparseFile)
{
	ASSERT_EQ(run({program_path("shmnet-hub"), "--create", file_, "--nodes", "64"},
		      directory_.path())
			  .status,
		  0);
	auto blocks = [&] {
		struct stat status;
		return ::stat(file_.c_str(), &status) == 0 ? status.st_blocks : -1;
	};
	auto before = blocks();
	EXPECT_EQ(show(file_, {"--rings", "--tapes"}).status, 0);
	EXPECT_EQ(blocks(), before);
	EXPECT_LT(before, 64);
}
