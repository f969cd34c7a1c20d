/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Whether all that a layout leads to lies where it may: for layouts read from tables that lie. */
#pragma once

#include "layout.hh"

#include <string>

namespace shmnet::test {

class PlaceCheck {
public:
	PlaceCheck(const Layout& layout, u64 size) : layout_(layout), size_(size) {}

	/* Empty if all is well, else what is not. */
	std::string run()
	{
		if ((layout_.hardened ? layout_.parts_offset : layout_.region_size) > size_)
			return "the region is larger than its memory";
		if (layout_.nodes < 2 || layout_.nodes > SHMNET_NODES_MAX)
			return "the number of nodes";
		if (layout_.networks < 1 || layout_.networks > SHMNET_NETWORKS_MAX)
			return "the number of networks";
		for (u32 slot : {0u, layout_.nodes - 1}) {
			shared(layout_.witness(slot), sizeof(shmnet_witness), "witness");
			common(slot, layout_.claim(slot), sizeof(shmnet_claim), "claim");
			in_part(slot, layout_.node(slot), sizeof(shmnet_node), "node");
			in_part(slot, layout_.arena(slot), SHMNET_CASTS_SIZE, "arena");
		}
		for (u32 i = 0; i < layout_.networks; i++)
			network(i);
		return wrong_;
	}

private:
	void network(u32 index)
	{
		const NetworkLayout& net = layout_.network[index];
		for (u32 tape : {0u, net.tapes - 1})
			common(tape, layout_.tape(index, tape),
			       sizeof(shmnet_tape) + net.tape_slots * sizeof(u64), "tape");
		for (u32 slot : {0u, layout_.nodes - 1}) {
			if (net.kind != SHMNET_NETWORK_GLOBAL)
				continue;
			in_part(slot, layout_.services(index, slot), SERVICES_BYTES, "services");
			in_part(slot, layout_.pins(index, slot), PINS_BYTES, "pins");
		}
		if (!is_power_of_two(net.ring) || !is_power_of_two(net.tape_slots))
			note("a size that is used as a mask");
		if (net.pool == 0 || net.pool > net.ring)
			note("the pool");
		if (net.pieces_max > SHMNET_PIECES_MAX || net.pieces_max > net.pool)
			note("the longest chain");
		u32 last = layout_.nodes - 1;
		for (u32 queue : {0u, net.queues - 1})
			for (RingId id :
			     {RingId{index, 0, 1, queue}, RingId{index, 1, 0, queue},
			      RingId{index, 0, last, queue}, RingId{index, last, 0, queue},
			      RingId{index, last - 1, last, queue},
			      RingId{index, last, last - 1, queue}})
				ring(id);
	}

	void ring(const RingId& id)
	{
		if (id.source == id.destination)
			return;
		const NetworkLayout& net = layout_.network[id.network];
		RingPlaces places = ring_places(layout_, id);
		in_part(id.source, places.producer, sizeof(*places.producer), "producer");
		in_part(id.source, places.descriptors, net.ring * sizeof(*places.descriptors),
			"descriptors");
		in_part(id.source, places.buffers,
			static_cast<u64>(places.first_buffer + net.pool) * net.buffer_size,
			"buffers");
		in_part(id.destination, places.consumer, sizeof(*places.consumer), "consumer");
		in_part(id.destination, places.grants, net.ring * sizeof(*places.grants), "grants");
	}

	/* In the hub part or the common part. */
	void shared(const void* place, u64 bytes, const char* what)
	{
		if (!lies(place, bytes, 0, layout_.parts_offset))
			note(what);
	}

	/* Of many writers; in a hardened region each has one. */
	void common(u32 slot, const void* place, u64 bytes, const char* what)
	{
		if (layout_.hardened)
			in_part(slot, place, bytes, what);
		else
			shared(place, bytes, what);
	}

	void in_part(u32 slot, const void* place, u64 bytes, const char* what)
	{
		if (!lies(place, bytes, layout_.parts_offset + slot * layout_.part_size,
			  layout_.part_size))
			note(what);
	}

	bool lies(const void* place, u64 bytes, u64 begin, u64 room) const
	{
		u64 offset = static_cast<u64>(static_cast<const u8*>(place) - layout_.base);
		return offset % SHMNET_LINE == 0 && begin <= layout_.region_size &&
		       room <= layout_.region_size - begin && offset >= begin && bytes <= room &&
		       offset - begin <= room - bytes;
	}

	void note(const char* what) { wrong_ += std::string(wrong_.empty() ? "" : ", ") + what; }

	const Layout& layout_;
	u64 size_;
	std::string wrong_;
};

} // namespace shmnet::test
