/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the command line says. */
#pragma once

#include <optional>
#include <set>
#include <string>

namespace shmnet::shmnetd {

struct Options {
	std::string config;               /* file; empty: the usual one, if it is there */
	std::set<std::string> interfaces; /* none: all global ones */
	bool verbose = false;
	bool once = false;
	bool json = false;
};

/* Exits for --help and --version, and with EXIT_USAGE for what CLI11 refuses. */
Options parse_options(int argc, char** argv);

} // namespace shmnet::shmnetd
