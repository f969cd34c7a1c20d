// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What clients of the hub receive, message by message, and that doorbells ring.
#include "support/fake_client.hh"
#include "support/hub_process.hh"

#include <gtest/gtest.h>
#include <sys/stat.h>

using namespace shmnet;
using namespace shmnet::test;

class HubProtocol : public testing::Test {
protected:
	TemporaryDirectory directory_;
	HubProcess hub_{directory_};
};

TEST_F(HubProtocol, FirstClientGetsVersionIdMemoryAndItsInterrupts)
{
	ASSERT_TRUE(hub_.start({"--nodes", "3"})) << hub_.log();
	FakeClient client(hub_.socket());

	auto version = client.receive();
	ASSERT_TRUE(version);
	EXPECT_EQ(version->value, 0);
	EXPECT_FALSE(version->fd);
	auto id = client.receive();
	ASSERT_TRUE(id);
	EXPECT_EQ(id->value, 0);
	EXPECT_FALSE(id->fd);
	auto memory = client.receive();
	ASSERT_TRUE(memory);
	EXPECT_EQ(memory->value, -1);
	ASSERT_TRUE(memory->fd);
	struct stat served, file;
	ASSERT_EQ(::fstat(memory->fd.get(), &served), 0);
	ASSERT_EQ(::stat(hub_.file().c_str(), &file), 0);
	EXPECT_EQ(served.st_ino, file.st_ino);
	EXPECT_EQ(served.st_size & (served.st_size - 1), 0);
	for (int vector = 0; vector < 3; vector++) {
		auto interrupt = client.receive();
		ASSERT_TRUE(interrupt);
		EXPECT_EQ(interrupt->value, 0);
		EXPECT_TRUE(interrupt->fd);
	}
	EXPECT_FALSE(client.receive(Milliseconds(100)));
	EXPECT_FALSE(client.closed());
}

TEST_F(HubProtocol, EachNewcomerAndTheOthersLearnOfEachOther)
{
	ASSERT_TRUE(hub_.start({"--nodes", "3"})) << hub_.log();
	FakeClient a(hub_.socket());
	ASSERT_TRUE(a.read_greeting(3));
	EXPECT_EQ(a.id(), 0);

	FakeClient b(hub_.socket());
	ASSERT_TRUE(b.read_greeting(3));
	EXPECT_EQ(b.id(), 1);
	EXPECT_TRUE(b.read_until([&] { return b.doorbells(0) == 3; }));
	EXPECT_TRUE(a.read_until([&] { return a.doorbells(1) == 3; }));

	FakeClient c(hub_.socket());
	ASSERT_TRUE(c.read_greeting(3));
	EXPECT_EQ(c.id(), 2);
	EXPECT_TRUE(c.read_until([&] { return c.doorbells(0) == 3 && c.doorbells(1) == 3; }));
	EXPECT_TRUE(a.read_until([&] { return a.doorbells(2) == 3; }));
	EXPECT_TRUE(b.read_until([&] { return b.doorbells(2) == 3; }));
	EXPECT_FALSE(a.receive(Milliseconds(50)));
	EXPECT_FALSE(b.receive(Milliseconds(0)));
	EXPECT_FALSE(c.receive(Milliseconds(0)));
}

TEST_F(HubProtocol, DoorbellsRingTheVectorOfThePeerAndNothingElse)
{
	ASSERT_TRUE(hub_.start({"--nodes", "2", "--vectors", "4"})) << hub_.log();
	FakeClient a(hub_.socket());
	ASSERT_TRUE(a.read_greeting(4));
	FakeClient b(hub_.socket());
	ASSERT_TRUE(b.read_greeting(4));
	ASSERT_TRUE(a.read_until([&] { return a.doorbells(1) == 4; }));
	ASSERT_TRUE(b.read_until([&] { return b.doorbells(0) == 4; }));

	for (unsigned vector = 0; vector < 4; vector++) {
		a.ring(1, vector);
		b.ring(0, vector);
		b.ring(0, vector);
		for (unsigned other = 0; other < 4; other++) {
			EXPECT_EQ(b.rung(other), other == vector ? 1u : 0u);
			EXPECT_EQ(a.rung(other), other == vector ? 2u : 0u);
		}
	}
}

/* QEMU does not survive to be told that a peer left (switchboard.hh). */
TEST_F(HubProtocol, ALeaveIsNotToldAndWhoeverHasTheIdNextIsRungByTheSameDoorbells)
{
	ASSERT_TRUE(hub_.start({"--nodes", "3"})) << hub_.log();
	FakeClient a(hub_.socket());
	ASSERT_TRUE(a.read_greeting(3));
	{
		ClientProcess b(hub_.socket(), 1, 3);
		ASSERT_EQ(b.ids(), std::vector<int>{1});
		ASSERT_TRUE(a.read_until([&] { return a.doorbells(1) == 3; }));
	}
	EXPECT_FALSE(a.receive(Milliseconds(100)));
	a.ring(1, 1); /* into the void: not for the next one */
	FakeClient next(hub_.socket());
	ASSERT_TRUE(next.read_greeting(3));
	EXPECT_EQ(next.id(), 1);
	EXPECT_EQ(next.rung(1), 0u);
	EXPECT_FALSE(a.receive(Milliseconds(100)));
	for (unsigned vector = 0; vector < 3; vector++) {
		a.ring(1, vector);
		EXPECT_EQ(next.rung(vector), 1u);
		next.ring(0, vector);
		EXPECT_EQ(a.rung(vector), 1u);
	}
}

TEST_F(HubProtocol, TheIdOfADeadProcessIsGivenAgainTheSmallestFirst)
{
	ASSERT_TRUE(hub_.start({"--nodes", "4"})) << hub_.log();
	ClientProcess a(hub_.socket(), 1, 4), b(hub_.socket(), 1, 4), c(hub_.socket(), 1, 4);
	FakeClient watcher(hub_.socket());
	ASSERT_TRUE(watcher.read_greeting(4));
	EXPECT_EQ(watcher.id(), 3);
	ASSERT_TRUE(watcher.read_until([&] { return watcher.doorbells(2) == 4; }));
	b.kill();
	a.kill();
	ClientProcess d(hub_.socket(), 1, 4), e(hub_.socket(), 1, 4), f(hub_.socket(), 1, 4);
	EXPECT_EQ(d.ids(), std::vector<int>{0});
	EXPECT_EQ(e.ids(), std::vector<int>{1});
	EXPECT_EQ(f.ids(), std::vector<int>{4});
	EXPECT_TRUE(watcher.read_until([&] { return watcher.doorbells(4) == 4; }));
	EXPECT_EQ(watcher.doorbells(0), 4u);
	EXPECT_EQ(watcher.doorbells(1), 4u);
}

TEST_F(HubProtocol, TheIdOfAClosedConnectionIsHeldWhileItsProcessLives)
{
	ASSERT_TRUE(hub_.start({"--nodes", "2"})) << hub_.log();
	auto a = std::make_unique<FakeClient>(hub_.socket());
	ASSERT_TRUE(a->read_greeting(2));
	EXPECT_EQ(a->id(), 0);
	/* A member: one that left before it was is forgotten with its id. */
	ASSERT_TRUE(eventually([&] { return hub_.logged("peer 0 (process"); }));
	a.reset();
	ASSERT_TRUE(eventually([&] { return hub_.logged(") left"); }));
	FakeClient b(hub_.socket());
	ASSERT_TRUE(b.read_greeting(2));
	EXPECT_EQ(b.id(), 1);
}

TEST_F(HubProtocol, AProcessMayHaveSeveralDevices)
{
	ASSERT_TRUE(hub_.start({"--nodes", "4"})) << hub_.log();
	ClientProcess guest(hub_.socket(), 3, 4);
	EXPECT_EQ(guest.ids(), (std::vector<int>{0, 1, 2}));
	FakeClient a(hub_.socket());
	ASSERT_TRUE(a.read_greeting(4));
	EXPECT_TRUE(a.read_until(
		[&] { return a.doorbells(0) == 4 && a.doorbells(1) == 4 && a.doorbells(2) == 4; }));
	guest.kill();
	ClientProcess again(hub_.socket(), 3, 4);
	EXPECT_EQ(again.ids(), (std::vector<int>{0, 1, 2}));
}

TEST_F(HubProtocol, FortyPeersAllKnowAllOthers)
{
	constexpr int PEERS = 40;
	ASSERT_TRUE(hub_.start({"--nodes", "2", "--vectors", "3"})) << hub_.log();
	std::vector<std::unique_ptr<FakeClient>> clients;
	for (int i = 0; i < PEERS; i++) {
		clients.push_back(std::make_unique<FakeClient>(hub_.socket()));
		ASSERT_TRUE(clients.back()->read_greeting(3));
		EXPECT_EQ(clients.back()->id(), i);
	}
	for (auto& client : clients)
		ASSERT_TRUE(client->read_until([&] {
			for (int peer = 0; peer < PEERS; peer++)
				if (peer != client->id() && client->doorbells(peer) != 3)
					return false;
			return true;
		}));
	clients[7]->ring(33, 2);
	EXPECT_EQ(clients[33]->wait_rung(2), 1u);
}

TEST_F(HubProtocol, TheSocketGoesWithTheHubAndTheMemoryStays)
{
	ASSERT_TRUE(hub_.start({"--nodes", "2"})) << hub_.log();
	EXPECT_EQ(hub_.stop(), 0) << hub_.log();
	struct stat status;
	EXPECT_NE(::stat(hub_.socket().c_str(), &status), 0);
	EXPECT_NE(::stat(hub_.state().c_str(), &status), 0);
	EXPECT_EQ(::stat(hub_.file().c_str(), &status), 0);
}

TEST_F(HubProtocol, TheSocketHasTheModeThatWasAsked)
{
	ASSERT_TRUE(hub_.start({"--nodes", "2"})) << hub_.log();
	struct stat status;
	ASSERT_EQ(::stat(hub_.socket().c_str(), &status), 0);
	EXPECT_EQ(status.st_mode & 0777, 0600u);
	hub_.stop();
	ASSERT_TRUE(hub_.start({"--nodes", "2", "--mode", "0660", "--group", "daemon"}))
		<< hub_.log();
	ASSERT_EQ(::stat(hub_.socket().c_str(), &status), 0);
	EXPECT_EQ(status.st_mode & 0777, 0660u);
}
