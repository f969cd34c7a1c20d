// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The program's loop with real sockets and a module that is none, in a network namespace of the
 * test's own. `lo` is the global interface. Each step is taken when the module is told of the one
 * before.
 */
#include "shmnetd/daemon.hh"

#include "error.hh"
#include "support/fake_module.hh"
#include "support/http.hh"
#include "support/kept_log.hh"
#include "support/network_namespace.hh"
#include "support/program.hh"
#include "support/temporary.hh"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <future>

using namespace shmnet;
using namespace shmnet::shmnetd;
using namespace shmnet::test;

namespace {

constexpr const char* SHARED = "192.0.2.1";
/* Served at the shared address, they are published as any program's listener is. */
constexpr const char* METRICS = "[metrics]\nlisten = \"192.0.2.1:9877\"\n";
constexpr __u16 METRICS_PORT = 9877;
constexpr unsigned PATIENCE = 60; /* seconds */

class ShmnetdDaemon : public ::testing::Test {
protected:
	void SetUp() override
	{
		if (!enter_network_namespace(SHARED))
			GTEST_SKIP() << "no network namespace for the test: " << strerror(errno)
				     << "; run it as root";
		module.present = {{"0000:00:08.0", LOOPBACK, "lo", 1}};
		options.config = directory / "shmnetd.toml";
		configure("poll = 0.05\n");
		/* Ends a test whose next step does not come. */
		::alarm(PATIENCE);
	}

	void TearDown() override
	{
		::alarm(0);
		/* Before the directory goes, with all that is in it. */
		if (mounted)
			::umount2(tracefs.c_str(), MNT_DETACH);
	}

	void configure(const std::string& text) { write_text(options.config, text); }

	/* Runs until the last step; returns the ports that were published at each. */
	std::vector<std::set<__u32>> run(std::vector<std::function<void()>> steps)
	{
		module.on_told = [this, steps = std::move(steps)] {
			if (module.told.size() <= steps.size())
				steps[module.told.size() - 1]();
			else
				::raise(SIGTERM);
		};
		Daemon(options, module, tracefs).run();
		std::vector<std::set<__u32>> ports;
		for (const FakeModule::Told& told : module.told) {
			ports.emplace_back();
			for (const ServiceInfo& service : told.services)
				ports.back().insert(service.port);
		}
		return ports;
	}

	TemporaryDirectory directory;
	std::string tracefs = directory.path(); /* is none */
	bool mounted = false;
	FakeModule module;
	Options options;
	UniqueFd socket;
};

using Ports = std::vector<std::set<__u32>>;

} // namespace

TEST_F(ShmnetdDaemon, FollowsListeners)
{
	EXPECT_EQ(run({
			  [this] { socket = open_socket(SOCK_STREAM, SHARED, 80); },
			  [this] { socket = open_socket(SOCK_DGRAM, SHARED, 53); },
			  [this] { socket.reset(); },
		  }),
		  (Ports{{}, {80}, {53}, {}}));
}

TEST_F(ShmnetdDaemon, TracesListeners)
{
	tracefs = directory / "tracing";
	ASSERT_EQ(::mkdir(tracefs.c_str(), 0700), 0);
	/* A mount that nobody else sees, and that goes with the process. */
	if (::unshare(CLONE_NEWNS) != 0 ||
	    ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
	    ::mount("tracefs", tracefs.c_str(), "tracefs", 0, nullptr) != 0)
		GTEST_SKIP() << "no tracefs for the test: " << strerror(errno)
			     << "; run it as root, on a kernel with event tracing";
	mounted = true;
	/* As one that was killed leaves it. */
	std::string left = tracefs + "/instances/shmnetd-0";
	ASSERT_EQ(::mkdir(left.c_str(), 0700), 0);
	std::string own = fmt::format("{}/instances/shmnetd-{}", tracefs, ::getpid());
	configure("poll = 3600\n");
	EXPECT_EQ(run({
			  [&] {
				  EXPECT_TRUE(std::filesystem::exists(own));
				  EXPECT_FALSE(std::filesystem::exists(left));
				  socket = open_socket(SOCK_STREAM, SHARED, 80);
			  },
			  [this] { socket.reset(); },
		  }),
		  (Ports{{}, {80}, {}}));
	EXPECT_FALSE(std::filesystem::exists(own));
}

TEST_F(ShmnetdDaemon, FollowsAddresses)
{
	/* Long before the next poll. */
	configure("poll = 3600\nservices = \"all\"\n");
	socket = open_socket(SOCK_STREAM, "0.0.0.0", 80);
	(void)run({
		[] { set_loopback_address("192.0.2.2"); },
	});
	ASSERT_EQ(module.told.size(), 2u);
	EXPECT_EQ(address_text(module.told[1].services.at(0).address), "192.0.2.2");
}

TEST_F(ShmnetdDaemon, CountsConnections)
{
	socket = open_socket(SOCK_STREAM, SHARED, 80);
	/* Before it starts, and after. */
	UniqueFd first = connect_socket(SOCK_STREAM, SHARED, 80);
	UniqueFd second;
	(void)run({[&] { second = connect_socket(SOCK_STREAM, SHARED, 80); }});
	ASSERT_EQ(module.told.size(), 2u);
	EXPECT_EQ(module.told[0].services.at(0).connections, 1u);
	EXPECT_EQ(module.told[1].services.at(0).connections, 2u);
}

TEST_F(ShmnetdDaemon, PublishesAnewWhenTheNodeRejoins)
{
	configure("poll = 3600\n");
	socket = open_socket(SOCK_STREAM, SHARED, 80);
	EXPECT_EQ(run({[this] { module.rejoin(); }}), (Ports{{80}, {80}}));
}

TEST_F(ShmnetdDaemon, ReadsItsConfigurationAgain)
{
	configure("poll = 3600\n");
	socket = open_socket(SOCK_STREAM, "0.0.0.0", 80);
	EXPECT_EQ(run({[this] {
			  configure("poll = 3600\nservices = [\"tcp/80\"]\n");
			  ::raise(SIGHUP);
		  }}),
		  (Ports{{}, {80}}));
}

TEST_F(ShmnetdDaemon, KeepsItsConfigurationWhenTheNewOneIsWrong)
{
	configure("poll = 0.05\nservices = [\"tcp/80\"]\n");
	socket = open_socket(SOCK_STREAM, "0.0.0.0", 80);
	UniqueFd another;
	EXPECT_EQ(run({
			  [this] {
				  configure("poll = 0.05\nservices = [\"80\"]\n");
				  ::raise(SIGHUP);
				  /* Told of after the reload. */
				  module.rejoin();
			  },
			  [this] { module.rejoin(); },
		  }),
		  (Ports{{80}, {80}, {80}}));
}

TEST_F(ShmnetdDaemon, ServesItsMetricsAsLongAsItIsConfiguredTo)
{
	configure(fmt::format("poll = 0.05\n{}", METRICS));
	auto shows = [](const std::string& text) {
		return eventually([&] { return scraped(SHARED, METRICS_PORT, text); });
	};
	EXPECT_EQ(run({
			  [] {},
			  [&] {
				  /* This one is not done yet. */
				  EXPECT_TRUE(shows("\nshmnetd_publications_total 1\n"));
				  EXPECT_TRUE(shows("\nshmnetd_tracing 0\n"));
				  socket = open_socket(SOCK_STREAM, SHARED, 80);
			  },
			  [&] {
				  EXPECT_TRUE(shows("\nshmnetd_publications_total 2\n"));
				  EXPECT_TRUE(shows("\nshmnetd_listeners 1\n"));
				  EXPECT_TRUE(shows("\nshmnetd_published_service_weight{interface="
						    "\"lo\",protocol=\"tcp\",address=\"192.0.2.1"
						    "\",port=\"9877\"} 1\n"));
				  configure("poll = 0.05\n");
				  ::raise(SIGHUP);
			  },
		  }),
		  (Ports{{}, {METRICS_PORT}, {80, METRICS_PORT}, {80}}));
}

TEST_F(ShmnetdDaemon, ShowsThatTheNewConfigurationIsWrong)
{
	configure(fmt::format("poll = 0.05\n{}", METRICS));
	EXPECT_EQ(run({
			  [] {},
			  [this] {
				  configure("poll = 0\n");
				  ::raise(SIGHUP);
				  /* Told of after the reload. */
				  module.rejoin();
			  },
			  [this] {
				  EXPECT_TRUE(eventually([] {
					  return scraped(
						  SHARED, METRICS_PORT,
						  "\nshmnetd_config_last_reload_successful 0\n");
				  }));
				  module.rejoin();
			  },
		  }),
		  (Ports{{}, {METRICS_PORT}, {METRICS_PORT}, {METRICS_PORT}}));
}

TEST_F(ShmnetdDaemon, GoesOnWithoutMetricsAndTriesAgainAtAReload)
{
	KeptLog log;
	UniqueFd taken = open_socket(SOCK_STREAM, SHARED, METRICS_PORT);
	configure(fmt::format("poll = 0.05\n{}", METRICS));
	EXPECT_EQ(run({
			  [this] { socket = open_socket(SOCK_STREAM, SHARED, 80); },
			  [&] {
				  EXPECT_TRUE(eventually(
					  [&] { return log.has("metrics are not served"); }));
				  taken.reset();
			  },
			  [] { ::raise(SIGHUP); },
		  }),
		  (Ports{{METRICS_PORT}, {80, METRICS_PORT}, {80}, {80, METRICS_PORT}}));
}

TEST_F(ShmnetdDaemon, SaysHowItIs)
{
	socket = open_socket(SOCK_STREAM, SHARED, 80);
	UniqueFd hidden = open_socket(SOCK_STREAM, "0.0.0.0", 22), another;
	std::future<nlohmann::json> helper;
	EXPECT_EQ(run({[&] {
			  helper = std::async(std::launch::async, [&] {
				  /* It answers after its first look, of which this is part. */
				  std::optional<std::string> report;
				  (void)eventually([&] {
					  report = ask_helper();
					  return report.has_value();
				  });
				  another = open_socket(SOCK_DGRAM, SHARED, 53);
				  return nlohmann::json::parse(report.value_or("null"));
			  });
		  }}),
		  (Ports{{80}, {53, 80}}));
	nlohmann::json json = helper.get();
	EXPECT_EQ(json["pid"], ::getpid());
	EXPECT_EQ(json["listeners"], 2);
	EXPECT_EQ(json["publications"], 1);
	EXPECT_EQ(json["configuration_right"], true);
	EXPECT_EQ(json["interfaces"][0]["published"][0]["port"], 80);
	EXPECT_EQ(json["interfaces"][0]["hidden"][0]["port"], 22);
	/* When it has gone, nobody answers. */
	EXPECT_FALSE(ask_helper());
}

TEST_F(ShmnetdDaemon, AnswersForTheSharedAddressOnASegment)
{
	ASSERT_EQ(std::system("ip link add card type veth peer name wire"), 0);
	ASSERT_EQ(std::system("ip link set card up"), 0);
	ASSERT_EQ(std::system("ip link set wire up"), 0);
	configure("poll = 0.05\n[announce]\nneighbour = [\"card\", \"none\"]\n");
	std::future<nlohmann::json> helper;
	EXPECT_EQ(run({[&] {
			  helper = std::async(std::launch::async, [&] {
				  nlohmann::json segments;
				  (void)eventually([&] {
					  auto report = nlohmann::json::parse(
						  ask_helper().value_or("{}"));
					  segments = report["segments"];
					  return segments.size() == 2 &&
						 segments[0]["answers"][0]["here"] == true;
				  });
				  socket = open_socket(SOCK_DGRAM, SHARED, 53);
				  return segments;
			  });
		  }}),
		  (Ports{{}, {53}}));
	nlohmann::json segments = helper.get();
	EXPECT_EQ(segments[0]["interface"], "card");
	/* `lo` has ::1, too. */
	EXPECT_EQ(segments[0]["answers"][1]["address"], SHARED);
	EXPECT_EQ(segments[1]["interface"], "none");
	EXPECT_EQ(segments[1]["trouble"], "No such device");
}

TEST_F(ShmnetdDaemon, GoesOnWhereAnotherAnswers)
{
	KeptLog log;
	HelperSocket other;
	EXPECT_EQ(run({[this] { socket = open_socket(SOCK_STREAM, SHARED, 80); }}),
		  (Ports{{}, {80}}));
	EXPECT_TRUE(log.has("'shmnetctl helper' is not answered"));
}

TEST_F(ShmnetdDaemon, DoesNotStartWithAWrongConfiguration)
{
	configure("services = 80\n");
	EXPECT_THROW(Daemon(options, module, tracefs), UsageError);
}

TEST_F(ShmnetdDaemon, EndsWhenItMayNotPublish)
{
	module.refuse = EPERM;
	EXPECT_THROW(Daemon(options, module, tracefs), ServicesError);
}
