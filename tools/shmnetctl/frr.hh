/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* FRR's routing daemons, by way of vtysh. */
#pragma once

#include <linux/types.h>
#include <nlohmann/json.hpp>

#include <compare>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shmnet::ctl {

/* A line of FRR's configuration, and the lines that it stands below: {"interface eth0"}. */
struct FrrLine {
	std::vector<std::string> context;
	std::string text;

	auto operator<=>(const FrrLine&) const = default;
};

using FrrConfig = std::vector<FrrLine>;

/* As FRR prints it. */
std::string dotted_area(__u32 number);

/* What `show running-config` prints. Areas are dotted, and lines of lists have no numbers. */
FrrConfig parse_frr_config(std::string_view text);

bool has_line(const FrrConfig& config, const FrrLine& line);

/* What takes a line away again. */
std::string frr_undo(const std::string& text);

/* A line as it may be shown. */
std::string without_password(const std::string& text);

/* Everything throws Error, with what FRR says. */
class Frr {
public:
	/* @directory: of the sockets of its daemons; empty: vtysh's own. */
	explicit Frr(std::string directory) : directory_(std::move(directory)) {}

	/* Those that run: "zebra", "ospfd", ... */
	std::set<std::string> daemons() const;
	FrrConfig running() const;
	/* All of it, or up to what FRR refuses. What stands below the same, one after the other, goes together. */
	void configure(const FrrConfig& commands) const;
	/* Into its files, so that it is there at the next start. */
	void save() const;

	std::string show(const std::string& command) const;
	/* An empty object if FRR has nothing of it. */
	nlohmann::json show_json(const std::string& command) const;
	/* Likewise, and what a second command shows: by one vtysh, which takes a while to start. */
	std::pair<nlohmann::json, std::string> show_json_and(const std::string& command,
							     const std::string& second) const;

private:
	void configure_together(const FrrConfig& commands) const;
	std::string run(const std::vector<std::string>& commands) const;

	std::string directory_;
};

} // namespace shmnet::ctl
