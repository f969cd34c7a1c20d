// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "directory_lock.hh"

#include "error.hh"

#include <fcntl.h>
#include <sys/file.h>

#include <filesystem>

namespace shmnet {

UniqueFd lock_directory(const std::string& directory)
{
	std::error_code error;
	std::filesystem::create_directories(directory, error);
	if (error)
		throw Error(fmt::format("the directory of journals, {}: {}", directory,
					error.message()));
	UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (!fd || ::flock(fd.get(), LOCK_EX) != 0)
		throw system_error("the directory of journals, {}", directory);
	return fd;
}

} // namespace shmnet
