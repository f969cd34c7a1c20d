// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Clients that do what QEMU never does. Each test goes on to show that a good pair is served.
#include "support/fake_client.hh"
#include "support/hub_process.hh"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>
#include <thread>

using namespace shmnet;
using namespace shmnet::test;

class HubMisbehave : public testing::Test {
protected:
	static constexpr unsigned VECTORS = 4;

	void start(std::vector<std::string> more = {})
	{
		std::vector<std::string> options = {"--nodes", "4", "--vectors", "4"};
		options.insert(options.end(), more.begin(), more.end());
		ASSERT_TRUE(hub_.start(options)) << hub_.log();
		good_ = std::make_unique<FakeClient>(hub_.socket());
		ASSERT_TRUE(good_->read_greeting(VECTORS));
	}

	/* The good client and a newcomer know and ring each other, without delay. */
	void expect_service()
	{
		auto begin = std::chrono::steady_clock::now();
		FakeClient other(hub_.socket());
		ASSERT_TRUE(other.read_greeting(VECTORS)) << hub_.log();
		int id = other.id();
		ASSERT_TRUE(good_->read_until([&] { return good_->doorbells(id) == VECTORS; }));
		ASSERT_TRUE(
			other.read_until([&] { return other.doorbells(good_->id()) == VECTORS; }));
		good_->ring(id, 1);
		EXPECT_EQ(other.wait_rung(1), 1u);
		other.ring(good_->id(), 2);
		EXPECT_EQ(good_->wait_rung(2), 1u);
		EXPECT_LT(std::chrono::steady_clock::now() - begin, Milliseconds(2000));
		EXPECT_TRUE(hub_.program().running());
		EXPECT_EQ(good_->leaves(), 0u);
	}

	static bool closed_by_hub(FakeClient& client, Milliseconds timeout = Milliseconds(5000))
	{
		(void)client.read_until([&] { return client.closed(); }, timeout);
		return client.closed();
	}

	TemporaryDirectory directory_;
	HubProcess hub_{directory_};
	std::unique_ptr<FakeClient> good_;
};

TEST_F(HubMisbehave, OneThatReadsNothingIsNeverAnnouncedAndInTimeDropped)
{
	start({"--patience", "1"});
	FakeClient silent(hub_.socket());
	expect_service();
	EXPECT_TRUE(eventually([&] {
		return hub_.logged("peer 1 (process " + std::to_string(::getpid()) +
				   ") did not read its first messages within 1 s");
	}));
	good_->read_waiting();
	EXPECT_EQ(good_->doorbells(1), 0u);
	EXPECT_TRUE(closed_by_hub(silent));
	expect_service();
}

TEST_F(HubMisbehave, OneThatSendsBytesIsDropped)
{
	start();
	FakeClient talker(hub_.socket());
	ASSERT_TRUE(talker.read_greeting(VECTORS));
	ASSERT_TRUE(good_->read_until([&] { return good_->doorbells(1) == VECTORS; }));
	ASSERT_EQ(::send(talker.socket(), "?", 1, 0), 1);
	EXPECT_TRUE(closed_by_hub(talker));
	EXPECT_TRUE(hub_.logged("sent something"));
	/* At once, before anything was read, and more than a socket takes. */
	FakeClient eager(hub_.socket());
	std::string noise(1 << 20, 'x');
	(void)::send(eager.socket(), noise.data(), noise.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
	expect_service();
}

TEST_F(HubMisbehave, OneThatSendsDescriptorsCostsTheHubNone)
{
	start();
	auto count = [&] {
		size_t n = 0;
		std::string path = "/proc/" + std::to_string(hub_.program().pid()) + "/fd";
		for (const auto& entry : std::filesystem::directory_iterator(path))
			n += !entry.path().empty();
		return n;
	};
	size_t before = count();
	for (int i = 0; i < 50; i++) {
		FakeClient sender(hub_.socket());
		char byte = 0;
		int fd = sender.socket();
		struct iovec data = {&byte, 1};
		alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
		struct msghdr header = {};
		header.msg_iov = &data;
		header.msg_iovlen = 1;
		header.msg_control = control;
		header.msg_controllen = sizeof(control);
		auto* rights = CMSG_FIRSTHDR(&header);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
		(void)::sendmsg(sender.socket(), &header, MSG_NOSIGNAL);
	}
	expect_service();
	/* A pidfd stays for each id that is held, and a few for the good newcomer. */
	EXPECT_TRUE(eventually([&] { return count() < before + 60; })) << count() - before;
}

TEST_F(HubMisbehave, OneThatStopsReadingHoldsUpNobodyAndMissesNothing)
{
	ASSERT_TRUE(hub_.start({"--nodes", "4", "--vectors", "32"})) << hub_.log();
	FakeClient deaf(hub_.socket());
	ASSERT_TRUE(deaf.read_greeting(32));
	/* 50 newcomers of 32 messages each: far more than its socket takes. */
	std::vector<std::unique_ptr<FakeClient>> others;
	for (int i = 1; i <= 50; i++) {
		others.push_back(std::make_unique<FakeClient>(hub_.socket()));
		ASSERT_TRUE(others.back()->read_greeting(32)) << i << hub_.log();
		for (auto& other : others) {
			other->read_waiting();
			if (i < 50)
				other->drop_doorbells();
		}
	}
	FakeClient& last = *others.back();
	ASSERT_TRUE(last.read_until([&] { return last.doorbells(0) == 32; }));
	last.ring(0, 5);
	EXPECT_EQ(deaf.wait_rung(5), 1u);
	/* When it reads again, it finds it all, in order. */
	EXPECT_TRUE(deaf.read_until([&] { return deaf.doorbells(50) == 32; }));
	for (int i = 1; i <= 50; i++)
		EXPECT_EQ(deaf.doorbells(i), 32u) << i;
	deaf.ring(50, 31);
	EXPECT_EQ(last.wait_rung(31), 1u);
}

TEST_F(HubMisbehave, AHundredGuestsThatComeAndGoAreNoNewsForTheOthers)
{
	start();
	for (int i = 0; i < 100; i++) {
		ClientProcess passing(hub_.socket(), 1, VECTORS);
		ASSERT_EQ(passing.ids(), std::vector<int>{1}) << hub_.log();
		ASSERT_TRUE(good_->read_until([&] { return good_->doorbells(1) == VECTORS; }));
	}
	EXPECT_FALSE(good_->receive(Milliseconds(50)));
	expect_service();
}

TEST_F(HubMisbehave, OneThatVanishesInTheMiddleOfItsGreetingLeavesNothingBehind)
{
	start();
	for (int messages = 0; messages < 7; messages++) {
		FakeClient vanishing(hub_.socket());
		for (int i = 0; i < messages; i++)
			(void)vanishing.receive();
	}
	/* Ids of those that the others never heard of are free at once. */
	EXPECT_TRUE(eventually([&] {
		ClientProcess next(hub_.socket(), 1, VECTORS);
		return next.ids() == std::vector<int>{1};
	}));
	expect_service();
}

/* What it had not read is gone with it: that is not to have read it. */
TEST_F(HubMisbehave, OneThatVanishesWhileTheHubIsAway)
{
	start();
	for (int turn = 0; turn < 10; turn++) {
		std::optional<FakeClient> vanishing(std::in_place, hub_.socket());
		(void)vanishing->receive();
		hub_.program().signal(SIGSTOP);
		vanishing.reset();
		/* Until the hub wants to look how far it has read. */
		std::this_thread::sleep_for(Milliseconds(20));
		hub_.program().signal(SIGCONT);
		EXPECT_TRUE(eventually([&] {
			ClientProcess next(hub_.socket(), 1, VECTORS);
			return next.ids() == std::vector<int>{1};
		})) << turn;
	}
}

TEST_F(HubMisbehave, AFloodOfConnectionsThatCloseAtOnce)
{
	start();
	for (int i = 0; i < 3000; i++)
		FakeClient flood(hub_.socket());
	expect_service();
}

TEST_F(HubMisbehave, AFloodOfConnectionsThatStayAndReadNothing)
{
	start();
	struct rlimit limit = {8192, 8192};
	::setrlimit(RLIMIT_NOFILE, &limit);
	std::vector<std::unique_ptr<FakeClient>> flood;
	for (int i = 0; i < 2000; i++)
		flood.push_back(std::make_unique<FakeClient>(hub_.socket()));
	auto begin = std::chrono::steady_clock::now();
	ClientProcess other(hub_.socket(), 1, VECTORS);
	EXPECT_EQ(other.ids().size(), 1u);
	EXPECT_TRUE(good_->read_until([&] { return good_->doorbells(other.ids()[0]) == VECTORS; }));
	EXPECT_LT(std::chrono::steady_clock::now() - begin, Milliseconds(2000));
	EXPECT_TRUE(hub_.logged("too many connections that it does not read"));
	flood.clear();
	/* Of the flood's own process, too, when its connections are gone. */
	EXPECT_TRUE(eventually([&] {
		FakeClient repentant(hub_.socket());
		return repentant.read_greeting(VECTORS);
	}));
	expect_service();
}

TEST_F(HubMisbehave, WhenDescriptorsRunOutNewcomersAreTurnedAwayAndTheOthersServed)
{
	Program::Setup setup;
	/* Root without the right to raise its own limit, which then is 100: room for 4 nodes. */
	setup.wrapper = {"setpriv",
			 "--bounding-set",
			 "-sys_resource",
			 "sh",
			 "-c",
			 "ulimit -n 100; exec \"$@\"",
			 "sh"};
	if (::geteuid() != 0)
		setup.wrapper.erase(setup.wrapper.begin(), setup.wrapper.begin() + 3);
	ASSERT_TRUE(hub_.start({"--nodes", "4", "--vectors", "4"}, setup)) << hub_.log();
	good_ = std::make_unique<FakeClient>(hub_.socket());
	ASSERT_TRUE(good_->read_greeting(VECTORS));
	std::vector<std::unique_ptr<ClientProcess>> others;
	size_t served = 0;
	for (int i = 0; i < 40; i++) {
		others.push_back(std::make_unique<ClientProcess>(hub_.socket(), 1, VECTORS));
		served += others.back()->ids().size();
	}
	EXPECT_GE(served, 3u);
	EXPECT_LT(served, 40u);
	EXPECT_TRUE(hub_.logged("RLIMIT_NOFILE")) << hub_.log();
	EXPECT_TRUE(good_->read_until([&] { return good_->doorbells(3) == VECTORS; }));
	others.clear();
	expect_service();

	hub_.stop();
	setup.wrapper.rbegin()[1] = "ulimit -n 60; exec \"$@\"";
	EXPECT_FALSE(hub_.start({"--nodes", "4", "--vectors", "4"}, setup));
	EXPECT_TRUE(hub_.logged("88 file descriptors are needed")) << hub_.log();
	EXPECT_TRUE(hub_.logged("(RLIMIT_NOFILE) is 60"));
}

TEST_F(HubMisbehave, TheLogDoesNotFlood)
{
	start();
	for (int i = 0; i < 500; i++) {
		FakeClient talker(hub_.socket());
		(void)::send(talker.socket(), "?", 1, MSG_NOSIGNAL);
		(void)closed_by_hub(talker);
	}
	expect_service();
	std::string log = hub_.log();
	EXPECT_LT(std::count(log.begin(), log.end(), '\n'), 300);
}
