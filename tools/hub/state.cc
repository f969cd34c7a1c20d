// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "state.hh"

#include "error.hh"
#include "file.hh"
#include "json_number.hh"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <iterator>

namespace shmnet::hub {

namespace {

using nlohmann::json;

constexpr u32 STATE_VERSION = 1;

constexpr const char* STATE_NAMES[] = {"greeted", "member", "severed", "held"};

const char* state_name(PeerState state)
{
	return STATE_NAMES[static_cast<size_t>(state)];
}

PeerState parse_state(const std::string& name)
{
	for (size_t i = 0; i < std::size(STATE_NAMES); i++)
		if (name == STATE_NAMES[i])
			return static_cast<PeerState>(i);
	throw Error("unknown state " + name);
}

json to_json(const PeerRecord& peer)
{
	json slots = json::array();
	for (const Sighting& seen : peer.slots)
		slots.push_back({{"slot", seen.slot}, {"incarnation", seen.incarnation}});
	return {{"id", peer.id},
		{"pid", peer.process.pid},
		{"start_time", peer.process.start_time},
		{"state", state_name(peer.state)},
		{"told", {peer.told.line, peer.told.vector}},
		{"slots", slots}};
}

PeerRecord from_json(const json& value)
{
	PeerRecord peer;
	peer.id = integer<u16>(value.at("id"));
	peer.process.pid = integer<pid_t>(value.at("pid"));
	if (peer.process.pid < 0)
		throw Error(fmt::format("process {}", peer.process.pid));
	peer.process.start_time = integer<u64>(value.at("start_time"));
	peer.state = parse_state(value.at("state").get<std::string>());
	peer.told = {integer<size_t>(value.at("told").at(0)), integer<u32>(value.at("told").at(1))};
	for (const json& seen : value.at("slots"))
		peer.slots.push_back({peer.id, integer<u32>(seen.at("slot")),
				      integer<u32>(seen.at("incarnation"))});
	return peer;
}

} // namespace

StateFile::Loaded StateFile::parse(const std::string& text)
{
	json state = json::parse(text);
	if (integer<u32>(state.at("version")) != STATE_VERSION)
		throw Error("another version");
	Loaded loaded = {.same_boot = state.at("boot").get<std::string>() == boot_id(),
			 .lines = {},
			 .peers = {}};
	for (const json& line : state.at("lines"))
		loaded.lines.push_back(integer<u32>(line));
	for (const json& peer : state.at("peers"))
		loaded.peers.push_back(from_json(peer));
	return loaded;
}

std::optional<StateFile::Loaded> StateFile::load() const
{
	std::optional<std::string> text = read_file(path_);
	if (!text)
		return std::nullopt;
	try {
		return parse(*text);
	} catch (const std::exception& error) {
		throw Error(
			fmt::format("the state file {} cannot be understood ({}); ids of running "
				    "guests might be given away twice. Stop all guests of this "
				    "region, remove the file and start again",
				    path_, error.what()));
	}
}

std::string StateFile::text_of(const std::vector<u32>& lines, const std::vector<PeerRecord>& peers)
{
	json list = json::array();
	for (const PeerRecord& peer : peers)
		list.push_back(to_json(peer));
	json state = {
		{"version", STATE_VERSION}, {"boot", boot_id()}, {"lines", lines}, {"peers", list}};
	return state.dump(1, '\t') + "\n";
}

bool StateFile::save(const std::vector<u32>& lines, const std::vector<PeerRecord>& peers) const
{
	return replace_file(path_, text_of(lines, peers));
}

} // namespace shmnet::hub
