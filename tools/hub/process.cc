// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "process.hh"

#include "size.hh"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <string_view>

namespace shmnet::hub {

namespace {

UniqueFd open_pidfd(pid_t pid)
{
	return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

} // namespace

std::optional<u64> read_start_time(pid_t pid)
{
	UniqueFd file(::open(fmt::format("/proc/{}/stat", pid).c_str(), O_RDONLY | O_CLOEXEC));
	char buffer[1024];
	ssize_t length = file ? ::read(file.get(), buffer, sizeof(buffer)) : -1;
	if (length <= 0)
		return std::nullopt;
	/* Field 2 is a name that may hold spaces and brackets; field 3 follows its last bracket. */
	std::string_view text(buffer, static_cast<size_t>(length));
	size_t bracket = text.rfind(')');
	if (bracket == std::string_view::npos)
		return std::nullopt;
	text.remove_prefix(bracket + 1);
	for (int field = 2; field < 22; field++) {
		size_t space = text.find(' ');
		if (space == std::string_view::npos)
			return std::nullopt;
		text.remove_prefix(space + 1);
	}
	return parse_number(text.substr(0, text.find(' ')));
}

std::optional<WatchedProcess> watch_peer_of(int socket)
{
	struct ucred credentials = {};
	socklen_t length = sizeof(credentials);
	WatchedProcess process;
	if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0 ||
	    credentials.pid <= 0)
		return process;
	process.id.pid = credentials.pid;
	process.pidfd = open_pidfd(credentials.pid);
	if (!process.pidfd) {
		if (errno == EMFILE || errno == ENFILE)
			return std::nullopt;
		process.fate = errno == ESRCH ? Fate::Dead : Fate::Unknown;
		return process;
	}
	process.fate = Fate::Lives;
	std::optional<u64> start_time = read_start_time(credentials.pid);
	if (start_time)
		process.id.start_time = *start_time;
	else if (errno == EMFILE || errno == ENFILE)
		return std::nullopt;
	return process;
}

WatchedProcess watch_process(const ProcessId& id)
{
	WatchedProcess process;
	process.id = id;
	if (id.pid <= 0)
		return process;
	process.pidfd = open_pidfd(id.pid);
	if (!process.pidfd) {
		process.fate = errno == ESRCH ? Fate::Dead : Fate::Unknown;
		return process;
	}
	/*
	 * Read after the pidfd was opened: another start time means that the number was given to
	 * another process. A time that is hidden from us proves nothing.
	 */
	std::optional<u64> start_time = read_start_time(id.pid);
	bool other = start_time && id.start_time != 0 && *start_time != id.start_time;
	process.fate = other || has_died(process) ? Fate::Dead : Fate::Lives;
	if (process.fate == Fate::Dead)
		process.pidfd.reset();
	return process;
}

bool has_died(const WatchedProcess& process)
{
	if (!process.pidfd)
		return process.fate == Fate::Dead;
	struct pollfd poll = {process.pidfd.get(), POLLIN, 0};
	return ::poll(&poll, 1, 0) == 1;
}

} // namespace shmnet::hub
