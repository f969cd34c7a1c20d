// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "region_render.hh"
#include "size.hh"
#include "table.hh"

#include <fmt/format.h>

namespace shmnet::ctl {

namespace {

template <typename T> std::string number(T value)
{
	return fmt::format("{}", value);
}

std::string epoch_index(const EpochIndex& word)
{
	return fmt::format("{}:{}", word.epoch, word.index);
}

std::string superblock_text(const RegionView& view, const std::string& name)
{
	const shmnet_superblock& superblock = view.superblock;
	return fmt::format("region  {}\n"
			   "format  version {}, id {:06x}, word {:#018x}, features {:#x}\n"
			   "size    {}, {} nodes, {} networks, {} areas\n"
			   "parts   common at {:#x} of {}, nodes at {:#x} of {} each\n",
			   name, superblock.version, superblock.format & SHMNET_FORMAT_ID_MASK,
			   superblock.format, superblock.features,
			   format_size(superblock.region_size), superblock.nodes,
			   superblock.networks, superblock.areas, superblock.common_offset,
			   format_size(superblock.common_size), superblock.parts_offset,
			   format_size(superblock.part_size));
}

std::string networks_text(const RegionView& view)
{
	Table table({"NETWORK", "KIND", "MTU", "BUFFER", "POOL", "RING", "QUEUES", "TAPES",
		     "TAPE-SLOTS"});
	__u32 index = 0;
	for (const shmnet_network& row : view.networks)
		table.add({number(index++), network_kind(row.kind), number(row.mtu),
			   number(row.buffer_size), number(row.pool), number(row.ring),
			   number(row.queues), number(row.tapes), number(row.tape_slots)});
	return table.text();
}

std::string areas_text(const RegionView& view)
{
	Table table({"AREA", "TYPE", "NETWORK", "PART", "OFFSET", "COUNT", "STRIDE", "USABLE"});
	__u32 index = 0;
	for (const AreaView& area : view.areas) {
		bool in_part = area.area.flags & SHMNET_AREA_IN_PART;
		table.add({number(index++), fmt::format("{}({})", area.name, area.area.type),
			   area.area.network == SHMNET_NO_NETWORK ? "-" : number(area.area.network),
			   in_part ? "node" : "shared", fmt::format("{:#x}", area.area.offset),
			   number(area.area.count), fmt::format("{:#x}", area.area.stride),
			   area.usable ? "yes" : "no"});
	}
	return table.text();
}

std::string witness_text(const SlotView& slot)
{
	if (slot.witness_state == SHMNET_WITNESS_NONE && slot.witness_incarnation == 0)
		return "-";
	if (slot.witness_state == SHMNET_WITNESS_DEAD)
		return fmt::format("dead:{}", slot.witness_incarnation);
	return fmt::format("unknown({}):{}", slot.witness_state, slot.witness_incarnation);
}

std::string slots_text(const RegionView& view)
{
	Table table({"SLOT", "STATE", "INCARNATION", "PEER", "VECTORS", "HEARTBEAT", "WITNESS",
		     "DEVICE", "MACHINE", "NAME"});
	unsigned unused = 0;
	for (const SlotView& slot : view.slots) {
		if (slot.state == SlotState::Unused && slot.entry.incarnation == 0) {
			unused++;
			continue;
		}
		const shmnet_node& entry = slot.entry;
		table.add({number(slot.slot), name_of(slot.state), number(slot.incarnation),
			   entry.peer == SHMNET_NO_PEER ? "-" : number(entry.peer),
			   number(entry.vectors), number(entry.heartbeat), witness_text(slot),
			   pci_address(entry.device), machine_uuid(entry.machine),
			   node_name(entry)});
	}
	return table.text() +
	       fmt::format("{} of {} slots were never used\n", unused, view.slots.size());
}

std::string node_networks_text(const RegionView& view)
{
	Table table({"SLOT", "NETWORK", "STATE", "MTU", "MAC", "CASTS", "CAPABILITIES"});
	for (const SlotView& slot : view.slots) {
		if (slot.state == SlotState::Unused || slot.state == SlotState::Left)
			continue;
		for (const NodeNetworkView& network : slot.networks)
			table.add({number(slot.slot), number(network.network),
				   network_state_name(network.state), number(network.mtu),
				   mac_address(view, network.network, slot.slot),
				   network.cast_armed
					   ? "rings:" + doorbell_name(network.cast_doorbell)
					   : "awake",
				   capability_names(network.capabilities)});
	}
	return table.text();
}

std::string rings_text(const RegionView& view)
{
	Table table({"RING", "NETWORK", "FROM", "TO", "QUEUE", "STATE", "OPEN-FOR", "PRODUCED",
		     "CONSUMED", "GRANTED", "OUTSTANDING", "EVENT", "CONSUMED-EVENT",
		     "GRANTED-EVENT", "RECEIVER-BELL", "SENDER-BELL", "REFUSED"});
	unsigned idle = 0;
	for (const RingView& ring : view.rings) {
		if (ring.idle) {
			idle++;
			continue;
		}
		table.add({"ring", number(ring.network), number(ring.from), number(ring.to),
			   number(ring.queue), name_of(ring.state),
			   fmt::format("{}:{}", ring.open_epoch, ring.open_incarnation),
			   epoch_index(ring.produced), epoch_index(ring.consumed),
			   epoch_index(ring.granted), number(ring.outstanding), number(ring.event),
			   number(ring.consumed_event), number(ring.granted_event),
			   doorbell_name(ring.receiver_doorbell),
			   doorbell_name(ring.sender_doorbell), number(ring.refused)});
	}
	return table.text() +
	       fmt::format("{} of {} rings were never used\n", idle, view.rings.size());
}

std::string tapes_text(const RegionView& view)
{
	Table tapes({"TAPE", "NETWORK", "INDEX", "HEAD", "GROUP", "EPOCH", "OWNER"});
	Table casts(
		{"CAST", "NETWORK", "TAPE", "SEQUENCE", "WRITER", "PLACE", "INCARNATION", "LEN"});
	unsigned idle = 0;
	for (const TapeView& tape : view.tapes) {
		if (tape.head == 0 && tape.group == 0 && !tape.owner && tape.last.empty()) {
			idle++;
			continue;
		}
		std::string group = tape.tape == 0 ? "broadcast" : group_address(tape.group);
		tapes.add({"tape", number(tape.network), number(tape.tape), number(tape.head),
			   group, number(tape.epoch), tape.owner ? number(*tape.owner) : "-"});
		for (const CastView& cast : tape.last)
			casts.add({"cast", number(tape.network), number(tape.tape),
				   number(cast.sequence), number(cast.writer), number(cast.place),
				   cast.found ? number(cast.incarnation) : "gone",
				   cast.found ? number(cast.len) : "gone"});
	}
	std::string text = tapes.text() +
			   fmt::format("{} of {} tapes were never used\n", idle, view.tapes.size());
	if (!casts.empty())
		text += "\n" + casts.text();
	return text;
}

} // namespace

std::string render_text(const RegionView& view, const std::string& name,
			const RenderOptions& options)
{
	std::string text;
	if (view.geometry_usable) {
		text = superblock_text(view, name) + "\n" + networks_text(view) + "\n";
		if (options.areas)
			text += areas_text(view) + "\n";
		text += slots_text(view);
		if (std::string networks = node_networks_text(view); !networks.empty())
			text += "\n" + networks;
		if (options.rings)
			text += "\n" + rings_text(view);
		if (options.tapes)
			text += "\n" + tapes_text(view);
	}
	if (!view.problems.empty())
		text += text.empty() ? "" : "\n";
	for (const std::string& problem : view.problems)
		text += fmt::format("problem: {}\n", problem);
	return text;
}

} // namespace shmnet::ctl
