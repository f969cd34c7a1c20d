/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The hub: who is connected, and what everybody is told about it.
 *
 *   hub.cc         its life: start, events, state file, end
 *   admission.cc   from a connection to a member that the others know
 *   membership.cc  what happens to members: messages, deaths, misbehaviour
 *   restore.cc     what an earlier hub left behind
 *
 * A peer is one connection, that is, one device of a QEMU. Its life:
 *
 *   Greeted --has read its greeting--> Member  (Severed: a member of an earlier hub, whose socket
 *      |                                 |      is lost)
 *      +--closed: forgotten              +--closed, or process dead--> Held
 *                                                                       |
 *                                        process dead: id free again <--+
 */
#pragma once

#include "client.hh"
#include "doorbells.hh"
#include "event_loop.hh"
#include "fault.hh"
#include "fdstore.hh"
#include "listener.hh"
#include "log.hh"
#include "options.hh"
#include "process.hh"
#include "region.hh"
#include "state.hh"
#include "switchboard.hh"
#include "witness.hh"

#include <chrono>
#include <map>
#include <memory>
#include <vector>

namespace shmnet::hub {

struct Peer {
	using Clock = std::chrono::steady_clock;

	u32 id = 0;
	WatchedProcess process;
	PeerState state = PeerState::Greeted;
	std::unique_ptr<Client> client;       /* Greeted, Member */
	std::shared_ptr<Doorbells> doorbells; /* of its id; none if lost with an earlier hub */
	std::vector<Sighting> slots;          /* last seen */
	Clock::time_point deadline;           /* Greeted: for reading the greeting */
	Switchboard::Place told;              /* on record, of the client's */
	EventSource on_socket;
	EventSource on_death;

	bool member() const { return state == PeerState::Member || state == PeerState::Severed; }
};

class Hub {
public:
	/* Restores what an earlier hub left, and serves from then on. */
	Hub(const Options& options, Region& region, FdStore& store);
	Hub(const Hub&) = delete;
	Hub& operator=(const Hub&) = delete;

	/* Until SIGTERM or SIGINT. */
	void run();

private:
	/* hub.cc */
	void look_at_directory();
	void log_status() const;
	void finish_turn();
	bool save();
	Peer* find(u32 id);
	void watch_socket(Peer& peer);
	void watch_death(Peer& peer);

	/* admission.cc */
	void on_connection();
	Peer* admit(UniqueFd socket);
	bool id_is_free(u32 id) const;
	std::optional<u32> free_id() const;
	bool too_many_of(pid_t pid) const;
	void on_greeting_timer();
	bool settle_greeted();
	void join(const std::vector<u32>& ids);

	/* membership.cc */
	void on_socket(u32 id, u32 events);
	void on_death(u32 id);
	void flush(Peer& peer);
	void flush_all();
	void declare_dead(Peer& peer);
	void hold(Peer& peer);
	void forget(u32 id);

	/* restore.cc */
	void restore();
	void restore_lines(const std::vector<u32>& ids);
	void restore_peer(const PeerRecord& record, bool same_boot);
	void withhold_unknown();

	const Options& options_;
	Region& region_;
	FdStore& store_;
	StateFile state_;
	Witness witness_;
	EventLoop loop_;
	std::unique_ptr<Listener> listener_;
	std::unique_ptr<Relay> relay_; /* only in fault mode */

	Switchboard board_;
	std::map<u32, Peer> peers_; /* after the board, which their clients read */
	/* Claims of peers that no record tells of: their ids are not given away while they stand. */
	std::vector<Sighting> withheld_;
	bool changed_ = true; /* the state file is to be written */
	u64 greeting_pause_ = 0;

	EventSource on_connection_;
	EventSource greeting_timer_;
	EventSource retry_timer_;
	EventSource directory_timer_;
	EventSource post_;
	std::vector<EventSource> signals_;
	LimitedLog joins_{200}; /* a whole region may start at once */
	LimitedLog refusals_{20};
	LimitedLog failures_{5};
};

} // namespace shmnet::hub
