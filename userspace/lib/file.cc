// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "file.hh"

#include "error.hh"
#include "unique_fd.hh"

#include <fcntl.h>
#include <sys/stat.h>
#include <systemd/sd-id128.h>

#include <cstdio>

namespace shmnet {

namespace {

constexpr size_t SIZE_MAX_READ = 64u << 20;

std::string next_of(const std::string& path)
{
	return path + ".new";
}

bool remove_one(const std::string& path)
{
	return ::unlink(path.c_str()) == 0 || errno == ENOENT;
}

} // namespace

std::optional<std::string> read_file(const std::string& path)
{
	UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
	if (!file && errno == ENOENT)
		return std::nullopt;
	std::string text;
	char buffer[65536];
	ssize_t length = file ? 0 : -1;
	while (file && text.size() < SIZE_MAX_READ &&
	       (length = ::read(file.get(), buffer, sizeof(buffer))) > 0)
		text.append(buffer, static_cast<size_t>(length));
	if (length < 0)
		throw system_error("reading {}", path);
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

bool replace_file(const std::string& path, const std::string& text)
{
	std::string next = next_of(path);
	UniqueFd file(
		::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
	if (!file || !write_all(file.get(), text) || ::fsync(file.get()) != 0 ||
	    ::rename(next.c_str(), path.c_str()) != 0)
		return false;
	size_t slash = path.rfind('/');
	std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
	UniqueFd parent(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	return parent && ::fsync(parent.get()) == 0;
}

bool remove_file(const std::string& path)
{
	return remove_one(path) && remove_one(next_of(path));
}

std::string boot_id()
{
	sd_id128_t id;
	char text[SD_ID128_STRING_MAX];
	return sd_id128_get_boot(&id) >= 0 ? sd_id128_to_string(id, text) : std::string();
}

} // namespace shmnet
