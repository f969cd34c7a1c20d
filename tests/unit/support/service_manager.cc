// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "support/service_manager.hh"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <stdexcept>

namespace shmnet::test {

namespace {

sockaddr_un make_address(const std::string& path)
{
	sockaddr_un address = {};
	address.sun_family = AF_UNIX;
	strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
	return address;
}

} // namespace

ServiceManager::ServiceManager(const TemporaryDirectory& directory)
    : path_(directory / "notify"), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0))
{
	sockaddr_un address = make_address(path_);
	if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
		throw std::runtime_error("bind " + path_);
	thread_ = std::thread([this] { receive(); });
}

ServiceManager::~ServiceManager()
{
	::shutdown(socket_.get(), SHUT_RD);
	thread_.join();
}

Program::Setup ServiceManager::setup()
{
	/* As systemd does, take in all that a service sent before its end is noticed. */
	std::string marker = "MARKER=" + std::to_string(++markers_) + "\n";
	UniqueFd sender(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	sockaddr_un address = make_address(path_);
	(void)::sendto(sender.get(), marker.data(), marker.size(), 0,
		       reinterpret_cast<sockaddr*>(&address), sizeof(address));
	(void)eventually([&] { return received(marker) == 1; });
	std::lock_guard lock(mutex_);
	Program::Setup setup;
	setup.environment["NOTIFY_SOCKET"] = path_;
	for (const auto& [name, fd] : stored_)
		setup.descriptors.emplace_back(name, fd.get());
	return setup;
}

void ServiceManager::receive()
{
	for (;;) {
		char text[4096];
		struct iovec data = {text, sizeof(text)};
		alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * 64)];
		struct msghdr header = {};
		header.msg_iov = &data;
		header.msg_iovlen = 1;
		header.msg_control = control;
		header.msg_controllen = sizeof(control);
		ssize_t length = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
		if (length <= 0)
			return;
		std::vector<UniqueFd> descriptors;
		for (auto* part = CMSG_FIRSTHDR(&header); part; part = CMSG_NXTHDR(&header, part)) {
			if (part->cmsg_type != SCM_RIGHTS)
				continue;
			for (size_t i = 0; i < (part->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
				int fd = -1;
				memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(fd));
				descriptors.emplace_back(fd);
			}
		}
		std::string state(text, static_cast<size_t>(length));
		std::lock_guard lock(mutex_);
		take(state, std::move(descriptors));
		text_ += state + "\n";
	}
}

void ServiceManager::take(const std::string& state, std::vector<UniqueFd> descriptors)
{
	size_t at = state.find("FDNAME=");
	if (at == std::string::npos)
		return;
	std::string name = state.substr(at + 7, state.find('\n', at) - at - 7);
	if (state.find("FDSTOREREMOVE=1") != std::string::npos)
		stored_.erase(name);
	else if (state.find("FDSTORE=1") != std::string::npos && descriptors.size() == 1)
		stored_[name] = std::move(descriptors[0]);
}

size_t ServiceManager::received(const std::string& line) const
{
	std::lock_guard lock(mutex_);
	size_t count = 0;
	for (size_t at = 0; (at = text_.find(line, at)) != std::string::npos; at++)
		count++;
	return count;
}

std::vector<std::string> ServiceManager::names() const
{
	std::lock_guard lock(mutex_);
	std::vector<std::string> names;
	for (const auto& [name, fd] : stored_)
		names.push_back(name);
	return names;
}

} // namespace shmnet::test
