/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A node of a running region, in this process: it has the memory and the doorbells that a guest's
 * device has, and joins as docs/protocol.md wants it. What it writes beyond that is its user's.
 */
#pragma once

#include "directory.hh"
#include "mapping.hh"
#include "support/fake_client.hh"
#include "tape.hh"

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace shmnet::hostile {

using Memory = HardwareMemory;
using Mac = std::array<u8, 6>;
using Bytes = std::vector<u8>;

constexpr Mac BROADCAST = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* The networks that it is on: the first, local one, and the global one, if there is one. */
constexpr u32 NETWORK = 0;
constexpr u32 GLOBAL = 1;

class Node {
public:
	/* @socket: the hub's. Throws if it does not serve, or its memory is no region. */
	explicit Node(const std::string& socket);
	Node(const Node&) = delete;
	Node& operator=(const Node&) = delete;
	/* Leaves in order. */
	~Node();

	/* Claims a slot, as a new incarnation if there was one before, and shows its entry. */
	void join();
	/* Writes all of its entry again, over whatever stands there. */
	void show();

	const Layout& layout() const { return layout_; }
	const NetworkLayout& network(u32 index = NETWORK) const { return layout_.network[index]; }
	bool has_global() const { return layout_.networks > GLOBAL && network(GLOBAL).services; }
	const Directory<Memory>& directory() const { return directory_; }
	u32 slot() const { return slot_; }
	u32 incarnation() const { return incarnation_; }
	u32 peer_id() const { return static_cast<u32>(client_.id()); }
	shmnet_node* entry() const { return layout_.node(slot_); }
	Mac mac(u32 slot, u32 network = NETWORK) const;

	/* Rings what another's words ask for; passes over what nobody could ring. */
	void ring(u32 doorbell);
	/* Vector 0 of a node, or of all that there are. */
	void ring_directory(u32 slot);
	void ring_all();
	/* While muted, none of these rings anybody. */
	void mute(bool mute) { mute_ = mute; }
	/* A doorbell of every vector of every node; how many that were. */
	u64 ring_everything();
	/* Likewise of every device whose driver has not joined. */
	u64 ring_unheard();

	/* The driver's own frame, and its bytes. */
	shmnet_command command_on(u32 network, u8 type, u32 incarnation) const;
	Bytes command(u8 type, u32 incarnation, u8 version = SHMNET_VERSION) const;
	/* Onto the broadcast tape. */
	bool cast(const Bytes& frame, u32 network = NETWORK);
	CastWriter<Memory>& casts() { return *casts_; }
	void ring_readers(u32 network = NETWORK);

private:
	void beat();
	u64 ring_vectors(int peer);

	test::FakeClient client_;
	Mapping mapping_;
	Layout layout_ = {};
	Directory<Memory> directory_{layout_};
	shmnet_identity identity_ = {};
	std::atomic<u32> slot_ = 0; /* the heart's thread reads it */
	u32 incarnation_ = 0;
	std::optional<CastWriter<Memory>> casts_;
	bool mute_ = false;
	std::atomic<bool> stop_ = false;
	std::thread heart_;
};

} // namespace shmnet::hostile
