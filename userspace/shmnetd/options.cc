// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "options.hh"

#include "config.hh"
#include "error.hh"
#include "version.hh"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdlib>

namespace shmnet::shmnetd {

namespace {

constexpr const char* DESCRIPTION =
	"Tells the module which programs of this network namespace listen on a shared address.";
constexpr const char* FOOTER = "\nThe manual page shmnetd(8) has all of it.";

} // namespace

Options parse_options(int argc, char** argv)
{
	Options options;
	CLI::App app(DESCRIPTION, "shmnetd");
	app.footer(FOOTER);
	app.set_version_flag("--version", fmt::format("shmnetd {}, region format {}",
						      SHMNET_PROGRAM_VERSION, SHMNET_VERSION));
	app.add_option(
		   "--config", options.config,
		   fmt::format("The configuration (default: {}, if it is there)", DEFAULT_CONFIG))
		->type_name("FILE");
	app.add_option("--interface", options.interfaces,
		       "A global interface; may be given again (default: all of this network "
		       "namespace)")
		->type_name("NAME")
		->allow_extra_args(false);
	app.add_flag("--verbose", options.verbose, "Log what is not published, and why, too");
	CLI::Option* once =
		app.add_flag("--once", options.once,
			     "Publish, print what is published and what is not, and exit");
	app.add_flag("--json", options.json, "With --once: as JSON")->needs(once);
	try {
		app.parse(argc, argv);
	} catch (const CLI::ParseError& error) {
		std::exit(app.exit(error) == 0 ? 0 : EXIT_USAGE);
	}
	return options;
}

} // namespace shmnet::shmnetd
