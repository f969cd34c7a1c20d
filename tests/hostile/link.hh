/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The two rings between this node and one victim, an ordinary guest: kept as the protocol wants it,
 * with a way to spoil what is on them, and a proof that both carry good frames: an ARP request in
 * the victim's ring, which its kernel answers in ours.
 */
#pragma once

#include "consumer.hh"
#include "node.hh"
#include "producer.hh"

#include <chrono>
#include <functional>

namespace shmnet::hostile {

using Clock = std::chrono::steady_clock;

/*
 * Whether something has taken longer than it may: of the time in which this process ran, and in
 * which the victim did, as its heartbeats tell, for a host with too much to do runs neither for a
 * while.
 */
class Patience {
public:
	Patience(const Node& node, u32 victim, std::chrono::milliseconds patience);
	/* To be asked at every turn. */
	bool is_over();
	/* As clocks have it, up to the last turn. */
	std::chrono::milliseconds passed() const;

private:
	const Node& node_;
	u32 victim_;
	std::chrono::milliseconds patience_;
	u64 beat_;
	Clock::time_point begin_ = Clock::now();
	Clock::time_point last_ = begin_;
	Clock::duration ran_{0};
};

class Link {
public:
	/* @address: the victim's IPv4 address, in host order. */
	Link(Node& node, u32 victim, u32 address, u32 network = NETWORK);
	/* Begins anew, for a node that may have another slot by now. */
	void renew();

	/* Spoils descriptors that are complete, and not shown yet: descriptor(i) of the frame. */
	using Spoil = std::function<void(Link&)>;
	/* One frame into the victim's ring; false: no room, or not connected. Rings in any case. */
	bool send(const Bytes& frame, const shmnet_offload& offload = {}, const Spoil& spoil = {});
	/* The last frame's @i'th descriptor. */
	shmnet_descriptor& descriptor(u32 i);

	/* One turn of what an honest end does. */
	void serve();
	/* Until the victim has done what it does at a doorbell; some milliseconds. */
	void await_reaction();
	/* How long until a frame has crossed each ring; nothing: not within @patience. */
	std::optional<std::chrono::milliseconds> answered(std::chrono::milliseconds patience,
							  bool by_tape = false);

	Node& node() { return node_; }
	u32 victim() const { return victim_; }
	u32 address() const { return address_; }
	/* Who has the victim's address? To a MAC address, or to all. */
	Bytes arp_request(const Mac& destination) const;
	/* The words of the ring to the victim, and of the one from it. */
	const RingPlaces& out() const { return out_places_; }
	const RingPlaces& in() const { return in_places_; }
	Producer<Memory>& producer() { return *out_; }
	Consumer<Memory>& consumer() { return *in_; }
	/* Nothing is read or granted any more. */
	void deaf(bool deaf) { deaf_ = deaf; }
	/* Called with every frame that is received. */
	void hear(std::function<void(const Bytes&)> heard) { heard_ = std::move(heard); }

private:
	void receive();
	void take(const Bytes& frame);

	Node& node_;
	u32 victim_;
	u32 address_;
	u32 network_;
	RingPlaces out_places_ = {};
	RingPlaces in_places_ = {};
	std::vector<u64> out_memory_;
	std::vector<u64> in_memory_;
	std::optional<Producer<Memory>> out_;
	std::optional<Consumer<Memory>> in_;
	u32 opened_for_ = 0;
	Clock::time_point opened_at_ = {};
	u32 first_ = 0;
	u32 asker_ = 0;    /* last byte of the address that asks ... */
	u32 answered_ = 0; /* ... and of the one that was last answered */
	bool deaf_ = false;
	std::function<void(const Bytes&)> heard_;
};

} // namespace shmnet::hostile
