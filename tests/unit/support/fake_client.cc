// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "support/fake_client.hh"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cstring>
#include <stdexcept>

namespace shmnet::test {

namespace {

using Clock = std::chrono::steady_clock;

bool readable(int fd, Milliseconds timeout)
{
	struct pollfd poll = {fd, POLLIN, 0};
	return ::poll(&poll, 1, static_cast<int>(timeout.count())) == 1;
}

Milliseconds until(Clock::time_point end)
{
	auto left = std::chrono::duration_cast<Milliseconds>(end - Clock::now());
	return std::max(left, Milliseconds(0));
}

} // namespace

FakeClient::FakeClient(const std::string& path)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))
{
	sockaddr_un address = {};
	address.sun_family = AF_UNIX;
	strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
	if (::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
		throw std::runtime_error("connect " + path + ": " + strerror(errno));
}

std::optional<Message> FakeClient::receive(Milliseconds timeout)
{
	auto end = Clock::now() + timeout;
	Message message = {};
	size_t length = 0;
	while (length < sizeof(message.value)) {
		if (closed_ || !readable(socket_.get(), until(end)))
			return std::nullopt;
		struct iovec data = {reinterpret_cast<char*>(&message.value) + length,
				     sizeof(message.value) - length};
		alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * 4)];
		struct msghdr header = {};
		header.msg_iov = &data;
		header.msg_iovlen = 1;
		header.msg_control = control;
		header.msg_controllen = sizeof(control);
		ssize_t got = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
		if (got <= 0) {
			closed_ = true;
			return std::nullopt;
		}
		length += static_cast<size_t>(got);
		for (auto* part = CMSG_FIRSTHDR(&header); part; part = CMSG_NXTHDR(&header, part)) {
			if (part->cmsg_type != SCM_RIGHTS)
				continue;
			int fd = -1;
			memcpy(&fd, CMSG_DATA(part), sizeof(fd));
			message.fd.reset(fd);
		}
	}
	return message;
}

bool FakeClient::read_setup()
{
	auto version = receive();
	if (!version || version->value != 0 || version->fd)
		return false;
	auto id = receive();
	if (!id || id->value < 0 || id->value > 65535 || id->fd)
		return false;
	auto memory = receive();
	if (!memory || memory->value != -1 || !memory->fd)
		return false;
	id_ = static_cast<int>(id->value);
	memory_ = std::move(memory->fd);
	return true;
}

bool FakeClient::read_greeting(unsigned vectors)
{
	vectors_ = vectors;
	return read_setup() && read_until([&] { return interrupts() == vectors; });
}

void FakeClient::take(Message message)
{
	int id = static_cast<int>(message.value);
	if (!message.fd) {
		peers_.erase(id);
		leaves_++;
	} else if (id == id_) {
		interrupts_.push_back(std::move(message.fd));
	} else if (vectors_ == 0 || peers_[id].size() < vectors_) {
		peers_[id].push_back(std::move(message.fd));
	} /* else: more than the device has, which QEMU closes */
}

bool FakeClient::read_until(const std::function<bool()>& condition, Milliseconds timeout)
{
	auto end = Clock::now() + timeout;
	while (!condition()) {
		auto message = receive(until(end));
		if (!message)
			return condition();
		take(std::move(*message));
	}
	return true;
}

void FakeClient::read_waiting()
{
	while (auto message = receive(Milliseconds(0)))
		take(std::move(*message));
}

unsigned FakeClient::doorbells(int peer) const
{
	auto found = peers_.find(peer);
	return found == peers_.end() ? 0 : static_cast<unsigned>(found->second.size());
}

std::vector<int> FakeClient::peers() const
{
	std::vector<int> peers;
	for (const auto& [peer, doorbells] : peers_)
		peers.push_back(peer);
	return peers;
}

void FakeClient::drop_doorbells()
{
	for (auto& [peer, doorbells] : peers_)
		for (UniqueFd& doorbell : doorbells)
			doorbell.reset();
}

void FakeClient::ring(int peer, unsigned vector) const
{
	eventfd_write(peers_.at(peer).at(vector).get(), 1);
}

uint64_t FakeClient::rung(unsigned vector) const
{
	return wait_rung(vector, Milliseconds(0));
}

uint64_t FakeClient::wait_rung(unsigned vector, Milliseconds timeout) const
{
	eventfd_t count = 0;
	if (readable(interrupts_.at(vector).get(), timeout))
		eventfd_read(interrupts_.at(vector).get(), &count);
	return count;
}

ClientProcess::ClientProcess(const std::string& socket, unsigned connections, unsigned vectors)
{
	int pipe[2];
	if (::pipe(pipe) != 0)
		throw std::runtime_error("pipe");
	pid_ = ::fork();
	if (pid_ == 0) {
		::prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* What the test has open is not this process's. */
		::dup2(pipe[1], 3);
		::close_range(4, ~0u, 0);
		pipe[1] = 3;
		try {
			std::vector<FakeClient> clients;
			for (unsigned i = 0; i < connections; i++) {
				clients.emplace_back(socket);
				if (!clients.back().read_greeting(vectors))
					::_exit(1);
				int id = clients.back().id();
				(void)!::write(pipe[1], &id, sizeof(id));
			}
			::close(pipe[1]);
			for (;;)
				for (FakeClient& client : clients)
					if (client.closed())
						::usleep(1000);
					else
						client.read_until([] { return false; },
								  Milliseconds(5));
		} catch (...) {
		}
		::_exit(1);
	}
	::close(pipe[1]);
	int id;
	while (::read(pipe[0], &id, sizeof(id)) == sizeof(id))
		ids_.push_back(id);
	::close(pipe[0]);
}

ClientProcess::~ClientProcess()
{
	kill();
}

void ClientProcess::signal(int number) const
{
	::kill(pid_, number);
}

void ClientProcess::kill()
{
	if (pid_ < 0)
		return;
	::kill(pid_, SIGKILL);
	::waitpid(pid_, nullptr, 0);
	pid_ = -1;
}

} // namespace shmnet::test
