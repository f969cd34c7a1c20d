// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A tape among nodes that keep the rules, one step after the other. */
#include "support/casts.hh"
#include "support/random.hh"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <deque>

namespace shmnet::test {

namespace {

constexpr u32 SLOTS = 64;

/* Nodes 0..2 cast, node 3 listens; the tape is short, so that it goes around soon. */
class Tape : public testing::Test {
protected:
	Tape() : region(small_request(4, 9000))
	{
		region.shrink_tapes(SLOTS);
		for (u32 node = 0; node < 3; node++)
			casters.emplace_back(region.layout(), node);
	}

	shmnet_tape* words() { return region.layout().tape(0, 0); }

	/* As if so many casts had been on the tape: all of them are of the past. */
	void start_at(u64 sequence)
	{
		for (u64 past = sequence - SLOTS; past != sequence; past++)
			words()->slots[past % SLOTS] = pack_slot(past & TAPE_SEQUENCE_MASK, 0, 0);
		words()->head = sequence;
	}

	Region region;
	std::deque<Caster<>> casters;
};

} // namespace

TEST_F(Tape, BringsACastToEachListener)
{
	Listener<> first(region.layout(), 3);
	Listener<> second(region.layout(), 2);
	EXPECT_FALSE(first.waiting());
	EXPECT_EQ(first.listen(), SHMNET_RECEIVE_EMPTY);
	ASSERT_TRUE(casters[0].cast(60));
	for (Listener<>* listener : {&first, &second}) {
		EXPECT_TRUE(listener->waiting());
		ASSERT_EQ(listener->listen(), SHMNET_RECEIVE_FRAME);
		EXPECT_EQ(listener->last(), (CastId{0, 1}));
		EXPECT_EQ(listener->listen(), SHMNET_RECEIVE_EMPTY);
		EXPECT_FALSE(listener->waiting());
		EXPECT_EQ(listener->missed(), 0u);
	}
}

TEST_F(Tape, BringsEveryLengthUpToTheLargest)
{
	Listener<> listener(region.layout(), 3);
	for (u32 len = CAST_MIN; len <= region.layout().network[0].frame_max; len++) {
		ASSERT_TRUE(casters[len % 3].cast(len));
		ASSERT_EQ(listener.listen(), SHMNET_RECEIVE_FRAME) << len;
	}
	EXPECT_EQ(listener.missed(), 0u);
}

TEST_F(Tape, DoesNotBringANodeItsOwnCasts)
{
	Listener<> listener(region.layout(), 1);
	for (u32 i = 0; i < 10; i++)
		casters[1].cast(60);
	EXPECT_EQ(listener.listen(), SHMNET_RECEIVE_EMPTY);
	casters[0].cast(60);
	casters[1].cast(60);
	EXPECT_EQ(listener.drain(), (std::vector<CastId>{{0, 1}}));
}

/* A node that casts without a pause does not keep its own reader busy for ever. */
TEST_F(Tape, PassesOverALapOfOwnCastsAtMostAtOnce)
{
	Listener<> listener(region.layout(), 1);
	for (u32 i = 0; i < SLOTS; i++)
		casters[1].cast(60);
	EXPECT_EQ(listener.listen(), SHMNET_RECEIVE_MISSED);
	EXPECT_EQ(listener.listen(), SHMNET_RECEIVE_EMPTY);
	EXPECT_EQ(listener.missed(), 0u) << "none of those was for it";
}

TEST_F(Tape, BeginsForAListenerWhereItStarts)
{
	for (u32 i = 0; i < 10; i++)
		casters[0].cast(60);
	Listener<> listener(region.layout(), 3);
	EXPECT_EQ(listener.listen(), SHMNET_RECEIVE_EMPTY);
	casters[0].cast(60);
	casters[0].cast(60);
	listener.reader().start();
	casters[0].cast(60);
	EXPECT_EQ(listener.drain(), (std::vector<CastId>{{0, 13}}));
}

TEST_F(Tape, KeepsTheOrderOfAllWriters)
{
	Listener<> first(region.layout(), 3);
	Listener<> second(region.layout(), 3);
	Random random;
	std::vector<CastId> written;
	std::vector<CastId> heard;
	for (u32 i = 0; i < 20 * SLOTS; i++) {
		Caster<>& caster = casters[random.below(3)];
		ASSERT_TRUE(caster.cast(random.between(CAST_MIN, 1500)));
		written.push_back(caster.last());
		/* Sometimes later, but never so late that it is lapped. */
		if (random.one_in(10) || i % (SLOTS / 2) == 0) {
			std::vector<CastId> some = first.drain();
			heard.insert(heard.end(), some.begin(), some.end());
		}
		second.drain();
	}
	std::vector<CastId> rest = first.drain();
	heard.insert(heard.end(), rest.begin(), rest.end());
	EXPECT_EQ(heard, written);
	EXPECT_EQ(first.missed(), 0u);
}

/* Delivered and missed are all that was written, for every lag. */
TEST_F(Tape, CountsExactlyWhatASlowListenerMissed)
{
	for (u32 lag = 0; lag < 5 * SLOTS; lag++) {
		Listener<> listener(region.layout(), 3);
		u32 first = casters[0].number() + 1;
		for (u32 i = 0; i < lag; i++)
			ASSERT_TRUE(casters[0].cast(60));
		std::vector<CastId> heard = listener.drain();
		ASSERT_EQ(heard.size() + listener.missed(), lag);
		if (lag <= SLOTS)
			ASSERT_EQ(heard.size(), lag);
		else
			ASSERT_GE(heard.size(), SLOTS / 2);
		/* The newest, without a gap. */
		for (size_t i = 0; i < heard.size(); i++)
			ASSERT_EQ(heard[i].number, first + lag - heard.size() + i);
	}
}

/* The arena is shorter than the tape when casts are long: what was overwritten is not read. */
TEST_F(Tape, DoesNotReadWhatItsWriterHasOverwritten)
{
	Region large(small_request(4, SHMNET_MTU_MAX));
	Caster<> caster(large.layout(), 0);
	u32 len = 60000;
	u32 fit = SHMNET_CASTS_SIZE / (len + 64);
	for (u32 casts = 1; casts < 4 * fit; casts++) {
		Listener<> listener(large.layout(), 3);
		u32 first = caster.number() + 1;
		for (u32 i = 0; i < casts; i++)
			ASSERT_TRUE(caster.cast(len));
		std::vector<CastId> heard = listener.drain();
		ASSERT_EQ(heard.size() + listener.missed(), casts);
		ASSERT_GE(heard.size(), std::min(casts, fit - 1));
		ASSERT_LE(heard.size(), fit);
		ASSERT_EQ(heard.back().number, first + casts - 1);
	}
}

/* A writer of long casts takes nothing from the others' arenas. */
TEST_F(Tape, KeepsOneWritersCastsWhateverAnotherWrites)
{
	Region large(small_request(4, SHMNET_MTU_MAX));
	Caster<> small(large.layout(), 0);
	Caster<> big(large.layout(), 1);
	Listener<> listener(large.layout(), 3);
	small.cast(60);
	for (u32 i = 0; i < 100; i++)
		big.cast(65000);
	small.cast(60);
	std::vector<CastId> heard = listener.drain();
	EXPECT_EQ(heard.front(), (CastId{0, 1}));
	EXPECT_EQ(heard.back(), (CastId{0, 2}));
}

TEST_F(Tape, GroupsDoNotMix)
{
	Listener<> broadcast(region.layout(), 3, 0);
	Listener<> group(region.layout(), 3, 1);
	casters[0].cast(60, 0);
	casters[0].cast(60, 1);
	casters[1].cast(60, 1);
	EXPECT_EQ(broadcast.drain(), (std::vector<CastId>{{0, 1}}));
	EXPECT_EQ(group.drain(), (std::vector<CastId>{{0, 2}, {1, 1}}));
}

/* ---- Sequences, positions and incarnations over a long life (B26) ------------------------------- */

TEST_F(Tape, GoesOnWhereTheSequencesOfItsSlotsWrap)
{
	for (u64 start : {(1ULL << 40) - 5, (1ULL << 40) - SLOTS - 1, (5ULL << 40) - 3,
			  (1ULL << 39) - 5, (1ULL << 62) - 500}) {
		start_at(start);
		Listener<> quick(region.layout(), 3);
		Listener<> slow(region.layout(), 3);
		std::vector<CastId> heard;
		for (u32 i = 0; i < 4 * SLOTS; i++) {
			ASSERT_TRUE(casters[i % 3].cast(60));
			ASSERT_EQ(quick.listen(), SHMNET_RECEIVE_FRAME) << start << " + " << i;
			ASSERT_EQ(quick.last(), casters[i % 3].last());
			ASSERT_EQ(quick.listen(), SHMNET_RECEIVE_EMPTY);
			ASSERT_EQ(words()->head, start + i + 1);
		}
		ASSERT_EQ(slow.drain().size() + slow.missed(), 4 * SLOTS);
	}
}

TEST_F(Tape, OfZerosBeginsAtTheFirstSequence)
{
	Listener<> listener(region.layout(), 3);
	casters[0].cast(60);
	EXPECT_EQ(words()->head, 2u);
	EXPECT_EQ(words()->slots[1] >> SHMNET_TAPE_SEQUENCE_SHIFT, 1u);
	EXPECT_EQ(listener.drain().size(), 1u);
}

/* An incarnation that follows one that cast a lot may begin at the same positions. */
TEST_F(Tape, DoesNotTakeAnIncarnationsBytesForThoseOfTheOneBefore)
{
	Region large(small_request(4, SHMNET_MTU_MAX));
	const Layout& layout = large.layout();
	Directory<HardwareMemory> directory(layout);
	CastWriter<HardwareMemory> before(layout, 0, 1);
	HardwareMemory::store_release(&layout.node(0)->incarnation, 1u);
	/* 4 GiB and some, so that its positions are those of the next incarnation. */
	while (HardwareMemory::load_relaxed(&layout.node(0)->casts_reserved) < (2ULL << 32) + 4096)
		before.begin(65000, 0, 0, 0);
	fill_cast(before.begin(1000, 0, 0, 0), 1000, {0, 1});
	TapeReader<HardwareMemory> reader(layout, 0, 0, 3);
	ASSERT_TRUE(before.publish());
	shmnet_cast_view view;
	ASSERT_EQ(reader.next(view), SHMNET_RECEIVE_FRAME);

	/* While the reader copies, the machine is booted again and casts. */
	directory.clear_part(0);
	Caster<> after(layout, 0, 2);
	auto begin = reinterpret_cast<u64>(view.data) - reinterpret_cast<u64>(layout.arena(0));
	while (HardwareMemory::load_relaxed(&layout.node(0)->casts_reserved) % SHMNET_CASTS_SIZE <
	       begin + 500)
		after.cast(200);
	EXPECT_FALSE(identify_cast(static_cast<const u8*>(view.data), 1000));
	EXPECT_FALSE(reader.confirm());
}

/* ---- Beside a model: a list ---------------------------------------------------------------------- */

RC_GTEST_PROP(TapeModel, AgreesWithAList, ())
{
	Region region(small_request(4, 9000));
	region.shrink_tapes(16);
	std::deque<Caster<>> casters;
	std::deque<Listener<>> listeners;
	for (u32 node = 0; node < 3; node++)
		casters.emplace_back(region.layout(), node);
	for (u32 node = 2; node < 4; node++)
		listeners.emplace_back(region.layout(), node);
	std::vector<CastId> list;
	std::vector<size_t> place = {0, 0};

	auto acts = *rc::gen::scale(5.0, rc::gen::container<std::vector<std::pair<u8, u16>>>(
						 rc::gen::arbitrary<std::pair<u8, u16>>()));
	for (auto [what, value] : acts) {
		if (what % 2 == 0) {
			Caster<>& caster = casters[what / 2 % 3];
			RC_ASSERT(caster.cast(CAST_MIN + value % 9000));
			list.push_back(caster.last());
			continue;
		}
		u32 who = what / 2 % 2;
		Listener<>& listener = listeners[who];
		u64 missed_before = listener.missed();
		shmnet_receive outcome = listener.listen();
		size_t& at = place[who];
		/* Its own casts are none to it. */
		auto skip_own = [&] {
			while (at < list.size() && list[at].node == who + 2)
				at++;
		};
		switch (outcome) {
		case SHMNET_RECEIVE_EMPTY:
			skip_own();
			RC_ASSERT(at == list.size());
			break;
		case SHMNET_RECEIVE_FRAME:
			skip_own();
			RC_ASSERT(listener.last() == list.at(at));
			at++;
			break;
		case SHMNET_RECEIVE_MISSED:
			/* Where it missed some it was lapped: nothing is missed without need. */
			at += listener.missed() - missed_before;
			RC_ASSERT(listener.missed() == missed_before || list.size() > 16u);
			RC_ASSERT(at <= list.size());
			if (listener.missed() == missed_before)
				skip_own();
			break;
		default:
			RC_FAIL("no such outcome");
		}
	}
}

} // namespace shmnet::test
