/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What systemd does for a service with Type=notify and a store of file descriptors, after
 * sd_notify(3) and sd_listen_fds(3).
 */
#pragma once

#include "support/program.hh"
#include "support/temporary.hh"
#include "unique_fd.hh"

#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace shmnet::test {

class ServiceManager {
public:
	explicit ServiceManager(const TemporaryDirectory& directory);

	~ServiceManager();

	/* For the next start: the notification socket, and all that is stored. */
	Program::Setup setup();

	/* How many messages had this line. */
	size_t received(const std::string& line) const;
	/* Of the descriptors that are stored. */
	std::vector<std::string> names() const;

private:
	/* Runs in a thread of its own: a service waits when its messages are not taken. */
	void receive();
	void take(const std::string& state, std::vector<UniqueFd> descriptors);

	std::string path_;
	UniqueFd socket_;
	mutable std::mutex mutex_;
	std::string text_;
	unsigned markers_ = 0;
	std::map<std::string, UniqueFd> stored_;
	std::thread thread_;
};

} // namespace shmnet::test
