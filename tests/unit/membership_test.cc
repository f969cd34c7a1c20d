// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Whether a peer lives: every transition of a watch, and what counts for nothing. */
#include "membership.hh"

#include "support/random.hh"

#include <gtest/gtest.h>

#include <optional>

namespace shmnet::test {

namespace {

constexpr u32 CHECKS = 10;

/* A peer as the directory shows it, and one that watches it. */
class Watched : public testing::Test {
protected:
	shmnet_peer_event tick() { return look(SHMNET_CHECK_TICK); }
	shmnet_peer_event late() { return look(SHMNET_CHECK_LATE); }
	shmnet_peer_event extra() { return look(SHMNET_CHECK_EXTRA); }

	shmnet_peer_event beat_and_tick()
	{
		sample.heartbeat++;
		return tick();
	}

	shmnet_peer_event look(shmnet_check check) { return watch.observe(sample, check, CHECKS); }

	/* A peer that came by its heartbeat. */
	void come(u32 incarnation = 3)
	{
		sample = {incarnation, 100, false};
		ASSERT_EQ(tick(), SHMNET_PEER_SAME);
		ASSERT_EQ(beat_and_tick(), SHMNET_PEER_CAME);
		ASSERT_TRUE(watch.alive());
	}

	void die()
	{
		for (u32 i = 1; i < CHECKS; i++)
			ASSERT_EQ(tick(), SHMNET_PEER_SAME) << i;
		ASSERT_EQ(tick(), SHMNET_PEER_DIED);
		ASSERT_FALSE(watch.alive());
	}

	PeerWatch watch;
	PeerSample sample = {0, 0, false};
};

} // namespace

TEST_F(Watched, NobodyIsNobody)
{
	for (shmnet_check check : {SHMNET_CHECK_TICK, SHMNET_CHECK_LATE, SHMNET_CHECK_EXTRA})
		EXPECT_EQ(look(check), SHMNET_PEER_SAME);
	/* What stands in an empty slot is no sign of life. */
	sample.evidence = true;
	EXPECT_EQ(tick(), SHMNET_PEER_SAME);
	EXPECT_EQ(beat_and_tick(), SHMNET_PEER_SAME);
	EXPECT_FALSE(watch.alive());
}

TEST_F(Watched, AnEntryAloneIsNoLife)
{
	sample = {3, 100, false};
	for (u32 i = 0; i < 3 * CHECKS; i++)
		EXPECT_EQ(tick(), SHMNET_PEER_SAME);
	EXPECT_FALSE(watch.alive());
	EXPECT_EQ(watch.incarnation(), 3u);
}

TEST_F(Watched, AChangeOfTheHeartbeatIsLifeAtAnyCheck)
{
	for (shmnet_check check : {SHMNET_CHECK_TICK, SHMNET_CHECK_LATE, SHMNET_CHECK_EXTRA}) {
		watch = PeerWatch();
		sample = {3, 100, false};
		ASSERT_EQ(look(check), SHMNET_PEER_SAME);
		/* Any change: a counter that was restored from a snapshot goes back. */
		sample.heartbeat--;
		EXPECT_EQ(look(check), SHMNET_PEER_CAME);
		EXPECT_TRUE(watch.alive());
	}
}

TEST_F(Watched, EvidenceIsLifeAtFirstSightOrLater)
{
	sample = {3, 100, true};
	EXPECT_EQ(extra(), SHMNET_PEER_CAME);
	EXPECT_TRUE(watch.alive());

	watch = PeerWatch();
	sample = {3, 100, false};
	ASSERT_EQ(tick(), SHMNET_PEER_SAME);
	sample.evidence = true;
	EXPECT_EQ(extra(), SHMNET_PEER_CAME);
	EXPECT_TRUE(watch.alive());
}

TEST_F(Watched, DiesAfterSoManyTicksWithoutABeat)
{
	come();
	die();
	EXPECT_EQ(tick(), SHMNET_PEER_SAME) << "said once";
}

TEST_F(Watched, EveryBeatStartsTheAgeAnew)
{
	come();
	for (u32 round = 0; round < 5; round++) {
		for (u32 i = 1; i < CHECKS; i++)
			ASSERT_EQ(tick(), SHMNET_PEER_SAME);
		ASSERT_EQ(beat_and_tick(), SHMNET_PEER_SAME);
	}
	die();
}

TEST_F(Watched, ExtraChecksDoNotAge)
{
	come();
	for (u32 i = 0; i < 100 * CHECKS; i++)
		ASSERT_EQ(extra(), SHMNET_PEER_SAME);
	die();
}

TEST_F(Watched, ALateCheckStartsTheAgeAnew)
{
	come();
	for (u32 i = 1; i < CHECKS; i++)
		ASSERT_EQ(tick(), SHMNET_PEER_SAME);
	ASSERT_EQ(late(), SHMNET_PEER_SAME) << "this node paused: that is no proof of anything";
	die();
}

TEST_F(Watched, LateChecksAloneNeverKill)
{
	come();
	for (u32 i = 0; i < 10 * CHECKS; i++)
		ASSERT_EQ(late(), SHMNET_PEER_SAME);
	EXPECT_TRUE(watch.alive());
}

TEST_F(Watched, EvidenceRevivesNobodyAfterASuspicion)
{
	come();
	sample.evidence = true;
	die();
	for (shmnet_check check : {SHMNET_CHECK_TICK, SHMNET_CHECK_LATE, SHMNET_CHECK_EXTRA})
		EXPECT_EQ(look(check), SHMNET_PEER_SAME);
	EXPECT_FALSE(watch.alive());
}

TEST_F(Watched, ABeatRevivesAfterASuspicion)
{
	come();
	die();
	EXPECT_EQ(beat_and_tick(), SHMNET_PEER_CAME);
	EXPECT_TRUE(watch.alive());
	die();
	sample.heartbeat++;
	EXPECT_EQ(extra(), SHMNET_PEER_CAME);
}

TEST_F(Watched, LeavesWithItsIncarnation)
{
	come();
	sample.incarnation = 0;
	EXPECT_EQ(extra(), SHMNET_PEER_GONE);
	EXPECT_FALSE(watch.alive());
	EXPECT_EQ(watch.incarnation(), 0u);
	EXPECT_EQ(tick(), SHMNET_PEER_SAME);
}

/* What the slot still shows of one that left: its hello, the ring that it had opened. */
TEST_F(Watched, LeavesThoughEvidenceStands)
{
	come();
	sample = {0, sample.heartbeat, true};
	EXPECT_EQ(tick(), SHMNET_PEER_GONE);
	EXPECT_FALSE(watch.alive());
	EXPECT_EQ(beat_and_tick(), SHMNET_PEER_SAME);
	EXPECT_FALSE(watch.alive());
}

TEST_F(Watched, IsReplacedByTheNextIncarnation)
{
	come(3);
	sample = {4, 0, false};
	EXPECT_EQ(tick(), SHMNET_PEER_GONE);
	EXPECT_FALSE(watch.alive());
	EXPECT_EQ(beat_and_tick(), SHMNET_PEER_CAME);
	EXPECT_EQ(watch.incarnation(), 4u);
}

/* The next one has shown life already: the pair is ended and begun anew at one look. */
TEST_F(Watched, IsReplacedByAnIncarnationThatIsAliveAtOnce)
{
	come(3);
	sample = {4, 0, true};
	EXPECT_EQ(extra(), SHMNET_PEER_GONE);
	EXPECT_TRUE(watch.alive());
	EXPECT_EQ(watch.incarnation(), 4u);
	die();
}

TEST_F(Watched, ASuspicionEndsWithTheIncarnation)
{
	come(3);
	die();
	sample = {4, 0, true};
	EXPECT_EQ(extra(), SHMNET_PEER_CAME);
	EXPECT_TRUE(watch.alive());
}

TEST_F(Watched, AgeDoesNotPassToTheNextIncarnation)
{
	come(3);
	for (u32 i = 1; i < CHECKS; i++)
		ASSERT_EQ(tick(), SHMNET_PEER_SAME);
	sample = {4, 0, true};
	EXPECT_EQ(tick(), SHMNET_PEER_GONE);
	die();
}

/* Beside a model that looks at the whole history each time. */
TEST_F(Watched, AgreesWithItsHistory)
{
	Random random;
	for (u32 round = 0; round < 2000; round++) {
		watch = PeerWatch();
		sample = {0, random.below(3), false};
		bool alive = false;
		bool suspected = false;
		u32 quiet = 0;
		std::optional<PeerSample> before;
		for (u32 step = 0; step < 100; step++) {
			if (random.one_in(20))
				sample.incarnation = random.below(4);
			if (random.one_in(8))
				sample.heartbeat++;
			sample.evidence = random.one_in(8);
			auto check = static_cast<shmnet_check>(
				random.one_in(4) ? random.below(3) : u32{SHMNET_CHECK_TICK});

			u32 was = before ? before->incarnation : 0;
			bool same_one = sample.incarnation == was;
			bool beats = same_one && before && before->heartbeat != sample.heartbeat;
			shmnet_peer_event expected = SHMNET_PEER_SAME;
			if (sample.incarnation == 0) {
				expected = alive ? SHMNET_PEER_GONE : SHMNET_PEER_SAME;
				alive = suspected = false;
			} else if (!same_one) {
				expected = alive             ? SHMNET_PEER_GONE
					   : sample.evidence ? SHMNET_PEER_CAME
							     : SHMNET_PEER_SAME;
				alive = sample.evidence;
				suspected = false;
				quiet = 0;
			} else {
				if (beats || check == SHMNET_CHECK_LATE)
					quiet = 0;
				else if (alive && check == SHMNET_CHECK_TICK)
					quiet++;
				if (!alive && (beats || (sample.evidence && !suspected))) {
					expected = SHMNET_PEER_CAME;
					alive = true;
				} else if (alive && quiet >= CHECKS) {
					expected = SHMNET_PEER_DIED;
					alive = false;
					suspected = true;
				}
			}
			ASSERT_EQ(look(check), expected) << round << ", " << step;
			ASSERT_EQ(watch.alive(), alive) << round << ", " << step;
			before = sample;
		}
	}
}

} // namespace shmnet::test
