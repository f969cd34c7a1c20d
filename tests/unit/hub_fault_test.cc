// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Doorbells through the relay of fault mode.
#include "support/fake_client.hh"
#include "support/hub_process.hh"

#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

using namespace shmnet;
using namespace shmnet::test;

class HubFault : public testing::Test {
protected:
	void start(const std::string& fault) { start(hub_, fault); }

	void start(HubProcess& hub, const std::string& fault)
	{
		ASSERT_TRUE(hub.start({"--nodes", "2", "--fault", fault})) << hub.log();
		a_ = std::make_unique<FakeClient>(hub.socket());
		ASSERT_TRUE(a_->read_greeting(2));
		b_ = std::make_unique<FakeClient>(hub.socket());
		ASSERT_TRUE(b_->read_greeting(2));
		ASSERT_TRUE(a_->read_until([&] { return a_->doorbells(1) == 2; }));
	}

	/* Rings one by one, each when the one before has arrived or is lost: the hub counts. */
	std::string ring(HubProcess& hub, int times)
	{
		std::string arrived;
		for (int i = 0; i < times; i++) {
			a_->ring(1, 0);
			EXPECT_TRUE(eventually([&] {
				hub.program().signal(SIGUSR1);
				return hub.logged("doorbells: " + std::to_string(i + 1) + " rung");
			}));
			arrived += b_->rung(0) ? '1' : '0';
		}
		return arrived;
	}

	TemporaryDirectory directory_;
	HubProcess hub_{directory_};
	std::unique_ptr<FakeClient> a_;
	std::unique_ptr<FakeClient> b_;
};

TEST_F(HubFault, DropOneRelaysNothing)
{
	start("drop=1.0");
	for (int i = 0; i < 100; i++)
		a_->ring(1, i % 2);
	EXPECT_EQ(b_->wait_rung(0, Milliseconds(100)), 0u);
	EXPECT_EQ(b_->rung(1), 0u);
	EXPECT_EQ(hub_.stop(), 0);
	EXPECT_TRUE(hub_.logged("doorbells: 100 rung, 100 dropped, 0 relayed, 0 repeated"))
		<< hub_.log();
}

TEST_F(HubFault, DropZeroRelaysAll)
{
	start("drop=0");
	uint64_t arrived = 0;
	for (int i = 0; i < 100; i++)
		a_->ring(1, 1);
	EXPECT_TRUE(eventually([&] { return (arrived += b_->rung(1)) == 100; }));
	EXPECT_EQ(b_->rung(0), 0u);
	EXPECT_EQ(a_->rung(1), 0u);
}

TEST_F(HubFault, DropIsAFunctionOfTheSeed)
{
	std::string first, second, other;
	for (auto [seed, result] :
	     {std::pair{"drop=50%,seed=7", &first}, std::pair{"drop=0.5,seed=7", &second},
	      std::pair{"drop=50%,seed=8", &other}}) {
		/* A hub of its own each time: the ids are part of the seed. */
		TemporaryDirectory directory;
		HubProcess hub(directory);
		start(hub, seed);
		*result = ring(hub, 60);
	}
	EXPECT_EQ(first, second);
	EXPECT_NE(first, other);
	auto ones = std::count(first.begin(), first.end(), '1');
	EXPECT_GT(ones, 15);
	EXPECT_LT(ones, 45);
}

TEST_F(HubFault, RepeatRingsMoreOften)
{
	start("repeat=3");
	a_->ring(1, 0);
	uint64_t arrived = 0;
	EXPECT_TRUE(eventually([&] { return (arrived += b_->rung(0)) == 4; }));
	EXPECT_EQ(b_->wait_rung(0, Milliseconds(30)), 0u);
	hub_.program().signal(SIGUSR1);
	EXPECT_TRUE(eventually(
		[&] { return hub_.logged("1 rung, 0 dropped, 1 relayed, 3 repeated"); }));
}

TEST_F(HubFault, DelayHoldsEachRingBack)
{
	start("delay=100");
	auto begin = std::chrono::steady_clock::now();
	a_->ring(1, 0);
	EXPECT_EQ(b_->wait_rung(0), 1u);
	auto took = std::chrono::steady_clock::now() - begin;
	EXPECT_GE(took, Milliseconds(100));
	EXPECT_LT(took, Milliseconds(1000));
}

TEST_F(HubFault, DeathsAreRungAllTheSame)
{
	start("drop=1");
	FakeGuests guests(hub_.file());
	guests.claim(1, 3, 1);
	b_.reset();
	EXPECT_TRUE(eventually([&] { return guests.dead(1, 3); }));
	EXPECT_EQ(a_->wait_rung(0), 1u);
}

TEST_F(HubFault, NonsenseIsRefused)
{
	for (std::string fault : {"drop=2", "drop=-1", "drop=x", "drop=101%", "drop", "lose=1",
				  "delay=1s", "repeat=-1", "drop=nan"}) {
		Finished finished = run({program_path("shmnet-hub"), "--socket", hub_.socket(),
					 "--nodes", "2", "--fault", fault},
					directory_.path());
		EXPECT_EQ(finished.status, 2) << fault;
		EXPECT_NE(finished.output.find("--fault"), std::string::npos) << fault;
	}
}
