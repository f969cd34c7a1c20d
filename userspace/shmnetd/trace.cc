// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "trace.hh"

#include "error.hh"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/stat.h>

#include <filesystem>

namespace shmnet::shmnetd {

namespace {

constexpr std::string_view PREFIX = "shmnetd-";

/* One whose trace_pipe is open is in use, and cannot be removed. */
void remove_leftovers(const std::string& instances)
{
	std::error_code error;
	for (const auto& entry : std::filesystem::directory_iterator(instances, error))
		if (entry.path().filename().string().starts_with(PREFIX))
			(void)::rmdir(entry.path().c_str());
}

} // namespace

ListenTrace::ListenTrace(const std::string& tracefs)
{
	std::string instances = tracefs + "/instances";
	remove_leftovers(instances);
	path_ = fmt::format("{}/{}{}", instances, PREFIX, ::getpid());
	int result = ::mkdir(path_.c_str(), 0700);
	if (result != 0 && errno == ENOENT)
		throw Error(fmt::format("tracefs is not mounted: mount -t tracefs tracefs {}",
					tracefs));
	if (result != 0)
		throw system_error("{} cannot be made", path_);
	try {
		pipe_.reset(
			::open((path_ + "/trace_pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
		if (!pipe_)
			throw system_error("{}/trace_pipe cannot be opened", path_);
		/* Each CPU has a buffer; a wake-up that is lost in it is one of many. */
		write("buffer_size_kb", "16");
		/* Wake at the first entry, not when the buffer is half full. */
		write("buffer_percent", "0");
		/* An accepted connection comes from TCP_LISTEN, too, to TCP_SYN_RECV. */
		write("events/sock/inet_sock_set_state/filter",
		      fmt::format("newstate == {0} || (oldstate == {0} && newstate == {1})",
				  int{TCP_LISTEN}, int{TCP_CLOSE}));
		write("events/sock/inet_sock_set_state/enable", "1");
	} catch (const Error&) {
		remove();
		throw;
	}
}

ListenTrace::~ListenTrace()
{
	remove();
}

void ListenTrace::remove()
{
	pipe_.reset();
	(void)::rmdir(path_.c_str());
}

bool ListenTrace::drain()
{
	char buffer[4096];
	ssize_t length;
	do
		length = ::read(pipe_.get(), buffer, sizeof(buffer));
	while (length > 0 || (length < 0 && errno == EINTR));
	return length == 0 || errno == EAGAIN;
}

void ListenTrace::write(const char* file, std::string_view text) const
{
	std::string path = path_ + "/" + file;
	UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
	if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
		throw system_error("{} cannot be written", path);
}

} // namespace shmnet::shmnetd
