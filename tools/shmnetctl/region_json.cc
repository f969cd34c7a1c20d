// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "region_render.hh"
#include "table.hh"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace shmnet::ctl {

namespace {

using nlohmann::ordered_json;

ordered_json network_json(const shmnet_network& row, __u32 index)
{
	return {{"network", index},
		{"kind", network_kind(row.kind)},
		{"mtu", row.mtu},
		{"buffer_size", row.buffer_size},
		{"pool", row.pool},
		{"ring", row.ring},
		{"queues", row.queues},
		{"tapes", row.tapes},
		{"tape_slots", row.tape_slots}};
}

ordered_json area_json(const AreaView& area)
{
	ordered_json json = {{"type", area.area.type},
			     {"name", area.name},
			     {"network", nullptr},
			     {"in_part", (area.area.flags & SHMNET_AREA_IN_PART) != 0},
			     {"offset", area.area.offset},
			     {"count", area.area.count},
			     {"stride", area.area.stride},
			     {"usable", area.usable}};
	if (area.area.network != SHMNET_NO_NETWORK)
		json["network"] = area.area.network;
	return json;
}

ordered_json slot_json(const RegionView& view, const SlotView& slot)
{
	const shmnet_node& entry = slot.entry;
	ordered_json networks = ordered_json::array();
	for (const NodeNetworkView& network : slot.networks)
		networks.push_back({{"network", network.network},
				    {"up", network.state == SHMNET_STATE_UP ||
						   network.state == SHMNET_STATE_DRAINING},
				    {"state", network.state},
				    {"mtu", network.mtu},
				    {"mac", mac_address(view, network.network, slot.slot)},
				    {"capabilities", network.capabilities},
				    {"capability_names", capability_names(network.capabilities)},
				    {"cast_armed", network.cast_armed != 0},
				    {"cast_doorbell", doorbell_name(network.cast_doorbell)}});
	ordered_json json = {{"slot", slot.slot},
			     {"state", name_of(slot.state)},
			     {"incarnation", slot.incarnation},
			     {"tag", slot.tag},
			     {"witness",
			      {{"incarnation", slot.witness_incarnation},
			       {"dead", slot.witness_state == SHMNET_WITNESS_DEAD},
			       {"state", slot.witness_state}}},
			     {"entry",
			      {{"incarnation", entry.incarnation},
			       {"peer", nullptr},
			       {"vectors", entry.vectors},
			       {"device", pci_address(entry.device)},
			       {"machine", machine_uuid(entry.machine)},
			       {"name", node_name(entry)},
			       {"heartbeat", entry.heartbeat},
			       {"casts_reserved", entry.casts_reserved}}},
			     {"networks", networks}};
	if (entry.peer != SHMNET_NO_PEER)
		json["entry"]["peer"] = entry.peer;
	return json;
}

ordered_json word_json(const EpochIndex& word)
{
	return {{"epoch", word.epoch}, {"index", word.index}};
}

ordered_json ring_json(const RingView& ring)
{
	return {{"network", ring.network},
		{"from", ring.from},
		{"to", ring.to},
		{"queue", ring.queue},
		{"state", name_of(ring.state)},
		{"open", {{"epoch", ring.open_epoch}, {"incarnation", ring.open_incarnation}}},
		{"produced", word_json(ring.produced)},
		{"consumed", word_json(ring.consumed)},
		{"granted", word_json(ring.granted)},
		{"outstanding", ring.outstanding},
		{"event", ring.event},
		{"consumed_event", ring.consumed_event},
		{"granted_event", ring.granted_event},
		{"receiver_doorbell", doorbell_name(ring.receiver_doorbell)},
		{"sender_doorbell", doorbell_name(ring.sender_doorbell)},
		{"refused", ring.refused}};
}

ordered_json tape_json(const TapeView& tape)
{
	ordered_json casts = ordered_json::array();
	for (const CastView& cast : tape.last) {
		ordered_json json = {{"sequence", cast.sequence},
				     {"writer", cast.writer},
				     {"place", cast.place},
				     {"found", cast.found}};
		if (cast.found) {
			json["incarnation"] = cast.incarnation;
			json["len"] = cast.len;
			json["flags"] = cast.flags;
		}
		casts.push_back(json);
	}
	ordered_json json = {{"network", tape.network},
			     {"tape", tape.tape},
			     {"head", tape.head},
			     {"group", nullptr},
			     {"epoch", tape.epoch},
			     {"owner", nullptr},
			     {"last", casts}};
	if (tape.group != 0)
		json["group"] = group_address(tape.group);
	if (tape.owner)
		json["owner"] = *tape.owner;
	return json;
}

ordered_json superblock_json(const shmnet_superblock& superblock)
{
	return {{"version", superblock.version},
		{"nodes", superblock.nodes},
		{"format", fmt::format("{:#018x}", superblock.format)},
		{"id", fmt::format("{:06x}", superblock.format & SHMNET_FORMAT_ID_MASK)},
		{"features", superblock.features},
		{"region_size", superblock.region_size},
		{"common_offset", superblock.common_offset},
		{"common_size", superblock.common_size},
		{"parts_offset", superblock.parts_offset},
		{"part_size", superblock.part_size}};
}

} // namespace

std::string render_json(const RegionView& view, const std::string& name,
			const RenderOptions& options)
{
	ordered_json json = {{"source", printable(name)}, {"size", view.size}};
	if (view.geometry_usable) {
		json["superblock"] = superblock_json(view.superblock);
		json["networks"] = ordered_json::array();
		for (__u32 i = 0; i < view.networks.size(); i++)
			json["networks"].push_back(network_json(view.networks[i], i));
		if (options.areas) {
			json["areas"] = ordered_json::array();
			for (const AreaView& area : view.areas)
				json["areas"].push_back(area_json(area));
		}
		json["slots"] = ordered_json::array();
		for (const SlotView& slot : view.slots)
			json["slots"].push_back(slot_json(view, slot));
		if (options.rings) {
			json["rings"] = ordered_json::array();
			for (const RingView& ring : view.rings)
				json["rings"].push_back(ring_json(ring));
		}
		if (options.tapes) {
			json["tapes"] = ordered_json::array();
			for (const TapeView& tape : view.tapes)
				json["tapes"].push_back(tape_json(tape));
		}
	}
	json["problems"] = view.problems;
	return json.dump(2) + "\n";
}

} // namespace shmnet::ctl
