/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The socket that QEMU connects to. Its file appears when it listens, with its permissions. */
#pragma once

#include "fdstore.hh"
#include "unique_fd.hh"

#include <sys/stat.h>

#include <optional>
#include <string>

namespace shmnet::hub {

class Listener {
public:
	/* Throws Error if something else is at @path; a dead hub's socket is replaced. */
	static void check(const std::string& path);

	Listener(std::string path, mode_t mode, std::optional<gid_t> group, FdStore& store);
	Listener(const Listener&) = delete;
	Listener& operator=(const Listener&) = delete;
	/* Removes the file, unless another one has taken its place. */
	~Listener();

	int fd() const { return socket_.get(); }
	const std::string& path() const { return path_; }

	struct Accepted {
		UniqueFd socket; /* none: see @error, which is 0 when nobody waits */
		int error = 0;   /* EMFILE, ENFILE: one client was turned away */
	};
	Accepted accept();

private:
	void set_permissions(const std::string& path, mode_t mode,
			     std::optional<gid_t> group) const;

	std::string path_;
	FdStore& store_;
	UniqueFd socket_;
	UniqueFd reserve_; /* given up to turn a client away when descriptors have run out */
	struct stat status_ = {};
};

} // namespace shmnet::hub
