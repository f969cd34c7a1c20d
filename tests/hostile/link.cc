// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "link.hh"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace shmnet::hostile {

using std::chrono::milliseconds;

namespace {

/* As often as protocol.md allows, and some. */
constexpr milliseconds REOPEN_INTERVAL{25};
/* The victim has looked when its words stand still for so long; but that is waited for no longer. */
constexpr milliseconds STILL{4};
constexpr milliseconds REACTION{20};
constexpr milliseconds ASK_AGAIN{20};
/* A turn that took longer was not all this process's own. */
constexpr milliseconds TURN{2};
/* One that beats no more for so long is dead. */
constexpr milliseconds SILENCE{30000};

/* Who asks: these addresses of the victim's network in turn, so that old answers are told. */
constexpr u32 ASKER_FIRST = 101;
constexpr u32 ASKERS = 100;

struct Arp {
	u8 destination[6];
	u8 source[6];
	__be16 ethertype;
	__be16 hardware, protocol;
	u8 hardware_len, protocol_len;
	__be16 operation;
	u8 sender[6];
	u8 sender_address[4];
	u8 target[6];
	u8 target_address[4];
	u8 pad[18];
} __attribute__((packed));
static_assert(sizeof(Arp) == 60);

constexpr u16 ETHERTYPE_ARP = 0x0806;
constexpr u16 ARP_REQUEST = 1;
constexpr u16 ARP_REPLY = 2;

void put_address(u8* to, u32 address)
{
	u32 big = htonl(address);
	memcpy(to, &big, sizeof(big));
}

} // namespace

Patience::Patience(const Node& node, u32 victim, milliseconds patience)
    : node_(node), victim_(victim), patience_(patience), beat_(node.directory().heartbeat(victim))
{
}

bool Patience::is_over()
{
	auto now = Clock::now();
	ran_ += std::min<Clock::duration>(now - last_, TURN);
	last_ = now;
	u64 beats = node_.directory().heartbeat(victim_) - beat_;
	bool enough = ran_ > patience_ &&
		      beats * SHMNET_HEARTBEAT_MS > static_cast<u64>(patience_.count());
	return enough || now - begin_ > SILENCE;
}

milliseconds Patience::passed() const
{
	return std::chrono::duration_cast<milliseconds>(last_ - begin_);
}

Link::Link(Node& node, u32 victim, u32 address, u32 network)
    : node_(node), victim_(victim), address_(address), network_(network),
      out_memory_(Producer<Memory>::memory_size(node.network(network).pool) / sizeof(u64) + 1),
      in_memory_(Consumer<Memory>::memory_size(node.network(network).pool) / sizeof(u64) + 1)
{
	renew();
}

void Link::renew()
{
	const RingId out = {network_, node_.slot(), victim_, 0};
	const RingId in = {network_, victim_, node_.slot(), 0};
	out_places_ = ring_places(node_.layout(), out);
	in_places_ = ring_places(node_.layout(), in);
	out_.emplace(node_.layout(), out, out_memory_.data());
	in_.emplace(node_.layout(), in, in_memory_.data());
	opened_for_ = 0;
}

Bytes Link::arp_request(const Mac& destination) const
{
	Mac own = node_.mac(node_.slot());
	Arp arp = {};
	memcpy(arp.destination, destination.data(), sizeof(arp.destination));
	memcpy(arp.source, own.data(), sizeof(arp.source));
	arp.ethertype = htons(ETHERTYPE_ARP);
	arp.hardware = htons(1);
	arp.protocol = htons(0x0800);
	arp.hardware_len = 6;
	arp.protocol_len = 4;
	arp.operation = htons(ARP_REQUEST);
	memcpy(arp.sender, own.data(), sizeof(arp.sender));
	put_address(arp.sender_address, (address_ & ~0xffu) | asker_);
	put_address(arp.target_address, address_);
	auto* begin = reinterpret_cast<const u8*>(&arp);
	return {begin, begin + sizeof(arp)};
}

bool Link::send(const Bytes& frame, const shmnet_offload& offload, const Spoil& spoil)
{
	shmnet_frame place;
	bool sent = out_->reserve(static_cast<u32>(frame.size()), place);
	if (sent) {
		size_t done = 0;
		for (u32 i = 0; i < place.pieces; i++) {
			Memory::copy_payload(place.span[i].data, frame.data() + done,
					     place.span[i].len);
			done += place.span[i].len;
		}
		place.offload = offload;
		first_ = out_->produced();
		out_->commit(place);
		if (spoil)
			spoil(*this);
	}
	out_->publish();
	node_.ring(out_->receiver_doorbell());
	return sent;
}

shmnet_descriptor& Link::descriptor(u32 i)
{
	return out_places_.descriptors[(first_ + i) & (node_.network(network_).ring - 1)];
}

void Link::serve()
{
	if (out_->connected() && !out_->still_open()) {
		out_->disconnect();
		node_.ring_directory(victim_);
	}
	if (!out_->connected())
		out_->connect(node_.incarnation(), SHMNET_NO_DOORBELL);

	u32 living = node_.directory().living(victim_);
	bool broken = in_->fault() || in_->refused() || opened_for_ != living;
	if ((!in_->is_open() || broken) && living && Clock::now() - opened_at_ > REOPEN_INTERVAL) {
		in_->open(node_.incarnation(), living, SHMNET_NO_DOORBELL);
		opened_for_ = living;
		opened_at_ = Clock::now();
		node_.ring_directory(victim_);
	}
	if (!deaf_)
		receive();
}

void Link::receive()
{
	shmnet_frame frame;
	for (u32 budget = node_.network(network_).pool; budget > 0; budget--) {
		shmnet_receive outcome = in_->next(frame);
		if (outcome != SHMNET_RECEIVE_FRAME && outcome != SHMNET_RECEIVE_OFFLOAD)
			break;
		Bytes bytes(frame.len);
		size_t done = 0;
		for (u32 i = 0; i < frame.pieces; i++) {
			Memory::copy_payload(bytes.data() + done, frame.span[i].data,
					     frame.span[i].len);
			done += frame.span[i].len;
		}
		in_->release();
		take(bytes);
	}
	if (in_->publish())
		node_.ring(in_->sender_doorbell());
}

void Link::take(const Bytes& frame)
{
	Arp arp;
	if (heard_)
		heard_(frame);
	if (frame.size() < offsetof(Arp, pad))
		return;
	memcpy(&arp, frame.data(), offsetof(Arp, pad));
	u32 sender;
	memcpy(&sender, arp.sender_address, sizeof(sender));
	if (arp.ethertype == htons(ETHERTYPE_ARP) && arp.operation == htons(ARP_REPLY) &&
	    ntohl(sender) == address_)
		answered_ = arp.target_address[3];
}

void Link::await_reaction()
{
	auto look = [this] {
		return std::array<u64, 6>{Memory::load_relaxed(&out_places_.consumer->consumed),
					  Memory::load_relaxed(&out_places_.consumer->open),
					  Memory::load_relaxed(&out_places_.consumer->granted),
					  Memory::load_relaxed(&in_places_.producer->produced),
					  Memory::load_relaxed(&in_places_.producer->refused),
					  node_.directory().heartbeat(victim_)};
	};
	auto last = look();
	auto moved = Clock::now();
	for (auto end = moved + REACTION; moved + STILL > Clock::now() && Clock::now() < end;) {
		std::this_thread::sleep_for(std::chrono::microseconds(100));
		if (auto now = look(); now != last) {
			last = now;
			moved = Clock::now();
		}
	}
}

std::optional<milliseconds> Link::answered(milliseconds patience, bool by_tape)
{
	Patience left(node_, victim_, patience);
	auto next = Clock::now();
	asker_ = ASKER_FIRST + (asker_ + 1 - ASKER_FIRST) % ASKERS;
	answered_ = 0;
	for (;;) {
		bool over = left.is_over();
		serve();
		if (answered_ == asker_)
			return left.passed();
		if (over)
			return std::nullopt;
		if (auto now = Clock::now(); now >= next) {
			next = now + ASK_AGAIN;
			if (by_tape)
				node_.cast(arp_request(BROADCAST));
			else if (out_->connected())
				send(arp_request(node_.mac(victim_)));
		}
		std::this_thread::sleep_for(std::chrono::microseconds(200));
	}
}

} // namespace shmnet::hostile
