// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The metrics' server on real sockets: it comes, moves and goes as it is told, and its owner never waits.
#include "shmnetd/metrics_server.hh"

#include "shmnetd/metrics_client.hh"
#include "support/http.hh"
#include "support/kept_log.hh"
#include "support/program.hh"
#include "support/temporary.hh"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <prometheus/metric_family.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <future>
#include <optional>
#include <sstream>
#include <vector>

using namespace shmnet;
using namespace shmnet::shmnetd;
using namespace shmnet::test;

namespace {

constexpr const char* HERE = "127.0.0.1";
constexpr unsigned PATIENCE = 120; /* seconds */

/* One metric, as often as is wanted; asks what the test wants before it answers. */
class Answer final : public prometheus::Collectable {
public:
	std::vector<prometheus::MetricFamily> Collect() const override
	{
		before();
		prometheus::MetricFamily family;
		family.name = "answer";
		family.help = "Whether there is one.";
		family.type = prometheus::MetricType::Gauge;
		family.metric.resize(lines);
		for (prometheus::ClientMetric& metric : family.metric)
			metric.gauge.value = 42;
		return {family};
	}

	std::function<void()> before = [] {};
	size_t lines = 1;
};

__u16 port_of(const UniqueFd& socket)
{
	sockaddr_in address = {};
	socklen_t length = sizeof(address);
	(void)::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length);
	return ntohs(address.sin_port);
}

class ShmnetdMetricsServer : public ::testing::Test {
protected:
	void SetUp() override
	{
		server.emplace(answer);
		/* Ends a test that waits for what does not come. */
		::alarm(PATIENCE);
	}

	void TearDown() override { ::alarm(0); }

	static bool serves(__u16 port, const std::string& address = HERE)
	{
		return scraped(address, port, "\nanswer 42\n");
	}

	/* That was free just now. */
	static __u16 free_port() { return port_of(open_socket(SOCK_STREAM, HERE, 0)); }

	static End at(__u16 port, const std::string& address = HERE)
	{
		return {parse_address(address).value(), port};
	}

	KeptLog log;
	std::shared_ptr<Answer> answer = std::make_shared<Answer>();
	std::optional<MetricsServer> server;
};

} // namespace

TEST_F(ShmnetdMetricsServer, IsScraped)
{
	__u16 port = free_port();
	server->listen(at(port));
	ASSERT_TRUE(eventually([&] { return serves(port); }));
	std::string text = http_get(HERE, port, "/metrics");
	EXPECT_TRUE(text.starts_with("HTTP/1.1 200 OK\r\n")) << text;
	EXPECT_NE(text.find("\r\nContent-Type: text/plain; version=0.0.4"), std::string::npos);
	EXPECT_TRUE(http_get(HERE, port, "/").starts_with("HTTP/1.1 404 "));
}

TEST_F(ShmnetdMetricsServer, TakesRequestsOfHttpOnly)
{
	struct {
		const char* request;
		const char* status;
	} cases[] = {
		{"GET /metrics HTTP/1.1\r\nHost: a", "200"},
		{"GET /metrics HTTP/1.0", "200"},
		{"GET /metrics?name=answer HTTP/1.1", "200"},
		{"POST /metrics HTTP/1.1", "405"},
		{"HEAD /metrics HTTP/1.1", "405"},
		{"GET /metrics/ HTTP/1.1", "404"},
		{"GET /metricsandmore HTTP/1.1", "404"},
		{"GET /../etc/passwd HTTP/1.1", "404"},
		{"GET / HTTP/1.1", "404"},
		{"GET /metrics", "400"},
		{"GET /metrics HTTP/2.0", "400"},
		{"GET", "400"},
		{"", "400"},
		{"\r\nGET /metrics HTTP/1.1", "400"},
	};
	for (const auto& row : cases) {
		std::string text = answer_request(row.request, *answer);
		EXPECT_EQ(text.substr(0, 13), fmt::format("HTTP/1.1 {} ", row.status))
			<< row.request;
		size_t body = text.find("\r\n\r\n");
		ASSERT_NE(body, std::string::npos) << text;
		EXPECT_NE(text.find(fmt::format("\r\nContent-Length: {}\r\n",
						text.size() - body - 4)),
			  std::string::npos)
			<< text;
	}
}

TEST_F(ShmnetdMetricsServer, WaitsForAllOfARequest)
{
	__u16 port = free_port();
	server->listen(at(port));
	ASSERT_TRUE(eventually([&] { return serves(port); }));
	UniqueFd client = connect_socket(SOCK_STREAM, HERE, port);
	for (const char* part : {"GET /met", "rics HTTP/1.1\r", "\n\r", "\n"}) {
		ASSERT_GT(::send(client.get(), part, strlen(part), MSG_NOSIGNAL), 0);
		/* It is read as it comes: others are answered behind it. */
		ASSERT_TRUE(serves(port));
	}
	EXPECT_NE(receive_all(client).find("\nanswer 42\n"), std::string::npos);
}

TEST_F(ShmnetdMetricsServer, AnswersThoughManyOthersSayNothing)
{
	__u16 port = free_port();
	server->listen(at(port));
	ASSERT_TRUE(eventually([&] { return serves(port); }));
	std::vector<UniqueFd> silent;
	for (int i = 0; i < 50; i++)
		silent.push_back(connect_socket(SOCK_STREAM, HERE, port));
	EXPECT_TRUE(serves(port));
	EXPECT_EQ(receive_all(silent.front()), "") << "it is hung up on";
}

TEST_F(ShmnetdMetricsServer, HangsUpOnWhoSaysTooMuch)
{
	int ends[2];
	ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	MetricsClient client{UniqueFd(ends[0])};
	UniqueFd peer(ends[1]);
	std::string much(20000, 'a');
	ASSERT_EQ(::send(peer.get(), much.data(), much.size(), 0), 20000);
	int turns = 0;
	while (turns < 100 && client.proceed(*answer))
		turns++;
	EXPECT_LT(turns, 100);
}

TEST_F(ShmnetdMetricsServer, MovesAndGoes)
{
	__u16 first = free_port();
	__u16 second = free_port();
	server->listen(at(first));
	ASSERT_TRUE(eventually([&] { return serves(first); }));
	server->listen(at(second, "::1"));
	EXPECT_TRUE(eventually([&] { return serves(second, "::1"); }));
	EXPECT_FALSE(serves(first));
	EXPECT_FALSE(serves(second)) << "at no other address";
	/* The port of the old one is the new one's, too. */
	server->listen(at(second, "0.0.0.0"));
	EXPECT_TRUE(eventually([&] { return serves(second); }));
	server->listen(std::nullopt);
	EXPECT_TRUE(eventually([&] { return !serves(second); }));
	EXPECT_FALSE(log.has("warning")) << log.text();
}

TEST_F(ShmnetdMetricsServer, WarnsOfAPortThatIsTakenAndTriesAgainWhenAsked)
{
	UniqueFd taken = open_socket(SOCK_STREAM, HERE, 0);
	__u16 port = port_of(taken);
	server->listen(at(port));
	ASSERT_TRUE(eventually([&] { return log.has("[metrics]"); })) << "what to do";
	EXPECT_TRUE(log.has("warning")) << log.text();
	EXPECT_TRUE(log.has(fmt::format("nothing can listen on {}:{}: ", HERE, port)))
		<< log.text();
	EXPECT_TRUE(log.has("Address already in use")) << log.text();
	taken.reset();
	server->listen(at(port));
	EXPECT_TRUE(eventually([&] { return serves(port); }));
}

/* Else it would wait for the scrape, which waits for it. */
TEST_F(ShmnetdMetricsServer, DoesNotHoldItsOwnerUpAndLosesNoScrape)
{
	std::promise<void> asked, go_on;
	std::atomic<bool> first = true;
	answer->before = [&] {
		if (!first.exchange(false))
			return;
		asked.set_value();
		go_on.get_future().wait();
	};
	__u16 port = free_port();
	server->listen(at(port));
	auto scrape = std::async(std::launch::async,
				 [&] { return eventually([&] { return serves(port); }); });
	ASSERT_EQ(asked.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
	server->listen(std::nullopt);
	go_on.set_value();
	EXPECT_TRUE(scrape.get());
}

TEST_F(ShmnetdMetricsServer, SendsTheRestOfAnAnswerAfterItHasClosed)
{
	/* More than the buffers of both ends hold. */
	answer->lines = 1'600'000;
	__u16 port = free_port();
	server->listen(at(port));
	UniqueFd client;
	ASSERT_TRUE(eventually([&] {
		try {
			client = connect_socket(SOCK_STREAM, HERE, port);
		} catch (const std::runtime_error&) {
		}
		return bool(client);
	}));
	constexpr std::string_view REQUEST = "GET /metrics HTTP/1.1\r\n\r\n";
	ASSERT_GT(::send(client.get(), REQUEST.data(), REQUEST.size(), MSG_NOSIGNAL), 0);
	char first;
	ASSERT_EQ(::recv(client.get(), &first, 1, MSG_PEEK), 1);
	server->listen(std::nullopt);
	ASSERT_TRUE(eventually([&] { return log.has("no longer served"); }));
	EXPECT_FALSE(serves(port));
	std::string text = receive_all(client);
	size_t body = text.find("\r\n\r\n");
	ASSERT_NE(body, std::string::npos);
	EXPECT_NE(text.substr(0, body).find(
			  fmt::format("Content-Length: {}", text.size() - body - 4)),
		  std::string::npos)
		<< text.substr(0, body);
}
