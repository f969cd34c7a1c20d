// SPDX-License-Identifier: GPL-2.0-only OR MIT
// When a border router announces anew what others may not have taken.
#include "shmnetctl/ospf_renewal.hh"
#include "shmnetctl/ospf_stranded.hh"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace shmnet;
using namespace shmnet::ctl;
using namespace std::chrono_literals;

namespace {

struct Told {
	const char* id;
	long long age;
	long long sequence = 0x80000001;
};

/* As FRR shows it. */
nlohmann::json announced(const std::vector<Told>& all, const char* area = "0")
{
	nlohmann::json lsa = nlohmann::json::array();
	for (const Told& told : all)
		lsa.push_back({{"type", "IAP"},
			       {"lsId", told.id},
			       {"advRouter", "192.0.2.1"},
			       {"age", told.age},
			       {"seqNum", told.sequence},
			       {"payload", "2001:db8::/64"}});
	return {{"areaScopedLinkStateDb", {{{"areaId", area}, {"lsa", lsa}}}}};
}

class Renewal : public testing::Test {
protected:
	bool is_due(const nlohmann::json& own, std::chrono::seconds passed = 5s)
	{
		now += passed;
		return !renewal.due(own, now).empty();
	}

	OspfRenewal renewal;
	OspfRenewal::Time now;
};

} // namespace

TEST_F(Renewal, IsNotForWhatIsNew)
{
	EXPECT_FALSE(is_due(announced({})));
	EXPECT_FALSE(is_due(announced({{"0.0.0.1", 2}})));
	EXPECT_FALSE(is_due(announced({{"0.0.0.1", 7}, {"0.0.0.2", 1}})));
	EXPECT_FALSE(is_due(announced({{"0.0.0.1", 77}, {"0.0.0.2", 71}}), 70s));
}

TEST_F(Renewal, IsForWhatBeginsFromTheStartAgain)
{
	EXPECT_FALSE(is_due(announced({{"0.0.0.1", 20}})));
	EXPECT_FALSE(is_due(announced({})));
	EXPECT_TRUE(is_due(announced({{"0.0.0.1", 3}})));
	EXPECT_FALSE(is_due(announced({{"0.0.0.1", 1, 0x80000003}})));
	EXPECT_FALSE(is_due(announced({{"0.0.0.1", 51, 0x80000003}}), 50s));
	EXPECT_TRUE(is_due(announced({{"0.0.0.1", 66, 0x80000003}}), 15s))
		<< "when nobody has its end";
	EXPECT_FALSE(is_due(announced({{"0.0.0.1", 100, 0x80000003}}), 100s));
}

TEST_F(Renewal, IsAlsoForWhatWasWithdrawnBetweenTwoLooks)
{
	EXPECT_FALSE(is_due(announced({{"0.0.0.1", 20}})));
	EXPECT_TRUE(is_due(announced({{"0.0.0.1", 1}})));
	/* And for what is still there as withdrawn. */
	EXPECT_FALSE(is_due(announced({{"0.0.0.1", 200}, {"0.0.0.2", 3600}}), 40s));
	EXPECT_TRUE(is_due(announced({{"0.0.0.1", 205}, {"0.0.0.2", 2}})));
}

TEST_F(Renewal, IsPutOffByWhatTheFirstOneBegins)
{
	EXPECT_FALSE(is_due(announced({{"0.0.0.1", 20}})));
	EXPECT_TRUE(is_due(announced({{"0.0.0.1", 3}})));
	EXPECT_FALSE(is_due(announced({{"0.0.0.1", 1}})));
	EXPECT_FALSE(is_due(announced({{"0.0.0.1", 61}}), 60s));
	EXPECT_TRUE(is_due(announced({{"0.0.0.1", 66}})));
}

/* Else each would be the next one's reason. */
TEST_F(Renewal, IsNotForWhatTheLastOneBegins)
{
	EXPECT_FALSE(is_due(announced({{"0.0.0.1", 20}})));
	EXPECT_TRUE(is_due(announced({{"0.0.0.1", 1}})));
	EXPECT_TRUE(is_due(announced({{"0.0.0.1", 66}}), 65s));
	EXPECT_FALSE(is_due(announced({{"0.0.0.1", 1}})));
	EXPECT_FALSE(is_due(announced({{"0.0.0.1", 101}}), 100s));
	EXPECT_TRUE(is_due(announced({{"0.0.0.1", 2}}))) << "of something else, later";
}

TEST_F(Renewal, IsNotForWhatCountsOn)
{
	EXPECT_FALSE(is_due(announced({{"0.0.0.1", 20}})));
	EXPECT_FALSE(is_due(announced({{"0.0.0.1", 3600}})));
	EXPECT_FALSE(is_due(announced({{"0.0.0.1", 1, 0x80000002}})));
	EXPECT_FALSE(is_due(announced({{"0.0.0.1", 1}}, "1"))) << "another area's";
}

TEST_F(Renewal, IsNotForWhatCannotBeUnderstood)
{
	for (const char* text :
	     {"{}", "[]", "3", R"({"areaScopedLinkStateDb": 3})",
	      R"({"areaScopedLinkStateDb": [3]})",
	      R"({"areaScopedLinkStateDb": [{"areaId": 3, "lsa": [{"lsId": 7}]}]})"})
		EXPECT_FALSE(is_due(nlohmann::json::parse(text))) << text;
}

TEST_F(Renewal, IsOfWhatBeganAgainAlone)
{
	nlohmann::json own = announced({{"0.0.0.1", 20}, {"0.0.0.2", 20}});
	auto& told = own["areaScopedLinkStateDb"][0]["lsa"];
	told[1]["payload"] = "2001:db8:1::1/128";
	EXPECT_EQ(renewal.due(own, now), OspfPrefixes{});
	told[0]["age"] = 25, told[1]["age"] = 1;
	now += 5s;
	EXPECT_EQ(renewal.due(own, now), OspfPrefixes{"2001:db8:1::1/128"});
	/* And of what the renewal began besides. */
	told[0]["age"] = 1, told[1]["age"] = 6, told[1]["seqNum"] = 0x80000003;
	now += 5s;
	EXPECT_EQ(renewal.due(own, now), OspfPrefixes{});
	told[0]["age"] = 66, told[1]["age"] = 71;
	now += 65s;
	EXPECT_EQ(renewal.due(own, now), (OspfPrefixes{"2001:db8::/64", "2001:db8:1::1/128"}));
}

TEST(Ways, AreThoseOfThePrefixes)
{
	const auto routes = nlohmann::json::parse(R"({"routes": {
		"2001:db8::/64": {"nextHops": [{"nextHop": "fe80::1", "interfaceName": "shml0"},
					       {"nextHop": "fe80::2", "interfaceName": "eth0"}]},
		"2001:db8:1::1/128": {"nextHops": [{"nextHop": "::", "interfaceName": "shmg0"}]}}})");
	EXPECT_EQ(ways_to({"2001:db8:1::1/128"}, routes), std::set<std::string>{"shmg0"});
	EXPECT_EQ(ways_to({"2001:db8::/64"}, routes), (std::set<std::string>{"eth0", "shml0"}));
	EXPECT_EQ(ways_to({"2001:db8:2::/64"}, routes), std::set<std::string>{});
	EXPECT_EQ(ways_to({"2001:db8::/64"}, {}), std::set<std::string>{});
}

std::string detail(const char* flags, int next_hops)
{
	return std::string("Destination: 2001:db8:3::/64\nInstalled Time: 00:00:27 ago\nLock: 2 "
			   "Flags: ") +
	       flags + "\nPaths count: 1\nNexthop count: " + std::to_string(next_hops) +
	       "\nNexthop:\n\n";
}

TEST(StrandedRoutes, AreBestOnesWithoutANextHop)
{
	EXPECT_FALSE(has_stranded_route(""));
	EXPECT_FALSE(has_stranded_route(detail("BA--", 1) + detail("BA--", 10)));
	EXPECT_FALSE(has_stranded_route(detail("-A--", 0)));
	EXPECT_TRUE(has_stranded_route(detail("BA--", 1) + detail("-A--", 1) + detail("BA--", 0)));
}

TEST(StrandedRoutes, AreCalculatedAnewWhereTheyStay)
{
	const std::string good = detail("BA--", 1), bad = detail("BA--", 0);
	StrandedRoutes routes;
	StrandedRoutes::Time now;
	EXPECT_FALSE(routes.is_due(bad, now)) << "it may be on its way";
	EXPECT_FALSE(routes.is_due(good, now + 5s));
	EXPECT_FALSE(routes.is_due(bad, now + 10s));
	EXPECT_TRUE(routes.is_due(bad, now + 15s));
	EXPECT_FALSE(routes.is_due(bad, now + 20s)) << "it has not helped";
	EXPECT_FALSE(routes.is_due(bad, now + 74s));
	EXPECT_TRUE(routes.is_due(bad, now + 75s));
}

TEST(StrandedRoutes, AreCalculatedAnewByWhatIsAsBeforeThen)
{
	const std::vector<std::string> router = {"router ospf6"};
	EXPECT_EQ(recalculation({{{"router ospf"}, "maximum-paths 7"}}),
		  (FrrConfig{{router, "maximum-paths 2"}, {router, "no maximum-paths"}}));
	EXPECT_EQ(recalculation({{router, "maximum-paths 7"}}),
		  (FrrConfig{{router, "maximum-paths 1"}, {router, "maximum-paths 7"}}));
	EXPECT_EQ(recalculation({{router, "maximum-paths 1"}}),
		  (FrrConfig{{router, "maximum-paths 2"}, {router, "maximum-paths 1"}}));
}

TEST(OtherCosts, AreThoseOfIpv6AndOfTheInterfacesAlone)
{
	auto line = [](const char* key, const char* value, const char* name = "a") {
		return OspfLine{
			{{std::string("interface ") + name}, std::string(key) + " " + value}, key};
	};
	std::vector<OspfLine> other = with_other_costs({line("ip ospf cost", "10"),
							line("ipv6 ospf6 cost", "10"),
							line("ipv6 ospf6 cost", "65535", "b"),
							line("ipv6 ospf6 cost", "1", "c"),
							{{{}, "bfd"}, ""}},
						       {"a", "b"});
	EXPECT_EQ(other[0].line.text, "ip ospf cost 10");
	EXPECT_EQ(other[1].line.text, "ipv6 ospf6 cost 11");
	EXPECT_EQ(other[2].line.text, "ipv6 ospf6 cost 65534");
	EXPECT_EQ(other[3].line.text, "ipv6 ospf6 cost 1");
	EXPECT_EQ(other[4].line.text, "bfd");
}
