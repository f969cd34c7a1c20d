/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What a node publishes and what not, as shmnetd says it (shmnetd(8), --json), for people. */
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace shmnet {

/*
 * A table of services, one of what is hidden, and a line for each of these: what to do. @interfaces: an
 * array of objects. Throws nlohmann::json::exception if it is something else.
 */
std::string published_text(const nlohmann::ordered_json& interfaces);
/* What is hidden alone. */
std::string hidden_text(const nlohmann::ordered_json& interfaces);

} // namespace shmnet
