// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What a node offers, as others read it. */
#include "directory.hh"
#include "services.hh"

#include "support/region.hh"
#include "support/services.hh"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace shmnet::test {

namespace {

constexpr u32 GLOBAL = 1;
constexpr u32 INCARNATION = 7;

class Services : public ::testing::Test {
protected:
	Region region_{default_request(2)};
	shmnet_services* words_ = region_.layout().services(GLOBAL, 0);
	ServiceBoard<HardwareMemory> board_{words_};
	std::vector<shmnet_service> read_{SHMNET_SERVICES_MAX};

	u64 publish(u64 sequence, const std::vector<shmnet_service>& services)
	{
		return board_.publish(sequence, services.data(), static_cast<u32>(services.size()));
	}

	/* The ports that are read, or {0} if nothing can be. */
	std::vector<u32> ports(u64 sequence)
	{
		u32 count = ~0u;
		if (!board_.read(sequence, read_.data(), count))
			return {0};
		std::vector<u32> ports;
		for (u32 i = 0; i < count; i++)
			ports.push_back(read_[i].port);
		return ports;
	}
};

TEST_F(Services, AreReadAsTheyWereTold)
{
	EXPECT_EQ(board_.sequence(), 0u);
	u64 sequence = publish(pack_index(INCARNATION, 0), {tcp_service(80, 3), tcp_service(443)});
	EXPECT_EQ(epoch_of(sequence), INCARNATION);
	EXPECT_EQ(board_.sequence(), sequence);
	EXPECT_EQ(ports(sequence), (std::vector<u32>{80, 443}));
	EXPECT_EQ(memcmp(&read_[0], &words_->services[0], sizeof(shmnet_service)), 0);
	EXPECT_EQ(read_[0].weight, 3u);
}

TEST_F(Services, AreReplacedAsAWhole)
{
	u64 first = publish(pack_index(INCARNATION, 0), {tcp_service(80), tcp_service(443)});
	u64 second = publish(first, {tcp_service(22)});
	EXPECT_NE(first, second);
	EXPECT_EQ(ports(second), (std::vector<u32>{22}));
	EXPECT_EQ(ports(first), (std::vector<u32>{0})) << "they are not those any more";
	EXPECT_EQ(ports(publish(second, {})), (std::vector<u32>{}));
}

TEST_F(Services, AreNotReadWhileTheyAreReplaced)
{
	u64 sequence = publish(pack_index(INCARNATION, 0), {tcp_service(80)});
	words_->sequence = sequence + 1;
	EXPECT_EQ(ports(sequence), (std::vector<u32>{0}));
	EXPECT_EQ(ports(sequence + 1), (std::vector<u32>{0}));
}

TEST_F(Services, AllThatThereIsRoomFor)
{
	std::vector<shmnet_service> all(SHMNET_SERVICES_MAX, tcp_service(80));
	EXPECT_EQ(ports(publish(pack_index(INCARNATION, 0), all)).size(), all.size());
	u64 end = region_.layout().network[GLOBAL].services + SERVICES_BYTES;
	EXPECT_LE(end, region_.layout().part_size);
	words_->count = SHMNET_SERVICES_MAX + 1;
	EXPECT_EQ(ports(board_.sequence()), (std::vector<u32>{0})) << "a count that cannot be";
}

TEST_F(Services, WhatBreaksTheRulesIsPassedOver)
{
	const std::vector<std::function<void(shmnet_service&)>> breaks = {
		[](auto& one) { memset(one.address, 0, sizeof(one.address)); },
		[](auto& one) { one.port = 0; },
		[](auto& one) { one.protocol = 1; },
		[](auto& one) { one.weight = SHMNET_WEIGHT_MAX + 1; },
		[](auto& one) { one.balance = 0; },
		[](auto& one) { one.balance = SHMNET_BALANCE_LEAST + 1; },
		[](auto& one) { one.flags = SHMNET_SERVICE_FLAGS + 1; },
	};
	std::vector<shmnet_service> told = {tcp_service(1)};
	for (const auto& break_rule : breaks) {
		told.push_back(tcp_service(99));
		break_rule(told.back());
		EXPECT_FALSE(is_service(told.back()));
	}
	told.push_back(tcp_service(2));
	told.back().weight = 0;
	EXPECT_EQ(ports(publish(pack_index(INCARNATION, 0), told)), (std::vector<u32>{1, 2}));
}

TEST_F(Services, BesideThemAreWhatIsSaidOfAddresses)
{
	const std::vector<std::function<void(shmnet_shared_address&)>> breaks = {
		[](auto& one) { memset(one.address, 0, sizeof(one.address)); },
		[](auto& one) { one.balance = SHMNET_BALANCE_LEAST + 1; },
		[](auto& one) { one.flags = SHMNET_ADDRESS_FLAGS + 1; },
	};
	std::vector<shmnet_service> told = {shared_address(0, 0, 0), tcp_service(1)};
	for (const auto& break_rule : breaks) {
		shmnet_shared_address shared;
		told.push_back(shared_address(1, 1));
		memcpy(&shared, &told.back(), sizeof(shared));
		break_rule(shared);
		memcpy(&told.back(), &shared, sizeof(shared));
		EXPECT_FALSE(is_record(told.back()));
	}
	told.push_back(shared_address(~u64{0}, ~0u, SHMNET_ADDRESS_FLAGS));
	u64 sequence = publish(pack_index(INCARNATION, 0), told);
	ASSERT_EQ(ports(sequence).size(), 3u);
	EXPECT_EQ(memcmp(&read_[0], &told.front(), sizeof(told[0])), 0);
	EXPECT_EQ(memcmp(&read_[2], &told.back(), sizeof(told[0])), 0);
	EXPECT_FALSE(is_service(read_[0])) << "who does not know it passes over it";
}

TEST_F(Services, AreWithdrawn)
{
	u64 sequence = publish(pack_index(INCARNATION, 0), {tcp_service(80)});
	board_.withdraw();
	EXPECT_EQ(board_.sequence(), 0u);
	EXPECT_EQ(ports(sequence), (std::vector<u32>{0}));
	EXPECT_EQ(ports(publish(sequence, {tcp_service(81)})), (std::vector<u32>{81}));
}

TEST_F(Services, OfALastLifeAreGone)
{
	publish(pack_index(INCARNATION, 0), {tcp_service(80)});
	Directory<HardwareMemory>(region_.layout()).clear_part(0);
	EXPECT_EQ(board_.sequence(), 0u);
}

} // namespace

} // namespace shmnet::test
