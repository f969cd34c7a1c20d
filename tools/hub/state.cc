// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "state.hh"

#include "error.hh"
#include "unique_fd.hh"

#include <fcntl.h>
#include <fmt/core.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <systemd/sd-id128.h>

#include <cstdio>
#include <iterator>
#include <utility>

namespace shmnet::hub {

namespace {

using nlohmann::json;

constexpr u32 STATE_VERSION = 1;
constexpr size_t STATE_SIZE_MAX = 64u << 20;

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

std::string boot_id()
{
	sd_id128_t id;
	char text[SD_ID128_STRING_MAX];
	return sd_id128_get_boot(&id) >= 0 ? sd_id128_to_string(id, text) : std::string();
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

/* A whole number that T can hold: json's own get() converts whatever number it finds, fractions and
 * what is too large included, and that is undefined for some. */
template <typename T> T integer(const json& value)
{
	bool fits =
		value.is_number_unsigned()  ? std::in_range<T>(value.get<json::number_unsigned_t>())
		: value.is_number_integer() ? std::in_range<T>(value.get<json::number_integer_t>())
					    : false;
	if (!fits)
		throw Error(fmt::format("{} is no number that can stand here", value.dump()));
	return value.get<T>();
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

/* Empty optional: there is no such file. */
std::optional<std::string> read_file(const std::string& path)
{
	UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
	if (!file && errno == ENOENT)
		return std::nullopt;
	std::string text;
	char buffer[65536];
	ssize_t length = file ? 0 : -1;
	while (file && text.size() < STATE_SIZE_MAX &&
	       (length = ::read(file.get(), buffer, sizeof(buffer))) > 0)
		text.append(buffer, static_cast<size_t>(length));
	if (length < 0)
		throw system_error("reading the state file {}", path);
	return text;
}

bool write_all(int fd, const std::string& text)
{
	for (size_t done = 0; done < text.size();) {
		ssize_t length = ::write(fd, text.data() + done, text.size() - done);
		if (length < 0 && errno != EINTR)
			return false;
		done += length > 0 ? static_cast<size_t>(length) : 0;
	}
	return true;
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
	std::string text = text_of(lines, peers);
	std::string next = path_ + ".new";
	UniqueFd file(
		::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
	if (!file || !write_all(file.get(), text) || ::fsync(file.get()) != 0 ||
	    ::rename(next.c_str(), path_.c_str()) != 0)
		return false;
	size_t slash = path_.rfind('/');
	std::string directory = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
	UniqueFd parent(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	return parent && ::fsync(parent.get()) == 0;
}

} // namespace shmnet::hub
