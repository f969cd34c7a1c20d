// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A hub that is killed and started again, alone and under a service manager that keeps descriptors.
#include "support/fake_client.hh"
#include "support/hub_process.hh"
#include "support/service_manager.hh"

#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

using namespace shmnet;
using namespace shmnet::test;

class HubRestart : public testing::Test {
protected:
	static constexpr unsigned VECTORS = 4;

	void start(const Program::Setup& setup = {})
	{
		ASSERT_TRUE(hub_.start({"--nodes", "4"}, setup)) << hub_.log();
	}

	TemporaryDirectory directory_;
	HubProcess hub_{directory_};
};

TEST_F(HubRestart, NoIdOfALivingProcessIsGivenAgain)
{
	start();
	ClientProcess a(hub_.socket(), 1, VECTORS), b(hub_.socket(), 2, VECTORS);
	ASSERT_EQ(a.ids(), std::vector<int>{0});
	ASSERT_EQ(b.ids(), (std::vector<int>{1, 2}));
	ASSERT_TRUE(eventually([&] { return hub_.logged("peer 2 (process"); }));
	hub_.kill();
	start();
	ClientProcess c(hub_.socket(), 1, VECTORS);
	EXPECT_EQ(c.ids(), std::vector<int>{3});
	b.kill();
	ASSERT_TRUE(eventually([&] { return hub_.logged("of peer 2 died"); }));
	ClientProcess d(hub_.socket(), 2, VECTORS);
	EXPECT_EQ(d.ids(), (std::vector<int>{1, 2}));
}

TEST_F(HubRestart, IdsThatWereJustGivenAreOnRecord)
{
	start();
	for (int round = 0; round < 10; round++) {
		/* Killed the moment the id is known: it was on record before it was sent. */
		FakeClient client(hub_.socket());
		ASSERT_TRUE(client.read_setup());
		EXPECT_EQ(client.id(), round);
		hub_.kill();
		start();
	}
}

TEST_F(HubRestart, DeathsAfterARestartAreWitnessed)
{
	start();
	ClientProcess victim(hub_.socket(), 1, VECTORS);
	FakeGuests guests(hub_.file());
	guests.claim(2, 7, 0);
	hub_.kill();
	start();
	FakeClient newcomer(hub_.socket());
	ASSERT_TRUE(newcomer.read_greeting(VECTORS));
	ASSERT_TRUE(eventually([&] { return hub_.logged("peer 1 (process"); }));
	EXPECT_EQ(guests.witness(2), 0u);
	auto begin = std::chrono::steady_clock::now();
	victim.kill();
	ASSERT_TRUE(eventually([&] { return guests.dead(2, 7); }));
	EXPECT_LT(std::chrono::steady_clock::now() - begin, Milliseconds(1000));
	EXPECT_EQ(newcomer.wait_rung(0), 1u);
}

TEST_F(HubRestart, DeathsWhileNoHubRanAreWitnessed)
{
	start();
	ClientProcess victim(hub_.socket(), 1, VECTORS);
	FakeGuests guests(hub_.file());
	guests.claim(2, 7, 0);
	hub_.kill();
	victim.kill();
	start();
	EXPECT_TRUE(guests.dead(2, 7));
	ClientProcess next(hub_.socket(), 1, VECTORS);
	EXPECT_EQ(next.ids(), std::vector<int>{0});
}

TEST_F(HubRestart, AProcessThatHasTheNumberOfADeadOneIsNotTakenForIt)
{
	start();
	{
		ClientProcess a(hub_.socket(), 1, VECTORS);
		ASSERT_EQ(a.ids(), std::vector<int>{0});
		hub_.kill();
	}
	/* As if the number had been given to this process. */
	std::string state = read_text(hub_.state());
	size_t at = state.find("\"pid\": ") + 7;
	state.replace(at, state.find_first_of(",\n", at) - at, std::to_string(::getpid()));
	write_text(hub_.state(), state);
	start();
	ClientProcess b(hub_.socket(), 1, VECTORS);
	EXPECT_EQ(b.ids(), std::vector<int>{0});
}

TEST_F(HubRestart, AStateOfAnotherBootNamesOnlyTheDead)
{
	start();
	ClientProcess a(hub_.socket(), 1, VECTORS);
	FakeGuests guests(hub_.file());
	guests.claim(1, 4, 0);
	hub_.kill();
	std::string state = read_text(hub_.state());
	state[state.find("\"boot\": \"") + 9] ^= 1;
	write_text(hub_.state(), state);
	start();
	EXPECT_TRUE(guests.dead(1, 4));
	ClientProcess b(hub_.socket(), 1, VECTORS);
	EXPECT_EQ(b.ids(), std::vector<int>{0});
}

TEST_F(HubRestart, AStateThatCannotBeUnderstoodIsRefused)
{
	start();
	hub_.kill();
	for (std::string text :
	     {"", "{", "[]", "{\"version\": 2, \"boot\": \"\", \"peers\": []}",
	      "{\"version\": 1, \"boot\": \"\", \"peers\": [{\"id\": 70000}]}"}) {
		write_text(hub_.state(), text);
		EXPECT_FALSE(hub_.start({"--nodes", "4"})) << text;
		EXPECT_EQ(hub_.program().wait(), 1);
		EXPECT_TRUE(hub_.logged("cannot be understood"));
		EXPECT_EQ(read_text(hub_.state()), text);
	}
}

TEST_F(HubRestart, WithoutAStateTheIdsInTheDirectoryAreWithheldWhileTheirClaimsStand)
{
	start();
	FakeGuests guests(hub_.file());
	guests.claim(0, 3, 0);
	guests.claim(1, 3, 2);
	hub_.kill();
	ASSERT_EQ(::unlink(hub_.state().c_str()), 0);
	start();
	FakeClient a(hub_.socket()), b(hub_.socket());
	ASSERT_TRUE(a.read_greeting(VECTORS));
	ASSERT_TRUE(b.read_greeting(VECTORS));
	EXPECT_EQ(a.id(), 1);
	EXPECT_EQ(b.id(), 3);
	guests.release(0);
	EXPECT_TRUE(eventually([&] {
		FakeClient probe(hub_.socket());
		return probe.read_greeting(VECTORS) && probe.id() == 0;
	}));
}

TEST_F(HubRestart, AStopInOrderKeepsTheRecordToo)
{
	start();
	ClientProcess a(hub_.socket(), 1, VECTORS);
	ASSERT_TRUE(eventually([&] { return hub_.logged("peer 0 (process"); }));
	EXPECT_EQ(hub_.stop(), 0);
	start();
	ClientProcess b(hub_.socket(), 1, VECTORS);
	EXPECT_EQ(b.ids(), std::vector<int>{1});
	EXPECT_TRUE(hub_.logged("cannot ring guests that start from now on"));
}

class HubUnderSystemd : public HubRestart {
protected:
	void start() { HubRestart::start(manager_.setup()); }

	void restart()
	{
		hub_.kill();
		start();
	}

	/* On record. */
	size_t members() const
	{
		std::string state = read_text(hub_.state());
		size_t count = 0;
		for (size_t at = 0; (at = state.find("\"member\"", at)) != std::string::npos; at++)
			count++;
		return count;
	}

	ServiceManager manager_{directory_};
};

TEST_F(HubUnderSystemd, SaysWhenItIsReady)
{
	start();
	EXPECT_TRUE(eventually([&] { return manager_.received("READY=1") == 1; }));
	EXPECT_EQ(hub_.stop(), 0);
	EXPECT_TRUE(eventually([&] { return manager_.received("STOPPING=1") == 1; }));
}

TEST_F(HubUnderSystemd, OldAndNewGuestsKnowAndRingEachOtherAcrossARestart)
{
	start();
	FakeClient a(hub_.socket()), b(hub_.socket());
	ASSERT_TRUE(a.read_greeting(VECTORS));
	ASSERT_TRUE(b.read_greeting(VECTORS));
	ASSERT_TRUE(a.read_until([&] { return a.doorbells(1) == VECTORS; }));
	ASSERT_TRUE(b.read_until([&] { return b.doorbells(0) == VECTORS; }));
	ASSERT_TRUE(eventually([&] {
		/* Of both, that they know of both lines. */
		std::string state = read_text(hub_.state());
		size_t first = state.find("\"told\": [\n\t\t\t\t2,");
		return first != std::string::npos &&
		       state.find("\"told\": [\n\t\t\t\t2,", first + 1) != std::string::npos;
	}));
	restart();
	EXPECT_FALSE(a.receive(Milliseconds(100)));
	EXPECT_FALSE(a.closed());
	FakeClient c(hub_.socket());
	ASSERT_TRUE(c.read_greeting(VECTORS));
	EXPECT_EQ(c.id(), 2);
	EXPECT_TRUE(c.read_until([&] { return c.doorbells(0) && c.doorbells(1) == VECTORS; }));
	EXPECT_TRUE(a.read_until([&] { return a.doorbells(2) == VECTORS; }));
	for (unsigned vector = 0; vector < VECTORS; vector++) {
		c.ring(0, vector);
		EXPECT_EQ(a.wait_rung(vector), 1u);
		a.ring(2, vector);
		EXPECT_EQ(c.wait_rung(vector), 1u);
		a.ring(1, vector);
		EXPECT_EQ(b.wait_rung(vector), 1u);
	}
}

TEST_F(HubUnderSystemd, DeathsAreWitnessedAndRungAcrossARestart)
{
	start();
	FakeClient a(hub_.socket());
	ASSERT_TRUE(a.read_greeting(VECTORS));
	ClientProcess b(hub_.socket(), 1, VECTORS), c(hub_.socket(), 1, VECTORS);
	ASSERT_TRUE(a.read_until([&] { return a.doorbells(1) && a.doorbells(2) == VECTORS; }));
	ASSERT_TRUE(eventually([&] { return members() == 3; }));
	FakeGuests guests(hub_.file());
	guests.claim(1, 5, 1);
	guests.claim(2, 6, 2);
	hub_.kill();
	b.kill(); /* while nobody looks */
	start();
	EXPECT_TRUE(guests.dead(1, 5));
	EXPECT_EQ(a.wait_rung(0), 1u);
	c.kill();
	EXPECT_TRUE(eventually([&] { return guests.dead(2, 6); }));
	EXPECT_EQ(a.wait_rung(0), 1u);
	/* The connections of the dead are not kept; the doorbells are their ids', and are. */
	EXPECT_TRUE(eventually([&] {
		size_t clients = 0, doorbells = 0;
		for (const std::string& name : manager_.names()) {
			clients += name.starts_with("client-");
			doorbells += name.starts_with("doorbell-");
		}
		return clients == 1 && doorbells == 3 * VECTORS;
	}));
	ClientProcess d(hub_.socket(), 1, VECTORS);
	EXPECT_EQ(d.ids(), std::vector<int>{1});
	a.read_waiting();
	EXPECT_EQ(a.leaves(), 0u);
}

TEST_F(HubUnderSystemd, GuestsThatConnectWhileNoHubRunsAreServedByTheNext)
{
	start();
	hub_.kill();
	FakeClient early(hub_.socket());
	start();
	EXPECT_TRUE(early.read_greeting(VECTORS));
}

TEST_F(HubUnderSystemd, AGuestWhoseGreetingWasCutOffIsNotServedHalf)
{
	start();
	FakeClient a(hub_.socket());
	ASSERT_TRUE(a.read_greeting(VECTORS));
	ASSERT_TRUE(eventually([&] { return hub_.logged("peer 0 (process"); }));
	FakeClient half(hub_.socket());
	ASSERT_TRUE(half.read_setup());
	restart();
	(void)half.read_until([&] { return half.closed(); });
	EXPECT_TRUE(half.closed());
	FakeClient c(hub_.socket());
	ASSERT_TRUE(c.read_greeting(VECTORS));
	EXPECT_EQ(c.id(), 2);
}

TEST_F(HubUnderSystemd, KilledAtAnyMomentOfAJoinTheHubLosesNobodyWhoWasServed)
{
	start();
	FakeClient old(hub_.socket());
	ASSERT_TRUE(old.read_greeting(VECTORS));
	ASSERT_TRUE(eventually([&] { return members() == 1; }));
	std::vector<std::unique_ptr<FakeClient>> served;
	/* The latest moment; it follows what a join takes here, so that about half of them last. */
	std::chrono::microseconds latest{4000};
	unsigned random = 1;
	int lasted = 0;
	for (int round = 0; round < 40 || (lasted < 10 && round < 400); round++) {
		auto client = std::make_unique<FakeClient>(hub_.socket());
		random = random * 1103515245 + 12345;
		std::thread reader([&] { (void)client->read_greeting(VECTORS); });
		std::this_thread::sleep_for(latest * (random / 65536 % 1000) / 1000);
		hub_.kill();
		start();
		reader.join();
		client->read_waiting();
		lasted += !client->closed();
		latest = client->closed() ? latest * 3 / 2 : latest * 2 / 3;
		served.push_back(std::move(client));
	}
	(void)manager_.setup();
	/* One whose greeting was cut off is disconnected, and its QEMU does not start. */
	std::erase_if(served, [](auto& client) {
		client->read_waiting();
		return client->closed();
	});
	EXPECT_GT(served.size(), 5u);
	EXPECT_TRUE(eventually([&] { return members() == served.size() + 1; }))
		<< served.size() << " and not " << members();
	for (auto& client : served) {
		EXPECT_TRUE(old.read_until([&] { return old.doorbells(client->id()) == VECTORS; }));
		EXPECT_TRUE(
			client->read_until([&] { return client->doorbells(old.id()) == VECTORS; }));
		for (auto& other : served) {
			if (other == client)
				continue;
			ASSERT_TRUE(client->read_until(
				[&] { return client->doorbells(other->id()) == VECTORS; }));
			/*
			 * The next hub begins where the record ends. If the last one was killed
			 * among the messages of one line, vectors of that pair may be off.
			 */
			client->ring(other->id(), 2);
			EXPECT_EQ(other->rung(0) + other->rung(1) + other->rung(2) + other->rung(3),
				  1u);
		}
	}
}

TEST_F(HubUnderSystemd, AGuestThatDidNotReadIsToldTheRestByTheNextHub)
{
	ASSERT_TRUE(hub_.start({"--nodes", "4", "--vectors", "32"}, manager_.setup()));
	FakeClient slow(hub_.socket());
	ASSERT_TRUE(slow.read_greeting(32));
	ASSERT_TRUE(eventually([&] { return hub_.logged("peer 0 (process"); }));
	std::vector<std::unique_ptr<FakeClient>> others;
	for (int i = 0; i < 12; i++) {
		others.push_back(std::make_unique<FakeClient>(hub_.socket()));
		ASSERT_TRUE(others.back()->read_greeting(32));
		others.back()->drop_doorbells();
	}
	ASSERT_TRUE(eventually([&] {
		for (auto& other : others)
			other->read_waiting();
		return members() == 13;
	}));
	hub_.kill();
	ASSERT_TRUE(hub_.start({"--nodes", "4", "--vectors", "32"}, manager_.setup()))
		<< hub_.log();
	EXPECT_TRUE(slow.read_until([&] {
		for (int i = 1; i <= 12; i++)
			if (slow.doorbells(i) != 32)
				return false;
		return true;
	}));
	slow.ring(12, 31);
	EXPECT_EQ(others[11]->wait_rung(31), 1u);
}

TEST_F(HubUnderSystemd, FaultsGoOnAcrossARestart)
{
	ASSERT_TRUE(hub_.start({"--nodes", "2", "--fault", "drop=0"}, manager_.setup()));
	FakeClient a(hub_.socket()), b(hub_.socket());
	ASSERT_TRUE(a.read_greeting(2));
	ASSERT_TRUE(b.read_greeting(2));
	ASSERT_TRUE(a.read_until([&] { return a.doorbells(1) == 2; }));
	hub_.kill();
	/* The fronts are relayed by a hub that adds no faults, as well. */
	ASSERT_TRUE(hub_.start({"--nodes", "2"}, manager_.setup())) << hub_.log();
	a.ring(1, 1);
	EXPECT_EQ(b.wait_rung(1), 1u);
}

TEST_F(HubUnderSystemd, TheWatchdogIsFed)
{
	Program::Setup setup = manager_.setup();
	setup.environment["WATCHDOG_USEC"] = "200000";
	HubRestart::start(setup);
	EXPECT_TRUE(eventually([&] { return manager_.received("WATCHDOG=1") >= 3; }));
}
