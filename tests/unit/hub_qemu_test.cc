// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The hub and QEMU's own ivshmem-doorbell, without a guest in it.
#include "support/fake_client.hh"
#include "support/hub_process.hh"
#include "support/qemu.hh"

#include <gtest/gtest.h>
#include <signal.h>

using namespace shmnet;
using namespace shmnet::test;

class HubQemu : public testing::Test {
protected:
	void SetUp() override
	{
		if (!Qemu::installed())
			GTEST_SKIP() << "qemu-system-x86_64 is not installed";
		ASSERT_TRUE(hub_.start({"--nodes", "2"})) << hub_.log();
	}

	TemporaryDirectory directory_;
	HubProcess hub_{directory_};
};

TEST_F(HubQemu, TwoAreServedRingEachOtherAndTheDeathOfOneIsWitnessed)
{
	Qemu a(directory_, "a", hub_.socket(), 2);
	ASSERT_TRUE(a.start_device()) << read_text(directory_ / "a.log");
	Qemu b(directory_, "b", hub_.socket(), 2);
	ASSERT_TRUE(b.start_device());
	ASSERT_TRUE(eventually([&] { return hub_.logged("peer 1 (process"); })) << hub_.log();
	EXPECT_EQ(a.position(), 0u);
	EXPECT_EQ(b.position(), 1u);

	EXPECT_EQ(a.memory(0), SHMNET_MAGIC);
	FakeGuests guests(hub_.file());
	u64 heartbeat =
		reinterpret_cast<u8*>(&guests.layout().node(1)->heartbeat) - guests.layout().base;
	b.set_memory(heartbeat, 0x0123456789abcdef);
	EXPECT_EQ(a.memory(heartbeat), 0x0123456789abcdefu);

	EXPECT_EQ(a.pending(), 0u);
	EXPECT_EQ(b.pending(), 0u);
	/* A QEMU reads what the hub sends when it comes to it. */
	EXPECT_TRUE(eventually([&] {
		a.ring(1, 1);
		return b.pending() == 2;
	})) << b.pending();
	EXPECT_TRUE(eventually([&] {
		b.ring(0, 1);
		return a.pending() == 2;
	}));
	a.ring(7, 0);
	a.ring(1, 9);

	guests.claim(1, 4, 1);
	auto begin = std::chrono::steady_clock::now();
	b.program().signal(SIGKILL);
	while (!guests.dead(1, 4) &&
	       std::chrono::steady_clock::now() - begin < std::chrono::seconds(10))
		;
	double took =
		std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
			.count();
	printf("SIGKILL of QEMU to witness: %.1f ms\n", took);
	EXPECT_TRUE(guests.dead(1, 4));
	EXPECT_LT(took, 1000);
	EXPECT_TRUE(eventually([&] { return a.pending() == 3; })) << a.pending();
}

/* QEMU aborts when it is told that a peer left and later hears of that id again. */
TEST_F(HubQemu, TheOthersSurviveGuestsThatDieAndComeBackUnderTheSameId)
{
	Qemu a(directory_, "a", hub_.socket(), 2);
	ASSERT_TRUE(a.start_device());
	for (int round = 0; round < 4; round++) {
		Qemu b(directory_, "b", hub_.socket(), 2);
		ASSERT_TRUE(b.start_device());
		EXPECT_EQ(b.position(), 1u);
		EXPECT_TRUE(eventually([&] {
			a.ring(1, 1);
			return b.pending() == 2;
		}));
		EXPECT_TRUE(eventually([&] {
			b.ring(0, 1);
			return a.pending() == 2;
		}));
		b.program().signal(SIGKILL);
		b.program().wait();
		ASSERT_TRUE(a.program().running()) << read_text(directory_ / "a.log");
	}
	EXPECT_EQ(a.position(), 0u);
	EXPECT_EQ(read_text(directory_ / "a.log"), "");
}

TEST_F(HubQemu, ALargerOrSmallerNumberOfVectorsIsSurvivedByQemu)
{
	/* What the manual page says of vectors= that is not the hub's. */
	Qemu more(directory_, "more", hub_.socket(), 8);
	ASSERT_TRUE(more.start_device());
	Qemu fewer(directory_, "fewer", hub_.socket(), 1);
	ASSERT_TRUE(fewer.start_device());
	ASSERT_TRUE(eventually([&] { return hub_.logged("peer 1 (process"); }));
	EXPECT_TRUE(eventually([&] {
		more.ring(1, 0);
		return fewer.pending() == 1;
	}));
	more.ring(1, 1);
	EXPECT_TRUE(eventually([&] {
		fewer.ring(0, 0);
		return more.pending() == 1;
	}));
	EXPECT_EQ(fewer.pending(), 1u);
	EXPECT_EQ(read_text(directory_ / "more.log"), "");
	EXPECT_NE(read_text(directory_ / "fewer.log").find("Too many eventfd received"),
		  std::string::npos);
}
