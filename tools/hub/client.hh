/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * One connection to a QEMU: messages of eight bytes, some with a file descriptor, one way. Nothing
 * is queued here: a client is a place in the switchboard, and is told of what lies beyond it as
 * fast as it reads.
 */
#pragma once

#include "doorbells.hh"
#include "memory.hh"
#include "switchboard.hh"
#include "unique_fd.hh"

#include <memory>

namespace shmnet::hub {

class Client {
public:
	/* One that has not been sent anything. @own are the doorbells that ring it. */
	Client(UniqueFd socket, u32 id, int memory, std::shared_ptr<const Doorbells> own,
	       const Switchboard& board);
	/* One that an earlier hub has told as far as @told. */
	Client(UniqueFd socket, u32 id, Switchboard::Place told, const Switchboard& board);

	int fd() const { return socket_.get(); }

	/* Hands on to the kernel what it takes. */
	enum class Flush : u8 {
		Done,
		Full,  /* go on when the socket is writable */
		Retry, /* go on a little later: too many descriptors are under way */
		Broken,
	};
	[[nodiscard]] Flush flush();

	/* Whether the client has read all that was handed on. */
	bool drained() const;
	/* Whether the client has read its greeting; of the others it is told no more until join(). */
	bool read_greeting() const;
	void join() { joined_ = true; }

	Switchboard::Place told() const { return place_; }

	/* What there is to read: nothing is ever sent to the hub. */
	enum class Input : u8 { None, Closed, Bytes };
	Input check_input();

private:
	/* In the order of the protocol. */
	enum class Stage : u8 { Version, Id, Memory, Others, Own, Changes };
	enum class Sent : u8 { Whole, Part, Full, Retry, Broken };

	/* Moves to the next vector that is to be told; false if there is none before line @end. */
	bool find_line(size_t end);
	/* False if nothing is to be sent. */
	bool next_message(long long& value, int& fd);
	void advance();
	/* @flags: of recv(). */
	Input receive(int flags) const;
	Sent send(long long value, int fd);

	UniqueFd socket_;
	u32 id_;
	int memory_;
	std::shared_ptr<const Doorbells> own_;
	const Switchboard& board_;
	size_t greeted_lines_; /* those that the greeting tells of */
	Stage stage_;
	Switchboard::Place place_;
	u32 own_told_ = 0;
	size_t sent_ = 0; /* bytes of the message */
	bool joined_ = false;
};

} // namespace shmnet::hub
