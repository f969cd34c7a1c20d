// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The directory: who owns a slot, and what its entry says. */
#include "directory.hh"

#include "support/random.hh"
#include "support/region.hh"
#include "support/stepped_memory.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace shmnet::test {

namespace {

constexpr u32 NODES = 4;

shmnet_identity identity(u32 number, u32 device = 0x28)
{
	shmnet_identity identity = {};
	u64 spread = Random(number, 0).next();
	memcpy(identity.machine, &spread, sizeof(spread));
	identity.device = device;
	return identity;
}

/* Two machines whose tags are the same. */
std::pair<shmnet_identity, shmnet_identity> colliding_identities()
{
	static const auto found = [] {
		std::vector<std::pair<u64, u32>> tags;
		for (u32 number = 0; number < 200000; number++)
			tags.emplace_back(identity_tag(identity(number)), number);
		std::sort(tags.begin(), tags.end());
		auto twin = std::adjacent_find(tags.begin(), tags.end(),
					       [](auto& a, auto& b) { return a.first == b.first; });
		EXPECT_NE(twin, tags.end());
		return std::pair(identity(twin->second), identity((twin + 1)->second));
	}();
	return found;
}

class DirectoryTest : public testing::Test {
protected:
	DirectoryTest() : region(default_request(NODES)), directory(region.layout()) {}

	shmnet_node entry(u32 incarnation, const shmnet_identity& identity)
	{
		shmnet_node entry = {};
		entry.incarnation = incarnation;
		entry.peer = 40 + incarnation;
		entry.vectors = 9;
		entry.device = identity.device;
		memcpy(entry.machine, identity.machine, sizeof(entry.machine));
		strcpy(entry.name, "node");
		return entry;
	}

	/* Claims as a node does that found nobody alive; its slot. */
	u32 join(const shmnet_identity& identity, bool shown = true)
	{
		shmnet_slot_search found = directory.find(identity);
		EXPECT_NE(found.outcome, SHMNET_SLOT_FULL);
		u32 incarnation = directory.claim(found, identity);
		EXPECT_NE(incarnation, 0u);
		directory.clear_part(found.slot);
		if (shown)
			directory.publish_entry(found.slot, entry(incarnation, identity));
		return found.slot;
	}

	u32 incarnation(u32 slot) const
	{
		return claim_incarnation(
			HardwareMemory::load_relaxed(&region.layout().claim(slot)->word));
	}

	void witness_dead(u32 slot, u32 incarnation)
	{
		HardwareMemory::store_release(&region.layout().witness(slot)->word,
					      pack_index(incarnation, SHMNET_WITNESS_DEAD));
	}

	Region region;
	Directory<HardwareMemory> directory;
};

} // namespace

/* ---- Slots ------------------------------------------------------------------------------------- */

TEST_F(DirectoryTest, GivesEachMachineASlotOfItsOwn)
{
	for (u32 i = 0; i < NODES; i++)
		EXPECT_EQ(join(identity(i)), i);
	shmnet_slot_search found = directory.find(identity(NODES));
	EXPECT_EQ(found.outcome, SHMNET_SLOT_FULL);
}

TEST_F(DirectoryTest, GivesTheSlotOfADeadMachineAwayLast)
{
	for (u32 i = 0; i < NODES; i++)
		join(identity(i));
	u32 dead = 1, left = 2;
	auto witness = [this](u32 slot, u32 incarnation) {
		HardwareMemory::store_release(&region.layout().witness(slot)->word,
					      static_cast<u64>(incarnation) << 32 |
						      SHMNET_WITNESS_DEAD);
	};
	witness(dead, incarnation(dead) + 1);
	EXPECT_EQ(directory.find(identity(NODES)).outcome, SHMNET_SLOT_FULL)
		<< "another incarnation than the one that lives";
	witness(dead, incarnation(dead));
	ASSERT_TRUE(directory.release(left, incarnation(left)));
	EXPECT_EQ(join(identity(NODES)), left);
	EXPECT_EQ(join(identity(NODES + 1)), dead);
	EXPECT_EQ(incarnation(dead), 2u);
	EXPECT_EQ(directory.living(dead), 2u) << "the witness speaks of the former owner";
}

TEST_F(DirectoryTest, GivesEachDeviceOfAMachineASlotOfItsOwn)
{
	EXPECT_EQ(join(identity(1, 0x28)), 0u);
	EXPECT_EQ(join(identity(1, 0x30)), 1u);
}

TEST_F(DirectoryTest, FindsAMachinesOwnSlotAgainAfterItLeft)
{
	join(identity(1));
	u32 slot = join(identity(2));
	ASSERT_TRUE(directory.release(slot, incarnation(slot)));
	shmnet_slot_search found = directory.find(identity(2));
	EXPECT_EQ(found.outcome, SHMNET_SLOT_FREE);
	EXPECT_EQ(found.slot, slot);
	EXPECT_EQ(directory.claim(found, identity(2)), 2u) << "the next incarnation";
}

TEST_F(DirectoryTest, FindsAMachinesOwnSlotStillClaimedAfterACrash)
{
	u32 slot = join(identity(1));
	directory.beat(slot, 55);
	shmnet_slot_search found = directory.find(identity(1));
	EXPECT_EQ(found.outcome, SHMNET_SLOT_OWN_CLAIMED);
	EXPECT_EQ(found.slot, slot);
	EXPECT_EQ(found.heartbeat, 55u);
	EXPECT_FALSE(directory.shows_life(found));
	EXPECT_EQ(directory.claim(found, identity(1)), 2u);
}

TEST_F(DirectoryTest, SeesThatTheOwnerOfItsSlotLives)
{
	u32 slot = join(identity(1));
	shmnet_slot_search found = directory.find(identity(1));
	directory.beat(slot, 1);
	EXPECT_TRUE(directory.shows_life(found));

	found = directory.find(identity(1));
	EXPECT_FALSE(directory.shows_life(found));
	directory.claim(found, identity(1));
	EXPECT_TRUE(directory.shows_life(found)) << "somebody claimed it meanwhile";
}

/* The owner was stopped between claim and entry. */
TEST_F(DirectoryTest, TakesOverAClaimThatWasHalfMade)
{
	u32 slot = join(identity(1), false);
	EXPECT_EQ(directory.living(slot), 0u);
	shmnet_slot_search found = directory.find(identity(1));
	EXPECT_EQ(found.outcome, SHMNET_SLOT_OWN_CLAIMED);
	EXPECT_EQ(found.slot, slot);
	EXPECT_EQ(directory.claim(found, identity(1)), 2u);
	/* To others it is taken. */
	EXPECT_NE(directory.find(identity(2)).slot, slot);
}

TEST_F(DirectoryTest, TakesOverAClaimWhoseEntryIsOfAnEarlierIncarnation)
{
	u32 slot = join(identity(1));
	directory.claim(directory.find(identity(1)), identity(1));
	EXPECT_EQ(directory.living(slot), 0u);
	EXPECT_EQ(directory.find(identity(1)).slot, slot);
	EXPECT_EQ(directory.find(identity(1)).outcome, SHMNET_SLOT_OWN_CLAIMED);
}

TEST_F(DirectoryTest, GivesSlotsThatWereLeftOnlyWhenNoneIsFresh)
{
	u32 left = join(identity(0));
	ASSERT_TRUE(directory.release(left, 1));
	for (u32 i = 1; i < NODES; i++)
		EXPECT_NE(join(identity(i)), left);
	shmnet_slot_search found = directory.find(identity(NODES));
	EXPECT_EQ(found.outcome, SHMNET_SLOT_FREE);
	EXPECT_EQ(found.slot, left);
	EXPECT_EQ(directory.claim(found, identity(NODES)), 2u) << "incarnations never go back";
	/* It is another's now. */
	EXPECT_EQ(directory.find(identity(0)).outcome, SHMNET_SLOT_FULL);
}

TEST_F(DirectoryTest, TellsMachinesWithTheSameTagApartByTheirEntries)
{
	auto [first, second] = colliding_identities();
	ASSERT_EQ(identity_tag(first), identity_tag(second));
	u32 slot = join(first);
	u32 other = join(second);
	EXPECT_NE(slot, other);
	EXPECT_EQ(directory.find(first).slot, slot);
	EXPECT_EQ(directory.find(first).outcome, SHMNET_SLOT_OWN_CLAIMED);
	EXPECT_EQ(directory.find(second).slot, other);

	/* One that left is free for the other, as any is; it has a slot of its own, though. */
	ASSERT_TRUE(directory.release(slot, 1));
	EXPECT_EQ(directory.find(second).slot, other);
	EXPECT_EQ(directory.find(first).slot, slot);
	EXPECT_EQ(directory.find(first).outcome, SHMNET_SLOT_FREE);
}

TEST(Identity, HasATagThatIsNeitherZeroNorTheClaimedBit)
{
	for (u32 number = 0; number < 100000; number++) {
		u64 tag = identity_tag(identity(number, number * 8));
		ASSERT_NE(tag, 0u);
		ASSERT_EQ(tag & ~SHMNET_CLAIM_TAG_MASK, 0u);
	}
}

TEST_F(DirectoryTest, ClaimsOnlyWithTheWordThatWasFound)
{
	shmnet_slot_search first = directory.find(identity(1));
	shmnet_slot_search second = directory.find(identity(2));
	ASSERT_EQ(first.slot, second.slot);
	EXPECT_EQ(directory.claim(first, identity(1)), 1u);
	EXPECT_EQ(directory.claim(second, identity(2)), 0u);
	EXPECT_EQ(directory.claim(first, identity(1)), 0u);
}

TEST_F(DirectoryTest, PassesOverIncarnationZeroWhenTheyWrap)
{
	u64* word = &region.layout().claim(0)->word;
	*word = pack_index(~0u, static_cast<u32>(identity_tag(identity(1))));
	shmnet_slot_search found = directory.find(identity(1));
	ASSERT_EQ(found.slot, 0u);
	EXPECT_EQ(directory.claim(found, identity(1)), 1u);
}

TEST_F(DirectoryTest, ReleasesOnlyItsOwnIncarnation)
{
	u32 slot = join(identity(1));
	EXPECT_FALSE(directory.release(slot, 0));
	EXPECT_FALSE(directory.release(slot, 2));
	EXPECT_EQ(directory.living(slot), 1u);
	/* Taken over: the one before comes back to life and leaves. */
	directory.claim(directory.find(identity(1)), identity(1));
	EXPECT_FALSE(directory.release(slot, 1));
	EXPECT_EQ(directory.find(identity(1)).outcome, SHMNET_SLOT_OWN_CLAIMED);
	EXPECT_TRUE(directory.release(slot, 2));
	EXPECT_EQ(directory.find(identity(1)).outcome, SHMNET_SLOT_FREE);
}

/* Two that claim at once, at each step of the one: they never get the same slot. */
TEST_F(DirectoryTest, NeverGivesASlotToTwoWhereverOneStands)
{
	auto claim = [](auto& directory, const shmnet_identity& who) {
		for (u32 tries = 0; tries < 3; tries++) {
			shmnet_slot_search found = directory.find(who);
			if (found.outcome == SHMNET_SLOT_FREE && directory.claim(found, who))
				return found.slot;
		}
		return NODES;
	};
	for (u32 step = 1; step < 40; step++) {
		Region fresh(default_request(NODES));
		Directory<SteppedMemory> slow(fresh.layout());
		Directory<HardwareMemory> quick(fresh.layout());
		u32 first = NODES;
		u32 second = NODES;
		interrupt_at(
			step, [&] { first = claim(slow, identity(1)); },
			[&] { second = claim(quick, identity(2)); });
		ASSERT_LT(first, NODES);
		ASSERT_NE(first, second);
	}
}

/* ---- Life ---------------------------------------------------------------------------------------- */

TEST_F(DirectoryTest, ShowsNobodyInASlotThatWasNeverUsed)
{
	shmnet_node entry;
	for (u32 slot = 0; slot < NODES; slot++) {
		EXPECT_EQ(directory.living(slot), 0u);
		EXPECT_EQ(directory.doorbell_peer(slot), SHMNET_NO_PEER);
		EXPECT_FALSE(directory.read_entry(slot, entry));
	}
}

TEST_F(DirectoryTest, ShowsANodeFromItsEntryToItsRelease)
{
	u32 slot = join(identity(1), false);
	EXPECT_EQ(directory.living(slot), 0u);
	directory.publish_entry(slot, entry(1, identity(1)));
	EXPECT_EQ(directory.living(slot), 1u);
	EXPECT_EQ(directory.doorbell_peer(slot), 41u);
	directory.release(slot, 1);
	EXPECT_EQ(directory.living(slot), 0u);
	EXPECT_EQ(directory.doorbell_peer(slot), SHMNET_NO_PEER);
}

TEST_F(DirectoryTest, BelievesTheWitnessForThatIncarnationOnly)
{
	u32 slot = join(identity(1));
	witness_dead(slot, 2);
	EXPECT_EQ(directory.living(slot), 1u);
	witness_dead(slot, 1);
	EXPECT_EQ(directory.living(slot), 0u);
	join(identity(1));
	EXPECT_EQ(directory.living(slot), 2u) << "the word is of the one before";
	HardwareMemory::store_release(&region.layout().witness(slot)->word,
				      pack_index(2, SHMNET_WITNESS_NONE));
	EXPECT_EQ(directory.living(slot), 2u);
}

TEST_F(DirectoryTest, SeesForWhomARingWasOpened)
{
	u32 own = join(identity(1));
	u32 slot = join(identity(2));
	EXPECT_FALSE(directory.has_opened_for(slot, own, 1));
	RingPlaces places = ring_places(region.layout(), {1, own, slot, 0});
	HardwareMemory::store_release(&places.consumer->open, pack_index(77, 1));
	EXPECT_TRUE(directory.has_opened_for(slot, own, 1));
	EXPECT_FALSE(directory.has_opened_for(slot, own, 2));
	EXPECT_FALSE(directory.has_opened_for(own, slot, 1));
}

/* ---- Entries -------------------------------------------------------------------------------------- */

TEST_F(DirectoryTest, ReadsTheEntryThatWasWritten)
{
	u32 slot = join(identity(1));
	directory.publish_network(slot, 1, SHMNET_STATE_UP, 1400, 0x123456789abcULL);
	directory.beat(slot, 9);
	shmnet_node found;
	ASSERT_TRUE(directory.read_entry(slot, found));
	EXPECT_EQ(found.incarnation, 1u);
	EXPECT_EQ(found.peer, 41u);
	EXPECT_EQ(found.vectors, 9u);
	EXPECT_EQ(found.device, 0x28u);
	EXPECT_EQ(memcmp(found.machine, identity(1).machine, 16), 0);
	EXPECT_STREQ(found.name, "node");
	EXPECT_EQ(found.heartbeat, 9u);
	EXPECT_EQ(found.networks[1].state, SHMNET_STATE_UP);
	EXPECT_EQ(found.networks[1].mtu, 1400u);
	EXPECT_EQ(directory.capabilities(slot, 1), 0x123456789abcULL);
	EXPECT_EQ(directory.network_state(slot, 1), SHMNET_STATE_UP);
	EXPECT_EQ(directory.network_state(slot, 0), SHMNET_STATE_DOWN);
}

TEST_F(DirectoryTest, EndsANameThatHasNoEnd)
{
	u32 slot = join(identity(1));
	memset(region.layout().node(slot)->name, 'x', 64);
	shmnet_node found;
	ASSERT_TRUE(directory.read_entry(slot, found));
	EXPECT_EQ(strlen(found.name), 63u);
}

TEST_F(DirectoryTest, ArmsAndDisarmsCasts)
{
	u32 slot = join(identity(1));
	EXPECT_EQ(directory.casts_armed(slot, 1), 0u);
	directory.arm_casts(slot, 1, 0x70003, 0x80000005);
	EXPECT_EQ(directory.casts_armed(slot, 1), 0x80000005);
	EXPECT_EQ(directory.casts_armed(slot, 0), 0u);
	EXPECT_EQ(directory.cast_doorbell(slot, 1), 0x70003u);
	directory.disarm_casts(slot, 1);
	EXPECT_EQ(directory.casts_armed(slot, 1), 0u);
}

/* A reader that stands at any step while the slot gets another owner: all of the one, or nothing. */
TEST_F(DirectoryTest, ReadsAnEntryOfOneIncarnationWhileItChangesHands)
{
	Directory<SteppedMemory> reader(region.layout());
	u32 slot = join(identity(1));
	shmnet_node found;
	u64 steps = count_steps([&] { ASSERT_TRUE(reader.read_entry(slot, found)); });
	for (u64 step = 1; step <= steps; step++) {
		u32 before = incarnation(slot);
		bool read = false;
		interrupt_at(
			step, [&] { read = reader.read_entry(slot, found); },
			[&] {
				directory.claim(directory.find(identity(1)), identity(1));
				directory.clear_part(slot);
				shmnet_node next = entry(before + 1, identity(1));
				next.vectors = before + 1;
				memset(next.name, 'a' + static_cast<int>(before % 20), 63);
				directory.publish_entry(slot, next);
			});
		if (!read)
			continue;
		ASSERT_EQ(found.peer, found.incarnation + 40) << step;
		ASSERT_EQ(found.vectors, found.incarnation == 1 ? 9 : found.incarnation) << step;
	}
}

/* The same, with the writer standing at each of its steps. */
TEST_F(DirectoryTest, ReadsAnEntryOfOneIncarnationWhereverItsWriterStands)
{
	Directory<SteppedMemory> writer(region.layout());
	u32 slot = join(identity(1));
	auto rewrite = [&](u32 incarnation) {
		writer.clear_part(slot);
		shmnet_node next = entry(incarnation, identity(1));
		next.vectors = incarnation;
		writer.publish_entry(slot, next);
	};
	rewrite(2);
	u64 steps = count_steps([&] { rewrite(3); });
	ASSERT_GT(steps, 500u);
	/* Each step of the entry, which is cleared first and filled in last. */
	for (u64 step = 1; step <= steps; step += step == 400 ? steps - 800 : 1)
		interrupt_at(
			step, [&] { rewrite(4); },
			[&] {
				shmnet_node found;
				if (!directory.read_entry(slot, found))
					return;
				EXPECT_EQ(found.vectors, found.incarnation) << step;
				EXPECT_EQ(found.peer, found.incarnation + 40) << step;
			});
}

TEST_F(DirectoryTest, ClearsItsOwnPartAndNothingElse)
{
	const Layout& layout = region.layout();
	for (u32 slot = 0; slot < NODES; slot++)
		memset(layout.in_part<u8>(slot, 0), 0x5a, layout.part_size);
	directory.clear_part(2);
	for (u32 slot = 0; slot < NODES; slot++) {
		if (slot == 2)
			continue;
		u8* part = layout.in_part<u8>(slot, 0);
		for (u64 i = 0; i < layout.part_size; i += 509)
			ASSERT_EQ(part[i], 0x5a);
	}
	auto is_zero = [](const void* at, size_t bytes) {
		auto* begin = static_cast<const u8*>(at);
		return std::all_of(begin, begin + bytes, [](u8 byte) { return byte == 0; });
	};
	EXPECT_TRUE(is_zero(layout.node(2), sizeof(shmnet_node)));
	for (u32 network = 0; network < layout.networks; network++)
		for (u32 other : {0u, 1u, 3u}) {
			RingPlaces out = ring_places(layout, {network, 2, other, 0});
			RingPlaces in = ring_places(layout, {network, other, 2, 0});
			u32 ring = layout.network[network].ring;
			EXPECT_TRUE(is_zero(out.producer, sizeof(*out.producer)));
			/* A receiver of the former incarnation may be copying one. */
			EXPECT_FALSE(is_zero(out.descriptors, sizeof(*out.descriptors)));
			EXPECT_TRUE(is_zero(in.consumer, sizeof(*in.consumer)));
			EXPECT_TRUE(is_zero(in.grants, ring * sizeof(u32)));
		}
	/* Payload is nobody's to read without a descriptor. */
	EXPECT_EQ(*layout.arena(2), 0x5a);
}

} // namespace shmnet::test
