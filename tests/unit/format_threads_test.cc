// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Formatters that run at once, in threads of their own, some of which stop on the way. */
#include "support/random.hh"
#include "support/region.hh"
#include "support/stepped_memory.hh"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

namespace shmnet::test {

namespace {

constexpr unsigned THREADS = 4;

struct Attempt {
	const Geometry* geometry;
	u64 stop_after; /* stores */
	bool stopped = false;
	FormatResult result = FormatResult::OtherContent;
};

void run(u8* base, std::vector<Attempt>& attempts)
{
	std::atomic<unsigned> ready = 0;
	std::vector<std::thread> threads;
	for (Attempt& attempt : attempts)
		threads.emplace_back([&, base] {
			ready++;
			while (ready != attempts.size())
				std::this_thread::yield();
			attempt.stopped = stop_after_stores(attempt.stop_after, [&] {
				attempt.result =
					format_region<SteppedMemory>(base, *attempt.geometry);
			});
		});
	for (std::thread& thread : threads)
		thread.join();
}

AttachError read(u8* base, u64 size, Geometry& scratch)
{
	Layout layout;
	return read_layout<HardwareMemory>(base, size, scratch, layout);
}

constexpr u64 NEVER = ~0ULL;

} // namespace

TEST(FormatThreads, WithOneRequestMakeOneRegionWhereverSomeStop)
{
	Geometry geometry = geometry_of(default_request(4));
	GuardedMemory memory(2 * SHMNET_PAGE);
	Random random;
	for (unsigned round = 0; round < 200; round++) {
		memset(memory.base(), 0, memory.size());
		std::vector<Attempt> attempts(THREADS, {&geometry, 0});
		for (Attempt& attempt : attempts)
			attempt.stop_after = random.one_in(3) ? NEVER : random.below(500);
		attempts[0].stop_after = NEVER;
		run(memory.base(), attempts);

		for (const Attempt& attempt : attempts)
			ASSERT_TRUE(attempt.stopped || attempt.result == FormatResult::Formatted);
		Geometry found;
		ASSERT_EQ(read(memory.base(), geometry.superblock.region_size, found),
			  AttachError::None);
		ASSERT_EQ(memcmp(&found, &geometry, sizeof(found)), 0);
	}
}

TEST(FormatThreads, WithDifferentRequestsOneWinsAndTheOthersAreTold)
{
	std::vector<Geometry> geometries;
	for (u32 nodes = 2; nodes < 2 + THREADS; nodes++)
		geometries.push_back(geometry_of(default_request(nodes)));
	GuardedMemory memory(2 * SHMNET_PAGE);
	for (unsigned round = 0; round < 200; round++) {
		memset(memory.base(), 0, memory.size());
		std::vector<Attempt> attempts;
		for (const Geometry& geometry : geometries)
			attempts.push_back({&geometry, NEVER});
		run(memory.base(), attempts);

		const Geometry* winner = nullptr;
		for (const Attempt& attempt : attempts) {
			if (attempt.result == FormatResult::Formatted) {
				ASSERT_EQ(winner, nullptr) << "two have won";
				winner = attempt.geometry;
			} else {
				ASSERT_EQ(attempt.result, FormatResult::OtherGeometry);
			}
		}
		ASSERT_NE(winner, nullptr);
		Geometry found;
		ASSERT_EQ(read(memory.base(), winner->superblock.region_size, found),
			  AttachError::None);
		ASSERT_EQ(memcmp(&found, winner, sizeof(found)), 0);
	}
}

} // namespace shmnet::test
