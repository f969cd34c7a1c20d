/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What is published and what is not, as JSON; published_text() has it for people. */
#pragma once

#include "metrics.hh"
#include "publisher.hh"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace shmnet::shmnetd {

/* An array with an object for each interface. */
nlohmann::ordered_json report_published(const std::vector<Published>& all);

/* What shmnetd says of itself to `shmnetctl helper`: an object, with the above. */
std::string report_daemon(const DaemonValues& values, const std::vector<Published>& all,
			  const std::vector<SegmentState>& segments);

} // namespace shmnet::shmnetd
