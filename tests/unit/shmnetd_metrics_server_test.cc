// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The metrics' server on real sockets: it comes, moves and goes as it is told, and its owner never waits.
#include "shmnetd/metrics_server.hh"

#include "support/http.hh"
#include "support/kept_log.hh"
#include "support/program.hh"
#include "support/temporary.hh"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <prometheus/metric_family.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <future>
#include <optional>
#include <string_view>
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

size_t count(const char* directory)
{
	auto begin = std::filesystem::directory_iterator(directory);
	return static_cast<size_t>(std::distance(begin, std::filesystem::directory_iterator()));
}

__u16 port_of(const UniqueFd& socket)
{
	sockaddr_in address = {};
	socklen_t length = sizeof(address);
	(void)::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length);
	return ntohs(address.sin_port);
}

/* To HERE, from another address than one that connects there has else. */
UniqueFd connect_from_elsewhere(__u16 port)
{
	sockaddr_in address = {};
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons(port);
	EXPECT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)),
		  0);
	return socket;
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

	/* As http_get(), with a request of one's own. */
	static std::string ask(__u16 port, const std::string& request)
	{
		UniqueFd client = connect_socket(SOCK_STREAM, HERE, port);
		send_text(client, request);
		return receive_all(client);
	}

	static void send_text(const UniqueFd& client, std::string_view text)
	{
		EXPECT_EQ(::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL),
			  static_cast<ssize_t>(text.size()));
	}

	/* A client that is being answered, with more than the buffers of both ends hold. */
	UniqueFd begin_long_answer(__u16 port)
	{
		answer->lines = 1'600'000;
		server->listen(at(port));
		UniqueFd client = connect_socket(SOCK_STREAM, HERE, port);
		send_text(client, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
		char first;
		EXPECT_EQ(::recv(client.get(), &first, 1, MSG_PEEK), 1);
		return client;
	}

	/* That was free just now. */
	static __u16 free_port() { return port_of(open_socket(SOCK_STREAM, HERE, 0)); }

	static End at(__u16 port, const std::string& address = HERE)
	{
		return {parse_address(address).value(), port};
	}

	/* Serves at a port, and says which. */
	__u16 start()
	{
		__u16 port = free_port();
		server->listen(at(port));
		EXPECT_TRUE(serves(port));
		return port;
	}

	KeptLog log;
	std::shared_ptr<Answer> answer = std::make_shared<Answer>();
	std::optional<MetricsServer> server;
};

} // namespace

TEST_F(ShmnetdMetricsServer, IsScraped)
{
	__u16 port = start();
	std::string text = http_get(HERE, port, "/metrics");
	EXPECT_TRUE(text.starts_with("HTTP/1.1 200 OK\r\n")) << text;
	EXPECT_NE(text.find("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
		  std::string::npos)
		<< text;
	size_t body = text.find("\r\n\r\n");
	ASSERT_NE(body, std::string::npos) << text;
	EXPECT_NE(text.find(fmt::format("\r\nContent-Length: {}\r\n", text.size() - body - 4)),
		  std::string::npos)
		<< text;
}

TEST_F(ShmnetdMetricsServer, IsForGettingMetricsOnly)
{
	__u16 port = start();
	struct {
		const char* request;
		const char* status;
	} cases[] = {
		{"GET /metrics HTTP/1.1\r\nHost: a", "200"},
		{"GET /metrics?name=answer HTTP/1.1\r\nHost: a", "200"},
		{"POST /metrics HTTP/1.1\r\nHost: a", "405"},
		{"DELETE /metrics HTTP/1.1\r\nHost: a", "405"},
		{"GET /metrics/ HTTP/1.1\r\nHost: a", "404"},
		{"GET /metricsandmore HTTP/1.1\r\nHost: a", "404"},
		{"GET /../etc/passwd HTTP/1.1\r\nHost: a", "404"},
		{"GET / HTTP/1.1\r\nHost: a", "404"},
	};
	for (const auto& row : cases) {
		std::string text = ask(port, fmt::format("{}\r\n\r\n", row.request));
		EXPECT_EQ(text.substr(0, 13), fmt::format("HTTP/1.1 {} ", row.status))
			<< row.request;
		/* Or it would be served there after a move. */
		EXPECT_NE(text.find("\r\nConnection: close\r\n"), std::string::npos) << text;
	}
	EXPECT_NE(ask(port, "POST /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
			  .find("\r\nAllow: GET, HEAD\r\n"),
		  std::string::npos);
	std::string head = ask(port, "HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
	EXPECT_TRUE(head.starts_with("HTTP/1.1 200 ")) << head;
	EXPECT_TRUE(head.ends_with("\r\n\r\n")) << head;
}

TEST_F(ShmnetdMetricsServer, ServesIpv6)
{
	__u16 port = free_port();
	server->listen(at(port, "::1"));
	EXPECT_TRUE(serves(port, "::1"));
	EXPECT_FALSE(serves(port)) << "at no other address";
	EXPECT_TRUE(log.has(fmt::format("http://[::1]:{}/metrics", port))) << log.text();
	EXPECT_FALSE(log.has("warning")) << log.text();
}

TEST_F(ShmnetdMetricsServer, WaitsForAllOfARequestAndAnswersOthersMeanwhile)
{
	__u16 port = start();
	UniqueFd client = connect_socket(SOCK_STREAM, HERE, port);
	for (const char* part : {"GET /met", "rics HTTP/1.1\r", "\nHost: a\r\n\r", "\n"}) {
		send_text(client, part);
		ASSERT_TRUE(serves(port));
	}
	EXPECT_NE(receive_all(client).find("\nanswer 42\n"), std::string::npos);
}

TEST_F(ShmnetdMetricsServer, AnswersThoughManyOthersSayNothing)
{
	__u16 port = start();
	std::vector<UniqueFd> silent;
	silent.push_back(connect_socket(SOCK_STREAM, HERE, port));
	for (int i = 0; i < 80; i++)
		silent.push_back(connect_from_elsewhere(port));
	EXPECT_TRUE(serves(port));
	char none;
	EXPECT_EQ(::recv(silent[1].get(), &none, 1, MSG_DONTWAIT), -1)
		<< "it answers before it has lost patience";
	for (const UniqueFd& client : silent)
		EXPECT_EQ(receive_all(client), "") << "it is hung up on";
}

TEST_F(ShmnetdMetricsServer, HangsUpOnWhoSaysTooMuch)
{
	__u16 port = start();
	std::string text = ask(port, std::string(20000, 'a'));
	EXPECT_EQ(text.find("200 OK"), std::string::npos) << text;
	EXPECT_TRUE(serves(port));
}

TEST_F(ShmnetdMetricsServer, MovesAndGoes)
{
	__u16 first = start();
	__u16 second = free_port();
	server->listen(at(second, "::1"));
	EXPECT_TRUE(serves(second, "::1"));
	EXPECT_FALSE(serves(first));
	server->listen(at(second));
	EXPECT_TRUE(serves(second));
	EXPECT_FALSE(serves(second, "::1"));
	/* The port of the old one is the new one's, too. */
	server->listen(at(second, "0.0.0.0"));
	EXPECT_TRUE(serves(second, "127.0.0.2"));
	server->listen(std::nullopt);
	EXPECT_FALSE(serves(second));
	EXPECT_FALSE(log.has("warning")) << log.text();
}

TEST_F(ShmnetdMetricsServer, StaysWhereItIsWhenItIsToldAgain)
{
	__u16 port = start();
	UniqueFd client = connect_socket(SOCK_STREAM, HERE, port);
	server->listen(at(port));
	send_text(client, "GET /metrics HTTP/1.0\r\n\r\n");
	EXPECT_NE(receive_all(client).find("\nanswer 42\n"), std::string::npos);
	EXPECT_FALSE(log.has("no longer")) << log.text();
}

TEST_F(ShmnetdMetricsServer, WarnsOfAPortThatIsTakenAndTriesAgainWhenAsked)
{
	UniqueFd taken = open_socket(SOCK_STREAM, HERE, 0);
	__u16 port = port_of(taken);
	server->listen(at(port));
	EXPECT_TRUE(log.has("[metrics]")) << "what to do";
	EXPECT_TRUE(log.has("warning")) << log.text();
	EXPECT_TRUE(log.has(fmt::format("nothing can listen on {}:{}: ", HERE, port)))
		<< log.text();
	EXPECT_TRUE(log.has("Address already in use")) << log.text();
	taken.reset();
	server->listen(at(port));
	EXPECT_TRUE(serves(port));
}

/* Else it would wait for the scrape, which waits for it. */
TEST_F(ShmnetdMetricsServer, DoesNotHoldItsOwnerUpAndLosesNoScrape)
{
	std::promise<void> asked, go_on;
	answer->before = [&] {
		asked.set_value();
		go_on.get_future().wait();
	};
	__u16 port = free_port();
	server->listen(at(port));
	auto scrape = std::async(std::launch::async, [&] { return serves(port); });
	ASSERT_EQ(asked.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
	server->listen(std::nullopt);
	go_on.set_value();
	EXPECT_TRUE(scrape.get());
}

TEST_F(ShmnetdMetricsServer, SendsTheRestOfAnAnswerAfterItHasClosed)
{
	__u16 port = free_port();
	UniqueFd client = begin_long_answer(port);
	server->listen(std::nullopt);
	EXPECT_FALSE(serves(port));
	std::string text = receive_all(client);
	size_t body = text.find("\r\n\r\n");
	ASSERT_NE(body, std::string::npos);
	EXPECT_NE(text.substr(0, body).find(
			  fmt::format("Content-Length: {}", text.size() - body - 4)),
		  std::string::npos)
		<< text.substr(0, body);
}

TEST_F(ShmnetdMetricsServer, EndsThoughClientsStay)
{
	UniqueFd moved_from = begin_long_answer(free_port());
	__u16 port = free_port();
	server->listen(at(port));
	UniqueFd silent = connect_socket(SOCK_STREAM, HERE, port);
	auto begin = std::chrono::steady_clock::now();
	server.reset();
	/* Less than it has patience with either. */
	EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
	EXPECT_EQ(receive_all(silent), "");
}

TEST_F(ShmnetdMetricsServer, LeavesNothingOpenWhereItWas)
{
	size_t before = count("/proc/self/fd");
	for (int i = 0; i < 20; i++) {
		start();
		server->listen(std::nullopt);
	}
	EXPECT_TRUE(eventually([&] { return count("/proc/self/fd") == before; }));
	EXPECT_TRUE(eventually([] { return count("/proc/self/task") == 1; }));
}

TEST_F(ShmnetdMetricsServer, LeavesSignalsToItsOwner)
{
	__u16 port = start();
	sigset_t mine;
	::sigemptyset(&mine);
	::sigaddset(&mine, SIGUSR1);
	/* From now on it would end this program, if another thread took it. */
	ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &mine, nullptr), 0);
	ASSERT_EQ(::kill(::getpid(), SIGUSR1), 0);
	EXPECT_TRUE(serves(port));
	timespec no_time = {};
	EXPECT_EQ(::sigtimedwait(&mine, nullptr, &no_time), SIGUSR1);
	::pthread_sigmask(SIG_UNBLOCK, &mine, nullptr);
}
