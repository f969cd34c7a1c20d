// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The module is told what has changed, once, and again when it may have lost it.
#include "shmnetd/publisher.hh"

#include "published_text.hh"
#include "shmnetd/report.hh"
#include "support/fake_module.hh"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>

using namespace shmnet;
using namespace shmnet::shmnetd;
using namespace shmnet::test;

namespace {

class ShmnetdPublisher : public ::testing::Test {
protected:
	ShmnetdPublisher()
	{
		module.present = {{"0000:00:08.0", 7, "shmg0", 1}};
		listeners.insert({.protocol = IPPROTO_TCP, .address = SHARED, .port = 80});
	}

	/* How many times the module was told something. */
	size_t publish(Publisher& publisher)
	{
		size_t before = module.told.size();
		publisher.find_interfaces();
		publisher.publish(listeners, addresses, config, connections);
		return module.told.size() - before;
	}

	static inline const Address SHARED = parse_address("192.0.2.1").value();
	FakeModule module;
	std::set<Listener> listeners;
	Addresses addresses = {{7, {SHARED}}, {8, {parse_address("192.0.2.2").value()}}};
	Config config;
	Connections connections;
};

} // namespace

TEST_F(ShmnetdPublisher, TellsWhatChanges)
{
	Publisher publisher(module, {});
	EXPECT_EQ(publish(publisher), 1u);
	EXPECT_EQ(module.told.back().ifindex, 7u);
	ASSERT_EQ(module.told.back().services.size(), 1u);
	EXPECT_EQ(publish(publisher), 0u) << "it knows";
	EXPECT_EQ(publisher.status(), "1 services on shmg0");

	EXPECT_TRUE(publisher.counts_connections());
	connections[{SHARED, 80}] = 3;
	EXPECT_EQ(publish(publisher), 1u);
	EXPECT_EQ(module.told.back().services[0].connections, 3u);

	listeners.clear();
	EXPECT_EQ(publish(publisher), 1u);
	EXPECT_TRUE(module.told.back().services.empty());
	EXPECT_FALSE(publisher.counts_connections());
}

TEST_F(ShmnetdPublisher, TellsOfAddresses)
{
	Publisher publisher(module, {});
	EXPECT_EQ(publish(publisher), 1u);
	const SharedAddressInfo joined = {.address = SHARED, .flags = SHMNET_ADDRESS_JOINED};
	EXPECT_EQ(module.told.back().addresses, std::vector{joined});
	config.addresses[SHARED].drain = true;
	EXPECT_EQ(publish(publisher), 1u);
	EXPECT_EQ(module.told.back().addresses[0].flags, __u32{SHMNET_ADDRESS_FLAGS});
	EXPECT_EQ(publish(publisher), 0u);

	/* Another node says how its services are balanced. */
	module.said_by_others = {
		{.device = "",
		 .interface = {},
		 .slot = 3,
		 .shared = {.address = SHARED, .balance = SHMNET_BALANCE_SOURCE, .generation = 1}}};
	EXPECT_EQ(publish(publisher), 0u);
	publisher.learn();
	EXPECT_EQ(publish(publisher), 1u);
	EXPECT_EQ(module.told.back().services[0].balance, __u32{SHMNET_BALANCE_SOURCE});
	addresses.clear();
	EXPECT_EQ(publish(publisher), 1u);
	EXPECT_TRUE(module.told.back().addresses.empty());
}

TEST_F(ShmnetdPublisher, CountsWhatTheModuleTookAndRefused)
{
	Publisher publisher(module, {});
	module.refuse = ENOMEM;
	publish(publisher);
	EXPECT_EQ(publisher.counts().publications, 0u);
	EXPECT_EQ(publisher.counts().failures, 1u);
	EXPECT_FALSE(publisher.counts().last);
	module.refuse = 0;
	auto before = std::chrono::system_clock::now();
	publish(publisher);
	publish(publisher);
	EXPECT_EQ(publisher.counts().publications, 1u) << "it knew the second time";
	EXPECT_EQ(publisher.counts().failures, 1u);
	ASSERT_TRUE(publisher.counts().last);
	EXPECT_GE(*publisher.counts().last, before);
}

TEST_F(ShmnetdPublisher, TellsAtFirstThatThereIsNothing)
{
	listeners.clear();
	Publisher publisher(module, {});
	EXPECT_EQ(publish(publisher), 1u) << "an earlier run may have published something";
	EXPECT_EQ(publish(publisher), 0u);
}

TEST_F(ShmnetdPublisher, TellsAnewWhatMayBeLost)
{
	Publisher publisher(module, {});
	EXPECT_EQ(publish(publisher), 1u);
	publisher.forget();
	EXPECT_EQ(publish(publisher), 1u);
	module.present[0].incarnation = 2;
	EXPECT_EQ(publish(publisher), 1u) << "the node has joined anew";
	module.present.clear();
	EXPECT_EQ(publish(publisher), 0u);
	EXPECT_EQ(publisher.status(), "no global interface here");
	module.present = {{"0000:00:08.0", 8, "shmg0", 2}};
	EXPECT_EQ(publish(publisher), 1u) << "the interface has come back";
	EXPECT_EQ(module.told.back().ifindex, 8u);
	EXPECT_TRUE(module.told.back().services.empty()) << "with another address";
}

TEST_F(ShmnetdPublisher, TriesAgainWhatWasRefused)
{
	for (int code : {ENODEV, EINVAL, ENOMEM}) {
		Publisher publisher(module, {});
		module.refuse = code;
		EXPECT_EQ(publish(publisher), 1u);
		EXPECT_EQ(publish(publisher), 1u) << strerror(code);
		EXPECT_EQ(publisher.status(), "0 services on shmg0");
		EXPECT_FALSE(publisher.published()[0].told);
		EXPECT_FALSE(publisher.published()[0].refused.empty());
		module.refuse = 0;
		EXPECT_EQ(publish(publisher), 1u);
		EXPECT_EQ(publish(publisher), 0u);
		EXPECT_TRUE(publisher.published()[0].refused.empty());
	}
}

TEST_F(ShmnetdPublisher, EndsWhereWaitingDoesNotHelp)
{
	for (int code : {EPERM, EOPNOTSUPP}) {
		Publisher publisher(module, {});
		module.refuse = code;
		EXPECT_THROW(publish(publisher), ServicesError) << strerror(code);
	}
}

TEST_F(ShmnetdPublisher, ServesTheInterfacesThatAreNamed)
{
	module.present.push_back({"0000:00:09.0", 8, "shmg1", 1});
	Publisher all(module, {});
	EXPECT_EQ(publish(all), 2u);
	Publisher one(module, {"shmg1"});
	EXPECT_EQ(publish(one), 1u);
	EXPECT_EQ(module.told.back().ifindex, 8u);
}

TEST_F(ShmnetdPublisher, ReportsWhatIsPublishedAndWhatIsNot)
{
	listeners.insert({.protocol = IPPROTO_TCP, .address = {}, .port = 22});
	Publisher publisher(module, {});
	publish(publisher);
	EXPECT_EQ(
		published_text(report_published(publisher.published())),
		"INTERFACE  PROTOCOL  ADDRESS       BALANCE      WEIGHT  LOCAL-FIRST  CONNECTIONS\n"
		"shmg0      tcp       192.0.2.1:80  round-robin  1       no           0\n"
		"\n"
		"INTERFACE  PROTOCOL  LISTENS-ON  NOT-PUBLISHED\n"
		"shmg0      tcp       [::]:22     not-chosen\n"
		"\n"
		"tcp [::]:22 on shmg0: write services = [\"tcp/22\"] in the configuration, or let "
		"it listen on 192.0.2.1\n");
	auto json = report_published(publisher.published());
	ASSERT_EQ(json.size(), 1u);
	EXPECT_EQ(json[0]["interface"], "shmg0");
	EXPECT_EQ(json[0]["published"][0]["address"], "192.0.2.1");
	EXPECT_EQ(json[0]["hidden"][0]["port"], 22);
	EXPECT_EQ(json[0]["hidden"][0]["reason"], "not-chosen");
}

TEST(ShmnetdInterfaces, AreThoseOfGlobalNetworks)
{
	DeviceInfo device;
	device.device = "0000:00:08.0";
	device.incarnation = 5;
	device.interfaces = {{0, 6, "shml0"}, {1, 7, "shmg0"}};
	NodeInfo self;
	self.device = device.device;
	self.state = SHMNET_NODE_SELF;
	self.networks.resize(2);
	self.networks[0].kind = SHMNET_NETWORK_LOCAL;
	self.networks[1].network = 1;
	self.networks[1].kind = SHMNET_NETWORK_GLOBAL;
	std::vector<GlobalInterface> expected = {{device.device, 7, "shmg0", 5}};
	EXPECT_EQ(global_interfaces({device}, {self}), expected);

	NodeInfo other = self;
	other.device = "0000:00:09.0";
	EXPECT_TRUE(global_interfaces({device}, {other}).empty()) << "another region's";
	other = self;
	other.state = SHMNET_NODE_UP;
	EXPECT_TRUE(global_interfaces({device}, {other}).empty()) << "this node has not joined";
}
