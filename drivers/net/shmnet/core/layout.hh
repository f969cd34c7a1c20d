/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A node's private, checked copy of a region's geometry. All places in the region are computed
 * from it, so that nothing that a peer writes later can move them; read_layout() is the only
 * reader of the superblock and its tables.
 */
#pragma once

#include "geometry.hh"

namespace shmnet {

enum class AttachError : u8 {
	None,
	Unformatted,
	Foreign,
	HalfFormatted,
	Version,
	Features,
	TooSmall,
	Size,
	Geometry,
};

/* What is wrong and what to do, for the kernel log and the tools alike. */
constexpr const char* describe(AttachError error)
{
	switch (error) {
	case AttachError::None:
		return "a shmnet region";
	case AttachError::Unformatted:
		return "the memory is not formatted: serve it with shmnet-hub, or format it with "
		       "'shmnetctl region format'";
	case AttachError::Foreign:
		return "the memory holds something that is not shmnet's: left alone";
	case AttachError::HalfFormatted:
		return "the region's formatting was not finished: run the same "
		       "'shmnetctl region format' again, or make the memory anew";
	case AttachError::Version:
		return "the region has another format version: use a hub and modules of one "
		       "version";
	case AttachError::Features:
		return "the region uses features that this version lacks: update this node";
	case AttachError::TooSmall:
		return "the device's memory is too small for any region: let shmnet-hub choose its "
		       "size";
	case AttachError::Size:
		return "the region is larger than the device's memory: give the device all of it";
	case AttachError::Geometry:
		return "the region's tables contradict themselves: make the memory anew";
	}
	return "unknown";
}

struct NetworkLayout {
	u32 kind;
	u32 mtu;
	u32 frame_max;  /* bytes, Ethernet header and VLAN tags included; of a frame without GSO */
	u32 pieces_max; /* descriptors of the largest frame, with GSO */
	u32 buffer_size;
	u32 pool;
	u32 ring;
	u32 queues;
	u32 tapes;
	u32 tape_slots;
	u64 tape_offset; /* from the region's start; hardened: from a part's */
	u64 tape_stride;
	u64 producers; /* these from a part's start */
	u64 consumers;
	u64 descriptors;
	u64 grants;
	u64 buffers;
	u64 producers_stride;
	u64 consumers_stride;
	u64 descriptors_stride;
	u64 grants_stride;
	u64 buffers_stride;
	u64 services; /* from a part's start; of a global network */
	u64 pins;     /* likewise */
};

struct Layout {
	u8* base; /* of the hub part, and of what lies behind it in one piece */
	u8* part[SHMNET_NODES_MAX];
	u64 region_size;
	u64 format; /* the superblock's word: the same for all nodes */
	u64 parts_offset;
	u64 part_size;
	u64 witness_offset;
	u64 witness_stride;
	u64 claims_offset;
	u64 claims_stride;
	u64 node_offset;
	u64 casts_offset;
	u32 nodes;
	u32 networks;
	u32 region_id;
	bool hardened;
	u32 own; /* hardened: this node's slot, which the host gave it */
	NetworkLayout network[SHMNET_NETWORKS_MAX];

	template <typename T> T* at(u64 offset) const
	{
		return reinterpret_cast<T*>(base + offset);
	}

	template <typename T> T* in_part(u32 slot, u64 offset) const
	{
		return reinterpret_cast<T*>(part[slot] + offset);
	}

	/* The region is one piece of memory, at @start. */
	void place(u8* start)
	{
		base = start;
		for (u32 slot = 0; slot < nodes; slot++)
			part[slot] = start + parts_offset + slot * part_size;
	}

	shmnet_witness* witness(u32 slot) const
	{
		return at<shmnet_witness>(witness_offset + slot * witness_stride);
	}

	shmnet_claim* claim(u32 slot) const
	{
		return hardened ? in_part<shmnet_claim>(slot, claims_offset)
				: at<shmnet_claim>(claims_offset + slot * claims_stride);
	}

	shmnet_node* node(u32 slot) const { return in_part<shmnet_node>(slot, node_offset); }

	shmnet_services* services(u32 network_index, u32 slot) const
	{
		return in_part<shmnet_services>(slot, network[network_index].services);
	}

	shmnet_pins* pins(u32 network_index, u32 slot) const
	{
		return in_part<shmnet_pins>(slot, network[network_index].pins);
	}

	u8* arena(u32 slot) const { return in_part<u8>(slot, casts_offset); }

	shmnet_tape* tape(u32 network_index, u32 tape) const
	{
		const NetworkLayout& net = network[network_index];
		return hardened ? in_part<shmnet_tape>(tape, net.tape_offset)
				: at<shmnet_tape>(net.tape_offset + tape * net.tape_stride);
	}
};

/* One ring: of a network, from one node to another, by queue. */
struct RingId {
	u32 network;
	u32 source;
	u32 destination;
	u32 queue;
};

/* Where the pieces of a ring lie. Sender's part: producer, descriptors, buffers. */
struct RingPlaces {
	shmnet_producer* producer;
	shmnet_descriptor* descriptors;
	u8* buffers; /* of the whole pool area; a descriptor's index counts from here */
	shmnet_consumer* consumer;
	u32* grants;
	u32 first_buffer; /* of this ring, as index in the pool area */
};

inline RingPlaces ring_places(const Layout& layout, const RingId& id)
{
	const NetworkLayout& net = layout.network[id.network];
	u32 at_source = SHMNET_PEER_INDEX(id.source, id.destination) * net.queues + id.queue;
	u32 at_destination = SHMNET_PEER_INDEX(id.destination, id.source) * net.queues + id.queue;
	return {
		.producer = layout.in_part<shmnet_producer>(
			id.source, net.producers + at_source * net.producers_stride),
		.descriptors = layout.in_part<shmnet_descriptor>(
			id.source, net.descriptors + at_source * net.descriptors_stride),
		.buffers = layout.in_part<u8>(id.source, net.buffers),
		.consumer = layout.in_part<shmnet_consumer>(
			id.destination, net.consumers + at_destination * net.consumers_stride),
		.grants = layout.in_part<u32>(id.destination,
					      net.grants + at_destination * net.grants_stride),
		.first_buffer = at_source * net.pool,
	};
}

/* Finds areas in the copied table, each checked to lie where it may. */
class AreaReader {
public:
	constexpr AreaReader(const Geometry& geometry) : geometry_(geometry) {}

	/* Sets offset and stride of the area with @count elements of at least @element bytes. */
	constexpr bool find(u32 type, u32 network, u32 count, u64 element, u64& offset,
			    u64* stride = nullptr)
	{
		const shmnet_superblock& superblock = geometry_.superblock;
		bool hardened = superblock.features & SHMNET_FEATURE_HARDENED;
		bool in_part =
			type >= SHMNET_AREA_NODE || (hardened && type != SHMNET_AREA_WITNESS);
		u64 room = in_part ? superblock.part_size : superblock.parts_offset;
		/* What the hub wrote lies first, what all write with care behind it. */
		u64 first = in_part                       ? 0
			    : type == SHMNET_AREA_WITNESS ? 2 * SHMNET_PAGE
							  : superblock.common_offset;
		for (u32 i = 0; i < superblock.areas; i++) {
			const shmnet_area& area = geometry_.area[i];
			if (area.type != type || area.network != network)
				continue;
			if (area.flags != (in_part ? SHMNET_AREA_IN_PART : 0u) ||
			    area.count < count || area.stride < element || area.stride > room ||
			    area.offset < first || area.offset > room || area.count > SHMNET_PAGE ||
			    area.count * area.stride > room - area.offset ||
			    area.offset % SHMNET_LINE != 0 || area.stride % SHMNET_LINE != 0)
				return false;
			offset = area.offset;
			if (stride)
				*stride = area.stride;
			return true;
		}
		return false;
	}

private:
	const Geometry& geometry_;
};

constexpr bool check_row(const shmnet_network& row)
{
	return (row.kind == SHMNET_NETWORK_LOCAL || row.kind == SHMNET_NETWORK_GLOBAL) &&
	       row.mtu >= SHMNET_MTU_MIN && row.mtu <= SHMNET_MTU_MAX &&
	       is_power_of_two(row.buffer_size) && row.buffer_size >= SHMNET_BUFFER_MIN &&
	       row.buffer_size <= SHMNET_BUFFER_MAX && is_power_of_two(row.ring) &&
	       row.ring <= SHMNET_POOL_MAX && row.pool <= row.ring &&
	       row.pool >= pieces_of(GSO_FRAME_MAX, row.buffer_size) && row.queues >= 1 &&
	       row.queues <= SHMNET_QUEUES_MAX && row.tapes >= 1 && row.tapes <= SHMNET_TAPES_MAX &&
	       is_power_of_two(row.tape_slots) && row.tape_slots >= 2 * SHMNET_NODES_MAX &&
	       row.tape_slots <= 65536;
}

constexpr bool read_network(const Geometry& geometry, u32 index, NetworkLayout& net)
{
	const shmnet_network& row = geometry.network[index];
	if (!check_row(row))
		return false;
	net.kind = row.kind;
	net.mtu = row.mtu;
	net.frame_max = frame_max(row.mtu);
	net.pieces_max = pieces_of(GSO_FRAME_MAX, row.buffer_size);
	net.buffer_size = row.buffer_size;
	net.pool = row.pool;
	net.ring = row.ring;
	net.queues = row.queues;
	net.tapes = row.tapes;
	net.tape_slots = row.tape_slots;

	AreaReader areas(geometry);
	u32 rings = (geometry.superblock.nodes - 1) * row.queues;
	bool hardened = geometry.superblock.features & SHMNET_FEATURE_HARDENED;
	return (!hardened || row.tapes == geometry.superblock.nodes) &&
	       areas.find(SHMNET_AREA_TAPES, index, hardened ? 1 : row.tapes,
			  sizeof(shmnet_tape) + row.tape_slots * sizeof(u64), net.tape_offset,
			  &net.tape_stride) &&
	       areas.find(SHMNET_AREA_PRODUCERS, index, rings, sizeof(shmnet_producer),
			  net.producers, &net.producers_stride) &&
	       areas.find(SHMNET_AREA_CONSUMERS, index, rings, sizeof(shmnet_consumer),
			  net.consumers, &net.consumers_stride) &&
	       areas.find(SHMNET_AREA_DESCRIPTORS, index, rings,
			  row.ring * sizeof(shmnet_descriptor), net.descriptors,
			  &net.descriptors_stride) &&
	       areas.find(SHMNET_AREA_GRANTS, index, rings, row.ring * sizeof(u32), net.grants,
			  &net.grants_stride) &&
	       areas.find(SHMNET_AREA_POOL, index, rings,
			  static_cast<u64>(row.pool) * row.buffer_size, net.buffers,
			  &net.buffers_stride) &&
	       net.buffers_stride == static_cast<u64>(row.pool) * row.buffer_size &&
	       net.buffers % SHMNET_PAGE == 0 &&
	       (row.kind != SHMNET_NETWORK_GLOBAL ||
		(areas.find(SHMNET_AREA_SERVICES, index, 1, SERVICES_BYTES, net.services) &&
		 areas.find(SHMNET_AREA_PINS, index, 1, PINS_BYTES, net.pins)));
}

constexpr bool check_superblock(const shmnet_superblock& superblock)
{
	return superblock.nodes >= SHMNET_NODES_MIN && superblock.nodes <= SHMNET_NODES_MAX &&
	       superblock.networks >= 1 && superblock.networks <= SHMNET_NETWORKS_MAX &&
	       superblock.areas <= SHMNET_AREAS_MAX && is_power_of_two(superblock.region_size) &&
	       is_power_of_two(superblock.part_size) && superblock.part_size >= SHMNET_PART_MIN &&
	       superblock.common_offset >= 2 * SHMNET_PAGE &&
	       superblock.parts_offset % SHMNET_PART_MIN == 0 &&
	       superblock.parts_offset <= superblock.region_size &&
	       superblock.part_size <=
		       (superblock.region_size - superblock.parts_offset) / superblock.nodes;
}

/*
 * Reads and checks the region of @size bytes at @base; writes nothing to it. @scratch takes the
 * copy that is looked at: the region itself is read once. Of a hardened region, the hub part is
 * enough: who has the parts elsewhere sets their places.
 */
template <typename Memory>
AttachError read_layout(u8* base, u64 size, Geometry& scratch, Layout& layout)
{
	if (size < 2 * SHMNET_PAGE)
		return AttachError::TooSmall;
	shmnet_superblock& superblock = scratch.superblock;
	/* Pairs with the release store of the magic, the formatter's last. */
	u64 magic = Memory::load_acquire(reinterpret_cast<const aliasing_u64*>(base));
	copy_from_region<Memory>(&superblock, base, sizeof(superblock));
	if (magic == 0)
		return superblock.format == 0 ? AttachError::Unformatted
					      : AttachError::HalfFormatted;
	if (magic != SHMNET_MAGIC)
		return AttachError::Foreign;
	if (superblock.version != SHMNET_VERSION)
		return AttachError::Version;
	if (superblock.features & ~SHMNET_FEATURES_KNOWN)
		return AttachError::Features;
	bool hardened = superblock.features & SHMNET_FEATURE_HARDENED;
	if ((hardened ? superblock.parts_offset : superblock.region_size) > size)
		return AttachError::Size;
	if (!check_superblock(superblock))
		return AttachError::Geometry;
	copy_from_region<Memory>(scratch.network, base + SHMNET_NETWORKS_OFFSET,
				 sizeof(scratch.network));
	copy_from_region<Memory>(scratch.area, base + SHMNET_AREAS_OFFSET, sizeof(scratch.area));

	layout = {};
	layout.region_size = superblock.region_size;
	layout.format = superblock.format;
	layout.parts_offset = superblock.parts_offset;
	layout.part_size = superblock.part_size;
	layout.nodes = superblock.nodes;
	layout.networks = superblock.networks;
	layout.region_id = superblock.format & SHMNET_FORMAT_ID_MASK;
	layout.hardened = hardened;
	layout.place(base);

	AreaReader areas(scratch);
	if (!areas.find(SHMNET_AREA_WITNESS, SHMNET_NO_NETWORK, layout.nodes,
			sizeof(shmnet_witness), layout.witness_offset, &layout.witness_stride) ||
	    !areas.find(SHMNET_AREA_CLAIMS, SHMNET_NO_NETWORK, hardened ? 1 : layout.nodes,
			sizeof(shmnet_claim), layout.claims_offset, &layout.claims_stride) ||
	    !areas.find(SHMNET_AREA_NODE, SHMNET_NO_NETWORK, 1, sizeof(shmnet_node),
			layout.node_offset) ||
	    !areas.find(SHMNET_AREA_CASTS, SHMNET_NO_NETWORK, 1, SHMNET_CASTS_SIZE,
			layout.casts_offset))
		return AttachError::Geometry;
	for (u32 i = 0; i < layout.networks; i++)
		if (!read_network(scratch, i, layout.network[i]))
			return AttachError::Geometry;
	return AttachError::None;
}

} // namespace shmnet
