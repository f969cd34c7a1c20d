// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The hardened set-up, in which a node can write its own part only: that it never tries another's, finds
 * its part and slot, and hears of each tape what its owner cast there.
 */
#include "directory.hh"
#include "groups.hh"

#include "support/casts.hh"
#include "support/pair.hh"
#include "support/places.hh"
#include "support/region.hh"
#include "support/requests.hh"
#include "support/stepped_memory.hh"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace shmnet::test {

namespace {

constexpr u32 NODES = 3;
constexpr u32 OWN = 1;
constexpr u32 PEER_INCARNATION = 6;

GeometryRequest hardened_request()
{
	GeometryRequest request = default_request(NODES);
	request.hardened = true;
	return request;
}

shmnet_identity identity(u8 number)
{
	shmnet_identity identity = {};
	identity.machine[0] = number;
	return identity;
}

/* As memory whose stores the machine throws away. */
struct ReadOnlyMemory : HardwareMemory {
	template <SharedWord T> static void store_relaxed(T*, T) {}
};

class Hardened : public testing::Test {
protected:
	Hardened() : region(hardened_request()), layout(region.layout()) { layout.own = OWN; }

	u32 join(const shmnet_slot_search& found)
	{
		Directory<HardwareMemory> directory(layout);
		u32 incarnation = directory.claim(found, identity(1));
		shmnet_node entry = {};
		entry.incarnation = incarnation;
		directory.clear_part(found.slot);
		directory.publish_entry(found.slot, entry);
		return incarnation;
	}

	Region region;
	Layout layout;
};

} // namespace

RC_GTEST_PROP(HardenedLayout, AllOfANodeLiesInItsPart, (GeometryRequest request))
{
	request.hardened = true;
	Geometry geometry, scratch;
	RC_ASSERT(compute_geometry(request, geometry).error == GeometryError::None);
	GuardedMemory memory(geometry.superblock.parts_offset);
	RC_ASSERT(format_region<HardwareMemory>(memory.base(), geometry) ==
		  FormatResult::Formatted);
	Layout layout;
	/* The hub part is all that there is of the region in one piece. */
	RC_ASSERT(read_layout<HardwareMemory>(memory.base(), memory.size(), scratch, layout) ==
		  AttachError::None);
	RC_ASSERT(PlaceCheck(layout, geometry.superblock.region_size).run() == "");
}

TEST(HardenedLayout, AHubPartThatIsCutOffIsRefused)
{
	Geometry geometry = geometry_of(hardened_request()), scratch;
	GuardedMemory memory(geometry.superblock.parts_offset);
	format_region<HardwareMemory>(memory.base(), geometry);
	Layout layout;
	EXPECT_EQ(read_layout<HardwareMemory>(memory.base(), memory.size() - 1, scratch, layout),
		  AttachError::Size);
}

TEST(HardenedLayout, AnotherNumberOfTapesThanNodesIsRefused)
{
	Geometry geometry = geometry_of(hardened_request()), scratch;
	geometry.network[0].tapes--;
	GuardedMemory memory(geometry.superblock.parts_offset);
	format_region<HardwareMemory>(memory.base(), geometry);
	Layout layout;
	EXPECT_EQ(read_layout<HardwareMemory>(memory.base(), memory.size(), scratch, layout),
		  AttachError::Geometry);
}

TEST_F(Hardened, EachPartHasAWordToBeTried)
{
	Directory<HardwareMemory> directory(layout);
	Directory<ReadOnlyMemory> others(layout);
	for (u32 part : {0u, OWN, 2u, SHMNET_HUB_PART}) {
		directory.probe(part, 0x1234);
		EXPECT_EQ(directory.probed(part), 0x1234u);
		others.probe(part, 0x5678);
		EXPECT_EQ(others.probed(part), 0x1234u);
		directory.probe(part, 0);
	}
	/* Of the hub part it is none that the tables need, nor one that is looked at. */
	auto scratch = std::make_unique<Geometry>();
	Layout again;
	directory.probe(SHMNET_HUB_PART, ~u64{0});
	EXPECT_EQ(read_layout<HardwareMemory>(region.base(), region.size(), *scratch, again),
		  AttachError::None);
}

TEST_F(Hardened, TheSlotIsTheHostsChoice)
{
	Directory<HardwareMemory> directory(layout);
	for (u8 machine : {1, 2}) {
		shmnet_slot_search found = directory.find(identity(machine));
		EXPECT_EQ(found.outcome, SHMNET_SLOT_FREE);
		EXPECT_EQ(found.slot, OWN);
	}
	u32 incarnation = join(directory.find(identity(1)));
	/* Somebody lives there, or did: another machine waits for that as the same one does. */
	for (u8 machine : {1, 2}) {
		shmnet_slot_search found = directory.find(identity(machine));
		EXPECT_EQ(found.outcome, SHMNET_SLOT_OWN_CLAIMED);
		EXPECT_EQ(found.slot, OWN);
		EXPECT_FALSE(directory.shows_life(found));
		directory.beat(OWN, found.heartbeat + 1);
		EXPECT_TRUE(directory.shows_life(found));
	}
	layout.witness(OWN)->word = pack_index(incarnation, SHMNET_WITNESS_DEAD);
	shmnet_slot_search found = directory.find(identity(2));
	EXPECT_EQ(found.outcome, SHMNET_SLOT_FREE);
	EXPECT_EQ(join(found), incarnation + 1);
	EXPECT_TRUE(directory.release(OWN, incarnation + 1));
	EXPECT_EQ(directory.find(identity(3)).outcome, SHMNET_SLOT_FREE);
}

TEST_F(Hardened, GroupsHaveNoTapes)
{
	Groups<HardwareMemory> groups(layout, 0);
	EXPECT_FALSE(groups.claim(0x01005e000001, OWN));
	EXPECT_EQ(groups.find(0x01005e000001), BROADCAST_TAPE);
}

TEST_F(Hardened, EachNodesCastsAreHeardOnItsTape)
{
	Caster<> one(layout, 1), two(layout, 2);
	Listener<> first(layout, 0, 1), second(layout, 0, 2);
	ASSERT_TRUE(one.cast(100, 1));
	ASSERT_TRUE(two.cast(200, 2));
	ASSERT_TRUE(one.cast(300, 1));
	EXPECT_EQ(first.drain(), (std::vector<CastId>{{1, 1}, {1, 2}}));
	EXPECT_EQ(second.drain(), (std::vector<CastId>{{2, 1}}));
}

TEST_F(Hardened, ATapeThatNamesAnotherWriterLies)
{
	Caster<> owner(layout, 1), other(layout, 2);
	Listener<> listener(layout, 0, 1);
	ASSERT_TRUE(other.cast(100, 1));
	ASSERT_TRUE(owner.cast(100, 1));
	EXPECT_EQ(listener.drain(), (std::vector<CastId>{{1, 1}}));
	EXPECT_EQ(listener.missed(), 1u);
}

/* All that a node does, from its claim to its leave, with a peer at the other end. */
TEST_F(Hardened, ANodeStoresIntoNoPartButItsOwn)
{
	u64 stores = 0;
	SteppedMemory::Watch watch([&](const Step& step) {
		if (!step.writes())
			return;
		stores++;
		ASSERT_EQ(region.part_of(step.address), OWN) << "store " << stores;
	});
	Directory<SteppedMemory> directory(layout);
	shmnet_slot_search found = directory.find(identity(1));
	u32 incarnation = directory.claim(found, identity(1));
	ASSERT_NE(incarnation, 0u);
	directory.clear_part(OWN);
	shmnet_node entry = {};
	entry.incarnation = incarnation;
	directory.publish_entry(OWN, entry);
	directory.publish_network(OWN, 0, SHMNET_STATE_UP, 1500, 0);
	directory.beat(OWN, 1);

	Caster<SteppedMemory> caster(layout, OWN, incarnation);
	ASSERT_TRUE(caster.cast(500, OWN));
	Caster<> peer(layout, 0);
	Listener<SteppedMemory> listener(layout, OWN, 0);
	ASSERT_TRUE(peer.cast(60, 0));
	EXPECT_EQ(listener.drain().size(), 1u);
	directory.arm_casts(OWN, 0, SHMNET_DOORBELL(1, 1), SHMNET_CAST_BIT(0));
	directory.disarm_casts(OWN, 0);
	Groups<SteppedMemory>(layout, 0).claim(0x01005e000001, OWN);

	SendingEnd<SteppedMemory> sender(layout, {0, OWN, 0, 0});
	ReceivingEnd<> at_peer(layout, {0, OWN, 0, 0});
	at_peer->open(PEER_INCARNATION, incarnation, RECEIVER_DOORBELL);
	ASSERT_TRUE(sender->connect(incarnation, SENDER_DOORBELL));
	ASSERT_TRUE(sender.send(1000, 1));
	EXPECT_TRUE(at_peer.receive(1000, 1));
	sender->disconnect();

	ReceivingEnd<SteppedMemory> receiver(layout, {0, 0, OWN, 0});
	SendingEnd<> of_peer(layout, {0, 0, OWN, 0});
	receiver->open(incarnation, PEER_INCARNATION, RECEIVER_DOORBELL);
	ASSERT_TRUE(of_peer->connect(PEER_INCARNATION, SENDER_DOORBELL));
	ASSERT_TRUE(of_peer.send(1000, 2));
	EXPECT_TRUE(receiver.receive(1000, 2));
	receiver->publish();
	receiver->arm();
	receiver->close();
	EXPECT_TRUE(directory.release(OWN, incarnation));
	EXPECT_GT(stores, 100u);
}

} // namespace shmnet::test
