// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* shmnetctl region show, shmnetctl region format. */
#include "command.hh"
#include "error.hh"
#include "networks.hh"
#include "region_format.hh"
#include "region_render.hh"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>

namespace shmnet::ctl {

namespace {

constexpr const char* WHERE = "A file, or the PCI address of an ivshmem device (0000:00:04.0)";

struct ShowArguments {
	std::string name;
	bool json = false;
	RenderOptions render;
};

int show(const ShowArguments& arguments)
{
	auto source = open_region(arguments.name);
	RegionView view = view_region(
		*source, {.rings = arguments.render.rings, .tapes = arguments.render.tapes});
	auto render = arguments.json ? render_json : render_text;
	fmt::print("{}", render(view, arguments.name, arguments.render));
	if (view.problems.empty())
		return 0;
	fmt::print(stderr, "shmnetctl: {}: {}\n", arguments.name,
		   view.geometry_usable ? "the region contradicts its specification"
					: "there is no region that can be shown");
	return EXIT_FAILED;
}

void add_show(CLI::App& region, Action& action)
{
	auto arguments = std::make_shared<ShowArguments>();
	CLI::App* show_app = region.add_subcommand("show", "Decode a region");
	show_app->add_option("WHERE", arguments->name, WHERE)->required();
	show_app->add_flag("--json", arguments->json, "As JSON");
	show_app->add_flag("--areas", arguments->render.areas, "The table of areas, too");
	show_app->add_flag("--rings", arguments->render.rings, "Every ring, too");
	show_app->add_flag("--tapes", arguments->render.tapes,
			   "Every tape and its last casts, too");
	show_app->callback(
		[arguments, &action] { action = [arguments] { return show(*arguments); }; });
}

struct FormatArguments {
	std::string name;
	std::string networks;
	std::string id;
	u32 nodes = 0;
};

int format(const FormatArguments& arguments)
{
	RegionRequest request;
	request.nodes = arguments.nodes;
	request.networks = arguments.networks.empty() ? default_networks()
						      : parse_networks(arguments.networks);
	if (!arguments.id.empty())
		request.id = parse_region_id(arguments.id);
	fmt::print("{}\n", format_memory(arguments.name, request));
	return 0;
}

void add_format(CLI::App& region, Action& action)
{
	auto arguments = std::make_shared<FormatArguments>();
	CLI::App* format_app = region.add_subcommand(
		"format", "Format memory that is all zero, as of ivshmem-plain without a hub");
	format_app->add_option("WHERE", arguments->name, WHERE)->required();
	format_app->add_option("--nodes", arguments->nodes, "Nodes that the region has room for")
		->type_name("N")
		->required();
	format_app
		->add_option("--networks", arguments->networks,
			     fmt::format("{} (default: one local, one global)", NETWORKS_SYNTAX))
		->type_name("SPEC");
	format_app
		->add_option("--id", arguments->id,
			     "The region's id, 24 bits, part of its MAC addresses; give one where "
			     "networks of several regions meet")
		->type_name("HEX");
	format_app->callback(
		[arguments, &action] { action = [arguments] { return format(*arguments); }; });
}

} // namespace

void add_region(CLI::App& app, Action& action)
{
	CLI::App* region = app.add_subcommand("region", "Look at a region's memory, or format it");
	region->require_subcommand(1);
	add_show(*region, action);
	add_format(*region, action);
}

} // namespace shmnet::ctl
