// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The memory's file: made, kept, refused; and what the command line does not accept.
#include "support/fake_client.hh"
#include "support/hub_process.hh"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

using namespace shmnet;
using namespace shmnet::test;

class HubRegion : public testing::Test {
protected:
	Finished hub(std::vector<std::string> options)
	{
		options.insert(options.begin(), program_path("shmnet-hub"));
		return run(options, directory_.path());
	}

	Finished create(std::vector<std::string> options)
	{
		options.insert(options.begin(), {"--create", file_});
		return hub(options);
	}

	off_t size() const
	{
		struct stat status;
		return ::stat(file_.c_str(), &status) == 0 ? status.st_size : -1;
	}

	void refused_unchanged(std::vector<std::string> options, const std::string& reason)
	{
		std::string before = read_text(file_);
		Finished finished = create(options);
		EXPECT_EQ(finished.status, 1) << finished.output;
		EXPECT_NE(finished.output.find(reason), std::string::npos) << finished.output;
		EXPECT_TRUE(read_text(file_) == before);
	}

	TemporaryDirectory directory_;
	std::string file_ = directory_ / "region";
};

TEST_F(HubRegion, SizeFollowsTheNodes)
{
	for (auto [nodes, mib] : {std::pair{2, 8}, std::pair{4, 32}, std::pair{16, 256}}) {
		ASSERT_EQ(create({"--nodes", std::to_string(nodes)}).status, 0);
		EXPECT_EQ(size(), off_t{mib} << 20) << nodes;
		FakeGuests guests(file_);
		EXPECT_EQ(guests.layout().nodes, static_cast<u32>(nodes));
		std::filesystem::remove(file_);
	}
}

TEST_F(HubRegion, ASizeThatIsNoPowerOfTwoIsRoundedUpAndSaidSo)
{
	Finished finished = create({"--nodes", "2", "--memory", "9M"});
	EXPECT_EQ(finished.status, 0);
	EXPECT_EQ(size(), 16 << 20);
	EXPECT_NE(finished.output.find("9M is no power of two"), std::string::npos);
	EXPECT_NE(finished.output.find("rounded up to 16M"), std::string::npos);
}

TEST_F(HubRegion, TooSmallIsRefusedWithTheSizeNeeded)
{
	Finished finished = create({"--nodes", "16", "--memory", "64M"});
	EXPECT_EQ(finished.status, 2);
	EXPECT_NE(finished.output.find("--memory 256M"), std::string::npos) << finished.output;
	EXPECT_EQ(size(), -1);
}

TEST_F(HubRegion, ForeignContentIsRefusedAndLeftAlone)
{
	std::string foreign(8 << 20, '\0');
	foreign[(5 << 20) + 3] = 'x';
	write_text(file_, foreign);
	refused_unchanged({"--nodes", "2"}, "at offset 0x500000");
	write_text(file_, "hello, I am a text file that somebody needs\n");
	refused_unchanged({"--nodes", "2"}, "not shmnet's");
	write_text(file_, std::string(1 << 20, '\0'));
	refused_unchanged({"--nodes", "2"}, "1 MiB of zeros");
}

TEST_F(HubRegion, ZerosOfTheRightSizeAreFormatted)
{
	write_text(file_, "");
	std::filesystem::resize_file(file_, 8 << 20);
	EXPECT_EQ(create({"--nodes", "2"}).status, 0);
	EXPECT_EQ(FakeGuests(file_).layout().nodes, 2u);
}

TEST_F(HubRegion, TheSameRegionIsKept)
{
	ASSERT_EQ(create({"--nodes", "2", "--id", "abcdef"}).status, 0);
	FakeGuests(file_).claim(1, 5, 9);
	std::string before = read_text(file_);
	Finished again = create({"--nodes", "2", "--id", "abcdef"});
	EXPECT_EQ(again.status, 0) << again.output;
	EXPECT_NE(again.output.find("was formatted before"), std::string::npos);
	/* Without --id the memory's own id is taken, whatever its file is called by now. */
	std::string other = directory_ / "renamed";
	std::filesystem::rename(file_, other);
	EXPECT_EQ(hub({"--create", other, "--nodes", "2"}).status, 0);
	EXPECT_TRUE(read_text(other) == before);
}

TEST_F(HubRegion, AHardenedOneIsAFileForEachPart)
{
	std::vector<std::string> options = {"--nodes", "3", "--hardened", "--mode", "0640"};
	ASSERT_EQ(create(options).status, 0);
	std::vector<std::string> parts = {file_ + ".0", file_ + ".1", file_ + ".2"};
	EXPECT_EQ(size(), 2 << 20);
	for (const std::string& part : parts) {
		EXPECT_EQ(std::filesystem::file_size(part), 2u << 20);
		EXPECT_EQ(std::filesystem::status(part).permissions(),
			  std::filesystem::perms(0640));
	}
	/* What the nodes wrote is kept. */
	write_text(parts[1], std::string(2 << 20, 'x'));
	EXPECT_EQ(create(options).status, 0);
	EXPECT_EQ(read_text(parts[1])[0], 'x');
	refused_unchanged({"--nodes", "3"}, "hardened");
	std::filesystem::remove(parts[1]);
	refused_unchanged(options, parts[1] + " is missing");
	EXPECT_FALSE(std::filesystem::exists(parts[1]));
	EXPECT_TRUE(std::filesystem::exists(parts[2]));
}

TEST_F(HubRegion, APartsFileThatHoldsSomethingIsRefusedAndLeftAlone)
{
	write_text(file_ + ".1", "somebody's");
	Finished finished = create({"--nodes", "2", "--hardened"});
	EXPECT_EQ(finished.status, 1);
	EXPECT_NE(finished.output.find(".1 is not 2 MiB of zeros"), std::string::npos)
		<< finished.output;
	EXPECT_EQ(read_text(file_ + ".1"), "somebody's");
	/* What was made on the way is gone. */
	EXPECT_EQ(size(), -1);
	EXPECT_FALSE(std::filesystem::exists(file_ + ".0"));
}

TEST_F(HubRegion, AnotherGeometryIsRefused)
{
	ASSERT_EQ(create({"--nodes", "2", "--id", "1"}).status, 0);
	FakeGuests(file_).claim(1, 5, 9);
	refused_unchanged({"--nodes", "3"}, "Asked for: 3 nodes");
	refused_unchanged({"--nodes", "2", "--memory", "16M"}, "Asked for: 2 nodes, 16 MiB");
	refused_unchanged({"--nodes", "2", "--networks", "local"}, "Asked for: 2 nodes, 8 MiB");
	refused_unchanged({"--nodes", "2", "--id", "2"}, "id 000002");
	std::string text = read_text(file_);
	text[2048 + 16] ^= 1; /* an offset in the area table */
	write_text(file_, text);
	refused_unchanged({"--nodes", "2"}, "were overwritten");
	text[8]++; /* version */
	write_text(file_, text);
	refused_unchanged({"--nodes", "2"}, "");
}

TEST_F(HubRegion, FormattingThatWasCutOffIsCompleted)
{
	ASSERT_EQ(create({"--nodes", "2"}).status, 0);
	std::string whole = read_text(file_);
	std::string half = whole;
	std::fill_n(half.begin(), 8, '\0');           /* the magic is last */
	std::fill_n(half.begin() + 2048, 3000, '\0'); /* and some of the areas */
	write_text(file_, half);
	Finished finished = create({"--nodes", "2"});
	EXPECT_EQ(finished.status, 0) << finished.output;
	EXPECT_TRUE(read_text(file_) == whole);
}

TEST_F(HubRegion, NetworksAreAsGiven)
{
	ASSERT_EQ(create({"--nodes", "4", "--networks",
			  "local:mtu=9000,buffer=16K,tapes=3,queues=2;global:mtu=1500;local"})
			  .status,
		  0);
	FakeGuests guests(file_);
	ASSERT_EQ(guests.layout().networks, 3u);
	const NetworkLayout& first = guests.layout().network[0];
	EXPECT_EQ(first.mtu, 9000u);
	EXPECT_EQ(first.buffer_size, 16384u);
	EXPECT_EQ(first.tapes, 3u);
	EXPECT_EQ(first.queues, 2u);
	EXPECT_EQ(guests.layout().network[1].kind, u32{SHMNET_NETWORK_GLOBAL});
	EXPECT_EQ(guests.layout().network[2].mtu, 65535u);
}

TEST_F(HubRegion, LinksAndDirectoriesAreRefused)
{
	std::filesystem::create_symlink(directory_ / "elsewhere", file_);
	EXPECT_EQ(create({"--nodes", "2"}).status, 1);
	EXPECT_FALSE(std::filesystem::exists(directory_ / "elsewhere"));
	std::filesystem::remove(file_);
	std::filesystem::create_directory(file_);
	EXPECT_EQ(create({"--nodes", "2"}).status, 1);
}

TEST_F(HubRegion, AFileOfAnotherUserIsRefused)
{
	if (::geteuid() != 0)
		GTEST_SKIP() << "needs root to make such a file";
	write_text(file_, "");
	ASSERT_EQ(::chown(file_.c_str(), 65534, 65534), 0);
	refused_unchanged({"--nodes", "2"}, "belongs to user 65534");
}

TEST_F(HubRegion, OneFileHasOneHubAndOneSocketToo)
{
	HubProcess first(directory_);
	ASSERT_TRUE(first.start({"--nodes", "2"})) << first.log();
	Finished second = hub(
		{"--socket", directory_ / "other.sock", "--file", first.file(), "--nodes", "2"});
	EXPECT_EQ(second.status, 1);
	EXPECT_NE(second.output.find("another shmnet-hub serves"), std::string::npos)
		<< second.output;
	Finished third =
		hub({"--socket", first.socket(), "--file", directory_ / "other", "--nodes", "2"});
	EXPECT_EQ(third.status, 1);
	EXPECT_NE(third.output.find("listens on"), std::string::npos) << third.output;
	EXPECT_FALSE(std::filesystem::exists(directory_ / "other"));
	FakeClient client(first.socket());
	EXPECT_TRUE(client.read_greeting(2));
}

TEST_F(HubRegion, AClientThatLivesOnDoesNotKeepTheNextHubOut)
{
	HubProcess hub(directory_);
	ASSERT_TRUE(hub.start({"--nodes", "2"})) << hub.log();
	FakeClient client(hub.socket());
	ASSERT_TRUE(client.read_greeting(2));
	hub.kill();
	EXPECT_TRUE(hub.start({"--nodes", "2"})) << hub.log();
}

TEST_F(HubRegion, SomethingElseInTheSocketsPlaceIsLeftAlone)
{
	std::string path = directory_ / "precious";
	write_text(path, "data");
	Finished finished = hub({"--socket", path, "--file", file_, "--nodes", "2"});
	EXPECT_EQ(finished.status, 1);
	EXPECT_EQ(read_text(path), "data");
}

TEST_F(HubRegion, UsageErrorsEndWith2AndNameTheOption)
{
	const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
		{{}, "--nodes"},
		{{"--nodes", "2"}, "--socket"},
		{{"--nodes", "1", "--create", "x"}, "--nodes 1"},
		{{"--nodes", "65", "--create", "x"}, "--nodes 65"},
		{{"--nodes", "two", "--create", "x"}, "--nodes"},
		{{"--nodes", "2", "--create", "x", "--memory", "many"}, "--memory many"},
		{{"--nodes", "2", "--create", "x", "--memory", "99999999T"}, "--memory"},
		{{"--nodes", "2", "--create", "x", "--networks", "token-ring"}, "token-ring"},
		{{"--nodes", "2", "--create", "x", "--networks", "local:mtu=12"}, "mtu=12"},
		{{"--nodes", "2", "--create", "x", "--networks", "local:buffer=3000"},
		 "buffer=3000"},
		{{"--nodes", "2", "--create", "x", "--networks", "local:colour=3"}, "colour=3"},
		{{"--nodes", "2", "--create", "x", "--networks", "local:tapes="}, "tapes="},
		{{"--nodes", "2", "--create", "x", "--networks",
		  "local;local;local;local;local;local;local;local;local"},
		 "1 to 8"},
		{{"--nodes", "2", "--create", "x", "--id", "1234567"}, "--id"},
		{{"--nodes", "2", "--create", "x", "--mode", "rw"}, "--mode"},
		{{"--nodes", "2", "--create", "x", "--group", "no such group"}, "--group"},
		{{"--nodes", "2", "--create", "x", "--socket", "y"}, "--create"},
		{{"--nodes", "2", "--socket", std::string(200, 's')}, "--socket"},
		{{"--nodes", "2", "--socket", "y", "--vectors", "5000"}, "--vectors"},
		{{"--nodes", "2", "--socket", "y", "--unknown"}, "--unknown"},
	};
	for (const auto& [options, text] : cases) {
		Finished finished = hub(options);
		EXPECT_EQ(finished.status, 2) << text;
		EXPECT_NE(finished.output.find(text), std::string::npos) << finished.output;
	}
	EXPECT_FALSE(std::filesystem::exists("x"));
	EXPECT_EQ(hub({"--help"}).status, 0);
	EXPECT_EQ(hub({"--version"}).status, 0);
}
