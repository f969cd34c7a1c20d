// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "command.hh"
#include "error.hh"
#include "version.hh"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <linux/shmnet_shm.h>

#include <cstdio>

int main(int argc, char** argv)
{
	using namespace shmnet;
	CLI::App app("Shows and sets up shmnet, networks in memory that machines share.",
		     "shmnetctl");
	app.footer("The manual page shmnetctl(8) has all of it.");
	app.set_version_flag("--version", fmt::format("shmnetctl {}, region format {}",
						      SHMNET_PROGRAM_VERSION, SHMNET_VERSION));
	app.require_subcommand(1);
	ctl::Action action;
	ctl::add_node(app, action);
	ctl::add_network(app, action);
	ctl::add_rings(app, action);
	ctl::add_flow(app, action);
	ctl::add_service(app, action);
	ctl::add_address(app, action);
	ctl::add_global(app, action);
	ctl::add_helper(app, action);
	ctl::add_drain(app, action);
	ctl::add_explain(app, action);
	ctl::add_ospf(app, action);
	ctl::add_monitor(app, action);
	ctl::add_region(app, action);
	try {
		app.parse(argc, argv);
		return action();
	} catch (const CLI::ParseError& error) {
		return app.exit(error) == 0 ? 0 : EXIT_USAGE;
	} catch (const UsageError& error) {
		fmt::print(stderr, "shmnetctl: {}\n", error.what());
		return EXIT_USAGE;
	} catch (const std::exception& error) {
		fmt::print(stderr, "shmnetctl: {}\n", error.what());
		return EXIT_FAILED;
	}
}
