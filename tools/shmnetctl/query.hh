/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Commands that ask the module and show the answer, as a table or as JSON, once or every second. */
#pragma once

#include "command.hh"
#include "control.hh"

#include <nlohmann/json.hpp>

#include <functional>
#include <string>
#include <vector>

namespace shmnet::ctl {

using Json = nlohmann::ordered_json;

struct Answer {
	bool empty = true;
	std::string text;
};

/* @watching: a JSON document is one line. */
struct QueryFormat {
	bool json = false;
	bool watching = false;
};

using Query = std::function<Answer(Control&, const std::string& device, const QueryFormat&)>;

/* A query of which the module gives a list. */
template <typename Info> Query list_query(std::vector<Info> (Control::*dump)(const std::string&),
					  std::string (*text)(const std::vector<Info>&),
					  Json (*json)(const std::vector<Info>&))
{
	return [=](Control& control, const std::string& device, const QueryFormat& format) {
		std::vector<Info> all = (control.*dump)(device);
		return Answer{all.empty(), format.json
						   ? json(all).dump(format.watching ? -1 : 2) + "\n"
						   : text(all)};
	};
}

struct QueryCommand {
	const char* name;
	const char* description;
	Query query;
	bool watch = false; /* it can be repeated */
};

void add_query(CLI::App& app, Action& action, const QueryCommand& command);

std::string number(__u64 value);

} // namespace shmnet::ctl
