// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What Prometheus is told of a module and a daemon that the test makes up.
#include "shmnetd/metrics.hh"

#include "support/temporary.hh"
#include "version.hh"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <prometheus/text_serializer.h>

#include <set>
#include <sstream>

using namespace shmnet;
using namespace shmnet::shmnetd;

namespace {

constexpr const char* DEVICE = "0000:00:08.0";

ServiceInfo service(__u32 protocol, const std::string& address, __u32 port, __u32 connections)
{
	ServiceInfo info;
	info.protocol = protocol;
	info.address = parse_address(address).value();
	info.port = port;
	info.weight = 4;
	info.connections = connections;
	return info;
}

NodeInfo node(const std::string& device, __u32 slot, __u32 state)
{
	NodeInfo info;
	info.device = device;
	info.slot = slot;
	info.state = state;
	return info;
}

OfferInfo offer(__u32 slot, const ServiceInfo& service)
{
	return {.device = DEVICE,
		.interface = {1, 7, "shmg0"},
		.slot = slot,
		.incarnation = 1,
		.service = service};
}

class ShmnetdMetrics : public ::testing::Test {
protected:
	ShmnetdMetrics()
	{
		module.counters = {{DEVICE, {0, 6, "shml0"}, {{"rx_frames", 3}, {"tx_bytes", 64}}},
				   {DEVICE, {1, 7, "shmg0"}, {{"rx_frames", 5}}}};
		module.nodes = {node(DEVICE, 0, SHMNET_NODE_SELF), node(DEVICE, 1, SHMNET_NODE_UP),
				node(DEVICE, 2, SHMNET_NODE_UP)};
		module.offers = {offer(0, service(IPPROTO_TCP, "192.0.2.1", 80, 7)),
				 offer(2, service(IPPROTO_UDP, "2001:db8::1", 53, 0))};
		daemon.published["shmg0"] = {service(IPPROTO_TCP, "192.0.2.1", 80, 9)};
	}

	std::string text()
	{
		Metrics metrics([this] {
			if (gone)
				throw Error("the module is not loaded");
			return module;
		});
		metrics.show(daemon);
		return prometheus::TextSerializer().Serialize(metrics.Collect());
	}

	bool shows(const std::string& line)
	{
		return ("\n" + text()).find("\n" + line + "\n") != std::string::npos;
	}

	ModuleValues module;
	DaemonValues daemon;
	bool gone = false;
};

/* "# TYPE NAME KIND" */
std::set<std::string> names_in(const std::string& text)
{
	std::set<std::string> names;
	std::istringstream lines(text);
	std::string hash, word, name;
	for (std::string line; std::getline(lines, line);) {
		std::istringstream words(line);
		if (words >> hash >> word >> name && word == "TYPE") {
			EXPECT_TRUE(names.insert(name).second) << name << " twice";
		}
	}
	return names;
}

} // namespace

TEST_F(ShmnetdMetrics, HaveEachCounterByTheNameThatEthtoolShows)
{
	EXPECT_TRUE(shows("# TYPE shmnet_rx_frames_total counter"));
	EXPECT_TRUE(shows("shmnet_rx_frames_total{interface=\"shml0\"} 3")) << text();
	EXPECT_TRUE(shows("shmnet_rx_frames_total{interface=\"shmg0\"} 5"));
	EXPECT_TRUE(shows("shmnet_tx_bytes_total{interface=\"shml0\"} 64"));
}

TEST_F(ShmnetdMetrics, CountNodesByState)
{
	module.nodes.push_back(node("0000:00:09.0", 0, SHMNET_NODE_DEAD));
	EXPECT_TRUE(shows("shmnet_nodes{device=\"0000:00:08.0\",state=\"up\"} 2")) << text();
	EXPECT_TRUE(shows("shmnet_nodes{device=\"0000:00:08.0\",state=\"self\"} 1"));
	EXPECT_TRUE(shows("shmnet_nodes{device=\"0000:00:08.0\",state=\"silent\"} 0"));
	EXPECT_TRUE(shows("shmnet_nodes{device=\"0000:00:08.0\",state=\"dead\"} 0"));
	EXPECT_TRUE(shows("shmnet_nodes{device=\"0000:00:08.0\",state=\"left\"} 0"));
	EXPECT_TRUE(shows("shmnet_nodes{device=\"0000:00:09.0\",state=\"dead\"} 1"));
}

TEST_F(ShmnetdMetrics, HaveWhatNodesOffer)
{
	const std::string http = "{interface=\"shmg0\",protocol=\"tcp\",address=\"192.0.2.1\","
				 "port=\"80\",node=\"0\"} ";
	EXPECT_TRUE(shows("shmnet_service_weight" + http + "4")) << text();
	EXPECT_TRUE(shows("shmnet_service_connections" + http + "7"));
	EXPECT_TRUE(shows("shmnet_service_connections{interface=\"shmg0\",protocol=\"udp\","
			  "address=\"2001:db8::1\",port=\"53\",node=\"2\"} 0"));

	/* A node may say what it likes. */
	module.offers.push_back(offer(0, service(IPPROTO_TCP, "192.0.2.1", 80, 8)));
	EXPECT_TRUE(shows("shmnet_service_connections" + http + "7"));
	EXPECT_FALSE(shows("shmnet_service_connections" + http + "8")) << "the first counts";
}

TEST_F(ShmnetdMetrics, HaveWhatIsPublished)
{
	const std::string http = "{interface=\"shmg0\",protocol=\"tcp\",address=\"192.0.2.1\","
				 "port=\"80\"} ";
	EXPECT_TRUE(shows("shmnetd_published_service_weight" + http + "4")) << text();
	EXPECT_TRUE(shows("shmnetd_published_service_connections" + http + "9"));
}

TEST_F(ShmnetdMetrics, HaveWhoAnswersForAddresses)
{
	const Mac own = {2, 0, 0, 0, 0, 1}, other = {2, 0, 0, 0, 0, 2};
	daemon.segments = {{.interface = "eth0",
			    .trouble = "",
			    .own = own,
			    .holders = {{*parse_address("192.0.2.1"), own},
					{*parse_address("192.0.2.2"), other},
					{*parse_address("192.0.2.3"), std::nullopt}}}};
	const std::string begin = "shmnetd_answers_for_address{interface=\"eth0\",address=";
	EXPECT_TRUE(shows(begin + "\"192.0.2.1\"} 1")) << text();
	EXPECT_TRUE(shows(begin + "\"192.0.2.2\"} 0"));
	EXPECT_TRUE(shows(begin + "\"192.0.2.3\"} 0"));
}

TEST_F(ShmnetdMetrics, TellOfTheDaemon)
{
	EXPECT_TRUE(shows(fmt::format("shmnetd_build_info{{version=\"{}\",region_format=\"{}\"}} 1",
				      SHMNET_PROGRAM_VERSION, SHMNET_VERSION)))
		<< text();
	EXPECT_TRUE(shows("shmnetd_module_up 1"));
	EXPECT_TRUE(shows("shmnetd_tracing 0"));
	EXPECT_TRUE(shows("shmnetd_config_last_reload_successful 1"));
	EXPECT_EQ(text().find("\nshmnetd_last_publication_timestamp_seconds "), std::string::npos)
		<< "it has not published yet";

	daemon.listeners = 12;
	daemon.traces = true;
	daemon.reloaded = false;
	daemon.looked = std::chrono::system_clock::time_point(std::chrono::milliseconds(2500));
	daemon.counts = {.publications = 3, .failures = 2, .last = {}};
	daemon.counts.last = std::chrono::system_clock::time_point(std::chrono::seconds(2));
	EXPECT_TRUE(shows("shmnetd_listeners 12")) << text();
	EXPECT_TRUE(shows("shmnetd_tracing 1"));
	EXPECT_TRUE(shows("shmnetd_config_last_reload_successful 0"));
	EXPECT_TRUE(shows("shmnetd_last_look_timestamp_seconds 2.5"));
	EXPECT_TRUE(shows("shmnetd_publications_total 3"));
	EXPECT_TRUE(shows("shmnetd_publication_failures_total 2"));
	EXPECT_TRUE(shows("shmnetd_last_publication_timestamp_seconds 2"));
}

TEST_F(ShmnetdMetrics, GoOnWithoutTheModule)
{
	gone = true;
	EXPECT_TRUE(shows("shmnetd_module_up 0")) << text();
	EXPECT_TRUE(shows("shmnetd_publications_total 0"));
	EXPECT_EQ(text().find("shmnet_"), std::string::npos) << text();
}

TEST_F(ShmnetdMetrics, LeaveOutOtherNetworkNamespaces)
{
	/* A region of which one interface is here, and one of which none is. */
	module.counters.push_back({"0000:00:09.0", {0, 6, "elsewhere"}, {}});
	module.nodes.push_back(node("0000:00:09.0", 0, SHMNET_NODE_SELF));
	OfferInfo elsewhere = module.offers[0];
	elsewhere.interface.name = "elsewhere";
	module.offers.push_back(elsewhere);
	keep_here(module, [](const InterfaceInfo& interface) { return interface.name == "shmg0"; });
	ASSERT_EQ(module.counters.size(), 1u);
	EXPECT_EQ(module.counters[0].interface.name, "shmg0");
	EXPECT_EQ(module.offers.size(), 2u);
	EXPECT_EQ(module.nodes.size(), 3u);
	for (const NodeInfo& node : module.nodes)
		EXPECT_EQ(node.device, DEVICE);
}

TEST_F(ShmnetdMetrics, HaveTheirHelp)
{
	std::string all = text();
	for (const std::string& name : names_in(all))
		EXPECT_NE(all.find("# HELP " + name + " "), std::string::npos) << name;
}

TEST_F(ShmnetdMetrics, AreThoseOfTheManualPage)
{
	std::string page = test::read_text("docs/man/shmnetd.8");
	size_t begin = page.find("\n.Sh METRICS\n");
	if (page.empty())
		GTEST_SKIP() << "run it where docs/man/shmnetd.8 is";
	ASSERT_NE(begin, std::string::npos);
	std::istringstream lines(page.substr(begin, page.find("\n.Sh ", begin + 1) - begin));
	std::set<std::string> documented;
	for (std::string line; std::getline(lines, line);)
		if (line.starts_with(".It Li shmnet")) {
			EXPECT_TRUE(documented.insert(line.substr(7)).second) << line << " twice";
		}

	std::set<std::string> exported = names_in(text());
	/* The page has one entry for all of them. */
	for (const CounterInfo& info : module.counters)
		for (const auto& [name, value] : info.counters)
			exported.erase("shmnet_" + name + "_total");
	exported.insert("shmnet_COUNTER_total");
	EXPECT_EQ(exported, documented);
}
