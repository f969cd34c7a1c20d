// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* shmnetctl ring, tape: each ring and tape of the interfaces, as they are now. */
#include "address.hh"
#include "query.hh"
#include "table.hh"

#include <fmt/format.h>

namespace shmnet::ctl {

namespace {

const char* direction_name(__u32 direction)
{
	return direction == SHMNET_DIRECTION_SEND ? "send" : "receive";
}

const char* state_name(__u32 state)
{
	switch (state) {
	case SHMNET_RING_CLOSED:
		return "closed";
	case SHMNET_RING_OPEN:
		return "open";
	case SHMNET_RING_CONNECTED:
		return "connected";
	case SHMNET_RING_STALLED:
		return "stalled";
	}
	return "unknown";
}

/* The sum of the counters whose names begin so. */
__u64 sum_of(const RingInfo& ring, const std::string& prefix)
{
	__u64 sum = 0;
	for (const auto& [name, value] : ring.counters)
		if (name.compare(0, prefix.size(), prefix) == 0)
			sum += value;
	return sum;
}

std::string rings_text(const std::vector<RingInfo>& rings)
{
	Table table({"DEVICE", "INTERFACE", "NODE", "QUEUE", "DIRECTION", "STATE", "INCARNATION",
		     "EPOCH", "FRAMES", "DESCRIPTORS", "BUFFERS", "POOL", "RECEIVER", "TOTAL",
		     "DROPPED"});
	for (const RingInfo& ring : rings) {
		bool send = ring.direction == SHMNET_DIRECTION_SEND;
		bool closed = ring.state == SHMNET_RING_CLOSED;
		std::string prefix = send ? "tx_" : "rx_";
		table.add({ring.device, ring.interface.name, number(ring.slot), number(ring.queue),
			   direction_name(ring.direction), state_name(ring.state),
			   closed ? "-" : number(ring.incarnation),
			   closed ? "-" : fmt::format("{:#x}", ring.epoch),
			   closed || !send ? "-" : number(ring.frames),
			   closed ? "-" : number(ring.descriptors),
			   closed ? "-" : number(ring.buffers), number(ring.pool),
			   closed       ? "-"
			   : ring.armed ? "asleep"
					: "awake",
			   number(sum_of(ring, prefix + "frames")),
			   number(sum_of(ring, prefix + "drop_"))});
	}
	return table.text();
}

Json rings_json(const std::vector<RingInfo>& rings)
{
	Json all = Json::array();
	for (const RingInfo& ring : rings) {
		Json object = {{"device", ring.device},
			       {"network", ring.interface.network},
			       {"interface", ring.interface.name},
			       {"node", ring.slot},
			       {"queue", ring.queue},
			       {"direction", direction_name(ring.direction)},
			       {"state", state_name(ring.state)},
			       {"pool", ring.pool}};
		if (ring.state != SHMNET_RING_CLOSED) {
			object["incarnation"] = ring.incarnation;
			object["epoch"] = ring.epoch;
			if (ring.direction == SHMNET_DIRECTION_SEND)
				object["frames"] = ring.frames;
			object["descriptors"] = ring.descriptors;
			object["buffers"] = ring.buffers;
			object["armed"] = ring.armed;
		}
		object["counters"] = Json::object();
		for (const auto& [name, value] : ring.counters)
			object["counters"][name] = value;
		all.push_back(object);
	}
	return all;
}

std::string tapes_text(const std::vector<TapeInfo>& tapes)
{
	Table table(
		{"DEVICE", "INTERFACE", "TAPE", "GROUP", "READER", "POSITION", "HEAD", "MISSED"});
	for (const TapeInfo& tape : tapes) {
		std::string group = tape.group ? mac_text(*tape.group) : "-";
		table.add({tape.device, tape.interface.name, number(tape.tape),
			   tape.tape == 0 ? "broadcast" : group,
			   !tape.reading ? "-"
			   : tape.armed  ? "asleep"
					 : "awake",
			   number(tape.position), number(tape.head), number(tape.missed)});
	}
	return table.text();
}

Json tapes_json(const std::vector<TapeInfo>& tapes)
{
	Json all = Json::array();
	for (const TapeInfo& tape : tapes)
		all.push_back({{"device", tape.device},
			       {"network", tape.interface.network},
			       {"interface", tape.interface.name},
			       {"tape", tape.tape},
			       {"group", tape.group ? Json(mac_text(*tape.group)) : Json()},
			       {"reading", tape.reading},
			       {"armed", tape.armed},
			       {"position", tape.position},
			       {"head", tape.head},
			       {"missed", tape.missed}});
	return all;
}

} // namespace

void add_rings(CLI::App& app, Action& action)
{
	add_query(app, action,
		  {.name = "ring",
		   .description = "Show each ring of the interfaces, and what is in it",
		   .query = list_query(&Control::rings, rings_text, rings_json),
		   .watch = true});
	add_query(app, action,
		  {.name = "tape",
		   .description = "Show the tapes of the interfaces, and how far they are read",
		   .query = list_query(&Control::tapes, tapes_text, tapes_json),
		   .watch = true});
}

} // namespace shmnet::ctl
