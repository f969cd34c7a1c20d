// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "query.hh"
#include "error.hh"
#include "interrupt.hh"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <unistd.h>

namespace shmnet::ctl {

namespace {

constexpr int INTERVAL = 1000; /* milliseconds */
/* To the upper left of a terminal, and clears it. */
constexpr const char* REDRAW = "\033[H\033[2J";

struct Arguments {
	std::string device;
	bool json = false;
	bool watch = false;
};

/* Whether a device is used; an empty answer then says only that. */
bool is_used(Control& control, const std::string& device)
{
	if (!control.devices(device).empty())
		return true;
	if (device.empty())
		fmt::print(stderr,
			   "shmnetctl: the module uses no device here: see the kernel's log\n");
	else
		fmt::print(stderr,
			   "shmnetctl: the module does not use {}: 'shmnetctl device' lists "
			   "what it uses\n",
			   device);
	return false;
}

int watch(Control& control, const Arguments& arguments, const Query& query)
{
	Interrupt interrupt;
	bool redraw = isatty(STDOUT_FILENO) && !arguments.json;
	do {
		Answer answer = query(control, arguments.device,
				      {.json = arguments.json, .watching = true});
		fmt::print("{}{}", redraw ? REDRAW : "", answer.text);
		fflush(stdout);
	} while (interrupt.wait(-1, INTERVAL) != Interrupt::Wake::INTERRUPTED);
	return 0;
}

int show(const Arguments& arguments, const Query& query)
{
	Control control;
	if (arguments.watch)
		return is_used(control, arguments.device) ? watch(control, arguments, query)
							  : EXIT_FAILED;
	Answer answer = query(control, arguments.device, {.json = arguments.json});
	fmt::print("{}", answer.text);
	return !answer.empty || is_used(control, arguments.device) ? 0 : EXIT_FAILED;
}

} // namespace

void add_query(CLI::App& app, Action& action, const QueryCommand& command)
{
	auto arguments = std::make_shared<Arguments>();
	CLI::App* added = app.add_subcommand(command.name, command.description);
	added->add_option("DEVICE", arguments->device, "The PCI address of an ivshmem device");
	added->add_flag("--json", arguments->json, "As JSON");
	if (command.watch)
		added->add_flag("--watch", arguments->watch,
				"Again every second, until it is interrupted");
	added->callback([arguments, query = command.query, &action] {
		action = [arguments, query] { return show(*arguments, query); };
	});
}

std::string number(__u64 value)
{
	return fmt::format("{}", value);
}

} // namespace shmnet::ctl
