/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * systemd's store of file descriptors: what a hub leaves there, its successor finds. Without
 * systemd all of this does nothing. The names are the interface between two versions of the hub.
 */
#pragma once

#include "memory.hh"
#include "unique_fd.hh"

#include <map>
#include <string>

namespace shmnet::hub {

class FdStore {
public:
	/* Takes over what the service manager passed. */
	FdStore();

	/* Whether a manager listens; it keeps nothing if FileDescriptorStoreMax= is 0. */
	bool active() const { return active_; }

	bool has(const std::string& name) const { return inherited_.contains(name); }
	/* Takes what an earlier hub left under @name, if anything. */
	UniqueFd take(const std::string& name);
	/* Closes and forgets what nobody took; returns how many those were. */
	unsigned discard_rest();

	void store(const std::string& name, int fd);
	void remove(const std::string& name);

	static std::string listener() { return "listener"; }
	static std::string client(u32 id);
	/* What a peer is rung by: given to the peer itself, and to the others unless relayed. */
	static std::string doorbell(u32 id, u32 vector);
	/* In fault mode, what the others have in the doorbell's place. */
	static std::string front(u32 id, u32 vector);

private:
	std::map<std::string, UniqueFd> inherited_;
	bool active_ = false;
};

} // namespace shmnet::hub
