// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "node.hh"

#include <arpa/inet.h>
#include <sys/stat.h>

#include <cstring>
#include <set>
#include <stdexcept>

namespace shmnet::hostile {

using test::Milliseconds;

/* The greeting is over when the hub has said nothing for so long. */
constexpr Milliseconds SILENCE{300};

Node::Node(const std::string& socket) : client_(socket)
{
	struct stat status;
	if (!client_.read_setup() || ::fstat(client_.memory(), &status) != 0)
		throw std::runtime_error("the hub at " + socket + " serves no memory");
	(void)client_.read_until([] { return false; }, SILENCE);
	mapping_ = Mapping::map(client_.memory(), static_cast<u64>(status.st_size), true);
	auto scratch = std::make_unique<Geometry>();
	AttachError error =
		mapping_ ? read_layout<Memory>(mapping_.base(), mapping_.size(), *scratch, layout_)
			 : AttachError::TooSmall;
	if (error != AttachError::None)
		throw std::runtime_error(describe(error));
	memcpy(identity_.machine, "hostile peer 001", sizeof(identity_.machine));
	identity_.device = 0x40;
	join();
	heart_ = std::thread([this] { beat(); });
}

Node::~Node()
{
	stop_ = true;
	heart_.join();
	for (u32 i = 0; i < layout_.networks; i++)
		Memory::store_relaxed(&entry()->networks[i].state, u32{SHMNET_STATE_DOWN});
	directory_.release(slot_, incarnation_);
	ring_all();
}

void Node::join()
{
	for (u32 tries = 0; tries < 16; tries++) {
		shmnet_slot_search found = directory_.find(identity_);
		if (found.outcome == SHMNET_SLOT_FULL)
			throw std::runtime_error("no slot is left");
		u32 incarnation = directory_.claim(found, identity_);
		if (incarnation == 0)
			continue;
		slot_ = found.slot;
		incarnation_ = incarnation;
		directory_.clear_part(slot_);
		casts_.emplace(layout_, slot_, incarnation_);
		show();
		return;
	}
	throw std::runtime_error("claims change without end");
}

void Node::show()
{
	shmnet_node shown = {};
	shown.incarnation = incarnation_;
	shown.peer = peer_id();
	shown.vectors = 1;
	shown.device = identity_.device;
	memcpy(shown.machine, identity_.machine, sizeof(shown.machine));
	strcpy(shown.name, "hostile");
	Memory::store_relaxed(&layout_.claim(slot_)->word, static_cast<u64>(incarnation_) << 32 |
								   identity_tag(identity_) |
								   SHMNET_CLAIM_CLAIMED);
	for (u32 i = 0; i < layout_.networks; i++) {
		const NetworkLayout& net = network(i);
		u64 capabilities = SHMNET_CAP_CSUM |
				   u64{net.pieces_max} << SHMNET_CAP_PIECES_SHIFT |
				   u64{net.frame_max} << SHMNET_CAP_GSO_MAX_SHIFT;
		directory_.publish_network(slot_, i, SHMNET_STATE_UP, net.mtu, capabilities);
		directory_.disarm_casts(slot_, i);
	}
	directory_.publish_entry(slot_, shown);
	ring_all();
}

void Node::beat()
{
	for (u64 count = 1; !stop_; count++) {
		directory_.beat(slot_, count);
		std::this_thread::sleep_for(Milliseconds(SHMNET_HEARTBEAT_MS));
	}
}

Mac Node::mac(u32 slot, u32 network) const
{
	u32 region = layout_.region_id;
	return {static_cast<u8>(SHMNET_MAC_BASE | network << SHMNET_MAC_NETWORK_SHIFT),
		static_cast<u8>(region >> 16),
		static_cast<u8>(region >> 8),
		static_cast<u8>(region),
		static_cast<u8>(slot >> 8),
		static_cast<u8>(slot)};
}

void Node::ring(u32 doorbell)
{
	int peer = static_cast<int>(doorbell >> 16);
	u32 vector = doorbell & 0xffff;
	client_.read_waiting();
	if (!mute_ && vector < client_.doorbells(peer))
		client_.ring(peer, vector);
}

void Node::ring_directory(u32 slot)
{
	u32 peer = directory_.doorbell_peer(slot);
	if (slot != slot_ && peer != SHMNET_NO_PEER)
		ring(SHMNET_DOORBELL(peer, 0));
}

void Node::ring_all()
{
	for (u32 slot = 0; slot < layout_.nodes; slot++)
		ring_directory(slot);
}

u64 Node::ring_everything()
{
	u64 rung = 0;
	for (u32 slot = 0; slot < layout_.nodes; slot++) {
		u32 peer = directory_.doorbell_peer(slot);
		if (slot == slot_ || peer == SHMNET_NO_PEER)
			continue;
		rung += ring_vectors(static_cast<int>(peer));
	}
	return rung;
}

u64 Node::ring_unheard()
{
	std::set<u32> joined = {peer_id()};
	for (u32 slot = 0; slot < layout_.nodes; slot++)
		joined.insert(directory_.doorbell_peer(slot));
	u64 rung = 0;
	for (int peer : client_.peers())
		if (!joined.contains(static_cast<u32>(peer)))
			rung += ring_vectors(peer);
	return rung;
}

u64 Node::ring_vectors(int peer)
{
	u32 vectors = client_.doorbells(peer);
	for (u32 vector = 0; vector < vectors; vector++)
		client_.ring(peer, vector);
	return vectors;
}

void Node::ring_readers(u32 network)
{
	Memory::full_fence();
	for (u32 slot = 0; slot < layout_.nodes; slot++)
		if (slot != slot_ && directory_.living(slot) &&
		    directory_.casts_armed(slot, network) & SHMNET_CAST_BIT(0))
			ring(directory_.cast_doorbell(slot, network));
}

shmnet_command Node::command_on(u32 network, u8 type, u32 incarnation) const
{
	Mac source = mac(slot_, network);
	shmnet_command command = {};
	memcpy(command.destination, BROADCAST.data(), sizeof(command.destination));
	memcpy(command.source, source.data(), sizeof(command.source));
	command.source[0] |= SHMNET_MAC_COMMAND;
	command.ethertype = htons(SHMNET_COMMAND_ETHERTYPE);
	command.version = SHMNET_VERSION;
	command.type = type;
	command.incarnation = htonl(incarnation);
	return command;
}

Bytes Node::command(u8 type, u32 incarnation, u8 version) const
{
	shmnet_command command = command_on(NETWORK, type, incarnation);
	command.version = version;
	auto* begin = reinterpret_cast<const u8*>(&command);
	return {begin, begin + sizeof(command)};
}

bool Node::cast(const Bytes& frame, u32 network)
{
	u8* to = casts_->begin(static_cast<u32>(frame.size()), network, 0, 0);
	Memory::copy_payload(to, frame.data(), frame.size());
	bool published = casts_->publish();
	ring_readers(network);
	return published;
}

} // namespace shmnet::hostile
