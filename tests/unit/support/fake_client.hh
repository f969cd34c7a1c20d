/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What QEMU's ivshmem-doorbell does with a server's messages, and no more: written after its
 * specification, so that the hub is not tested against itself.
 */
#pragma once

#include "support/program.hh"
#include "unique_fd.hh"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace shmnet::test {

/* Long, for machines that are busy with other things. */
constexpr Milliseconds PATIENCE{20000};

struct Message {
	int64_t value;
	UniqueFd fd;
};

class FakeClient {
public:
	explicit FakeClient(const std::string& socket);

	/* Nothing if none came in time, or the hub closed the connection (see closed()). */
	std::optional<Message> receive(Milliseconds timeout = PATIENCE);

	/* Reads version, id and memory, as QEMU does before it goes on. False if they are wrong. */
	bool read_setup();
	/* And all that follows until each of the own @vectors has its eventfd. */
	bool read_greeting(unsigned vectors);
	/* Takes in what comes until @condition is true. */
	bool read_until(const std::function<bool()>& condition, Milliseconds timeout = PATIENCE);
	/* Takes in what has come already. */
	void read_waiting();

	bool closed() const { return closed_; }
	int id() const { return id_; }
	int memory() const { return memory_.get(); }
	unsigned interrupts() const { return static_cast<unsigned>(interrupts_.size()); }
	/* How many vectors of @peer can be rung; 0 if it is not known. */
	unsigned doorbells(int peer) const;
	/* All that were known once. */
	std::vector<int> peers() const;
	/* Messages without a descriptor that say that a peer left; QEMU does not survive them. */
	unsigned leaves() const { return leaves_; }

	/* Closes the others' doorbells; that they came is still known. */
	void drop_doorbells();

	void ring(int peer, unsigned vector) const;
	/* How often the vector was rung since the last look. */
	uint64_t rung(unsigned vector) const;
	uint64_t wait_rung(unsigned vector, Milliseconds timeout = PATIENCE) const;

	int socket() const { return socket_.get(); }
	void close() { socket_.reset(); }

private:
	void take(Message message);

	UniqueFd socket_;
	UniqueFd memory_;
	int id_ = -1;
	bool closed_ = false;
	unsigned vectors_ = 0;
	std::vector<UniqueFd> interrupts_;
	std::map<int, std::vector<UniqueFd>> peers_;
	unsigned leaves_ = 0;
};

/* A process of its own with @connections of them, which reads all that comes until it is killed. */
class ClientProcess {
public:
	ClientProcess(const std::string& socket, unsigned connections, unsigned vectors);
	ClientProcess(const ClientProcess&) = delete;
	ClientProcess& operator=(const ClientProcess&) = delete;
	~ClientProcess();

	/* Empty if it was not served. */
	const std::vector<int>& ids() const { return ids_; }
	pid_t pid() const { return pid_; }
	void signal(int number) const;
	/* SIGKILL, and until it is gone. */
	void kill();

private:
	pid_t pid_ = -1;
	std::vector<int> ids_;
};

} // namespace shmnet::test
