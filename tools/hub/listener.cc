// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "listener.hh"

#include "error.hh"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

namespace shmnet::hub {

namespace {

constexpr int BACKLOG = 128;

UniqueFd make_socket()
{
	UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	if (!socket)
		throw system_error("making a socket");
	return socket;
}

sockaddr_un make_address(const std::string& path)
{
	sockaddr_un address = {};
	address.sun_family = AF_UNIX;
	memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof(address.sun_path) - 1));
	return address;
}

UniqueFd open_reserve()
{
	return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

} // namespace

void Listener::check(const std::string& path)
{
	struct stat status;
	if (::lstat(path.c_str(), &status) != 0) {
		if (errno == ENOENT)
			return;
		throw system_error("{}", path);
	}
	if (!S_ISSOCK(status.st_mode))
		throw Error(
			fmt::format("{} exists and is no socket; give another --socket, or remove "
				    "it",
				    path));
	UniqueFd socket = make_socket();
	sockaddr_un address = make_address(path);
	if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 ||
	    errno == EAGAIN)
		throw Error(fmt::format(
			"somebody listens on {} already; stop that one, or give another "
			"--socket",
			path));
	if (errno != ECONNREFUSED && errno != ENOENT)
		throw system_error("{}", path);
}

Listener::Listener(std::string path, mode_t mode, std::optional<gid_t> group, FdStore& store)
    : path_(std::move(path)), store_(store), socket_(store.take(FdStore::listener())),
      reserve_(open_reserve())
{
	if (socket_ && ::lstat(path_.c_str(), &status_) == 0 && S_ISSOCK(status_.st_mode)) {
		set_permissions(path_, mode, group);
		return;
	}
	store.remove(FdStore::listener());
	check(path_);

	/* Under another name until it listens; the rename replaces what a dead hub left. */
	size_t slash = path_.rfind('/');
	std::string directory = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
	UniqueFd parent(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
	if (!parent)
		throw system_error("the socket's directory {}", directory);
	std::string name = fmt::format(".shmnet-hub.{}", ::getpid());
	std::string next = fmt::format("/proc/self/fd/{}/{}", parent.get(), name);
	(void)::unlinkat(parent.get(), name.c_str(), 0);
	socket_ = make_socket();
	sockaddr_un address = make_address(next);
	if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
		throw system_error("making a socket in {}", directory);
	try {
		set_permissions(next, mode, group);
		if (::listen(socket_.get(), BACKLOG) != 0)
			throw system_error("listening on {}", path_);
		if (::lstat(next.c_str(), &status_) != 0 ||
		    ::rename(next.c_str(), path_.c_str()) != 0)
			throw system_error("placing the socket {}", path_);
	} catch (...) {
		(void)::unlinkat(parent.get(), name.c_str(), 0);
		throw;
	}
	store.store(FdStore::listener(), socket_.get());
}

Listener::~Listener()
{
	struct stat status;
	if (::lstat(path_.c_str(), &status) == 0 && status.st_dev == status_.st_dev &&
	    status.st_ino == status_.st_ino)
		::unlink(path_.c_str());
	store_.remove(FdStore::listener());
}

void Listener::set_permissions(const std::string& path, mode_t mode,
			       std::optional<gid_t> group) const
{
	/* Nobody gets in between: bind() gave the owner alone what umask leaves. */
	if (group && ::chown(path.c_str(), static_cast<uid_t>(-1), *group) != 0)
		throw system_error("giving the socket {} its group", path_);
	if (::chmod(path.c_str(), mode) != 0)
		throw system_error("giving the socket {} its mode", path_);
}

Listener::Accepted Listener::accept()
{
	constexpr int FLAGS = SOCK_CLOEXEC | SOCK_NONBLOCK;
	Accepted accepted;
	accepted.socket.reset(::accept4(socket_.get(), nullptr, nullptr, FLAGS));
	if (accepted.socket)
		return accepted;
	if (errno == EMFILE || errno == ENFILE) {
		accepted.error = errno;
		reserve_.reset();
		UniqueFd refused(::accept4(socket_.get(), nullptr, nullptr, FLAGS));
		refused.reset();
		reserve_ = open_reserve();
	}
	return accepted;
}

} // namespace shmnet::hub
