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
 * Each storm for @turn seconds in turn, for @seconds in all; says how often it did what, and how
 * many pieces the first victim's ring to the second carried meanwhile. Afterwards the links must
 * carry good frames again: false if one does not.
 */
bool run_storms(const std::vector<std::string>& names, Node& node, std::vector<Link>& links,
		double seconds, double turn);

} // namespace shmnet::hostile
