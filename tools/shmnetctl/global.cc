// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* shmnetctl global add, del, check, show: what a node needs for a shared address. */
#include "command.hh"
#include "directory_lock.hh"
#include "error.hh"
#include "global_change.hh"
#include "global_system.hh"
#include "global_wish.hh"
#include "table.hh"
#include "unique_fd.hh"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>

#include <memory>
#include <set>

namespace shmnet::ctl {

namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
	WishArguments wish;
	std::string directory = "/run/shmnet/global";
	bool all = false;
	bool dry_run = false;
	bool json = false;
};

/* Of this network namespace: the kernel gives a number only once, unlike inodes. */
JournalFile journal_file(const Arguments& arguments)
{
	UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	__u64 cookie = 0;
	socklen_t size = sizeof(cookie);
	if (!socket || ::getsockopt(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) != 0)
		throw system_error("the network namespace's number");
	return JournalFile(fmt::format("{}/{}.json", arguments.directory, cookie));
}

void warn_of_left(const Removal& removal)
{
	for (const Left& left : removal.left)
		fmt::print(stderr,
			   "shmnetctl: {} was {}, then set to {}, and is {} now: somebody else "
			   "uses it, and it was left so\n",
			   name_text(left.setting), value_text(left.setting, left.old),
			   value_text(left.setting, left.set),
			   value_text(left.setting, left.present));
}

Json value_json(const Value& value)
{
	return value ? Json(*value) : Json();
}

Json removal_json(const Removal& removal)
{
	Json undone = Json::array(), left = Json::array();
	for (const Setting& setting : removal.undone)
		undone.push_back(name_text(setting));
	for (const Left& one : removal.left)
		left.push_back({{"setting", name_text(one.setting)},
				{"old", value_json(one.old)},
				{"set", value_json(one.set)},
				{"present", value_json(one.present)}});
	return {{"undone", undone}, {"left", left}};
}

int add(const Arguments& arguments)
{
	std::string address = parse_shared_address(arguments.wish.address);
	JournalFile file = journal_file(arguments);
	Surroundings surroundings = look_around(address_family(address));
	KernelSystem system;
	if (arguments.dry_run) {
		Journal journal = file.load();
		Wish wish = resolve_wish(arguments.wish, journal.find(address), surroundings);
		for (const Need& need : missing_for(wish, journal, system))
			fmt::print("{}\n", command_text(need.setting, need.wanted));
		return 0;
	}
	UniqueFd held = lock_directory(arguments.directory);
	Journal journal = file.load();
	Wish wish = resolve_wish(arguments.wish, journal.find(address), surroundings);
	Removal removal;
	bool changed = add_address(wish, file, system, removal);
	warn_of_left(removal);
	fmt::print("{} on {}, source {}, {}{}\n", wish.address, wish.interface, wish.source,
		   wish.cards.empty() ? "no entry"
				      : fmt::format("entry by {}", fmt::join(wish.cards, ", ")),
		   changed ? "" : ": already so");
	return 0;
}

int del(const Arguments& arguments)
{
	if (arguments.all != arguments.wish.address.empty())
		throw UsageError("give an address, or --all");
	UniqueFd held = lock_directory(arguments.directory);
	JournalFile file = journal_file(arguments);
	Journal journal = file.load();
	std::vector<std::string> addresses;
	for (const Wish& wish : journal.wishes)
		addresses.push_back(wish.address);
	if (!arguments.all) {
		std::string address = parse_shared_address(arguments.wish.address);
		if (!journal.find(address))
			throw Error(fmt::format("{} was not set up here by 'shmnetctl global add': "
						"'shmnetctl global show' lists what was",
						address));
		addresses = {address};
	}
	KernelSystem system;
	Removal removal = remove_addresses(addresses, file, system);
	warn_of_left(removal);
	if (arguments.json)
		fmt::print("{}\n", removal_json(removal).dump(2));
	return 0;
}

const char* finding_name(Finding finding)
{
	switch (finding) {
	case Finding::Right:
		return "ok";
	case Finding::Altered:
		return "altered";
	case Finding::Missing:
		return "missing";
	}
	return "";
}

std::string checks_text(const std::vector<Checked>& checks)
{
	Table table({"STATE", "SETTING", "OLD", "WANTED", "PRESENT", "ADDRESSES"});
	for (const Checked& checked : checks)
		table.add({finding_name(checked.finding), name_text(checked.setting),
			   checked.ours ? value_text(checked.setting, checked.old) : "unchanged",
			   value_text(checked.setting, checked.wanted),
			   value_text(checked.setting, checked.present),
			   fmt::format("{}", fmt::join(checked.addresses, ","))});
	return table.text();
}

Json checks_json(const std::vector<Checked>& checks)
{
	Json all = Json::array();
	for (const Checked& checked : checks) {
		Json object = {{"state", finding_name(checked.finding)},
			       {"setting", name_text(checked.setting)},
			       {"addresses", checked.addresses}};
		if (checked.ours)
			object["old"] = value_json(checked.old);
		object["wanted"] = value_json(checked.wanted);
		object["present"] = value_json(checked.present);
		if (checked.finding != Finding::Right)
			object["remedy"] = command_text(checked.setting, checked.wanted);
		all.push_back(object);
	}
	return all;
}

void say_if_none(const Journal& journal)
{
	if (journal.wishes.empty())
		fmt::print(stderr,
			   "shmnetctl: no shared address was set up here: 'shmnetctl global "
			   "add ADDRESS' does that\n");
}

int check(const Arguments& arguments)
{
	Journal journal = journal_file(arguments).load();
	/* A node that joined anew may have others than when the address was added. */
	std::vector<DeviceNetworks> devices = devices_of_the_module();
	for (Wish& wish : journal.wishes)
		wish.ports = ports_of(wish.interface, devices);
	KernelSystem system;
	std::vector<Checked> checks = check_settings(journal, system);
	if (arguments.json)
		fmt::print("{}\n", checks_json(checks).dump(2));
	else
		fmt::print("{}", checks_text(checks));
	say_if_none(journal);
	std::set<std::string> wrong;
	for (const Checked& checked : checks)
		if (checked.finding != Finding::Right)
			wrong.insert(checked.addresses.begin(), checked.addresses.end());
	for (const std::string& address : wrong)
		fmt::print(stderr,
			   "shmnetctl: {0} lacks what is not ok above: 'shmnetctl global add {0}' "
			   "sets it again\n",
			   address);
	return wrong.empty() ? 0 : EXIT_FAILED;
}

std::string wishes_text(const std::vector<Wish>& wishes)
{
	Table table({"ADDRESS", "INTERFACE", "TABLE", "SOURCE", "LOCAL", "PORTS", "ENTRY"});
	for (const Wish& wish : wishes)
		table.add({wish.address, wish.interface, fmt::format("{}", wish.table), wish.source,
			   wish.local,
			   wish.ports ? fmt::format("{}-{}", wish.ports->first, wish.ports->last)
				      : "-",
			   fmt::format("{}", fmt::join(wish.cards, ","))});
	return table.text();
}

Json wishes_json(const std::vector<Wish>& wishes)
{
	Json all = Json::array();
	for (const Wish& wish : wishes)
		all.push_back({{"address", wish.address},
			       {"interface", wish.interface},
			       {"table", wish.table},
			       {"source", wish.source},
			       {"local", wish.local},
			       {"ports",
				wish.ports ? Json({wish.ports->first, wish.ports->last}) : Json()},
			       {"entry", !wish.cards.empty()},
			       {"cards", wish.cards}});
	return all;
}

int show(const Arguments& arguments)
{
	Journal journal = journal_file(arguments).load();
	if (arguments.json)
		fmt::print("{}\n", wishes_json(journal.wishes).dump(2));
	else
		fmt::print("{}", wishes_text(journal.wishes));
	say_if_none(journal);
	return 0;
}

using Shared = std::shared_ptr<Arguments>;

CLI::App* command(CLI::App& app, const Shared& arguments, const char* name, const char* description)
{
	CLI::App* added = app.add_subcommand(name, description);
	added->add_option("--state", arguments->directory,
			  "Directory of what it has changed, and what stood there before")
		->type_name("DIR")
		->capture_default_str();
	return added;
}

void add_json(CLI::App* app, const Shared& arguments)
{
	app->add_flag("--json", arguments->json, "As JSON");
}

void run(CLI::App* app, const Shared& arguments, Action& action, int (*function)(const Arguments&))
{
	app->callback([arguments, function, &action] {
		action = [arguments, function] { return function(*arguments); };
	});
}

void add_add(CLI::App& global, const Shared& arguments, Action& action)
{
	CLI::App* app = command(global, arguments, "add", "Give this node a shared address");
	WishArguments& wish = arguments->wish;
	app->add_option("ADDRESS", wish.address, "The shared address, IPv4 or IPv6")->required();
	app->add_option("--interface", wish.interface,
			"The interface of the global network (default: shmg0)")
		->type_name("NAME");
	app->add_option("--source", wish.source,
			"The node's own address (default: the first on the local network's "
			"interface)")
		->type_name("ADDRESS");
	app->add_option("--card", wish.cards,
			"An interface by which others come to the address (default: those of "
			"default routes); may be given several times")
		->type_name("NAME");
	app->add_flag("--no-card", wish.no_card, "Others do not come in by this node");
	app->add_option("--table", wish.table, "The table of routes to use (default: 100)")
		->type_name("N");
	app->add_flag("--dry-run", arguments->dry_run,
		      "Change nothing; print the commands that would do the same");
	run(app, arguments, action, add);
}

void add_del(CLI::App& global, const Shared& arguments, Action& action)
{
	CLI::App* app = command(global, arguments, "del",
				"Undo what was set for a shared address, or for all");
	app->add_option("ADDRESS", arguments->wish.address, "The shared address");
	app->add_flag("--all", arguments->all, "All that were added");
	add_json(app, arguments);
	run(app, arguments, action, del);
}

} // namespace

void add_global(CLI::App& app, Action& action)
{
	auto arguments = std::make_shared<Arguments>();
	CLI::App* global = app.add_subcommand(
		"global", "Set up what this node needs for addresses that nodes share");
	add_json(global, arguments);
	add_add(*global, arguments, action);
	add_del(*global, arguments, action);
	CLI::App* check_app = command(*global, arguments, "check",
				      "Look whether all is as the shared addresses need it");
	add_json(check_app, arguments);
	run(check_app, arguments, action, check);
	CLI::App* show_app = command(*global, arguments, "show", "Show the shared addresses");
	add_json(show_app, arguments);
	run(show_app, arguments, action, show);
	global->callback([global, arguments, &action] {
		if (global->get_subcommands().empty())
			action = [arguments] { return show(*arguments); };
	});
}

} // namespace shmnet::ctl
