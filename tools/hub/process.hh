/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A client's process, for as long as it lives. A number alone says little, for numbers are used
 * again; with its start time it names one process of this boot.
 */
#pragma once

#include "memory.hh"
#include "unique_fd.hh"

#include <sys/types.h>

#include <optional>

namespace shmnet::hub {

struct ProcessId {
	pid_t pid = 0;      /* 0: not visible from here, as from another pid namespace */
	u64 start_time = 0; /* clock ticks since boot, /proc/PID/stat field 22 */

	bool operator==(const ProcessId&) const = default;
};

enum class Fate : u8 {
	Lives,
	Dead,
	Unknown, /* cannot be watched: only its socket tells anything */
};

struct WatchedProcess {
	ProcessId id;
	Fate fate = Fate::Unknown;
	UniqueFd pidfd; /* readable once the process is dead; only of one that lives */
};

std::optional<u64> read_start_time(pid_t pid);

/* The process at the other end of a socket. errno is EMFILE or ENFILE if descriptors ran out. */
std::optional<WatchedProcess> watch_peer_of(int socket);

/* A process of an earlier run of the hub. */
WatchedProcess watch_process(const ProcessId& id);

/* Whether a watched process has died since. */
bool has_died(const WatchedProcess& process);

} // namespace shmnet::hub
