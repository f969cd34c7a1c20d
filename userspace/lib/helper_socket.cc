// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "helper_socket.hh"

#include "error.hh"
#include "file.hh"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <string_view>

namespace shmnet {

namespace {

constexpr std::string_view NAME{"\0shmnetd", 8};
constexpr int BACKLOG = 16;
constexpr int PATIENCE = 10; /* seconds; it answers between two looks at the sockets */

struct Name {
	Name() { memcpy(address.sun_path, NAME.data(), NAME.size()); }

	const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }

	sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
	socklen_t length = offsetof(sockaddr_un, sun_path) + NAME.size();
};

UniqueFd make_socket(int flags)
{
	UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
	if (!socket)
		throw system_error("making a socket");
	return socket;
}

/* Whoever comes first has the name. */
bool is_trusted(int socket)
{
	ucred other = {};
	socklen_t length = sizeof(other);
	return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &other, &length) == 0 &&
	       (other.uid == 0 || other.uid == ::geteuid());
}

/* One byte, with a descriptor. */
class Parcel {
public:
	Parcel()
	{
		header_.msg_iov = &data_;
		header_.msg_iovlen = 1;
		header_.msg_control = control_;
		header_.msg_controllen = sizeof(control_);
	}

	bool send(int socket, int fd)
	{
		cmsghdr* rights = CMSG_FIRSTHDR(&header_);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
		return ::sendmsg(socket, &header_, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
	}

	/* None, with errno, if there was none. */
	UniqueFd receive(int socket)
	{
		errno = EPROTO;
		if (::recvmsg(socket, &header_, MSG_CMSG_CLOEXEC) != 1)
			return {};
		cmsghdr* rights = CMSG_FIRSTHDR(&header_);
		if (!rights || rights->cmsg_type != SCM_RIGHTS ||
		    rights->cmsg_len != CMSG_LEN(sizeof(int)))
			return {};
		int fd = -1;
		memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
		return UniqueFd(fd);
	}

private:
	char byte_ = 0;
	iovec data_ = {&byte_, 1};
	alignas(cmsghdr) char control_[CMSG_SPACE(sizeof(int))] = {};
	msghdr header_ = {};
};

} // namespace

HelperSocket::HelperSocket() : socket_(make_socket(SOCK_NONBLOCK))
{
	Name name;
	if (::bind(socket_.get(), name.get(), name.length) != 0 ||
	    ::listen(socket_.get(), BACKLOG) != 0)
		throw system_error("the socket @{}", NAME.substr(1));
}

void HelperSocket::answer(const std::function<std::string()>& report) const
{
	UniqueFd client(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
	if (!client || !is_trusted(client.get()))
		return;
	UniqueFd file(::memfd_create("shmnetd", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	if (!file || !write_all(file.get(), report()) ||
	    ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) != 0)
		return;
	(void)Parcel().send(client.get(), file.get());
}

std::optional<std::string> ask_helper()
{
	UniqueFd socket = make_socket(0);
	/* For connecting, too, which waits while others do. */
	const timeval patience = {.tv_sec = PATIENCE, .tv_usec = 0};
	(void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	Name name;
	if (::connect(socket.get(), name.get(), name.length) != 0) {
		if (errno == ECONNREFUSED)
			return std::nullopt;
		throw system_error("asking shmnetd");
	}
	if (!is_trusted(socket.get()))
		throw Error(
			"somebody who is not root answers in the place of shmnetd: see 'ss -xlp "
			"src @shmnetd'");
	UniqueFd file = Parcel().receive(socket.get());
	if (!file)
		throw errno == EAGAIN
			? Error(fmt::format("shmnetd does not answer within {} s", PATIENCE))
			: Error("shmnetd does not answer: only root is told");
	return read_file(fmt::format("/proc/self/fd/{}", file.get()));
}

} // namespace shmnet
