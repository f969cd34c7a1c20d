/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What a peer may do all the time, as fast as it can. */
#pragma once

#include "link.hh"

#include <string>
#include <vector>

namespace shmnet::hostile {

/* For the help of an option. */
std::string storm_names();

/*
 * Goes on for @seconds, and says how often it did what. Afterwards the links must carry good frames
 * again: false if one does not.
 */
bool run_storm(const std::string& name, Node& node, std::vector<Link>& links, double seconds);

} // namespace shmnet::hostile
