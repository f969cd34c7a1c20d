// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* docs/protocol.md has a table of sizes: it says what the one function computes. */
#include "support/region.hh"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace shmnet::test {

namespace {

constexpr const char* DOCUMENT = "docs/protocol.md";
constexpr const char* BEGIN = "<!-- geometry-table:begin -->\n";
constexpr const char* END = "<!-- geometry-table:end -->\n";

std::string table()
{
	std::ostringstream text;
	text << "| nodes | region MiB | part MiB | local pool | local ring | global pool | "
		"global ring |\n"
	     << "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
	for (u32 nodes : {2u, 4u, 8u, 16u, 64u}) {
		Geometry geometry = geometry_of(default_request(nodes));
		text << "| " << nodes << " | " << (geometry.superblock.region_size >> 20) << " | "
		     << (geometry.superblock.part_size >> 20) << " | " << geometry.network[0].pool
		     << " | " << geometry.network[0].ring << " | " << geometry.network[1].pool
		     << " | " << geometry.network[1].ring << " |\n";
	}
	return text.str();
}

} // namespace

TEST(GeometryDocument, HasTheTableThatTheFunctionComputes)
{
	std::ifstream file(DOCUMENT);
	if (!file)
		GTEST_SKIP() << "no " << DOCUMENT << " here: run this from the top of the tree";
	std::ostringstream all;
	all << file.rdbuf();
	std::string text = all.str();
	size_t begin = text.find(BEGIN);
	size_t end = text.find(END);
	ASSERT_NE(begin, std::string::npos) << "markers are missing; the table is\n" << table();
	ASSERT_NE(end, std::string::npos);
	begin += std::string(BEGIN).size();
	EXPECT_EQ(text.substr(begin, end - begin), table());
}

} // namespace shmnet::test
