// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Tapes with somebody standing still at every single step: writers that stop for good or are
 * overtaken and go on (B16), readers whose casts are overwritten under their hands (B25).
 */
#include "support/casts.hh"
#include "support/stepped_memory.hh"

#include <gtest/gtest.h>

#include <algorithm>

namespace shmnet::test {

namespace {

constexpr u32 SLOTS = 16;

class TapeSteps : public testing::Test {
protected:
	/* A fresh tape for each step that is tried. */
	struct Scene {
		Scene() : region(small_request(5, 9000))
		{
			region.shrink_tapes(SLOTS);
			for (u32 node = 0; node < 3; node++)
				others.emplace_back(region.layout(), node + 1);
			/* Not at the very beginning: slots have something older in them. */
			for (u32 i = 0; i < 2 * SLOTS; i++)
				others[i % 3].cast(60);
		}

		Region region;
		std::vector<Caster<>> others;
	};

	static u64 steps_of_a_cast()
	{
		Scene scene;
		Caster<SteppedMemory> caster(scene.region.layout(), 0);
		return count_steps([&] { caster.cast(200); });
	}

	static u64 steps_of_listening()
	{
		Scene scene;
		Listener<SteppedMemory> listener(scene.region.layout(), 4);
		scene.others[0].cast(200);
		return count_steps([&] { listener.listen(); });
	}
};

bool contains(const std::vector<CastId>& casts, const CastId& id)
{
	return std::count(casts.begin(), casts.end(), id) == 1;
}

} // namespace

TEST_F(TapeSteps, AWriterThatStopsAnywhereHarmsNobody)
{
	u64 steps = steps_of_a_cast();
	ASSERT_GT(steps, 10u);
	for (u64 stop = 1; stop <= steps; stop++) {
		SCOPED_TRACE(stop);
		Scene scene;
		Listener<> listener(scene.region.layout(), 4);
		Caster<SteppedMemory> caster(scene.region.layout(), 0);
		ASSERT_TRUE(stop_at(stop, [&] { caster.cast(200); }));
		/* The next ones go on at once, and everybody hears them. */
		for (u32 i = 0; i < 3; i++)
			ASSERT_TRUE(scene.others[i].cast(100));
		std::vector<CastId> heard = listener.drain();
		for (u32 i = 0; i < 3; i++)
			ASSERT_TRUE(contains(heard, scene.others[i].last()));
		/* The one that stopped is there or not, and nothing else is. */
		ASSERT_EQ(heard.size(), 3u + contains(heard, caster.last()));
		ASSERT_EQ(listener.missed(), 0u);
		/* Its machine boots again. */
		Directory<HardwareMemory>(scene.region.layout()).clear_part(0);
		Caster<> again(scene.region.layout(), 0, 2);
		ASSERT_TRUE(again.cast(200));
		ASSERT_EQ(listener.listen(), SHMNET_RECEIVE_FRAME);
		ASSERT_EQ(listener.last(), again.last());
	}
}

/* A listener that looks while a writer stands anywhere finds a whole cast or none. */
TEST_F(TapeSteps, AReaderNeverWaitsForAWriter)
{
	u64 steps = steps_of_a_cast();
	for (u64 step = 1; step <= steps; step++) {
		Scene scene;
		Listener<> listener(scene.region.layout(), 4);
		Caster<SteppedMemory> caster(scene.region.layout(), 0);
		std::vector<CastId> heard;
		interrupt_at(
			step, [&] { ASSERT_TRUE(caster.cast(200)); },
			[&] { heard = listener.drain(); });
		std::vector<CastId> later = listener.drain();
		heard.insert(heard.end(), later.begin(), later.end());
		ASSERT_EQ(heard, std::vector<CastId>{caster.last()}) << step;
	}
}

/* The other way about: a cast comes while a reader stands anywhere, and it has looked already. */
TEST_F(TapeSteps, AReaderThatStandsAnywhereMissesNothing)
{
	u64 steps = steps_of_listening();
	for (u32 before = 0; before < 2; before++)
		for (u32 meanwhile : {1u, 2u, SLOTS - 1})
			for (u64 step = 1; step <= steps; step++) {
				SCOPED_TRACE(testing::Message()
					     << before << " before, " << meanwhile << " at step "
					     << step);
				Scene scene;
				Listener<SteppedMemory> listener(scene.region.layout(), 4);
				std::vector<CastId> written;
				auto cast = [&](u32 count) {
					for (u32 i = 0; i < count; i++) {
						Caster<>& caster = scene.others[i % 3];
						ASSERT_TRUE(caster.cast(200));
						written.push_back(caster.last());
					}
				};
				cast(before);
				std::vector<CastId> heard;
				interrupt_at(
					step,
					[&] {
						if (listener.listen() == SHMNET_RECEIVE_FRAME)
							heard.push_back(listener.last());
					},
					[&] { cast(meanwhile); });
				std::vector<CastId> rest = listener.drain();
				heard.insert(heard.end(), rest.begin(), rest.end());
				ASSERT_EQ(heard, written);
				ASSERT_EQ(listener.missed(), 0u);
			}
}

class Overtaken : public TapeSteps, public testing::WithParamInterface<u32> {};

/* A writer that others overtake, by so many casts, while it stands at any step. */
TEST_P(Overtaken, WriterGoesOnWithoutHarm)
{
	u64 steps = steps_of_a_cast();
	for (u64 step = 1; step <= steps; step++) {
		SCOPED_TRACE(step);
		Scene scene;
		/* One that listens all the time, and one that comes afterwards. */
		Listener<> quick(scene.region.layout(), 4);
		Listener<> slow(scene.region.layout(), 4);
		Caster<SteppedMemory> caster(scene.region.layout(), 0);
		std::vector<CastId> written;
		std::vector<CastId> heard;
		auto listen = [&] {
			std::vector<CastId> some = quick.drain();
			heard.insert(heard.end(), some.begin(), some.end());
		};
		bool published = false;
		interrupt_at(
			step, [&] { published = caster.cast(200); },
			[&] {
				for (u32 i = 0; i < GetParam(); i++) {
					ASSERT_TRUE(scene.others[i % 3].cast(60));
					written.push_back(scene.others[i % 3].last());
					listen();
				}
			});
		ASSERT_TRUE(published);
		ASSERT_TRUE(scene.others[0].cast(60));
		written.push_back(scene.others[0].last());
		listen();

		/* All of the others' in their order; the one's once, somewhere among them. */
		ASSERT_TRUE(contains(heard, caster.last()));
		heard.erase(std::find(heard.begin(), heard.end(), caster.last()));
		ASSERT_EQ(heard, written);
		ASSERT_EQ(quick.missed(), 0u);
		std::vector<CastId> rest = slow.drain();
		ASSERT_EQ(rest.size() + slow.missed(), written.size() + 1);
		ASSERT_EQ(scene.region.layout().tape(0, 0)->head,
			  2 * SLOTS + 1 + written.size() + 1);
	}
}

INSTANTIATE_TEST_SUITE_P(ByCasts, Overtaken,
			 testing::Values(1, 2, SLOTS - 1, SLOTS, SLOTS + 1, 2 * SLOTS,
					 3 * SLOTS + 5),
			 testing::PrintToStringParamName());

/* Several that stand still at once: one anywhere while another stopped anywhere, for good. */
TEST_F(TapeSteps, ManyWritersThatStandAnywhereHarmNobody)
{
	u64 steps = steps_of_a_cast();
	for (u64 stop = 1; stop <= steps; stop++)
		for (u64 step = 1; step <= steps; step++) {
			Scene scene;
			Listener<> listener(scene.region.layout(), 4);
			Caster<SteppedMemory> first(scene.region.layout(), 0);
			Caster<SteppedMemory> second(scene.region.layout(), 1);
			ASSERT_TRUE(stop_at(stop, [&] { second.cast(200); }));
			interrupt_at(
				step, [&] { ASSERT_TRUE(first.cast(200)); },
				[&] { ASSERT_TRUE(scene.others[2].cast(60)); });
			std::vector<CastId> heard = listener.drain();
			ASSERT_TRUE(contains(heard, first.last()));
			ASSERT_TRUE(contains(heard, scene.others[2].last()));
			ASSERT_EQ(heard.size(), 2u + contains(heard, second.last()));
		}
}

/* ---- Casts that are overwritten under a reader's hands ----------------------------------------- */

/*
 * A reader that stands at any step while the writer of its cast goes around its arena, so far that
 * the place is written again: by another header, by the middle of a frame, or nearly. Listener
 * throws if a torn cast is delivered.
 */
class Overwritten : public TapeSteps, public testing::WithParamInterface<u32> {
protected:
	/* Where @node's next cast will be. */
	static u64 reserved(const Scene& scene, u32 node)
	{
		return HardwareMemory::load_relaxed(
			&scene.region.layout().node(node)->casts_reserved);
	}

	/* Casts until the next one touches the cast of 200 bytes at @place, a lap later. */
	template <typename Writer>
	static void go_around(const Scene& scene, Writer& writer, u64 place)
	{
		u64 more = round_up(sizeof(shmnet_cast) + GetParam(), SHMNET_LINE);
		/* Small steps at the end, so that it is met in its middle too. */
		place = std::max(place, u64{1} << 32);
		while (reserved(scene, writer.last().node) + more <= place + SHMNET_CASTS_SIZE)
			ASSERT_TRUE(writer.cast(GetParam()));
	}
};

TEST_P(Overwritten, CastIsDeliveredWholeOrNotAtAll)
{
	u64 steps = steps_of_listening();
	ASSERT_GT(steps, 8u);
	for (u64 step = 1; step <= steps; step++) {
		SCOPED_TRACE(step);
		Scene scene;
		Listener<SteppedMemory> listener(scene.region.layout(), 4);
		Caster<> writer(scene.region.layout(), 0);
		u64 place = reserved(scene, 0);
		ASSERT_TRUE(writer.cast(200));
		CastId wanted = writer.last();
		shmnet_receive outcome = SHMNET_RECEIVE_EMPTY;
		interrupt_at(
			step, [&] { outcome = listener.listen(); },
			[&] {
				go_around(scene, writer, place);
				ASSERT_TRUE(writer.cast(GetParam()));
			});
		ASSERT_TRUE(outcome != SHMNET_RECEIVE_FRAME || listener.last() == wanted);
		/* It goes on with what there is. */
		std::vector<CastId> heard = listener.drain();
		ASSERT_EQ(heard.back(), writer.last());
		ASSERT_EQ(listener.missed() + heard.size() + (outcome == SHMNET_RECEIVE_FRAME),
			  writer.number() - wanted.number + 1);
	}
}

/* And with the writer standing at any step of the cast that reaches the place again. */
TEST_P(Overwritten, CastIsDeliveredWholeOrNotAtAllWhereverItsWriterStands)
{
	u64 reader_steps = steps_of_listening();
	for (u64 step = 1; step <= reader_steps; step++)
		/* In the middle of a long payload one line is as good as another. */
		for (u64 stop = 1;; stop += stop < 16 ? 1 : 9) {
			SCOPED_TRACE(testing::Message()
				     << "reader " << step << ", writer " << stop);
			Scene scene;
			Listener<SteppedMemory> listener(scene.region.layout(), 4);
			Caster<OtherSteppedMemory> writer(scene.region.layout(), 0);
			u64 place = reserved(scene, 0);
			ASSERT_TRUE(writer.cast(200));
			bool stopped = false;
			shmnet_receive outcome = SHMNET_RECEIVE_EMPTY;
			interrupt_at(
				step, [&] { outcome = listener.listen(); },
				[&] {
					go_around(scene, writer, place);
					stopped = stop_at<OtherSteppedMemory>(
						stop, [&] { writer.cast(GetParam()); });
				});
			ASSERT_TRUE(outcome != SHMNET_RECEIVE_FRAME || listener.last().number == 1);
			if (!stopped)
				break;
		}
}

INSTANTIATE_TEST_SUITE_P(ByCastsOf, Overwritten, testing::Values(200, 224, 60, 1000, 8900),
			 testing::PrintToStringParamName());

} // namespace shmnet::test
