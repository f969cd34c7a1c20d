// SPDX-License-Identifier: GPL-2.0-only OR MIT
// shmnetd's configuration: what is right is taken, and what is wrong is named.
#include "shmnetd/config.hh"

#include "error.hh"
#include "support/temporary.hh"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

using namespace shmnet;
using namespace shmnet::shmnetd;

namespace {

/* What is said of a text that is wrong; nothing if it is taken. */
std::string complaint(const std::string& text)
{
	try {
		parse_config(text, "a.toml");
		return "";
	} catch (const UsageError& error) {
		return error.what();
	}
}

} // namespace

TEST(ShmnetdConfig, HasDefaults)
{
	Config config = parse_config("", "a.toml");
	EXPECT_FALSE(config.all);
	EXPECT_TRUE(config.services.empty());
	EXPECT_EQ(config.policy.balance, __u32{SHMNET_BALANCE_ROUND_ROBIN});
	EXPECT_EQ(config.policy.weight, 1u);
	EXPECT_FALSE(config.policy.local_first);
	EXPECT_EQ(config.poll, std::chrono::seconds(1));
	EXPECT_FALSE(config.metrics);
	EXPECT_TRUE(config.announce.neighbour.empty());
	EXPECT_EQ(config.announce.priority, 100);
	EXPECT_FALSE(config.chooses({IPPROTO_TCP, 80}));
}

TEST(ShmnetdConfig, IsReadWhole)
{
	Config config = parse_config(R"(
services = ["tcp/80", "udp/53"]
balance = "least"
local-first = true
poll = 0.25

[service."tcp/443"]
balance = "source"
weight = 4

[service."tcp/25"]
local-first = false

[metrics]
listen = "127.0.0.1:9877"

[announce]
neighbour = ["eth1", "eth0"]
priority = 255
)",
				     "a.toml");
	EXPECT_EQ(config.announce.neighbour, (std::set<std::string>{"eth0", "eth1"}));
	EXPECT_EQ(config.announce.priority, 255);
	EXPECT_TRUE(config.chooses({IPPROTO_TCP, 80}));
	EXPECT_TRUE(config.chooses({IPPROTO_UDP, 53}));
	EXPECT_FALSE(config.chooses({IPPROTO_UDP, 80}));
	EXPECT_FALSE(config.chooses({IPPROTO_TCP, 443})) << "a policy publishes nothing";
	EXPECT_EQ(config.poll, std::chrono::milliseconds(250));

	const ServicePolicy& http = config.policy_of({IPPROTO_TCP, 80});
	EXPECT_EQ(http.balance, __u32{SHMNET_BALANCE_LEAST});
	EXPECT_EQ(http.weight, 1u);
	EXPECT_TRUE(http.local_first);
	const ServicePolicy& https = config.policy_of({IPPROTO_TCP, 443});
	EXPECT_EQ(https.balance, __u32{SHMNET_BALANCE_SOURCE});
	EXPECT_EQ(https.weight, 4u);
	EXPECT_TRUE(https.local_first) << "said for all";
	const ServicePolicy& mail = config.policy_of({IPPROTO_TCP, 25});
	EXPECT_EQ(mail.balance, __u32{SHMNET_BALANCE_LEAST});
	EXPECT_FALSE(mail.local_first);
	EXPECT_EQ(config.metrics, parse_end("127.0.0.1:9877"));
}

TEST(ShmnetdConfig, TakesWhatIsAtTheLimits)
{
	EXPECT_TRUE(parse_config("services = \"all\"", "a.toml").chooses({IPPROTO_UDP, 1}));
	EXPECT_EQ(parse_config("weight = 0", "a.toml").policy.weight, 0u);
	EXPECT_EQ(parse_config("weight = 256", "a.toml").policy.weight, 256u);
	EXPECT_EQ(parse_config("poll = 3600", "a.toml").poll, std::chrono::hours(1));
	EXPECT_EQ(parse_config("poll = 0.05", "a.toml").poll, std::chrono::milliseconds(50));
	EXPECT_TRUE(parse_config("services = [\"tcp/1\", \"tcp/65535\"]", "a.toml")
			    .chooses({IPPROTO_TCP, 65535}));
	EXPECT_EQ(parse_config("balance = \"flow\"", "a.toml").policy.balance,
		  __u32{SHMNET_BALANCE_FLOW});
}

TEST(ShmnetdConfig, TakesWhereMetricsAreServed)
{
	struct {
		const char* listen;
		const char* address;
		__u32 port;
	} cases[] = {
		{"0.0.0.0:1", "0.0.0.0", 1},
		{"192.0.2.1:65535", "192.0.2.1", 65535},
		{"[::]:9877", "::", 9877},
		{"[2001:DB8:0::1]:9877", "2001:db8::1", 9877},
	};
	for (const auto& row : cases) {
		Config config = parse_config(fmt::format("[metrics]\nlisten = \"{}\"", row.listen),
					     "a.toml");
		ASSERT_TRUE(config.metrics) << row.listen;
		EXPECT_EQ(address_text(config.metrics->address), row.address);
		EXPECT_EQ(config.metrics->port, row.port);
	}
	EXPECT_FALSE(parse_config("[metrics]", "a.toml").metrics) << "each key may be left out";
}

TEST(ShmnetdConfig, TakesWhatIsSaidOfAddresses)
{
	Config config = parse_config(R"(
[address."203.0.113.1"]
nodes = [0, 2, 63]
balance = "least"
generation = 7
[address."2001:db8::1"]
drain = true
[address."203.0.113.2"]
)",
				     "a.toml");
	ASSERT_EQ(config.addresses.size(), 3u);
	const AddressConfig& defined = config.addresses.at(*parse_address("203.0.113.1"));
	ASSERT_TRUE(defined.definition);
	EXPECT_EQ(defined.definition->nodes, (__u64{1} << 63) | 5);
	EXPECT_EQ(defined.definition->balance, __u32{SHMNET_BALANCE_LEAST});
	EXPECT_EQ(defined.definition->generation, 7u);
	EXPECT_FALSE(defined.drain);
	const AddressConfig& drained = config.addresses.at(*parse_address("2001:db8::1"));
	EXPECT_FALSE(drained.definition) << "another node's holds";
	EXPECT_TRUE(drained.drain);
	EXPECT_FALSE(config.addresses.at(*parse_address("203.0.113.2")).definition);
	EXPECT_EQ(config.policy_of({IPPROTO_TCP, 80}, SHMNET_BALANCE_LEAST).balance,
		  __u32{SHMNET_BALANCE_LEAST});
}

TEST(ShmnetdConfig, NamesWhatIsWrong)
{
	struct {
		const char* text;
		const char* begin; /* file, line and key */
		const char* right;
	} cases[] = {
		{"\nport = 80", "a.toml:2: port: ", "services, balance, weight"},
		{"services = 80", "a.toml:1: services: ", "\"all\""},
		{"services = \"none\"", "a.toml:1: services: ", "\"all\""},
		{"services = [\n\"tcp/80\",\n80]", "a.toml:3: services: ", "\"tcp/80\""},
		{"services = [\"tcp\"]", "a.toml:1: services: 'tcp'", "tcp/PORT"},
		{"services = [\"tcp/0\"]", "a.toml:1: services: 'tcp/0'", "1 to 65535"},
		{"services = [\"tcp/65536\"]", "a.toml:1: services: 'tcp/65536'", "1 to 65535"},
		{"services = [\"tcp/080\"]", "a.toml:1: services: 'tcp/080'", "tcp/PORT"},
		{"services = [\"TCP/80\"]", "a.toml:1: services: 'TCP/80'", "tcp/PORT"},
		{"services = [\"sctp/80\"]", "a.toml:1: services: 'sctp/80'", "udp/PORT"},
		{"services = [\"tcp/http\"]", "a.toml:1: services: 'tcp/http'", "tcp/PORT"},
		{"balance = \"random\"", "a.toml:1: balance: ", "\"round-robin\""},
		{"balance = 1", "a.toml:1: balance: ", "\"least\""},
		{"weight = -1", "a.toml:1: weight: ", "0 (no new flows) to 256"},
		{"weight = 257", "a.toml:1: weight: ", "256"},
		{"weight = 1.0", "a.toml:1: weight: ", "whole number"},
		{"weight = \"1\"", "a.toml:1: weight: ", "whole number"},
		{"local-first = 1", "a.toml:1: local-first: ", "true or false"},
		{"poll = 0", "a.toml:1: poll: ", "0.05 to 3600"},
		{"poll = 3601", "a.toml:1: poll: ", "0.05 to 3600"},
		{"poll = nan", "a.toml:1: poll: ", "0.05 to 3600"},
		{"poll = \"1\"", "a.toml:1: poll: ", "seconds"},
		{"service = 1", "a.toml:1: service: ", "[service.\"tcp/443\"]"},
		{"[service]\n\"tcp/80\" = 1", "a.toml:2: service.\"tcp/80\": ", "give a table"},
		{"[service.web]\nweight = 1", "a.toml:1: service.\"web\": ", "tcp/PORT"},
		{"[service.\"tcp/80\"]\nweight = 999",
		 "a.toml:2: service.\"tcp/80\".weight: ", "256"},
		{"[service.\"tcp/80\"]\npoll = 1",
		 "a.toml:2: service.\"tcp/80\".poll: ", "balance, weight and local-first"},
		{"metrics = \"127.0.0.1:9877\"", "a.toml:1: metrics: ", "[metrics]"},
		{"[metrics]\nport = 9877", "a.toml:2: metrics.port: ", "there is listen"},
		{"[metrics]\nlisten = 9877", "a.toml:2: metrics.listen: ", "\"127.0.0.1:9877\""},
		{"[metrics]\nlisten = \"9877\"",
		 "a.toml:2: metrics.listen: ", "\"127.0.0.1:9877\""},
		{"[metrics]\nlisten = \":9877\"",
		 "a.toml:2: metrics.listen: ", "\"127.0.0.1:9877\""},
		{"[metrics]\nlisten = \"127.0.0.1\"",
		 "a.toml:2: metrics.listen: ", "\"127.0.0.1:9877\""},
		{"[metrics]\nlisten = \"127.0.0.1:\"",
		 "a.toml:2: metrics.listen: ", "\"127.0.0.1:9877\""},
		{"[metrics]\nlisten = \"127.0.0.1:0\"",
		 "a.toml:2: metrics.listen: ", "\"127.0.0.1:9877\""},
		{"[metrics]\nlisten = \"127.0.0.1:65536\"",
		 "a.toml:2: metrics.listen: ", "\"127.0.0.1:9877\""},
		{"[metrics]\nlisten = \"127.0.0.1:80,443s\"",
		 "a.toml:2: metrics.listen: ", "\"127.0.0.1:9877\""},
		{"[metrics]\nlisten = \"localhost:9877\"",
		 "a.toml:2: metrics.listen: ", "\"127.0.0.1:9877\""},
		{"[metrics]\nlisten = \"::1:9877\"",
		 "a.toml:2: metrics.listen: ", "\"127.0.0.1:9877\""},
		{"[metrics]\nlisten = \"[127.0.0.1]:80\"",
		 "a.toml:2: metrics.listen: ", "\"127.0.0.1:9877\""},
		{"[metrics]\nlisten = \"[]:80\"",
		 "a.toml:2: metrics.listen: ", "\"127.0.0.1:9877\""},
		{"[metrics]\nlisten = \"[::1]\"",
		 "a.toml:2: metrics.listen: ", "\"127.0.0.1:9877\""},
		{"announce = \"neighbour\"", "a.toml:1: announce: ", "[announce]"},
		{"[announce]\nospf = true", "a.toml:2: announce.ospf: ", "neighbour and priority"},
		{"[announce]\nneighbour = \"eth0\"",
		 "a.toml:2: announce.neighbour: ", "[\"eth0\", "},
		{"[announce]\nneighbour = [\"\"]", "a.toml:2: announce.neighbour: ", "list"},
		{"[announce]\npriority = 0", "a.toml:2: announce.priority: ", "1 to 255"},
		{"[announce]\npriority = 256", "a.toml:2: announce.priority: ", "1 to 255"},
		{"address = 1", "a.toml:1: address: ", "[address.\"203.0.113.1\"]"},
		{"[address.web]\ndrain = true", "a.toml:1: address.\"web\": ", "no address"},
		{"[address]\n\"::1\" = 1", "a.toml:2: address.\"::1\": ", "give a table"},
		{"[address.\"::1\"]\nport = 1", "a.toml:2: address.\"::1\".port: ", "generation"},
		{"[address.\"::1\"]\nnodes = 1", "a.toml:2: address.\"::1\".nodes: ", "[0, 2]"},
		{"[address.\"::1\"]\nnodes = []", "a.toml:2: address.\"::1\".nodes: ", "[0, 2]"},
		{"[address.\"::1\"]\nnodes = [64]", "a.toml:2: address.\"::1\".nodes: ", "63"},
		{"[address.\"::1\"]\ngeneration = 0",
		 "a.toml:2: address.\"::1\".generation: ", "from 1"},
		{"weight = 1\nweight = 2", "a.toml:2: this is no TOML: ", "weight"},
		{"services = [", "a.toml:1: this is no TOML: ", ""},
	};
	for (const auto& row : cases) {
		std::string said = complaint(row.text);
		EXPECT_EQ(said.rfind(row.begin, 0), 0u) << row.text << "\n" << said;
		EXPECT_NE(said.find(row.right), std::string::npos) << row.text << "\n" << said;
	}
}

TEST(ShmnetdConfig, NeedsAFileOnlyIfOneWasNamed)
{
	test::TemporaryDirectory directory;
	EXPECT_FALSE(read_config(directory / "none.toml", false).all);
	EXPECT_THROW(read_config(directory / "none.toml", true), Error);
	EXPECT_THROW(read_config(directory.path(), false), Error) << "a directory";
	test::write_text(directory / "a.toml", "services = \"all\"\n");
	EXPECT_TRUE(read_config(directory / "a.toml", true).all);
	test::write_text(directory / "empty.toml", "");
	EXPECT_FALSE(read_config(directory / "empty.toml", true).all);
	test::write_text(directory / "b.toml", "weight = 1000\n");
	EXPECT_THROW(read_config(directory / "b.toml", false), UsageError);
}
