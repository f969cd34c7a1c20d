// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Tapes that a peer has written over (B2, B5, B19, B26): every lie in head, slots, headers and
 * reserves, alone and together. Readers and writers come to an end in few steps, nothing is read
 * outside of an arena (Listener checks), and soon after, whether the lie stands or was put right,
 * good casts arrive again, each of them, once.
 */
#include "support/casts.hh"
#include "support/random.hh"

#include <gtest/gtest.h>

#include <deque>
#include <functional>

namespace shmnet::test {

namespace {

constexpr u32 SLOTS = 128;
constexpr u32 LISTENING_NODE = 3;
constexpr u64 TOP_BIT = 1ULL << 63;

class TapeLies : public testing::Test {
protected:
	TapeLies() : region(small_request(4))
	{
		region.shrink_tapes(SLOTS);
		tape = region.layout().tape(0, 0);
		for (u32 node = 0; node < 3; node++)
			casters.emplace_back(region.layout(), node);
	}

	/* A tape with so many casts on it, all heard by one listener and missed by another. */
	void begin(u64 casts)
	{
		memset(static_cast<void*>(tape), 0, sizeof(*tape) + SLOTS * sizeof(u64));
		listener.emplace(region.layout(), LISTENING_NODE);
		sleeper.emplace(region.layout(), LISTENING_NODE);
		listener->expect_garbage();
		sleeper->expect_garbage();
		for (u64 i = 0; i < casts; i++) {
			ASSERT_TRUE(casters[i % 3].cast(60));
			listener->listen();
		}
	}

	/*
	 * After so many lies: looks come to an end, and what is cast is heard again, by those who were
	 * there and by one who comes now. Each lie may cost casts once, when they come to it.
	 */
	void recovers(u32 lies = 1)
	{
		ends(*listener);
		ends(*sleeper);
		Listener<> newcomer(region.layout(), LISTENING_NODE);
		newcomer.expect_garbage();
		u32 deaf[3] = {};
		for (u32 round = 0; round < lies + 5; round++) {
			std::vector<CastId> written;
			for (Caster<>& caster : casters) {
				ASSERT_TRUE(caster.cast(60)) << "a writer gives up";
				written.push_back(caster.last());
			}
			u32 i = 0;
			for (Listener<>* each : {&*listener, &*sleeper, &newcomer})
				deaf[i++] += ends(*each) != written;
		}
		for (u32 rounds : deaf)
			ASSERT_LE(rounds, lies);
	}

	u64 slot_of(u64 sequence) const { return tape->slots[sequence % SLOTS]; }

	void set_slot(u64 sequence, u64 word)
	{
		HardwareMemory::store_release(&tape->slots[sequence % SLOTS], word);
	}

	void set_head(u64 head) { HardwareMemory::store_release(&tape->head, head); }

	Region region;
	shmnet_tape* tape;
	std::deque<Caster<>> casters;
	std::optional<Listener<>> listener;
	std::optional<Listener<>> sleeper;

private:
	static constexpr u64 LOOKS = 4 * SLOTS;

	static std::vector<CastId> ends(Listener<>& listener)
	{
		std::vector<CastId> heard = listener.drain(LOOKS);
		/* Else an interface would poll for ever. */
		EXPECT_FALSE(listener.waiting());
		return heard;
	}
};

/* How many casts there were before: none, a few, a lap, many laps. */
constexpr u64 HISTORIES[] = {0, 1, 5, SLOTS - 1, SLOTS, SLOTS + 1, 5 * SLOTS + 7};

std::vector<u64> lying_heads(u64 head)
{
	std::vector<u64> heads = {0, 1, 2, ~0ULL, ~0ULL - 1, ~0ULL - SLOTS, 1ULL << 62};
	for (u64 by : {u64{1}, u64{2}, u64{63}, u64{64}, u64{65}, u64{SLOTS} - 1, u64{SLOTS},
		       u64{SLOTS} + 1, u64{2} * SLOTS, u64{100000}}) {
		heads.push_back(head + by);
		heads.push_back(head - by);
	}
	for (u32 shift = 16; shift < 64; shift++)
		for (u64 by : {u64{0}, u64{1}, ~u64{0}}) {
			heads.push_back((1ULL << shift) + by);
			heads.push_back(head + (1ULL << shift) + by);
			heads.push_back(head - (1ULL << shift) + by);
		}
	return heads;
}

std::vector<u64> lying_slots(u64 sequence)
{
	std::vector<u64> words = {0, ~0ULL, TOP_BIT};
	for (u64 by :
	     {u64{0}, u64{1}, u64{2}, u64{SLOTS} - 1, u64{SLOTS}, u64{SLOTS} + 1, u64{3} * SLOTS,
	      u64{1} << 20, (u64{1} << 30) + 5, u64{1} << 38, (u64{1} << 39) - SLOTS,
	      (u64{1} << 39) - 1, u64{1} << 39, (u64{1} << 39) + 1})
		for (u64 lie : {sequence + by, sequence - by}) {
			words.push_back(pack_slot(lie & TAPE_SEQUENCE_MASK, 1, 0));
			words.push_back(pack_slot(lie & TAPE_SEQUENCE_MASK, LISTENING_NODE, 0));
		}
	for (u32 writer : {0u, 3u, 4u, 63u, 64u, 255u})
		for (u32 place : {0u, 1u, 16383u, 16384u, 65535u})
			words.push_back(pack_slot(sequence & TAPE_SEQUENCE_MASK, writer, place));
	return words;
}

} // namespace

TEST_F(TapeLies, InHeadAreSurvived)
{
	for (u64 history : HISTORIES)
		for (u64 lie : lying_heads(history + 1)) {
			SCOPED_TRACE(testing::Message() << history << " casts, head " << lie);
			begin(history);
			set_head(lie);
			recovers();
			if (HasFailure())
				return;
		}
}

/* The lie was seen by readers and, or not, by writers; then head is as it was. */
TEST_F(TapeLies, InHeadThatAreTakenBackAreSurvived)
{
	for (u64 history : HISTORIES)
		for (u64 lie : lying_heads(history + 1))
			for (bool written : {false, true}) {
				SCOPED_TRACE(testing::Message() << history << " casts, head " << lie
								<< (written ? ", written" : ""));
				begin(history);
				set_head(lie);
				listener->drain();
				if (written)
					casters[0].cast(60);
				listener->drain();
				set_head(history + 1);
				recovers();
				if (HasFailure())
					return;
			}
}

/* Of the slots before head, at it and behind it. */
TEST_F(TapeLies, InASlotAreSurvived)
{
	for (u64 history : HISTORIES)
		for (u64 at = history + 1 - 3; at != history + 1 + 4; at++)
			for (u64 lie : lying_slots(at)) {
				SCOPED_TRACE(testing::Message() << history << " casts, slot " << at
								<< ": " << std::hex << lie);
				begin(history);
				set_slot(at, lie);
				recovers();
				if (HasFailure())
					return;
			}
}

TEST_F(TapeLies, InAllSlotsAreSurvived)
{
	using Lie = std::function<u64(u64 sequence)>;
	const u64 mask = TAPE_SEQUENCE_MASK;
	const Lie lies[] = {
		[](u64) { return u64{0}; },
		[](u64) { return ~u64{0}; },
		[&](u64 s) { return pack_slot(s & mask, 1, 0); },
		[&](u64 s) { return pack_slot((s + SLOTS) & mask, 1, 0); },
		[&](u64 s) { return pack_slot((s - 1) & mask, 1, 0); },
		[&](u64 s) { return pack_slot((s + 1) & mask, 1, 0); },
		/* Each ahead of the one before, around the whole circle of sequences. */
		[&](u64 s) { return pack_slot((s + s * (1ULL << 38)) & mask, 1, 0); },
		[&](u64 s) { return pack_slot((s + s * ((1ULL << 39) - SLOTS)) & mask, 1, 0); },
		[&](u64 s) { return pack_slot((s + s % 3 * (1ULL << 38)) & mask, 1, 0); },
		[&](u64 s) { return pack_slot((s * ((1ULL << 39) - 1)) & mask, 1, 0); },
		/* All of the listener's own. */
		[&](u64 s) { return pack_slot(s & mask, LISTENING_NODE, 0); },
		[&](u64 s) { return pack_slot((s + (1ULL << 38)) & mask, LISTENING_NODE, 0); },
	};
	for (u64 history : HISTORIES)
		for (size_t lie = 0; lie < std::size(lies); lie++) {
			SCOPED_TRACE(testing::Message() << history << " casts, lie " << lie);
			begin(history);
			for (u64 s = history + 1; s < history + 1 + SLOTS; s++)
				set_slot(s, lies[lie](s));
			recovers();
			if (HasFailure())
				return;
		}
}

TEST_F(TapeLies, AtRandomInHeadAndSlotsAreSurvived)
{
	Random random;
	for (u32 round = 0; round < 5000; round++) {
		u64 history = random.of(HISTORIES);
		SCOPED_TRACE(testing::Message()
			     << "round " << round << ", " << history << " casts");
		begin(history);
		std::vector<u64> heads = lying_heads(history + 1);
		u32 lies = random.between(1, 10);
		for (u32 i = 0; i < lies; i++) {
			u64 at = history + random.below(2 * SLOTS) - SLOTS;
			std::vector<u64> slots = lying_slots(at);
			switch (random.below(4)) {
			case 0:
				set_head(random.one_in(2) ? heads[random.below(
								    static_cast<u32>(heads.size()))]
							  : random.next());
				break;
			case 1:
				set_slot(at, slots[random.below(static_cast<u32>(slots.size()))]);
				break;
			case 2:
				set_slot(at, random.next());
				break;
			default:
				if (random.one_in(2))
					casters[random.below(3)].cast(60);
				else
					listener->drain(4 * SLOTS);
			}
		}
		recovers(lies);
		if (HasFailure())
			return;
	}
}

/* ---- In the writers' parts: headers, reserves ---------------------------------------------------- */

TEST_F(TapeLies, InAHeaderCostThatCastAtMost)
{
	const u64 values[] = {0,
			      1,
			      ~0ULL,
			      TOP_BIT,
			      0xffffffff,
			      1ULL << 32,
			      13ULL << 32,
			      14ULL,
			      1522,
			      1523,
			      SHMNET_CASTS_SIZE,
			      SHMNET_CASTS_SIZE - 32,
			      1ULL << 31,
			      (1ULL << 31) - 1,
			      0x5a5a5a5a5a5a5a5a};
	for (u32 word = 0; word < sizeof(shmnet_cast) / sizeof(u64); word++)
		for (u64 value : values)
			for (bool add : {false, true}) {
				SCOPED_TRACE(testing::Message()
					     << "word " << word << ", " << value);
				begin(7);
				ASSERT_TRUE(casters[0].cast(60));
				u64 place = tape->slots[8] & SHMNET_TAPE_PLACE_MASK;
				auto* header = reinterpret_cast<u64*>(region.layout().arena(0) +
								      place * SHMNET_LINE);
				header[word] = add ? header[word] + value : value;
				recovers();
				if (HasFailure())
					return;
			}
}

/* A length that leads to the arena's end, at each place near it. */
TEST_F(TapeLies, InAHeaderAtTheArenasEndDoNotLeadOut)
{
	const Layout& layout = region.layout();
	for (u32 line = 0; line < 40; line++)
		for (u32 len : {14u, 31u, 32u, 33u, 60u, 500u, 1522u, 1523u, ~0u}) {
			begin(5);
			u32 place = SHMNET_CASTS_SIZE / SHMNET_LINE - 1 - line;
			shmnet_cast cast = {};
			cast.sequence = 6;
			cast.position = (7ULL << 32) + place * SHMNET_LINE;
			cast.incarnation = 1;
			cast.len = len;
			memcpy(layout.arena(1) + place * SHMNET_LINE, &cast, sizeof(cast));
			HardwareMemory::store_relaxed(&layout.node(1)->casts_reserved,
						      cast.position + SHMNET_LINE);
			set_slot(6, pack_slot(6, 1, place));
			set_head(7);
			shmnet_cast_view view;
			shmnet_receive outcome = listener->reader().next(view);
			bool fits =
				len <= 1522 && place * SHMNET_LINE + 32 + len <= SHMNET_CASTS_SIZE;
			ASSERT_EQ(outcome, fits ? SHMNET_RECEIVE_FRAME : SHMNET_RECEIVE_MISSED);
			if (fits) {
				auto* at = static_cast<const u8*>(view.data);
				ASSERT_GE(at, layout.arena(1));
				ASSERT_LE(at + view.len, layout.arena(1) + SHMNET_CASTS_SIZE);
				ASSERT_TRUE(listener->reader().confirm());
			}
			/* Its writer did not write that; it goes on in its own place. */
			casters.clear();
			for (u32 node = 0; node < 3; node++)
				casters.emplace_back(layout, node, 2);
			recovers();
			casters.clear();
			for (u32 node = 0; node < 3; node++)
				casters.emplace_back(layout, node, 1);
		}
}

TEST_F(TapeLies, InAReserveCostCastsOfThatWriterUntilItsNext)
{
	for (u32 node = 0; node < 3; node++) {
		u64* reserved = &region.layout().node(node)->casts_reserved;
		for (u64 lie : {u64{0}, ~u64{0}, *reserved + 1, *reserved - 1, *reserved + TOP_BIT,
				*reserved + SHMNET_CASTS_SIZE, *reserved - SHMNET_CASTS_SIZE}) {
			begin(20);
			HardwareMemory::store_relaxed(reserved, lie);
			recovers();
			if (HasFailure())
				return;
		}
	}
}

TEST_F(TapeLies, InEverythingAtRandomAreSurvived)
{
	Random random;
	const Layout& layout = region.layout();
	for (u32 round = 0; round < 1000; round++) {
		SCOPED_TRACE(round);
		begin(random.below(3 * SLOTS));
		auto scribble = [&](void* at, size_t bytes) {
			for (size_t i = 0; i < bytes / sizeof(u64); i++)
				if (random.one_in(4))
					static_cast<u64*>(at)[i] = random.next();
		};
		scribble(static_cast<void*>(tape), sizeof(*tape) + SLOTS * sizeof(u64));
		for (u32 node = 0; node < 3; node++) {
			scribble(&layout.node(node)->casts_reserved, sizeof(u64));
			scribble(layout.arena(node), 64 << 10);
		}
		recovers(SLOTS / 4);
		if (HasFailure())
			return;
	}
}

} // namespace shmnet::test
