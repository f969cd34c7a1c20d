/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the command line says. */
#pragma once

#include "fault.hh"
#include "region_request.hh"

#include <sys/types.h>

#include <optional>
#include <string>

namespace shmnet::hub {

struct Options {
	std::string create; /* format this file and exit */
	std::string socket;
	std::string file;
	std::string state;
	RegionRequest region;
	u32 vectors = 0;
	std::optional<mode_t> mode;
	std::optional<gid_t> group;
	u32 patience = 60; /* seconds */
	std::optional<FaultOptions> fault;
	std::string fault_text;
};

/*
 * Exits for --help and --version, and with EXIT_USAGE for what CLI11 refuses. Throws UsageError
 * for what the hub does.
 */
Options parse_options(int argc, char** argv);

} // namespace shmnet::hub
