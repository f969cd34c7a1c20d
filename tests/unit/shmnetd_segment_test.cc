// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Two nodes and a host on a segment, which is a bridge in a network namespace of the test's own. The
 * nodes are ours; the host is the kernel, that believes what is answered or does not.
 */
#include "shmnetd/segments.hh"

#include "error.hh"
#include "support/kept_log.hh"
#include "support/network_namespace.hh"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cstdio>
#include <cstdlib>
#include <future>
#include <thread>

using namespace shmnet;
using namespace shmnet::shmnetd;
using namespace shmnet::test;
using namespace std::chrono_literals;

namespace {

constexpr const char* SHARED4 = "203.0.113.1";
constexpr const char* SHARED6 = "2001:db8::1";
const std::string FIRST = "02:00:00:00:00:01", SECOND = "02:00:00:00:00:02";

void ip(const std::string& command)
{
	ASSERT_EQ(std::system(("ip " + command).c_str()), 0) << command;
}

std::string output_of(const std::string& command)
{
	std::string output;
	FILE* pipe = ::popen(command.c_str(), "r");
	if (!pipe)
		return "";
	char line[256];
	while (::fgets(line, sizeof(line), pipe))
		output += line;
	::pclose(pipe);
	return output;
}

/* One node's part of the program, with a loop of its own, which only that thread touches. */
class Node {
public:
	~Node()
	{
		in_loop([this] {
			segments_.reset();
			loop_.stop();
		});
		thread_.join();
	}

	void follow(const AnnounceConfig& config, const std::set<Address>& addresses)
	{
		in_loop([&] { segments_->follow(config, addresses); });
	}

	SegmentState state()
	{
		SegmentState state;
		in_loop([&] { state = segments_->states().at(0); });
		return state;
	}

private:
	void in_loop(const std::function<void()>& call)
	{
		call_ = std::packaged_task<void()>(call);
		std::future<void> done = call_.get_future();
		::eventfd_write(wake_.get(), 1);
		done.get();
	}

	void on_wake()
	{
		eventfd_t count;
		::eventfd_read(wake_.get(), &count);
		call_();
	}

	UniqueFd wake_{::eventfd(0, EFD_CLOEXEC)};
	std::packaged_task<void()> call_; /* handed over by the eventfd */
	EventLoop loop_;
	EventSource on_wake_ = loop_.add_fd(wake_.get(), EPOLLIN, [this](u32) { on_wake(); });
	std::optional<Segments> segments_{loop_};
	std::thread thread_{[this] { loop_.run(); }};
};

class ShmnetdSegment : public ::testing::Test {
protected:
	void SetUp() override
	{
		if (!enter_network_namespace("127.0.0.1"))
			GTEST_SKIP() << "no network namespace for the test: " << strerror(errno)
				     << "; run it as root";
		first.emplace();
		second.emplace();
		ip("link add wire type bridge");
		ip("link set wire up");
		plug("first", FIRST);
		plug("second", SECOND);
		plug("host", "02:00:00:00:00:09");
		ip("address add 198.51.100.9/24 dev host");
		ip(fmt::format("route add {} dev host", SHARED4));
		ip(fmt::format("-6 route add {} dev host", SHARED6));
	}

	void plug(const std::string& name, const std::string& address)
	{
		ip(fmt::format("link add {0} address {1} type veth peer name {0}-port", name,
			       address));
		ip(fmt::format("link set {}-port master wire up", name));
		ip(fmt::format("link set {} up addrgenmode eui64", name));
	}

	/* Whom the host takes an address to be. */
	std::string known(const char* address)
	{
		std::string line = output_of(fmt::format("ip neigh show {} dev host", address));
		size_t at = line.find("lladdr ");
		return at == std::string::npos ? "" : line.substr(at + 7, 17);
	}

	/* False if it does not hold within @limit. */
	static bool until(const std::function<bool()>& holds, std::chrono::seconds limit = 20s)
	{
		auto end = std::chrono::steady_clock::now() + limit;
		while (!holds()) {
			if (std::chrono::steady_clock::now() > end)
				return false;
			std::this_thread::sleep_for(20ms);
		}
		return true;
	}

	bool is_known_as(const std::string& who)
	{
		return until([&] { return known(SHARED4) == who && known(SHARED6) == who; });
	}

	/* Asks first. */
	bool is_found_at(const std::string& who)
	{
		return until([&] { return ask(SHARED4) == who && ask(SHARED6) == who; });
	}

	/* Likewise, after it has sent something there. */
	std::string ask(const char* address)
	{
		(void)std::system(
			fmt::format("bash -c 'echo >/dev/udp/{}/9' 2>/dev/null", address).c_str());
		return known(address);
	}

	static AnnounceConfig on(std::string interface, __u8 priority = 100)
	{
		return {.neighbour = {std::move(interface)}, .priority = priority};
	}

	const std::set<Address> shared = {*parse_address(SHARED4), *parse_address(SHARED6)};
	std::optional<Node> first, second;
};

} // namespace

TEST_F(ShmnetdSegment, NobodyAnswersForWhatIsNotShared)
{
	first->follow(on("first"), {*parse_address("203.0.113.2")});
	EXPECT_FALSE(until([&] { return !ask(SHARED4).empty() || !ask(SHARED6).empty(); }, 2s));
}

TEST_F(ShmnetdSegment, OneOfTwoAnswers)
{
	first->follow(on("first"), shared);
	second->follow(on("second"), shared);
	EXPECT_TRUE(is_found_at(FIRST));
	EXPECT_EQ(mac_text(*first->state().holders.at(*shared.begin())), FIRST);
	EXPECT_EQ(mac_text(*second->state().holders.at(*shared.begin())), FIRST)
		<< "and the other one knows";
}

TEST_F(ShmnetdSegment, WhoHasPriorityAnswers)
{
	first->follow(on("first"), shared);
	ASSERT_TRUE(is_found_at(FIRST));
	second->follow(on("second", 101), shared);
	EXPECT_TRUE(is_known_as(SECOND)) << "it was announced";
	second->follow(on("second", 99), shared);
	EXPECT_TRUE(is_known_as(FIRST)) << "the configuration was read anew";
}

TEST_F(ShmnetdSegment, AnotherAnswersForWhoEnds)
{
	first->follow(on("first"), shared);
	second->follow(on("second"), shared);
	ASSERT_TRUE(is_found_at(FIRST));
	first.reset();
	EXPECT_TRUE(is_known_as(SECOND));
}

TEST_F(ShmnetdSegment, AnotherAnswersForWhoIsCutOff)
{
	first->follow(on("first"), shared);
	second->follow(on("second"), shared);
	ASSERT_TRUE(is_found_at(FIRST));
	ip("link set first-port nomaster");
	EXPECT_TRUE(is_known_as(SECOND));
	/* It has not stopped to answer, where nobody hears it; it says so again when somebody does. */
	ip("link set first-port master wire");
	EXPECT_TRUE(is_known_as(FIRST));
}

TEST_F(ShmnetdSegment, WhatIsNoMoreSharedIsAnotherNodes)
{
	first->follow(on("first"), shared);
	second->follow(on("second"), shared);
	ASSERT_TRUE(is_found_at(FIRST));
	first->follow(on("first"), {*parse_address(SHARED6)});
	EXPECT_TRUE(until([&] { return known(SHARED4) == SECOND; }));
	EXPECT_EQ(ask(SHARED6), FIRST);
}

TEST_F(ShmnetdSegment, AnInterfaceMayComeAndGo)
{
	KeptLog log;
	first->follow(on("later"), shared);
	EXPECT_EQ(first->state().trouble, "No such device");
	EXPECT_NE(log.text().find("later: shared addresses are not answered for"),
		  std::string::npos);
	ip("link set first down");
	ip("link set first name later");
	first->follow(on("later"), shared);
	EXPECT_EQ(first->state().trouble, "it is down");
	ip("link set later up");
	first->follow(on("later"), shared);
	EXPECT_EQ(first->state().trouble, "");
	EXPECT_TRUE(is_found_at(FIRST));
	ip("link del later");
	first->follow(on("later"), shared);
	EXPECT_EQ(first->state().trouble, "No such device");
	second->follow(on("lo"), shared);
	EXPECT_EQ(second->state().trouble, "it is no Ethernet");
}
