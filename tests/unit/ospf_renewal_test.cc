// SPDX-License-Identifier: GPL-2.0-only OR MIT
// When a border router announces anew what others may not have taken.
#include "shmnetctl/ospf_renewal.hh"

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
		return renewal.is_due(own, now);
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

TEST(OtherCosts, AreThoseOfIpv6Alone)
{
	auto line = [](const char* key, const char* value) {
		return OspfLine{{{"interface a"}, std::string(key) + " " + value}, key};
	};
	std::vector<OspfLine> other = with_other_costs({line("ip ospf cost", "10"),
							line("ipv6 ospf6 cost", "10"),
							line("ipv6 ospf6 cost", "65535"),
							{{{}, "bfd"}, ""}});
	EXPECT_EQ(other[0].line.text, "ip ospf cost 10");
	EXPECT_EQ(other[1].line.text, "ipv6 ospf6 cost 11");
	EXPECT_EQ(other[2].line.text, "ipv6 ospf6 cost 65534");
	EXPECT_EQ(other[3].line.text, "bfd");
}
