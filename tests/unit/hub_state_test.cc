// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The hub's record: what was written is read again, and no number is bent until it fits.
#include "hub/state.hh"

#include <fmt/core.h>
#include <gtest/gtest.h>

using namespace shmnet;
using namespace shmnet::hub;

namespace {

struct Numbers {
	std::string version = "1";
	std::string lines = "[4, 2]";
	std::string id = "3";
	std::string pid = "70";
	std::string start_time = "18446744073709551615";
	std::string told = "[1, 2]";
	std::string slot = "5";
	std::string incarnation = "4294967295";
};

std::string text(const Numbers& numbers)
{
	return fmt::format(R"({{"version": {}, "boot": "", "lines": {}, "peers": [{{
		"id": {}, "pid": {}, "start_time": {}, "state": "member", "told": {},
		"slots": [{{"slot": {}, "incarnation": {}}}]}}]}})",
			   numbers.version, numbers.lines, numbers.id, numbers.pid,
			   numbers.start_time, numbers.told, numbers.slot, numbers.incarnation);
}

} // namespace

TEST(HubState, IsReadAsItWasWritten)
{
	StateFile::Loaded first = StateFile::parse(text({}));
	for (const StateFile::Loaded& loaded :
	     {first, StateFile::parse(StateFile::text_of(first.lines, first.peers))}) {
		EXPECT_EQ(loaded.lines, (std::vector<u32>{4, 2}));
		ASSERT_EQ(loaded.peers.size(), 1u);
		const PeerRecord& peer = loaded.peers[0];
		EXPECT_EQ(peer.id, 3u);
		EXPECT_EQ(peer.process, (ProcessId{70, ~u64{0}}));
		EXPECT_EQ(peer.state, PeerState::Member);
		EXPECT_EQ(peer.told.line, 1u);
		EXPECT_EQ(peer.told.vector, 2u);
		ASSERT_EQ(peer.slots.size(), 1u);
		EXPECT_EQ(peer.slots[0].slot, 5u);
		EXPECT_EQ(peer.slots[0].incarnation, ~u32{0});
	}
}

TEST(HubState, WhatDoesNotFitIsRefused)
{
	const char* const bad[] = {"-1",   "1.5",  "1e300", "-1e300", "18446744073709551616",
				   "true", "null", "\"1\"", "[]",     "{}"};
	std::string Numbers::*const numbers[] = {&Numbers::version, &Numbers::id,
						 &Numbers::pid,     &Numbers::start_time,
						 &Numbers::slot,    &Numbers::incarnation};
	for (const char* value : bad) {
		for (std::string Numbers::*number : numbers) {
			Numbers changed;
			changed.*number = value;
			EXPECT_ANY_THROW(StateFile::parse(text(changed))) << text(changed);
		}
		for (std::string Numbers::*list : {&Numbers::lines, &Numbers::told}) {
			Numbers changed;
			changed.*list = fmt::format("[0, {}]", value);
			EXPECT_ANY_THROW(StateFile::parse(text(changed))) << text(changed);
		}
	}
	for (auto [number, value] :
	     {std::pair(&Numbers::id, "65536"), std::pair(&Numbers::pid, "2147483648"),
	      std::pair(&Numbers::slot, "4294967296"),
	      std::pair(&Numbers::version, "4294967297")}) {
		Numbers changed;
		changed.*number = value;
		EXPECT_ANY_THROW(StateFile::parse(text(changed))) << text(changed);
	}
}
