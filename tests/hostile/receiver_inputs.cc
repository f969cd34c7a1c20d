// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "inputs.hh"

#include <fmt/format.h>

namespace shmnet::hostile {

using fmt::format;

namespace {

/* Has the victim send, which looks at our words. */
void have_it_send(Link& link)
{
	link.send(link.arp_request(link.node().mac(link.victim())));
}

/*
 * Until the victim has no room for the largest frame, and waits for grants: all that it sends is read,
 * so that nothing else holds it back, and no buffer is given back.
 */
void exhaust(Link& link)
{
	const NetworkLayout& net = link.node().network();
	const u64* produced = &link.in().producer->produced;
	u32 begin = index_of(Memory::load_relaxed(produced));
	link.deaf(true);
	for (u32 tries = 0; tries < 1000; tries++) {
		u64 word = Memory::load_relaxed(produced);
		if (index_of(word) - begin + net.pieces_max > net.pool)
			break;
		Memory::store_release(&link.in().consumer->consumed, word);
		have_it_send(link);
		link.serve();
		link.node().ring(link.consumer().sender_doorbell());
		if (tries % 8 == 7)
			std::this_thread::sleep_for(std::chrono::milliseconds(1));
	}
}

/* What a lie about grants is made of: word @granted, and entries of the ring of grants. */
void grant_lie(Link& link, u64 granted, const std::vector<u32>& buffers)
{
	exhaust(link);
	u32 ring = link.node().network().ring;
	u64 found = Memory::load_relaxed(&link.in().consumer->granted);
	for (u32 i = 0; i < buffers.size(); i++)
		Memory::store_relaxed(&link.in().grants[(index_of(found) + i) & (ring - 1)],
				      buffers[i]);
	Memory::store_release(&link.in().consumer->granted,
			      granted ? granted : found + static_cast<u32>(buffers.size()));
	link.node().ring(link.consumer().sender_doorbell());
	have_it_send(link);
	link.await_reaction();
	link.deaf(false);
}

/* B2: indexes of what was read and granted. */
void add_indexes(Inputs& inputs, const NetworkLayout& net)
{
	std::vector<u32> deltas;
	for (u32 bit = 0; bit < 32; bit++)
		deltas.insert(deltas.end(), {1u << bit, 0u - (1u << bit)});
	for (u32 around : {net.pool - 1, net.pool, net.pool + 1, net.ring, net.ring + 1})
		deltas.push_back(around);
	for (u32 delta : deltas)
		inputs.push_back({"B2", format("consumed + {:#x}", delta), [delta](Link& link) {
					  u64* word = &link.in().consumer->consumed;
					  u64 found = Memory::load_relaxed(word);
					  Memory::store_release(
						  word, pack_index(epoch_of(found),
								   index_of(found) + delta));
					  have_it_send(link);
				  }});
	for (u64 value : wide_boundaries())
		inputs.push_back({"B26", format("consumed = {:#x}", value), [value](Link& link) {
					  Memory::store_release(&link.in().consumer->consumed,
								value);
					  have_it_send(link);
				  }});
	for (u32 delta : {1u, net.pool, net.pool + 1, net.ring, 1u << 31, 0u - 1, 0u - net.pool})
		inputs.push_back(
			{"B2", format("granted + {:#x}, nothing left", delta), [delta](Link& link) {
				 u64 found = Memory::load_relaxed(&link.in().consumer->granted);
				 grant_lie(link,
					   pack_index(epoch_of(found), index_of(found) + delta),
					   {});
			 }});
	for (u64 value : {0x1ULL, ~0ULL, 0xffffffffULL, 1ULL << 63})
		inputs.push_back({"B26", format("granted = {:#x}, nothing left", value),
				  [value](Link& link) { grant_lie(link, value, {}); }});
}

/* B6: grants of what is not out, twice the same, and of other rings. */
void add_grants(Inputs& inputs, const NetworkLayout& net)
{
	for (u32 value : boundaries())
		inputs.push_back({"B6", format("a grant of buffer {:#x}", value),
				  [value](Link& link) { grant_lie(link, 0, {value}); }});
	for (u32 buffer : {0u, 1u, net.pool - 1})
		inputs.push_back(
			{"B6", format("buffer {} granted twice", buffer), [buffer](Link& link) {
				 u32 own = link.in().first_buffer + buffer;
				 grant_lie(link, 0, {own, own});
			 }});
	for (u32 beside : {0u - 1, net.pool})
		inputs.push_back({"B6", format("a grant of another ring's buffer, {:#x}", beside),
				  [beside](Link& link) {
					  grant_lie(link, 0, {link.in().first_buffer + beside});
				  }});
}

/* B21, B26: events, doorbells and epochs. */
void add_words(Inputs& inputs)
{
	for (u32 value : boundaries()) {
		inputs.push_back(
			{"B21", format("receiver's doorbell = {:#x}", value), [value](Link& link) {
				 Memory::store_relaxed(&link.in().consumer->doorbell, value);
				 Memory::store_relaxed(&link.in().consumer->event, 0u);
				 have_it_send(link);
			 }});
		inputs.push_back(
			{"B21", format("receiver's event = {:#x}", value), [value](Link& link) {
				 Memory::store_relaxed(&link.in().consumer->event, value);
				 have_it_send(link);
			 }});
		inputs.push_back(
			{"B21", format("sender's doorbell = {:#x}", value), [value](Link& link) {
				 auto* words = link.out().producer;
				 Memory::store_relaxed(&words->doorbell, value);
				 Memory::store_relaxed(&words->consumed_event,
						       link.producer().produced() - 1);
				 have_it_send(link);
			 }});
		inputs.push_back({"B26", format("refused = {:#x}", value), [value](Link& link) {
					  Memory::store_relaxed(&link.out().producer->refused,
								value);
					  link.node().ring_directory(link.victim());
				  }});
	}
	for (u64 value : wide_boundaries())
		inputs.push_back({"B26", format("open = {:#x}", value), [value](Link& link) {
					  Memory::store_release(&link.in().consumer->open, value);
					  link.node().ring_directory(link.victim());
				  }});
	inputs.push_back({"B26", "open in every epoch, a hundred times", [](Link& link) {
				  u32 living = link.node().directory().living(link.victim());
				  for (u32 epoch = 1; epoch <= 100; epoch++) {
					  Memory::store_release(&link.in().consumer->open,
								pack_index(epoch, living));
					  link.node().ring_directory(link.victim());
				  }
			  }});
}

/* B8: nothing is read, or nothing granted, for longer than a ring may stand still. */
void add_pauses(Inputs& inputs)
{
	auto pause = [](Link& link, u32 wait) {
		std::this_thread::sleep_for(std::chrono::milliseconds(wait));
		have_it_send(link);
		link.await_reaction();
		link.deaf(false);
	};
	for (u32 wait : {50, 150, 500}) {
		inputs.push_back({"B8", format("nothing is read for {} ms", wait), [=](Link& link) {
					  link.deaf(true);
					  have_it_send(link);
					  pause(link, wait);
				  }});
		inputs.push_back(
			{"B8", format("nothing is granted for {} ms", wait), [=](Link& link) {
				 exhaust(link);
				 pause(link, wait);
			 }});
	}
}

} // namespace

void add_receiver_inputs(Inputs& inputs, const NetworkLayout& net)
{
	add_indexes(inputs, net);
	add_grants(inputs, net);
	add_words(inputs);
	add_pauses(inputs);
}

} // namespace shmnet::hostile
