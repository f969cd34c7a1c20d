// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* shmnetctl monitor: a line for each event, until it is interrupted. */
#include "command.hh"
#include "events.hh"
#include "interrupt.hh"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <ctime>
#include <memory>

namespace shmnet::ctl {

namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
	std::string device;
	bool json = false;
};

const char* event_name(__u32 event)
{
	switch (event) {
	case SHMNET_EVENT_NODE_CAME:
		return "node-came";
	case SHMNET_EVENT_NODE_LEFT:
		return "node-left";
	case SHMNET_EVENT_NODE_DIED:
		return "node-died";
	case SHMNET_EVENT_NODE_SUSPECTED:
		return "node-suspected";
	case SHMNET_EVENT_RING_CONNECTED:
		return "ring-connected";
	case SHMNET_EVENT_RING_ENDED:
		return "ring-ended";
	case SHMNET_EVENT_TAPE_LAPPED:
		return "tape-lapped";
	case SHMNET_EVENT_REJOINED:
		return "rejoined";
	case SHMNET_EVENT_POLLING:
		return "polling";
	}
	return "unknown";
}

/* Microseconds, in UTC. */
std::string time_stamp()
{
	timespec now;
	tm parts;
	char text[32];
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
	return fmt::format("{}.{:06}Z", text, now.tv_nsec / 1000);
}

Json event_json(const EventInfo& event)
{
	Json object = {{"time", time_stamp()},
		       {"device", event.device},
		       {"event", event_name(event.event)}};
	if (event.interface) {
		object["network"] = event.interface->network;
		object["interface"] = event.interface->name;
	}
	if (event.slot)
		object["node"] = *event.slot;
	if (event.incarnation)
		object["incarnation"] = *event.incarnation;
	if (event.queue)
		object["queue"] = *event.queue;
	if (event.tape)
		object["tape"] = *event.tape;
	if (event.missed)
		object["missed"] = *event.missed;
	if (event.fault)
		object["fault"] = *event.fault;
	return object;
}

/* "TIME DEVICE EVENT NAME=VALUE ...": the same as in JSON. */
std::string event_text(const Json& event)
{
	std::string text;
	for (const auto& [name, value] : event.items()) {
		std::string shown = value.is_string() ? value.get<std::string>() : value.dump();
		bool plain = name == "time" || name == "device" || name == "event";
		text += fmt::format("{}{}{}{}", text.empty() ? "" : " ", plain ? "" : name,
				    plain ? "" : "=", shown);
	}
	return text;
}

int monitor(const Arguments& arguments)
{
	Interrupt interrupt;
	Events events;
	auto print = [&arguments](const Json& event) {
		fmt::print("{}\n", arguments.json ? event.dump() : event_text(event));
		fflush(stdout);
	};
	while (interrupt.wait(events.descriptor(), -1) != Interrupt::Wake::INTERRUPTED) {
		Events::Batch batch = events.receive();
		for (const EventInfo& event : batch.events)
			if (arguments.device.empty() || arguments.device == event.device)
				print(event_json(event));
		if (batch.lost)
			print({{"time", time_stamp()}, {"device", "-"}, {"event", "lost"}});
	}
	return 0;
}

} // namespace

void add_monitor(CLI::App& app, Action& action)
{
	auto arguments = std::make_shared<Arguments>();
	CLI::App* command = app.add_subcommand(
		"monitor", "Tell what changes, a line for each event, until it is interrupted");
	command->add_option("DEVICE", arguments->device, "The PCI address of an ivshmem device");
	command->add_flag("--json", arguments->json, "A JSON object on each line");
	command->callback(
		[arguments, &action] { action = [arguments] { return monitor(*arguments); }; });
}

} // namespace shmnet::ctl
