// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Many nodes at the directory at once, each a thread of its own. */
#include "directory.hh"

#include "support/random.hh"
#include "support/region.hh"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <set>
#include <thread>
#include <vector>

namespace shmnet::test {

namespace {

shmnet_identity identity(u32 number)
{
	shmnet_identity identity = {};
	memcpy(identity.machine, &number, sizeof(number));
	identity.device = 0x28;
	return identity;
}

/* Runs @body(i) in @count threads that begin together. */
void together(u32 count, const std::function<void(u32)>& body)
{
	std::atomic<u32> ready = 0;
	std::vector<std::thread> threads;
	for (u32 i = 0; i < count; i++)
		threads.emplace_back([&, i] {
			ready++;
			while (ready != count)
				std::this_thread::yield();
			body(i);
		});
	for (std::thread& thread : threads)
		thread.join();
}

constexpr u32 NONE = ~0u;

/* As a node does: finds, claims, and finds again when another was faster. */
u32 claim(Directory<HardwareMemory>& directory, const shmnet_identity& who, u32& incarnation)
{
	for (;;) {
		shmnet_slot_search found = directory.find(who);
		if (found.outcome == SHMNET_SLOT_FULL)
			return NONE;
		incarnation = directory.claim(found, who);
		if (incarnation)
			return found.slot;
	}
}

} // namespace

TEST(DirectoryThreads, GetSlotsOfTheirOwnWhenAllClaimAtOnce)
{
	for (u32 round = 0; round < 100; round++) {
		Region region(small_request(8));
		std::vector<u32> slots(8);
		together(8, [&](u32 i) {
			Directory<HardwareMemory> directory(region.layout());
			u32 incarnation;
			slots[i] = claim(directory, identity(i), incarnation);
		});
		ASSERT_EQ(std::set<u32>(slots.begin(), slots.end()).size(), 8u);
		ASSERT_FALSE(std::set<u32>(slots.begin(), slots.end()).contains(NONE));
	}
}

TEST(DirectoryThreads, GetNoSlotTwiceWhenThereAreTooFew)
{
	for (u32 round = 0; round < 100; round++) {
		Region region(small_request(3));
		std::vector<u32> slots(6);
		together(6, [&](u32 i) {
			Directory<HardwareMemory> directory(region.layout());
			u32 incarnation;
			slots[i] = claim(directory, identity(i), incarnation);
		});
		std::multiset<u32> found(slots.begin(), slots.end());
		for (u32 slot = 0; slot < 3; slot++)
			ASSERT_EQ(found.count(slot), 1u);
		ASSERT_EQ(found.count(NONE), 3u);
	}
}

/* A machine that boots over and over, beside others: each life is an incarnation of its own. */
TEST(DirectoryThreads, ComeAndGoAndNeverShareASlot)
{
	constexpr u32 THREADS = 6;
	Region region(small_request(4));
	std::vector<std::atomic<u32>> owners(4);
	std::vector<std::vector<u32>> lives(THREADS);
	std::atomic<u32> shared = 0;
	together(THREADS, [&](u32 i) {
		Directory<HardwareMemory> directory(region.layout());
		for (u32 life = 0; life < 500; life++) {
			u32 incarnation;
			u32 slot = claim(directory, identity(i), incarnation);
			if (slot == NONE)
				continue;
			lives[i].push_back(slot << 24 | incarnation);
			if (owners[slot].fetch_add(1) != 0)
				shared++;
			owners[slot]--;
			if (!directory.release(slot, incarnation))
				shared++;
		}
	});
	EXPECT_EQ(shared, 0u);
	std::set<u32> all;
	size_t count = 0;
	for (const std::vector<u32>& own : lives) {
		all.insert(own.begin(), own.end());
		count += own.size();
	}
	EXPECT_EQ(all.size(), count) << "an incarnation was given twice";
	EXPECT_GT(count, 1000u);
}

TEST(DirectoryThreads, ReadEntriesOfOneIncarnationWhileTheyAreRewritten)
{
	constexpr u32 REWRITES = 50000;
	constexpr u32 READS = 1000;
	Region region(small_request(2));
	std::atomic<bool> done = false;
	std::atomic<u32> read = 0;
	together(3, [&](u32 i) {
		Directory<HardwareMemory> directory(region.layout());
		shmnet_node entry = {};
		if (i == 0) {
			/* On a busy machine readers may come late. */
			for (u32 incarnation = 1; incarnation <= REWRITES || read < READS;
			     incarnation++) {
				entry.incarnation = entry.peer = entry.vectors = entry.device =
					incarnation;
				memset(entry.machine, static_cast<int>(incarnation), 16);
				memset(entry.name, static_cast<int>(incarnation % 100 + 1), 64);
				directory.clear_part(1);
				directory.publish_entry(1, entry);
			}
			done = true;
			return;
		}
		while (!done) {
			if (!directory.read_entry(1, entry))
				continue;
			read++;
			u32 incarnation = entry.incarnation;
			ASSERT_EQ(entry.peer, incarnation);
			ASSERT_EQ(entry.vectors, incarnation);
			ASSERT_EQ(entry.device, incarnation);
			for (u8 byte : entry.machine)
				ASSERT_EQ(byte, static_cast<u8>(incarnation));
			for (size_t k = 0; k < 63; k++)
				ASSERT_EQ(entry.name[k], static_cast<char>(incarnation % 100 + 1));
		}
	});
}

} // namespace shmnet::test
