// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "inputs.hh"
#include "support/liar.hh"

#include <fmt/format.h>

namespace shmnet::hostile {

using fmt::format;

namespace {

shmnet_tape* tape_of(Link& link, u32 tape = 0)
{
	return link.node().layout().tape(NETWORK, tape);
}

void ring_all(Link& link)
{
	link.node().ring_readers();
	link.node().ring_all();
}

/* A cast whose header is spoilt once it is on the tape, or before. */
using SpoilCast = std::function<void(shmnet_cast&)>;

void cast_spoilt(Link& link, const SpoilCast& spoil)
{
	Node& node = link.node();
	Bytes frame = link.arp_request(BROADCAST);
	u8* to = node.casts().begin(static_cast<u32>(frame.size()), NETWORK, 0, 0);
	Memory::copy_payload(to, frame.data(), frame.size());
	node.casts().publish();
	spoil(*reinterpret_cast<shmnet_cast*>(to - sizeof(shmnet_cast)));
	ring_all(link);
}

void add_heads(Inputs& inputs, const NetworkLayout& net)
{
	auto add = [&](const std::string& name, auto value_of) {
		inputs.push_back({"B25", "head " + name,
				  [=](Link& link) {
					  u64* head = &tape_of(link)->head;
					  Memory::store_release(
						  head, value_of(Memory::load_relaxed(head)));
					  ring_all(link);
				  },
				  true});
	};
	for (u64 value : wide_boundaries())
		add(format("= {:#x}", value), [value](u64) { return value; });
	for (u64 delta : {u64{1}, u64{2}, u64{net.tape_slots} - 1, u64{net.tape_slots},
			  u64{net.tape_slots} + 1, u64{1} << 32, u64{1} << 40, u64{1} << 61}) {
		add(format("+ {:#x}", delta), [delta](u64 found) { return found + delta; });
		add(format("- {:#x}", delta), [delta](u64 found) { return found - delta; });
	}
}

void add_slots(Inputs& inputs, const NetworkLayout& net)
{
	auto at_head = [](Link& link, u64 ahead, u64 word) {
		shmnet_tape* tape = tape_of(link);
		u64 sequence = Memory::load_relaxed(&tape->head) + ahead;
		u32 slots = link.node().network().tape_slots;
		Memory::store_release(&tape->slots[sequence & (slots - 1)], word);
		ring_all(link);
	};
	for (u64 ahead : {u64{0}, u64{1}, ~u64{0}, u64{net.tape_slots / 2}})
		for (u64 value : wide_boundaries())
			inputs.push_back({"B25",
					  format("slot at head + {} = {:#x}",
						 static_cast<long long>(ahead), value),
					  [=](Link& link) { at_head(link, ahead, value); }, true});
	for (u32 writer : {0u, 1u, 2u, 63u, 64u, 255u})
		for (u32 place : {0u, 1u, 0x3fffu, 0x4000u, 0xffffu})
			inputs.push_back(
				{"B25", format("a cast of node {} at place {:#x}", writer, place),
				 [=](Link& link) {
					 u64 head = Memory::load_relaxed(&tape_of(link)->head);
					 at_head(link, 0, pack_slot(head, writer, place));
					 Memory::store_release(&tape_of(link)->head, head + 1);
					 ring_all(link);
				 },
				 true});
}

void add_casts(Inputs& inputs, const NetworkLayout& net)
{
	auto add = [&](const char* kind, const std::string& name, const SpoilCast& spoil) {
		inputs.push_back({kind, "cast's " + name,
				  [spoil](Link& link) { cast_spoilt(link, spoil); }, true});
	};
	for (u64 value : wide_boundaries()) {
		add("B25", format("sequence = {:#x}", value),
		    [value](shmnet_cast& cast) { cast.sequence = value; });
		add("B25", format("position = {:#x}", value),
		    [value](shmnet_cast& cast) { cast.position = value; });
	}
	for (u32 value : test::boundary_lengths(net))
		add("B3", format("len = {}", value),
		    [value](shmnet_cast& cast) { cast.len = value; });
	for (u32 value : boundaries()) {
		add("B25", format("tape = {:#x}", value),
		    [value](shmnet_cast& cast) { cast.tape = value; });
		add("B25", format("incarnation = {:#x}", value),
		    [value](shmnet_cast& cast) { cast.incarnation = value; });
		add("B23", format("flags = {:#x}", value),
		    [value](shmnet_cast& cast) { cast.flags = value; });
	}
	for (u64 value : wide_boundaries())
		inputs.push_back({"B25", format("casts_reserved = {:#x}", value),
				  [value](Link& link) {
					  link.node().cast(link.arp_request(BROADCAST));
					  Memory::store_relaxed(
						  &link.node().entry()->casts_reserved, value);
				  },
				  true});
	for (u32 word = 0; word < sizeof(shmnet_cast) / sizeof(u32); word++)
		inputs.push_back({"B1", format("word {} of a cast flips", word),
				  [word](Link& link) {
					  cast_spoilt(link, [word](shmnet_cast& cast) {
						  u32* at = reinterpret_cast<u32*>(&cast) + word;
						  for (u32 i = 0; i < 20000; i++)
							  Memory::store_relaxed(
								  at,
								  i % 2 ? ~0u : i * 2654435761u);
					  });
				  },
				  true});
}

void add_labels(Inputs& inputs, const NetworkLayout& net)
{
	for (u32 tape : {0u, 1u, net.tapes - 1})
		for (u64 value : wide_boundaries())
			inputs.push_back({"B25", format("label of tape {} = {:#x}", tape, value),
					  [=](Link& link) {
						  Memory::store_release(&tape_of(link, tape)->label,
									value);
						  ring_all(link);
					  },
					  true});
}

/* B27, B9: whose address a cast bears, and the driver's own commands. */
void add_frames(Inputs& inputs)
{
	for (u32 slot = 0; slot < 4; slot++)
		for (u8 command : {0, SHMNET_MAC_COMMAND})
			inputs.push_back({"B27",
					  format("cast from node {}{}", slot,
						 command ? ", command bit" : ""),
					  [=](Link& link) {
						  Bytes frame = link.arp_request(BROADCAST);
						  Mac source = link.node().mac(slot);
						  source[0] |= command;
						  std::copy(source.begin(), source.end(),
							    frame.begin() + 6);
						  link.node().cast(frame);
					  },
					  true});
	for (u32 version : {0u, 1u, 2u, 255u})
		for (u32 type : {0u, 1u, 2u, 3u, 255u})
			for (u32 len : {14u, 19u, 60u, 1500u})
				inputs.push_back({"B9",
						  format("command {} of version {}, {} bytes", type,
							 version, len),
						  [=](Link& link) {
							  Bytes frame = link.node().command(
								  static_cast<u8>(type),
								  version * 77777,
								  static_cast<u8>(version));
							  frame.resize(len);
							  link.node().cast(frame);
						  },
						  true});
}

} // namespace

void add_tape_inputs(Inputs& inputs, const NetworkLayout& net)
{
	add_heads(inputs, net);
	add_slots(inputs, net);
	add_casts(inputs, net);
	add_labels(inputs, net);
	add_frames(inputs);
}

} // namespace shmnet::hostile
