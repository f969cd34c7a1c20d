/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What is published and what is not, for people and as JSON. */
#pragma once

#include "publisher.hh"

#include <string>
#include <vector>

namespace shmnet::shmnetd {

/* A table of services, one of what is hidden, and a line for each of these: what to do. */
std::string report_text(const std::vector<Published>& all);
/* The same, a JSON array with an object for each interface. */
std::string report_json(const std::vector<Published>& all);

} // namespace shmnet::shmnetd
