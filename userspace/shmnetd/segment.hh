/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Answers for shared addresses on the segment of one card, to ARP and to neighbour discovery, where
 * this node is the one that does (segment_election.hh). The kernel does not: of an address that it
 * routes to the global interface it says nothing on a card. Ended in whatever way, it leaves nothing
 * behind, and another node answers.
 */
#pragma once

#include "event_loop.hh"
#include "log.hh"
#include "segment_election.hh"
#include "segment_socket.hh"

#include <map>
#include <set>
#include <string>

namespace shmnet::shmnetd {

class Segment {
public:
	/* @name: of the interface that @link is. Throws Error. */
	Segment(EventLoop& loop, const std::string& name, const SegmentLink& link, __u8 priority);
	/* Says that this node answers no more. */
	~Segment();
	Segment(const Segment&) = delete;
	Segment& operator=(const Segment&) = delete;

	const SegmentLink& link() const { return link_; }
	/* What this node could answer for. */
	void offer(const std::set<Address>& addresses, __u8 priority);
	/* Who answers, for each of them: a MAC; nothing as long as it only listens. */
	std::map<Address, std::optional<Mac>> holders() const;

private:
	using Clock = Election::Clock;

	void on_tick();
	void on_candidacies();
	void on_questions(PacketSocket& socket, bool arp);
	bool is_candidate() const;
	/* Takes what has become this node's, and gives up what is another's. */
	void decide();
	void say_candidacy(__u8 priority);
	void announce();
	void send(PacketSocket& socket, const SegmentFrame& frame);

	std::string name_;
	SegmentLink link_;
	Election election_;
	std::set<Address> offered_;
	std::map<Address, int> held_; /* and how many announcements are still to come */
	PacketSocket arp_;
	PacketSocket solicitations_;
	PacketSocket candidacies_;
	SolicitedGroups groups_;
	LimitedLog changes_{20};
	LimitedLog failures_{5};
	EventSource tick_;
	EventSource on_arp_;
	EventSource on_solicitations_;
	EventSource on_candidacies_;
};

} // namespace shmnet::shmnetd
