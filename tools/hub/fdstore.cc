// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "fdstore.hh"

#include "log.hh"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <cstdlib>
#include <cstring>
#include <utility>

namespace shmnet::hub {

FdStore::FdStore() : active_(::getenv("NOTIFY_SOCKET") != nullptr)
{
	char** names = nullptr;
	int count = sd_listen_fds_with_names(1, &names);
	for (int i = 0; i < count; i++) {
		UniqueFd fd(SD_LISTEN_FDS_START + i);
		inherited_[names[i]] = std::move(fd);
		::free(names[i]);
	}
	::free(names);
}

UniqueFd FdStore::take(const std::string& name)
{
	auto node = inherited_.extract(name);
	return node.empty() ? UniqueFd() : std::move(node.mapped());
}

unsigned FdStore::discard_rest()
{
	auto count = static_cast<unsigned>(inherited_.size());
	for (const auto& [name, fd] : inherited_)
		remove(name);
	inherited_.clear();
	return count;
}

void FdStore::store(const std::string& name, int fd)
{
	if (!active_)
		return;
	/* Not polled by the manager: a socket that hung up must reach the next hub as just that. */
	std::string state = fmt::format("FDSTORE=1\nFDNAME={}\nFDPOLL=0", name);
	int result = sd_pid_notify_with_fds(0, 0, state.c_str(), &fd, 1);
	if (result < 0)
		log_warning("systemd did not take the descriptor {}: {}; a restart of the hub will "
			    "lose it",
			    name, strerror(-result));
}

void FdStore::remove(const std::string& name)
{
	if (active_)
		(void)sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name.c_str());
}

std::string FdStore::client(u32 id)
{
	return fmt::format("client-{}", id);
}

std::string FdStore::doorbell(u32 id, u32 vector)
{
	return fmt::format("doorbell-{}-{}", id, vector);
}

std::string FdStore::front(u32 id, u32 vector)
{
	return fmt::format("front-{}-{}", id, vector);
}

} // namespace shmnet::hub
