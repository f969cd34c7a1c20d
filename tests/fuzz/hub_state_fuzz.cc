// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The hub's record of an earlier run, which anybody may have written to meanwhile. */
#include "hub/state.hh"
#include "input.hh"

#include <exception>

using namespace shmnet;
using namespace shmnet::hub;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size)
{
	StateFile::Loaded loaded;
	try {
		loaded = StateFile::parse(std::string(reinterpret_cast<const char*>(data), size));
	} catch (const std::exception&) {
		return 0;
	}
	/* What was understood is written so that it is understood again, and says the same. */
	StateFile::Loaded again = StateFile::parse(StateFile::text_of(loaded.lines, loaded.peers));
	SHMNET_MUST(again.lines == loaded.lines);
	SHMNET_MUST(again.peers.size() == loaded.peers.size());
	for (size_t i = 0; i < loaded.peers.size(); i++) {
		SHMNET_MUST(loaded.peers[i].id <= 0xffff);
		SHMNET_MUST(again.peers[i].id == loaded.peers[i].id);
		SHMNET_MUST(again.peers[i].state == loaded.peers[i].state);
		SHMNET_MUST(again.peers[i].slots.size() == loaded.peers[i].slots.size());
	}
	return 0;
}
