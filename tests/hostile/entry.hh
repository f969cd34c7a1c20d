/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A victim as an entry of the global network, seen from outside: packets to the shared address,
 * which this node sends to the victim by the local network, as a client would, and which the victim
 * sends on to whoever serves their flow; what this node tells that it offers; and the commands on
 * the broadcast tape. tests/hostile/check makes the victims ready for it.
 */
#pragma once

#include "link.hh"
#include "tellings.hh"

#include <set>

namespace shmnet::hostile {

/*
 * What each victim has: a connection of the shared address to itself, from one port to the other.
 */
constexpr u16 HELD_FROM = 7101;
constexpr u16 HELD_TO = 7100;

class Entry {
public:
	/* @board: one for all victims, because they read the same words. */
	Entry(Link& local, Board& board);
	Entry(const Entry&) = delete;
	Entry& operator=(const Entry&) = delete;

	Node& node() { return local_.node(); }
	u32 victim() const { return local_.victim(); }
	Board& board() { return board_; }
	shmnet_services* words() { return node().layout().services(GLOBAL, node().slot()); }

	/* Forgets what came so far, and tells the board's own record, if that is not known. */
	bool begin(std::chrono::milliseconds patience);

	/* Has the others look too. */
	void tell(const Telling& telling);
	/* The board's own record alone. */
	void tell_own();
	/* Whether new flows to the board's own port are given to this node by now. */
	bool hears(std::chrono::milliseconds patience);

	/*
	 * A connection, or the flow of datagrams, that a client outside begins; none is like
	 * another.
	 */
	shmnet_command_flow new_flow(u8 protocol, u16 port);
	/* A packet of it, by the local network. TCP_SYN begins a connection. */
	void send(const shmnet_command_flow& flow, u8 tcp_flags = TCP_SYN);
	/* Whether a packet of it was given to this node. */
	bool was_given(const shmnet_command_flow& flow) const;
	/*
	 * All that was sent before has been given to whom it was to be: a flow to the board's own
	 * port, behind it in the same rings, has come back.
	 */
	bool settle(std::chrono::milliseconds patience) { return hears(patience); }
	/* Until a new flow of this kind is given to this node. */
	bool gives(u8 protocol, u16 port, std::chrono::milliseconds patience);

	/* The connection that the victim has, from either end. */
	static shmnet_command_flow held(bool back = false);
	/* From this node, by what the protocol wants. */
	shmnet_command command(u8 type, const shmnet_command_flow& flow) const;
	/* Onto the global network's tape; so many bytes of it, and zeros. */
	void cast(const shmnet_command& command, size_t len = sizeof(shmnet_command));
	/* Onto the ring to the victim, where no command may be. */
	void send_by_ring(const shmnet_command& command);
	/* As cast(), but while it may be read one of its 32-bit words flips. */
	void cast_flipping(const shmnet_command& command, u32 word);
	/* How often the victim has cast this command. */
	size_t said(u8 type, const shmnet_command_flow& flow) const;
	/* How often it has said that it has any connection; but for what heard_all() asked. */
	size_t answers() const;
	/*
	 * All that was cast before has been heard: asked for the held connection, the victim has
	 * it.
	 */
	bool heard_all(std::chrono::milliseconds patience);
	/*
	 * A connection that the victim has just asked for, since a packet of it came to its entry.
	 */
	std::optional<shmnet_command_flow> make_ask(std::chrono::milliseconds patience);

	/* The victim's kernel is so many times slower than others: all that is waited for is, too. */
	void expect_slowness(unsigned times) { slowness_ = times; }
	/* Turns until @condition holds; @again: at once, and every few milliseconds. */
	bool await(std::chrono::milliseconds patience, const std::function<bool()>& condition,
		   const std::function<void()>& again);
	/* Turns for so long. */
	void pass(std::chrono::milliseconds time);

private:
	bool is_known();
	static Bytes bytes_of(const shmnet_command& command, size_t len = sizeof(shmnet_command));
	void serve();
	void read_tape();
	void take_packet(const Bytes& frame);
	void take_command(const Bytes& frame);

	Link& local_;
	Board& board_;
	Link global_;
	TapeReader<Memory> tape_;
	u16 next_port_;
	unsigned slowness_ = 1;
	u32 last_tag_ = 0;
	std::set<std::pair<u8, u16>> given_; /* protocol, and the client's port */
	std::vector<shmnet_command> said_;
};

bool is_same(const shmnet_command_flow& a, const shmnet_command_flow& b);

} // namespace shmnet::hostile
