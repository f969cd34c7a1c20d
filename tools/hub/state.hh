/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a hub must remember so that its successor gives no id away that somebody still uses, and
 * witnesses the deaths of guests that it never served: a small JSON file.
 */
#pragma once

#include "process.hh"
#include "switchboard.hh"
#include "witness.hh"

#include <optional>
#include <string>
#include <vector>

namespace shmnet::hub {

/* In the order of their names in state.cc. */
enum class PeerState : u8 {
	Greeted, /* has an id; the others do not know it yet */
	Member,
	Severed, /* a member whose socket an earlier hub took with it: it hears of no newcomers */
	Held,    /* left; the id stays its own until its process is dead */
};

struct PeerRecord {
	u32 id = 0;
	ProcessId process;
	PeerState state = PeerState::Held;
	Switchboard::Place told;
	std::vector<Sighting> slots;
};

class StateFile {
public:
	explicit StateFile(std::string path) : path_(std::move(path)) {}

	/*
	 * The peers of the last run, of this boot or not; nothing if there is no file. Throws Error
	 * for a file that cannot be understood: to ignore it could give a living id away.
	 */
	struct Loaded {
		bool same_boot;
		std::vector<u32> lines; /* of the switchboard: their ids */
		std::vector<PeerRecord> peers;
	};
	std::optional<Loaded> load() const;
	/* The same of a file's text; any exception says what is wrong with it. */
	static Loaded parse(const std::string& text);

	/* Replaces the file, whole or not at all. False if that failed: errno says why. */
	[[nodiscard]] bool save(const std::vector<u32>& lines,
				const std::vector<PeerRecord>& peers) const;
	/* What it writes then. */
	static std::string text_of(const std::vector<u32>& lines,
				   const std::vector<PeerRecord>& peers);

	const std::string& path() const { return path_; }

private:
	std::string path_;
};

} // namespace shmnet::hub
