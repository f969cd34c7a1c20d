// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "region_view.hh"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <utility>

namespace shmnet::ctl {

namespace {

constexpr size_t PROBLEMS_MAX = 50;
constexpr __u32 CASTS_SHOWN = 4; /* of each tape */

class Viewer {
public:
	Viewer(const RegionSource& source, RegionView& view) : source_(source), view_(view) {}

	void view_all(const ViewOptions& options);

private:
	void check_superblock();
	void view_networks();
	void view_areas();
	bool area_fits(const shmnet_area& area) const;
	void view_slots();
	void view_slot(SlotView& slot, const shmnet_area* claims, const shmnet_area* witness,
		       const shmnet_area* node);
	void view_rings();
	void view_rings_of(__u32 network);
	RingView view_ring(__u32 network, __u32 from, __u32 to, __u32 queue,
			   const shmnet_area& producers, const shmnet_area& consumers);
	void view_tapes();
	TapeView view_tape(__u32 network, __u32 tape, const shmnet_area& tapes);
	bool view_cast(CastView& cast, __u32 network, __u32 tape);

	const shmnet_area* find(__u32 type, __u32 network, __u64 count, __u64 element);
	__u64 in_part(__u32 slot, const shmnet_area& area, __u64 index) const
	{
		return view_.superblock.parts_offset + slot * view_.superblock.part_size +
		       area.offset + index * area.stride;
	}

	/* An element of claims or tapes: of one area, or in a hardened region of each part's. */
	__u64 of_all(const shmnet_area& area, __u64 index) const
	{
		return area.flags & SHMNET_AREA_IN_PART
			       ? in_part(static_cast<__u32>(index), area, 0)
			       : area.offset + index * area.stride;
	}
	bool hardened() const { return view_.superblock.features & SHMNET_FEATURE_HARDENED; }

	template <typename T> T get(__u64 offset)
	{
		std::optional<T> value = source_.get<T>(offset);
		if (!value)
			problem("{} bytes at offset {:#x} cannot be read", sizeof(T), offset);
		return value.value_or(T{});
	}

	template <typename... Args> void problem(fmt::format_string<Args...> text, Args&&... args)
	{
		if (view_.problems.size() < PROBLEMS_MAX)
			view_.problems.push_back(fmt::format(text, std::forward<Args>(args)...));
		else if (view_.problems.size() == PROBLEMS_MAX)
			view_.problems.push_back("there are more");
	}

	const RegionSource& source_;
	RegionView& view_;
};

const char* area_name(__u32 type)
{
	static constexpr const char* NAMES[] = {"",       "witness",   "claims",    "tapes",
						"node",   "producers", "consumers", "descriptors",
						"grants", "pool",      "casts",     "services",
						"pins"};
	return type >= 1 && type < std::size(NAMES) ? NAMES[type] : "unknown";
}

EpochIndex split(__u64 word)
{
	return {static_cast<__u32>(word >> 32), static_cast<__u32>(word)};
}

void Viewer::view_all(const ViewOptions& options)
{
	view_.size = source_.size();
	std::optional<shmnet_superblock> superblock = source_.get<shmnet_superblock>(0);
	if (!superblock || view_.size < 2 * SHMNET_PAGE) {
		problem("{} bytes are too few for a region", view_.size);
		return;
	}
	view_.superblock = *superblock;
	check_superblock();
	if (!view_.geometry_usable)
		return;
	view_networks();
	view_areas();
	view_slots();
	if (options.rings)
		view_rings();
	if (options.tapes)
		view_tapes();
}

void Viewer::check_superblock()
{
	const shmnet_superblock& superblock = view_.superblock;
	if (superblock.magic == 0 && superblock.format == 0)
		problem("the region is not formatted: its magic is zero");
	else if (superblock.magic == 0)
		problem("the region's formatting was not finished: its magic is zero");
	else if (superblock.magic != SHMNET_MAGIC)
		problem("this is no shmnet region: magic {:#018x} and not {:#018x}",
			superblock.magic, static_cast<__u64>(SHMNET_MAGIC));
	else if (superblock.version != SHMNET_VERSION)
		problem("the region has version {}; this program knows {}", superblock.version,
			SHMNET_VERSION);
	if (!view_.problems.empty())
		return;

	if (superblock.features & ~SHMNET_FEATURES_KNOWN)
		problem("unknown features {:#x}", superblock.features & ~SHMNET_FEATURES_KNOWN);
	size_t before = view_.problems.size();
	if (superblock.nodes < SHMNET_NODES_MIN || superblock.nodes > SHMNET_NODES_MAX)
		problem("{} nodes, and not {} to {}", superblock.nodes, SHMNET_NODES_MIN,
			SHMNET_NODES_MAX);
	if (superblock.networks < 1 || superblock.networks > SHMNET_NETWORKS_MAX)
		problem("{} networks, and not 1 to {}", superblock.networks, SHMNET_NETWORKS_MAX);
	if (superblock.areas > SHMNET_AREAS_MAX)
		problem("{} areas, and not up to {}", superblock.areas, SHMNET_AREAS_MAX);
	if (!std::has_single_bit(superblock.region_size))
		problem("a region of {:#x} bytes, which is no power of two",
			superblock.region_size);
	if (superblock.region_size > view_.size)
		problem("a region of {:#x} bytes in memory of {:#x}", superblock.region_size,
			view_.size);
	if (!std::has_single_bit(superblock.part_size) || superblock.part_size < SHMNET_PART_MIN)
		problem("parts of {:#x} bytes", superblock.part_size);
	if (superblock.parts_offset % SHMNET_PART_MIN != 0 ||
	    superblock.parts_offset > superblock.region_size ||
	    superblock.part_size > (superblock.region_size - superblock.parts_offset) /
					   (superblock.nodes ? superblock.nodes : 1))
		problem("parts at {:#x}, beyond the region's end", superblock.parts_offset);
	if (superblock.common_offset % SHMNET_PART_MIN != 0 ||
	    superblock.common_offset > superblock.parts_offset ||
	    superblock.common_size > superblock.parts_offset - superblock.common_offset)
		problem("a common part at {:#x} of {:#x} bytes, beyond its place",
			superblock.common_offset, superblock.common_size);
	view_.geometry_usable = view_.problems.size() == before;
}

void Viewer::view_networks()
{
	for (__u32 i = 0; i < view_.superblock.networks; i++) {
		auto row = get<shmnet_network>(SHMNET_NETWORKS_OFFSET + i * sizeof(shmnet_network));
		view_.networks.push_back(row);
		if (row.kind != SHMNET_NETWORK_LOCAL && row.kind != SHMNET_NETWORK_GLOBAL)
			problem("network {}: kind {}", i, row.kind);
		if (row.mtu < SHMNET_MTU_MIN || row.mtu > SHMNET_MTU_MAX)
			problem("network {}: mtu {}", i, row.mtu);
		if (!std::has_single_bit(row.buffer_size) || row.buffer_size < SHMNET_BUFFER_MIN ||
		    row.buffer_size > SHMNET_BUFFER_MAX)
			problem("network {}: buffers of {} bytes", i, row.buffer_size);
		if (!std::has_single_bit(row.ring) || row.pool > row.ring || row.pool == 0 ||
		    row.pool > SHMNET_POOL_MAX)
			problem("network {}: a pool of {} and a ring of {}", i, row.pool, row.ring);
		if (row.queues < 1 || row.queues > SHMNET_QUEUES_MAX)
			problem("network {}: {} queues", i, row.queues);
		if (row.tapes < 1 || row.tapes > SHMNET_TAPES_MAX)
			problem("network {}: {} tapes", i, row.tapes);
		if (!std::has_single_bit(row.tape_slots))
			problem("network {}: tapes of {} slots", i, row.tape_slots);
	}
}

bool Viewer::area_fits(const shmnet_area& area) const
{
	const shmnet_superblock& superblock = view_.superblock;
	bool in_part = area.flags & SHMNET_AREA_IN_PART;
	__u64 begin = 0;
	__u64 end = in_part ? superblock.part_size : superblock.region_size;
	if (area.type == SHMNET_AREA_WITNESS)
		end = superblock.common_offset;
	bool common = area.type == SHMNET_AREA_CLAIMS || area.type == SHMNET_AREA_TAPES;
	if (common && !hardened()) {
		begin = superblock.common_offset;
		end = superblock.common_offset + superblock.common_size;
	}
	if (in_part != (area.type >= SHMNET_AREA_NODE || (common && hardened())) ||
	    area.flags & ~SHMNET_AREA_IN_PART)
		return false;
	return area.offset >= begin && area.offset <= end && area.offset % sizeof(__u64) == 0 &&
	       area.stride % sizeof(__u64) == 0 &&
	       (area.count == 0 || area.stride <= (end - area.offset) / area.count);
}

void Viewer::view_areas()
{
	for (__u32 i = 0; i < view_.superblock.areas; i++) {
		auto area = get<shmnet_area>(SHMNET_AREAS_OFFSET + i * sizeof(shmnet_area));
		bool known = area.type >= SHMNET_AREA_WITNESS && area.type <= SHMNET_AREA_PINS;
		bool fits = known && area_fits(area);
		if (known && !fits)
			problem("area {} ({}) lies outside its part", i, area_name(area.type));
		view_.areas.push_back({area, area_name(area.type), fits});
	}
}

/* The area of at least @count elements of at least @element bytes, or null. */
const shmnet_area* Viewer::find(__u32 type, __u32 network, __u64 count, __u64 element)
{
	for (const AreaView& candidate : view_.areas) {
		const shmnet_area& area = candidate.area;
		if (area.type != type || area.network != network)
			continue;
		if (candidate.usable && area.count >= count && area.stride >= element)
			return &area;
		break;
	}
	problem("there is no usable area of {}{}", area_name(type),
		network == SHMNET_NO_NETWORK ? "" : fmt::format(" of network {}", network));
	return nullptr;
}

void Viewer::view_slots()
{
	__u32 nodes = view_.superblock.nodes;
	auto* claims = find(SHMNET_AREA_CLAIMS, SHMNET_NO_NETWORK, hardened() ? 1 : nodes,
			    sizeof(shmnet_claim));
	auto* witness = find(SHMNET_AREA_WITNESS, SHMNET_NO_NETWORK, nodes, sizeof(shmnet_witness));
	auto* node = find(SHMNET_AREA_NODE, SHMNET_NO_NETWORK, 1, sizeof(shmnet_node));
	for (__u32 i = 0; i < nodes; i++) {
		SlotView slot = {};
		slot.slot = i;
		view_slot(slot, claims, witness, node);
		view_.slots.push_back(std::move(slot));
	}
}

void Viewer::view_slot(SlotView& slot, const shmnet_area* claims, const shmnet_area* witness,
		       const shmnet_area* node)
{
	__u64 claim = claims ? get<__u64>(of_all(*claims, slot.slot)) : 0;
	slot.incarnation = static_cast<__u32>(claim >> 32);
	slot.tag = static_cast<__u32>(claim & SHMNET_CLAIM_TAG_MASK);
	__u64 word = witness ? get<__u64>(witness->offset + slot.slot * witness->stride) : 0;
	slot.witness_incarnation = static_cast<__u32>(word >> 32);
	slot.witness_state = static_cast<__u32>(word);
	if (node)
		slot.entry = get<shmnet_node>(in_part(slot.slot, *node, 0));

	if (!(claim & SHMNET_CLAIM_CLAIMED))
		slot.state = claim == 0 ? SlotState::Unused : SlotState::Left;
	else if (slot.witness_state == SHMNET_WITNESS_DEAD &&
		 slot.witness_incarnation == slot.incarnation)
		slot.state = SlotState::Dead;
	else if (slot.entry.incarnation != slot.incarnation)
		slot.state = SlotState::Starting;
	else
		slot.state = SlotState::Claimed;
	for (__u32 i = 0; i < view_.superblock.networks; i++) {
		const shmnet_node_network& network = slot.entry.networks[i];
		slot.networks.push_back({i, network.state, network.mtu, network.capabilities,
					 network.cast_armed, network.cast_doorbell});
	}
}

void Viewer::view_rings()
{
	for (__u32 network = 0; network < view_.superblock.networks; network++)
		view_rings_of(network);
}

void Viewer::view_rings_of(__u32 network)
{
	const shmnet_network& row = view_.networks[network];
	__u32 nodes = view_.superblock.nodes;
	/* A number of queues that is out of its bounds has been noted already. */
	__u32 queues = row.queues <= SHMNET_QUEUES_MAX ? row.queues : 0;
	__u32 rings = (nodes - 1) * queues;
	auto* producers = find(SHMNET_AREA_PRODUCERS, network, rings, sizeof(shmnet_producer));
	auto* consumers = find(SHMNET_AREA_CONSUMERS, network, rings, sizeof(shmnet_consumer));
	if (!producers || !consumers)
		return;
	for (__u32 from = 0; from < nodes; from++)
		for (__u32 to = 0; to < nodes; to++)
			for (__u32 queue = 0; from != to && queue < queues; queue++)
				view_.rings.push_back(view_ring(network, from, to, queue,
								*producers, *consumers));
}

RingView Viewer::view_ring(__u32 network, __u32 from, __u32 to, __u32 queue,
			   const shmnet_area& producers, const shmnet_area& consumers)
{
	__u32 queues = view_.networks[network].queues;
	auto producer = get<shmnet_producer>(
		in_part(from, producers, SHMNET_PEER_INDEX(from, to) * queues + queue));
	auto consumer = get<shmnet_consumer>(
		in_part(to, consumers, SHMNET_PEER_INDEX(to, from) * queues + queue));
	RingView ring = {};
	ring.network = network;
	ring.from = from;
	ring.to = to;
	ring.queue = queue;
	ring.produced = split(producer.produced);
	ring.consumed = split(consumer.consumed);
	ring.granted = split(consumer.granted);
	ring.open_epoch = split(consumer.open).epoch;
	ring.open_incarnation = split(consumer.open).index;
	ring.refused = producer.refused;
	ring.event = consumer.event;
	ring.consumed_event = producer.consumed_event;
	ring.granted_event = producer.granted_event;
	ring.receiver_doorbell = consumer.doorbell;
	ring.sender_doorbell = producer.doorbell;
	ring.idle = producer.produced == 0 && consumer.consumed == 0 && consumer.granted == 0 &&
		    consumer.open == 0;
	bool same_epoch = ring.produced.epoch == ring.consumed.epoch;
	ring.outstanding = same_epoch ? ring.produced.index - ring.consumed.index : 0;
	if (consumer.open == 0)
		ring.state = RingState::Closed;
	else if (ring.refused != 0 && ring.refused == ring.open_epoch)
		ring.state = RingState::Refused;
	else if (ring.produced.epoch == ring.open_epoch)
		ring.state = RingState::Open;
	else
		ring.state = RingState::Opening;
	return ring;
}

void Viewer::view_tapes()
{
	for (__u32 network = 0; network < view_.superblock.networks; network++) {
		const shmnet_network& row = view_.networks[network];
		if (row.tapes > SHMNET_TAPES_MAX || !std::has_single_bit(row.tape_slots))
			continue;
		if (hardened() && row.tapes != view_.superblock.nodes) {
			problem("network {}: {} tapes, and not one for each node", network,
				row.tapes);
			continue;
		}
		auto* tapes = find(SHMNET_AREA_TAPES, network, hardened() ? 1 : row.tapes,
				   sizeof(shmnet_tape) + __u64{row.tape_slots} * sizeof(__u64));
		for (__u32 tape = 0; tapes && tape < row.tapes; tape++)
			view_.tapes.push_back(view_tape(network, tape, *tapes));
	}
}

TapeView Viewer::view_tape(__u32 network, __u32 tape, const shmnet_area& tapes)
{
	__u64 base = of_all(tapes, tape);
	__u64 label = get<__u64>(base + offsetof(shmnet_tape, label));
	TapeView view = {};
	view.network = network;
	view.tape = tape;
	view.head = get<__u64>(base + offsetof(shmnet_tape, head));
	view.group = label >> 16;
	view.epoch = label >> 8 & 0xff;
	if (label & 0xff)
		view.owner = static_cast<__u32>((label & 0xff) - 1);

	/* The head may be behind: the last casts are before it, and some perhaps after. */
	__u64 first = view.head > CASTS_SHOWN ? view.head - CASTS_SHOWN : 1;
	for (__u64 sequence = first; sequence < view.head + CASTS_SHOWN; sequence++) {
		__u64 place = sequence % view_.networks[network].tape_slots;
		__u64 word = get<__u64>(base + sizeof(shmnet_tape) + place * sizeof(__u64));
		if (word >> SHMNET_TAPE_SEQUENCE_SHIFT !=
		    (sequence & (~0ULL >> SHMNET_TAPE_SEQUENCE_SHIFT)))
			continue;
		CastView cast = {};
		cast.sequence = sequence;
		cast.writer = word >> SHMNET_TAPE_WRITER_SHIFT & 0xff;
		cast.place = word & SHMNET_TAPE_PLACE_MASK;
		cast.found = view_cast(cast, network, tape);
		view.last.push_back(cast);
	}
	return view;
}

/* Looks the cast up in its writer's arena. */
bool Viewer::view_cast(CastView& cast, __u32 network, __u32 tape)
{
	__u64 place = __u64{cast.place} * SHMNET_LINE;
	if (cast.writer >= view_.superblock.nodes ||
	    place > SHMNET_CASTS_SIZE - sizeof(shmnet_cast))
		return false;
	auto* casts = find(SHMNET_AREA_CASTS, SHMNET_NO_NETWORK, 1, SHMNET_CASTS_SIZE);
	if (!casts)
		return false;
	auto header = get<shmnet_cast>(in_part(cast.writer, *casts, 0) + place);
	cast.incarnation = header.incarnation;
	cast.len = header.len;
	cast.flags = header.flags;
	return header.sequence == cast.sequence && header.tape == (network << 16 | tape);
}

} // namespace

RegionView view_region(const RegionSource& source, const ViewOptions& options)
{
	RegionView view;
	Viewer(source, view).view_all(options);
	return view;
}

} // namespace shmnet::ctl
