/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a region holds, decoded by its specification (linux/shmnet_shm.h, docs/protocol.md) alone:
 * none of the module's code is used, so that each checks the other. Nothing in the region is
 * trusted: what contradicts the specification becomes a problem, not a place to read from.
 */
#pragma once

#include "region_source.hh"

#include <linux/shmnet_shm.h>

#include <optional>
#include <string>
#include <vector>

namespace shmnet::ctl {

/* A word of epoch and index. */
struct EpochIndex {
	__u32 epoch = 0;
	__u32 index = 0;
};

struct AreaView {
	shmnet_area area;
	std::string name;
	bool usable; /* of a known type, and lies where it may */
};

struct NodeNetworkView {
	__u32 network;
	__u32 state;
	__u32 mtu;
	__u64 capabilities;
	__u32 cast_armed;
	__u32 cast_doorbell;
};

enum class SlotState {
	Unused,   /* never claimed */
	Left,     /* its last owner left in order */
	Starting, /* claimed; the owner's entry is not yet written */
	Claimed,
	Dead, /* claimed by an incarnation whose end the hub witnessed */
};

struct SlotView {
	__u32 slot;
	SlotState state;
	__u32 incarnation; /* of the claim */
	__u32 tag;         /* of the claim, in place */
	__u32 witness_incarnation;
	__u32 witness_state;
	shmnet_node entry; /* as it stands; its networks are below */
	std::vector<NodeNetworkView> networks;
};

enum class RingState {
	Closed,
	Opening, /* the receiver has opened it; the sender is not there yet */
	Open,
	Refused, /* the sender does not go on with the epoch */
};

struct RingView {
	__u32 network, from, to, queue;
	RingState state;
	EpochIndex produced, consumed, granted;
	__u32 open_epoch, open_incarnation;
	__u32 outstanding; /* produced and not consumed; with an epoch in common */
	__u32 refused;
	__u32 event, consumed_event, granted_event;
	__u32 receiver_doorbell, sender_doorbell;
	bool idle; /* all of its words are zero */
};

struct CastView {
	__u64 sequence;
	__u32 writer;
	__u32 place; /* in lines of the writer's arena */
	bool found;  /* the arena holds that cast */
	__u32 incarnation, len, flags;
};

struct TapeView {
	__u32 network, tape;
	__u64 head;
	__u64 group; /* multicast address, 48 bits */
	__u32 epoch;
	std::optional<__u32> owner;
	std::vector<CastView> last;
};

struct RegionView {
	__u64 size = 0; /* of the file or device */
	shmnet_superblock superblock = {};
	bool geometry_usable = false; /* the superblock holds together: all that follows is there */
	std::vector<shmnet_network> networks;
	std::vector<AreaView> areas;
	std::vector<SlotView> slots;
	std::vector<RingView> rings; /* if asked for, by network, sender, receiver, queue */
	std::vector<TapeView> tapes; /* if asked for */
	std::vector<std::string> problems;
};

struct ViewOptions {
	bool rings = false;
	bool tapes = false;
};

RegionView view_region(const RegionSource& source, const ViewOptions& options);

/* In words, for text and JSON alike. */
const char* name_of(SlotState state);
const char* name_of(RingState state);
std::string network_state_name(__u32 state);
std::string network_kind(__u32 kind);
std::string mac_address(const RegionView& view, __u32 network, __u32 slot);
std::string pci_address(__u32 device);
std::string machine_uuid(const __u8* machine);
std::string node_name(const shmnet_node& entry);
std::string capability_names(__u64 capabilities);
std::string doorbell_name(__u32 doorbell);
std::string group_address(__u64 group);

} // namespace shmnet::ctl
