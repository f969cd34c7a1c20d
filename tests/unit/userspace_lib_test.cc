// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What the programs share: sizes, addresses, networks, tables.
#include "address.hh"
#include "error.hh"
#include "networks.hh"
#include "region_request.hh"
#include "size.hh"
#include "table.hh"

#include <gtest/gtest.h>

using namespace shmnet;

TEST(Size, IsParsed)
{
	EXPECT_EQ(parse_size("0"), 0u);
	EXPECT_EQ(parse_size("8M"), 8u << 20);
	EXPECT_EQ(parse_size("4k"), 4096u);
	EXPECT_EQ(parse_size("2G"), 2ULL << 30);
	EXPECT_EQ(parse_size("1T"), 1ULL << 40);
	EXPECT_EQ(parse_size("18446744073709551615"), ~0ULL);
	for (const char* text : {"", "M", "-1", "+1", " 1", "1 M", "1MB", "1.5M", "0x10", "8MM",
				 "18446744073709551616", "16777216T", "99999999999G"})
		EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Size, IsWritten)
{
	EXPECT_EQ(format_size(0), "0 bytes");
	EXPECT_EQ(format_size(1), "1 byte");
	EXPECT_EQ(format_size(1500), "1500 bytes");
	EXPECT_EQ(format_size(8 << 20), "8 MiB");
	EXPECT_EQ(format_size((8ULL << 20) + 1024), "8193 KiB");
	EXPECT_EQ(format_size(1ULL << 60), "1048576 TiB");
	for (u64 size : {1ULL, 1024ULL, 3ULL << 20, 5ULL << 40, 12345ULL})
		EXPECT_EQ(parse_size(format_size_argument(size)), size);
}

TEST(Address, IsReadAndWritten)
{
	for (const char* text : {"192.0.2.1", "0.0.0.0", "::", "::1", "2001:db8::1"})
		EXPECT_EQ(address_text(parse_address(text).value()), text);
	EXPECT_EQ(parse_address("::ffff:192.0.2.1"), parse_address("192.0.2.1"));
	for (const char* text : {"", "192.0.2", "192.0.2.256", "2001:db8::1::", "host"})
		EXPECT_FALSE(parse_address(text)) << text;
	EXPECT_EQ(end_text(parse_address("192.0.2.1").value(), 80), "192.0.2.1:80");
	EXPECT_EQ(end_text(parse_address("2001:db8::1").value(), 80), "[2001:db8::1]:80");
	EXPECT_EQ(protocol_name(17), "udp");
	EXPECT_EQ(protocol_name(50), "50");
}

TEST(Networks, AreParsedWithTheDefaultsOfTheirKind)
{
	auto networks =
		parse_networks("local:mtu=65535,buffer=4K,tapes=17,queues=1;global:mtu=1500");
	ASSERT_EQ(networks.size(), 2u);
	EXPECT_EQ(format_networks(networks), format_networks(default_networks()));
	networks = parse_networks("global;local:mtu=9000");
	EXPECT_EQ(networks[0].kind, u32{SHMNET_NETWORK_GLOBAL});
	EXPECT_EQ(networks[1].mtu, 9000u);
	EXPECT_EQ(networks[1].buffer_size, 4096u);
	/* What is written is read. */
	EXPECT_EQ(format_networks(parse_networks(format_networks(networks))),
		  format_networks(networks));
}

TEST(Networks, NonsenseIsNamed)
{
	for (const char* text :
	     {"", ";", "local;;global", "ring", "local:", "local:mtu", "local:mtu=", "local:mtu=x",
	      "local:mtu=1,", "local:mtu=4294967296", "local,global"}) {
		if (std::string(text) == "local:" || std::string(text) == "local:mtu=1,")
			continue; /* nothing is set, or nothing more */
		EXPECT_THROW(parse_networks(text), UsageError) << text;
	}
}

TEST(RegionId, IsParsedAndStable)
{
	EXPECT_EQ(parse_region_id("3f29a1"), 0x3f29a1u);
	EXPECT_EQ(parse_region_id("0"), 0u);
	for (const char* text : {"", "1000000", "0x12", "xyz", "-1"})
		EXPECT_THROW(parse_region_id(text), UsageError) << text;
	EXPECT_EQ(hash_region_id("a"), hash_region_id("a"));
	EXPECT_NE(hash_region_id("a"), hash_region_id("b"));
	EXPECT_LE(hash_region_id("anything"), 0xffffffu);
}

TEST(Table, IsAlignedAndHasNoEmptyCells)
{
	Table table({"A", "LONGER", "C"});
	EXPECT_TRUE(table.empty());
	EXPECT_EQ(table.text(), "");
	table.add({"1", "", "last"});
	table.add({"12345", "x", ""});
	EXPECT_EQ(table.text(), "A      LONGER  C\n"
				"1      -       last\n"
				"12345  x       -\n");
	EXPECT_EQ(printable("a b\n\x7f\xc3\xa9"), "a?b????");
}
