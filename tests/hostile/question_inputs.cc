// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "inputs.hh"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <cstring>

namespace shmnet::hostile {

using fmt::format;

namespace {

const char* const NOTHING_WRONG = "";
const char* const NOT_HEARD = "flows are not given to who offers their service";
const char* const NO_ANSWER = "a good question is not answered any more";

/*
 * A command that was good, spoilt: a question for the connection that the victim has, or the answer
 * to what the victim has just asked.
 */
struct Row {
	const char* kind;
	std::string name;
	std::function<void(Entry&, shmnet_command&)> spoil;
	/* Whether it is answered, or believed, all the same. */
	bool asks;
	bool answers;
	size_t len = sizeof(shmnet_command);
	u32 times = 1;
};

using Rows = std::vector<Row>;

/* A good question first, then this one, then a good one. */
std::string judge_question(Entry& entry, const Row& row)
{
	shmnet_command command = entry.command(SHMNET_COMMAND_ASK, entry.held());
	row.spoil(entry, command);
	for (u32 i = 0; i < row.times; i++)
		entry.cast(command, row.len);
	if (!entry.heard_all(PATIENCE))
		return NO_ANSWER;
	if (row.asks != (entry.answers() > 0))
		return row.asks ? "it is not answered" : "it is answered";
	return entry.answers() <= row.times ? NOTHING_WRONG : "it is answered too often";
}

/* Until its packets come, once it was answered well. */
bool is_given(Entry& entry, const shmnet_command_flow& flow, bool answer)
{
	return entry.await(
		PATIENCE, [&] { return entry.was_given(flow); },
		[&] {
			if (answer)
				entry.cast(entry.command(SHMNET_COMMAND_HAVE, flow));
			entry.send(flow, TCP_ACK);
		});
}

/* @flow: of which an answer that must not be believed was heard. */
std::string judge_disbelief(Entry& entry, const shmnet_command_flow& flow)
{
	entry.send(flow, TCP_ACK);
	if (!entry.settle(PATIENCE))
		return NOT_HEARD;
	if (entry.was_given(flow))
		return "it is believed";
	return is_given(entry, flow, true) ? NOTHING_WRONG : "a good answer is not believed";
}

std::string judge_answer(Entry& entry, const Row& row)
{
	auto flow = entry.make_ask(PATIENCE);
	if (!flow)
		return "it does not ask whose a connection is";
	shmnet_command command = entry.command(SHMNET_COMMAND_HAVE, *flow);
	row.spoil(entry, command);
	for (u32 i = 0; i < row.times; i++)
		entry.cast(command, row.len);
	if (!entry.heard_all(PATIENCE))
		return NO_ANSWER;
	if (row.answers)
		return is_given(entry, *flow, false) ? NOTHING_WRONG : "it is not believed";
	return judge_disbelief(entry, *flow);
}

void add(Inputs& inputs, const char* kind, const std::string& name,
	 const std::function<std::string(Entry&)>& judge)
{
	inputs.push_back({kind, name, {}, false, [judge](Entry& entry) {
				  return entry.begin(RECOVERY) ? judge(entry)
							       : std::string(NOT_HEARD);
			  }});
}

/* B3, B9, B10: what all commands have in common. */
void add_heads(Rows& rows)
{
	auto nothing = [](Entry&, shmnet_command&) {};
	for (size_t len : {14, 15, 16, 19, 20, 59, 60, 61, 1500, 1522})
		rows.push_back({"B3", format("{} bytes", len), nothing, len >= 60, len >= 60, len});
	for (u32 times : {100, 1000})
		rows.push_back({"B9", format("{} times", times), nothing, true, true,
				sizeof(shmnet_command), times});
	for (u8 version : {0, 2, 255})
		rows.push_back(
			{"B10", format("version {}", version),
			 [version](Entry&, shmnet_command& command) { command.version = version; },
			 false, false});
	/*
	 * Others' incarnations are no questions' concern, and make an answer one of another life.
	 */
	for (u32 difference : {1u, ~0u, 1u << 31})
		rows.push_back({"B26", format("incarnation + {:#x}", difference),
				[difference](Entry& entry, shmnet_command& command) {
					command.incarnation =
						htonl(entry.node().incarnation() + difference);
				},
				true, false});
	for (u32 value : {0u, ~0u})
		rows.push_back({"B26", format("incarnation {:#x}", value),
				[value](Entry&, shmnet_command& command) {
					command.incarnation = htonl(value);
				},
				true, false});
}

/* B27: addresses that are not this node's, and of other networks. */
void add_sources(Rows& rows)
{
	auto add_source = [&](const char* name, const std::function<Mac(Entry&)>& source,
			      u8 command_bit) {
		rows.push_back({"B27", std::string("from ") + name,
				[=](Entry& entry, shmnet_command& command) {
					Mac mac = source(entry);
					memcpy(command.source, mac.data(), sizeof(command.source));
					command.source[0] |= command_bit;
				},
				false, false});
	};
	auto own = [](Entry& entry) { return entry.node().mac(entry.node().slot(), GLOBAL); };
	add_source("this node, without the command bit", own, 0);
	add_source(
		"this node's local address",
		[](Entry& entry) { return entry.node().mac(entry.node().slot()); },
		SHMNET_MAC_COMMAND);
	add_source(
		"the victim", [](Entry& entry) { return entry.node().mac(entry.victim(), GLOBAL); },
		SHMNET_MAC_COMMAND);
	add_source(
		"a slot that nobody has",
		[](Entry& entry) {
			return entry.node().mac(entry.node().layout().nodes - 1, GLOBAL);
		},
		SHMNET_MAC_COMMAND);
	add_source(
		"a slot that there is not",
		[](Entry& entry) { return entry.node().mac(0xffff, GLOBAL); }, SHMNET_MAC_COMMAND);
	add_source(
		"nobody", [](Entry&) { return Mac{}; }, 0);
	add_source(
		"all", [](Entry&) { return BROADCAST; }, 0);
}

/* B10: another connection than the one that is meant. */
void add_flows(Rows& rows)
{
	auto add_flow = [&](const std::string& name,
			    const std::function<void(shmnet_command_flow&)>& change) {
		rows.push_back({"B10", name,
				[change](Entry&, shmnet_command& command) {
					shmnet_command_flow flow = command.flow;
					change(flow);
					command.flow = flow;
				},
				false, false});
	};
	for (u8 protocol : {0, 1, 17, 58, 132, 255})
		add_flow(format("protocol {}", protocol),
			 [protocol](shmnet_command_flow& flow) { flow.protocol = protocol; });
	for (u16 port : {0, 1, 65535}) {
		add_flow(format("source port {}", port),
			 [port](shmnet_command_flow& flow) { flow.source_port = htons(port); });
		add_flow(format("destination port {}", port), [port](shmnet_command_flow& flow) {
			flow.destination_port = htons(port);
		});
	}
	add_flow("the other way", [](shmnet_command_flow& flow) {
		/*
		 * Not both: that would be the connection's other end, which the victim has as well.
		 */
		std::swap(flow.source_port, flow.destination_port);
		flow.source[15] ^= 64;
	});
	for (const char* text : {"::", "::1", "::ffff:0.0.0.0", "::ffff:127.0.0.1",
				 "::ffff:224.0.0.1", "::ffff:255.255.255.255", "fe80::1", "ff02::1",
				 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
		std::array<u8, 16> address = {};
		::inet_pton(AF_INET6, text, address.data());
		add_flow(format("source {}", text), [address](shmnet_command_flow& flow) {
			memcpy(flow.source, address.data(), sizeof(flow.source));
		});
		add_flow(format("destination {}", text), [address](shmnet_command_flow& flow) {
			memcpy(flow.destination, address.data(), sizeof(flow.destination));
		});
	}
	/* IPv4 in IPv6 by another prefix is another address. */
	add_flow("source not mapped",
		 [](shmnet_command_flow& flow) { memset(flow.source, 0, 12); });
	add_flow("destination not mapped",
		 [](shmnet_command_flow& flow) { memset(flow.destination, 0, 12); });
	rows.push_back({"B10", "what is reserved is set",
			[](Entry&, shmnet_command& command) {
				memset(command.flow.reserved, 0xff, sizeof(command.flow.reserved));
			},
			true, true});
}

/* B10: commands that are none, or another. */
void add_types(Inputs& inputs)
{
	auto type_is = [](u8 type) {
		return [type](Entry&, shmnet_command& command) { command.type = type; };
	};
	for (u8 type : {0, int{SHMNET_COMMAND_HELLO}, int{SHMNET_COMMAND_LEAVE},
			int{SHMNET_COMMAND_HAVE}, int{SHMNET_COMMAND_HAVE_NOT}, 7, 255})
		add(inputs, "B10", format("ask, but type {}", type), [=](Entry& entry) {
			return judge_question(entry, {"", "", type_is(type), false, false});
		});
	for (u8 type :
	     {0, int{SHMNET_COMMAND_HELLO}, int{SHMNET_COMMAND_LEAVE}, int{SHMNET_COMMAND_ASK},
	      int{SHMNET_COMMAND_ASK_ALL}, int{SHMNET_COMMAND_HAVE_NOT}, 7, 255})
		add(inputs, "B10", format("have, but type {}", type), [=](Entry& entry) {
			return judge_answer(entry, {"", "", type_is(type), false, false});
		});
}

constexpr std::array<u8, 4> ALL_TYPES = {SHMNET_COMMAND_ASK, SHMNET_COMMAND_ASK_ALL,
					 SHMNET_COMMAND_HAVE, SHMNET_COMMAND_HAVE_NOT};

bool is_question(u8 type)
{
	return type == SHMNET_COMMAND_ASK || type == SHMNET_COMMAND_ASK_ALL;
}

const char* name_of(u8 type)
{
	switch (type) {
	case SHMNET_COMMAND_ASK:
		return "ask";
	case SHMNET_COMMAND_ASK_ALL:
		return "ask all";
	case SHMNET_COMMAND_HAVE:
		return "have";
	default:
		return "have not";
	}
}

/* B6: answers that nobody has asked for, and the same one again. */
void add_unasked(Inputs& inputs)
{
	for (u8 type : {SHMNET_COMMAND_HAVE, SHMNET_COMMAND_HAVE_NOT})
		for (u32 times : {1, 1000})
			add(inputs, "B6",
			    format("{}, {} times, before it is asked for", name_of(type), times),
			    [=](Entry& entry) {
				    shmnet_command_flow flow = entry.new_flow(PROTOCOL_TCP, 70);
				    for (u32 i = 0; i < times; i++)
					    entry.cast(entry.command(type, flow));
				    if (!entry.heard_all(PATIENCE))
					    return std::string(NO_ANSWER);
				    return judge_disbelief(entry, flow);
			    });
	add(inputs, "B6", "have, of what the victim has itself", [](Entry& entry) {
		for (u32 i = 0; i < 3; i++)
			entry.cast(entry.command(SHMNET_COMMAND_HAVE, entry.held()));
		return judge_question(entry, {"", "", [](Entry&, shmnet_command&) {}, true, true});
	});
	add(inputs, "B6", "have, of a flow that is somebody's", [](Entry& entry) {
		/*
		 * The service is nobody's, and the flow the entry's own from its first packet on.
		 */
		shmnet_command_flow flow = entry.new_flow(PROTOCOL_TCP, 71);
		entry.send(flow);
		for (u32 i = 0; i < 3; i++)
			entry.cast(entry.command(SHMNET_COMMAND_HAVE, flow));
		if (!entry.heard_all(PATIENCE))
			return NO_ANSWER;
		entry.send(flow);
		if (!entry.settle(PATIENCE))
			return NOT_HEARD;
		return entry.was_given(flow) ? "it is believed" : NOTHING_WRONG;
	});
}

/* B9: without end; nobody has, or has asked for, any of these. */
void add_floods(Inputs& inputs)
{
	for (u8 type : ALL_TYPES)
		for (u32 times : {1000, 10000})
			add(inputs, "B9", format("{} of {} connections", name_of(type), times),
			    [=](Entry& entry) {
				    shmnet_command command =
					    entry.command(type, entry.new_flow(PROTOCOL_TCP, 72));
				    for (u32 i = 0; i < times; i++) {
					    memcpy(command.flow.source + 8, &i, sizeof(i));
					    entry.cast(command);
				    }
				    if (!entry.heard_all(PATIENCE))
					    return NO_ANSWER;
				    if (!entry.settle(PATIENCE))
					    return NOT_HEARD;
				    return entry.answers() ? "some are answered" : NOTHING_WRONG;
			    });
	add(inputs, "B9", "1,000 packets, each of a connection that nobody has", [](Entry& entry) {
		for (u32 i = 0; i < 1000; i++) {
			entry.send(entry.new_flow(PROTOCOL_TCP, 73), TCP_ACK);
			if (i % 32 == 31)
				entry.pass(std::chrono::milliseconds(1));
		}
		if (!entry.settle(PATIENCE))
			return NOT_HEARD;
		/* The last of them are still asked for: there is room for others all the same. */
		auto flow = entry.make_ask(PATIENCE);
		if (!flow)
			return "it does not ask any more";
		return is_given(entry, *flow, true) ? NOTHING_WRONG : "answers are not heard";
	});
}

/* B1: words of a command that change while it is read. */
void add_flips(Inputs& inputs)
{
	for (u8 type : ALL_TYPES)
		for (u32 word = 1; word < sizeof(shmnet_command) / sizeof(u32); word++)
			add(inputs, "B1", format("word {} of \"{}\" flips", word, name_of(type)),
			    [=](Entry& entry) {
				    auto flow = is_question(type) ? entry.held()
								  : entry.make_ask(PATIENCE);
				    if (!flow)
					    return "it does not ask";
				    entry.cast_flipping(entry.command(type, *flow), word);
				    if (!entry.heard_all(PATIENCE))
					    return NO_ANSWER;
				    return entry.settle(PATIENCE) ? NOTHING_WRONG : NOT_HEARD;
			    });
}

/* B27: where no command of a global network may be. */
void add_places(Inputs& inputs)
{
	add(inputs, "B27", "ask, on a ring", [](Entry& entry) {
		entry.send_by_ring(entry.command(SHMNET_COMMAND_ASK, entry.held()));
		return judge_question(entry,
				      {"", "",
				       [](Entry&, shmnet_command& command) { command.version = 0; },
				       false, false});
	});
	add(inputs, "B27", "have, on a ring", [](Entry& entry) {
		auto flow = entry.make_ask(PATIENCE);
		if (!flow)
			return std::string("it does not ask");
		entry.send_by_ring(entry.command(SHMNET_COMMAND_HAVE, *flow));
		entry.pass(std::chrono::milliseconds(10));
		return judge_disbelief(entry, *flow);
	});
}

} // namespace

void add_question_inputs(Inputs& inputs)
{
	Rows rows;
	add_heads(rows);
	add_sources(rows);
	add_flows(rows);
	for (const Row& row : rows) {
		add(inputs, row.kind, "ask, " + row.name,
		    [row](Entry& entry) { return judge_question(entry, row); });
		add(inputs, row.kind, "have, " + row.name,
		    [row](Entry& entry) { return judge_answer(entry, row); });
	}
	add_types(inputs);
	add_unasked(inputs);
	add_floods(inputs);
	add_flips(inputs);
	add_places(inputs);
}

} // namespace shmnet::hostile
