// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "inputs.hh"
#include "support/liar.hh"

#include <fmt/format.h>

namespace shmnet::hostile {

using fmt::format;

std::vector<u32> boundaries()
{
	return {0,        1,          2,          13,     14,          60,       2047,     2048,
		4096,     0x7fff,     0x8000,     0xffff, 0x10000,     0xffffff, 1u << 24, 1u << 30,
		1u << 31, 0x7fffffff, 0xfffffffe, ~0u,    INDEX_START, 0xffu,    0x100u};
}

std::vector<u64> wide_boundaries()
{
	std::vector<u64> values;
	for (u32 low : {0u, 1u, 1u << 31, ~0u, INDEX_START})
		for (u32 high : {0u, 1u, 1u << 31, ~0u})
			values.push_back(u64{high} << 32 | low);
	return values;
}

namespace {

/* A good frame, for what is spoilt to be the only thing that is wrong. */
Bytes frame_of(Link& link, u32 len)
{
	Bytes frame = link.arp_request(link.node().mac(link.victim()));
	frame.resize(len < 60 ? 60 : len);
	return frame;
}

void send_spoilt(Link& link, u32 len, const Link::Spoil& spoil)
{
	link.send(frame_of(link, len), {}, spoil);
}

/* B2: the index of what was sent, ahead and behind by all that an index can be compared with. */
void add_indexes(Inputs& inputs, const NetworkLayout& net)
{
	std::vector<u32> deltas;
	for (u32 bit = 0; bit < 32; bit++)
		for (u32 around : {0u, ~0u, 1u})
			deltas.push_back((1u << bit) + around);
	for (u32 around = net.ring - 3; around <= net.ring + 3; around++)
		deltas.insert(deltas.end(), {around, 0 - around});
	for (u32 delta : deltas)
		inputs.push_back({"B2", format("produced + {:#x}", delta), [delta](Link& link) {
					  u64* word = &link.out().producer->produced;
					  u64 found = Memory::load_relaxed(word);
					  Memory::store_release(
						  word, pack_index(epoch_of(found),
								   index_of(found) + delta));
				  }});
	for (u64 value : wide_boundaries())
		inputs.push_back({"B26", format("produced = {:#x}", value), [value](Link& link) {
					  Memory::store_release(&link.out().producer->produced,
								value);
				  }});
}

/* B3, B4: every field of a frame's first descriptor, and of one in the middle. */
void add_descriptors(Inputs& inputs, const NetworkLayout& net)
{
	for (u32 piece : {0u, 1u}) {
		u32 len = piece ? 3 * net.buffer_size : 60;
		for (u32 value : test::boundary_lengths(net)) {
			inputs.push_back({"B3", format("len of piece {} = {}", piece, value),
					  [=](Link& link) {
						  send_spoilt(link, len, [=](Link& at) {
							  at.descriptor(piece).len = value;
						  });
					  }});
			inputs.push_back({"B3", format("offset of piece {} = {}", piece, value),
					  [=](Link& link) {
						  send_spoilt(link, len, [=](Link& at) {
							  at.descriptor(piece).offset = value;
						  });
					  }});
		}
		for (u32 value : boundaries())
			inputs.push_back({"B6", format("buffer of piece {} = {}", piece, value),
					  [=](Link& link) {
						  send_spoilt(link, len, [=](Link& at) {
							  at.descriptor(piece).buffer = value;
						  });
					  }});
		for (u32 bit = 0; bit < 16; bit++)
			inputs.push_back({"B4",
					  format("flags of piece {} ^ {:#x}", piece, 1 << bit),
					  [=](Link& link) {
						  send_spoilt(link, len, [=](Link& at) {
							  at.descriptor(piece).flags ^=
								  static_cast<u16>(1u << bit);
						  });
					  }});
	}
	for (u32 value : test::boundary_lengths(net))
		inputs.push_back({"B3", format("frame_len = {}", value), [=](Link& link) {
					  send_spoilt(link, 60, [=](Link& at) {
						  at.descriptor(0).frame_len = value;
					  });
				  }});
	for (u32 sent : {1u, 3u})
		for (u32 value : {0u, 1u, 2u, 3u, 4u, 16u, 17u, 63u, 64u, 65u, 127u, 128u, 255u})
			inputs.push_back(
				{"B4", format("pieces = {}, {} sent", value, sent),
				 [=](Link& link) {
					 send_spoilt(link, sent * net.buffer_size, [=](Link& at) {
						 at.descriptor(0).pieces = static_cast<u8>(value);
					 });
				 }});
}

/* B4: chains of up to four pieces, of lengths that are none, least and most. */
void add_chains(Inputs& inputs, const NetworkLayout& net)
{
	const u32 lengths[] = {0, 1, net.buffer_size};
	for (u32 pieces = 1; pieces <= 4; pieces++) {
		u32 combinations = 1;
		for (u32 i = 0; i < pieces; i++)
			combinations *= 3;
		for (u32 which = 0; which < combinations; which++)
			inputs.push_back(
				{"B4", format("{} pieces, lengths {}", pieces, which),
				 [=](Link& link) {
					 send_spoilt(link, pieces * net.buffer_size, [=](Link& at) {
						 u32 rest = which;
						 for (u32 i = 0; i < pieces; i++, rest /= 3)
							 at.descriptor(i).len = lengths[rest % 3];
					 });
				 }});
	}
}

/* B6: what was sent is sent again; two pieces share a buffer. */
void add_replays(Inputs& inputs, const NetworkLayout& net)
{
	for (u32 back : {1u, 2u, 7u, net.ring / 2, net.ring - 1})
		inputs.push_back(
			{"B6", format("produced again from {} back", back), [back](Link& link) {
				 u64* word = &link.out().producer->produced;
				 u64 found = Memory::load_relaxed(word);
				 Memory::store_release(
					 word, pack_index(epoch_of(found), index_of(found) + back));
			 }});
	for (u32 piece : {1u, 2u})
		inputs.push_back(
			{"B6", format("piece {} in the buffer of piece 0", piece), [=](Link& link) {
				 send_spoilt(link, 3 * net.buffer_size, [=](Link& at) {
					 at.descriptor(piece).buffer = at.descriptor(0).buffer;
				 });
			 }});
}

/* An IPv4 packet of a transport protocol to the victim, with what a segment of it needs. */
Bytes packet_of(Link& link, u8 protocol, u32 len)
{
	Bytes frame = frame_of(link, len);
	frame[12] = 0x08;
	frame[13] = 0x00;
	u32 total = len - 14;
	const u8 header[] = {0x45,
			     0,
			     static_cast<u8>(total >> 8),
			     static_cast<u8>(total),
			     0,
			     0,
			     0,
			     0,
			     64,
			     protocol,
			     0,
			     0,
			     192,
			     0,
			     2,
			     200,
			     192,
			     0,
			     2,
			     static_cast<u8>(link.victim() + 1)};
	std::copy(std::begin(header), std::end(header), frame.begin() + 14);
	u32 sum = 0;
	for (u32 i = 0; i < sizeof(header); i += 2)
		sum += header[i] << 8 | header[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	frame[24] = static_cast<u8>(~sum >> 8);
	frame[25] = static_cast<u8>(~sum);
	frame[46] = 0x50; /* TCP's header length, should it be TCP */
	return frame;
}

/* B23: all offload words, on packets that the stack goes on with. */
void add_offloads(Inputs& inputs, const NetworkLayout&)
{
	auto add = [&](u8 protocol, u32 len, shmnet_offload offload) {
		inputs.push_back(
			{"B23",
			 format("protocol {}, {} bytes: flags {:#x} gso {:#x}/{} csum {}+{}",
				protocol, len, offload.flags, offload.gso_type, offload.gso_size,
				offload.csum_start, offload.csum_offset),
			 [=](Link& link) { link.send(packet_of(link, protocol, len), offload); }});
	};
	const u16 partial = SHMNET_DESC_NEEDS_CSUM;
	for (u8 protocol : {6, 17})
		for (u32 gso_type : {0u, 1u, 2u, 3u, 4u, 0x7fu, 0x80u, 0x81u, 0x82u, 0x83u, 0xffu})
			for (u32 gso_size : {0u, 1u, 8u, 1448u, 0xffffu})
				add(protocol, 3000,
				    {partial, static_cast<u8>(gso_type), static_cast<u16>(gso_size),
				     34, static_cast<u16>(protocol == 6 ? 16 : 6), 1});
	for (u32 start :
	     {0u, 1u, 13u, 14u, 33u, 34u, 35u, 58u, 59u, 60u, 190u, 192u, 0x7fffu, 0xffffu})
		for (u32 offset : {0u, 1u, 6u, 16u, 24u, 26u, 0x7fffu, 0xffffu}) {
			add(17, 60,
			    {partial, 0, 0, static_cast<u16>(start), static_cast<u16>(offset), 0});
			add(6, 3000,
			    {partial, SHMNET_GSO_TCP4, 1448, static_cast<u16>(start),
			     static_cast<u16>(offset), ~0u});
		}
	for (u32 bit = 0; bit < 16; bit++)
		add(17, 100, {static_cast<u16>(1u << bit & ~SHMNET_DESC_NEXT), 0, 0, 34, 6, 0});
}

/* B27: sources that are others', and with the command bit; B9 belongs to tapes. */
void add_sources(Inputs& inputs)
{
	for (u32 slot = 0; slot < 4; slot++)
		for (u8 command : {0, SHMNET_MAC_COMMAND})
			inputs.push_back({"B27",
					  format("source of node {}{}", slot,
						 command ? ", command bit" : ""),
					  [=](Link& link) {
						  Bytes frame = frame_of(link, 60);
						  Mac source = link.node().mac(slot);
						  source[0] |= command;
						  std::copy(source.begin(), source.end(),
							    frame.begin() + 6);
						  link.send(frame);
					  }});
	for (u8 first : {0x00, 0x01, 0xff})
		inputs.push_back({"B27", format("source {:#x}...", first), [=](Link& link) {
					  Bytes frame = frame_of(link, 60);
					  std::fill_n(frame.begin() + 6, 6, first);
					  link.send(frame);
				  }});
}

/* B1: words of descriptors that change while the victim reads them. */
void add_flips(Inputs& inputs, const NetworkLayout& net)
{
	for (u32 word = 0; word < sizeof(shmnet_descriptor) / sizeof(u32); word++)
		for (u32 piece : {0u, 1u})
			inputs.push_back(
				{"B1", format("word {} of piece {} flips", word, piece),
				 [=](Link& link) {
					 send_spoilt(link, 3 * net.buffer_size, {});
					 u32* at = reinterpret_cast<u32*>(&link.descriptor(piece)) +
						   word;
					 for (u32 i = 0; i < 20000; i++)
						 Memory::store_relaxed(at, i % 2 ? ~0u
										 : i * 2654435761u);
				 }});
}

} // namespace

void add_sender_inputs(Inputs& inputs, const NetworkLayout& net)
{
	add_indexes(inputs, net);
	add_descriptors(inputs, net);
	add_chains(inputs, net);
	add_replays(inputs, net);
	add_offloads(inputs, net);
	add_sources(inputs);
	add_flips(inputs, net);
}

} // namespace shmnet::hostile
