// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* shmnetctl ospf: has FRR route between this node, the other nodes and the world outside. */
#include "command.hh"
#include "directory_lock.hh"
#include "error.hh"
#include "interrupt.hh"
#include "ospf_change.hh"
#include "ospf_here.hh"
#include "ospf_renewal.hh"
#include "ospf_show.hh"
#include "ospf_stranded.hh"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>
#include <set>

namespace shmnet::ctl {

namespace {

using Json = nlohmann::ordered_json;

/*
 * How often `follow` looks: at what is announced, and, which takes longer, at what ospf6d announces, and at all that
 * FRR has.
 */
constexpr int LOOK_INTERVAL = 1000; /* milliseconds */
constexpr int LOOKS_BETWEEN_RENEWALS = 5;
constexpr int LOOKS_BETWEEN_CHECKS = 10;

struct Arguments {
	std::string config; /* empty: OSPF_CONFIG, if it is there */
	std::string journal = "/var/lib/shmnet/ospf.json";
	std::string sockets;
	bool dry_run = false;
	bool save = false;
	bool json = false;
};

OspfConfig read_config(const Arguments& arguments)
{
	return arguments.config.empty() ? read_ospf_config(OSPF_CONFIG, false)
					: read_ospf_config(arguments.config, true);
}

const char* state_name(OspfState state)
{
	switch (state) {
	case OspfState::Right:
		return "ok";
	case OspfState::Yours:
		return "yours";
	case OspfState::Missing:
		return "missing";
	case OspfState::Kept:
		return "kept";
	case OspfState::Stale:
	case OspfState::Replaced:
		return "stale";
	}
	return "";
}

std::string where(const FrrLine& line)
{
	return line.context.empty() ? "-" : fmt::format("{}", fmt::join(line.context, ", "));
}

/* Contexts and lines have blanks, and so two blanks between them. */
std::string findings_text(const std::vector<OspfFinding>& findings)
{
	std::string text;
	for (const OspfFinding& finding : findings)
		text += fmt::format("{:<8}{:<22}  {}{}\n", state_name(finding.state),
				    where(finding.line), without_password(finding.line.text),
				    finding.in_the_way.empty()
					    ? ""
					    : fmt::format("  (there is: {})",
							  without_password(finding.in_the_way)));
	return text;
}

Json findings_json(const std::vector<OspfFinding>& findings)
{
	Json all = Json::array();
	for (const OspfFinding& finding : findings) {
		Json one = {{"state", state_name(finding.state)},
			    {"context", finding.line.context},
			    {"line", without_password(finding.line.text)}};
		if (!finding.in_the_way.empty())
			one["present"] = without_password(finding.in_the_way);
		all.push_back(one);
	}
	return all;
}

void print(const std::vector<OspfFinding>& findings, bool json)
{
	if (json)
		fmt::print("{}\n", findings_json(findings).dump(2));
	else
		fmt::print("{}", findings_text(findings));
}

size_t count(const std::vector<OspfFinding>& findings, OspfState state)
{
	return std::count_if(findings.begin(), findings.end(), [state](const OspfFinding& finding) {
		return finding.state == state;
	});
}

void warn_of_kept(const std::vector<OspfFinding>& findings)
{
	for (const OspfFinding& finding : findings)
		if (finding.state == OspfState::Kept)
			fmt::print(
				stderr,
				"shmnetctl: '{}' was not set in '{}': you have '{}' there, which "
				"stays\n",
				without_password(finding.line.text), where(finding.line),
				without_password(finding.in_the_way));
}

std::string names(const std::map<std::string, OspfCard>& cards)
{
	std::vector<std::string> all;
	for (const auto& [name, card] : cards)
		all.push_back(fmt::format("{} (area {})", name, card.area));
	return all.empty() ? "none" : fmt::format("{}", fmt::join(all, ", "));
}

/* `follow` runs beside other commands, which must not write over what it has written, nor it over theirs. */
UniqueFd lock(const Arguments& arguments)
{
	return lock_directory(std::filesystem::absolute(arguments.journal).parent_path());
}

/* What there is, what it should be, and what is ours of it. */
struct View {
	explicit View(const Arguments& arguments)
	    : held(lock(arguments)), frr(arguments.sockets), file(arguments.journal),
	      journal(file.load()), config(read_config(arguments)),
	      here(look_for_ospf(config, frr)), plan(plan_ospf(config, here, journal.draining))
	{
	}

	std::vector<OspfFinding> compare() const
	{
		return compare_ospf(plan, frr.running(), journal.ours);
	}

	UniqueFd held;
	Frr frr;
	OspfJournalFile file;
	OspfJournal journal;
	OspfConfig config;
	OspfSurroundings here;
	std::vector<OspfLine> plan;
};

void say_what_was_done(const OspfSurroundings& here, const std::vector<OspfFinding>& findings,
		       const OspfConfig& config)
{
	warn_of_kept(findings);
	fmt::print("{} (area {}), cards {}, announced {}; {} lines added, {} removed\n", here.local,
		   config.area, names(here.cards),
		   here.cards.empty() || here.announced.empty()
			   ? "none"
			   : fmt::format("{}", fmt::join(here.announced, ", ")),
		   count(findings, OspfState::Missing),
		   count(findings, OspfState::Stale) + count(findings, OspfState::Replaced));
	if (!here.ipv6)
		fmt::print(stderr, "shmnetctl: ospf6d does not run: nothing is set for IPv6\n");
}

int apply(const Arguments& arguments)
{
	View view(arguments);
	if (arguments.dry_run) {
		std::vector<OspfFinding> changes;
		for (const OspfFinding& finding : view.compare())
			if (finding.state != OspfState::Right && finding.state != OspfState::Yours)
				changes.push_back(finding);
		print(changes, arguments.json);
		return 0;
	}
	std::vector<OspfFinding> findings =
		apply_ospf(view.plan, view.frr, view.journal, view.file);
	say_what_was_done(view.here, findings, view.config);
	if (arguments.save)
		view.frr.save();
	return 0;
}

int remove(const Arguments& arguments)
{
	UniqueFd held = lock(arguments);
	Frr frr(arguments.sockets);
	OspfJournalFile file(arguments.journal);
	OspfJournal journal = file.load();
	journal.draining = false;
	std::vector<OspfFinding> findings = apply_ospf({}, frr, journal, file);
	fmt::print("{} lines removed\n", findings.size());
	if (arguments.save)
		frr.save();
	return 0;
}

int check(const Arguments& arguments)
{
	std::vector<OspfFinding> findings = View(arguments).compare();
	print(findings, arguments.json);
	bool right = count(findings, OspfState::Right) + count(findings, OspfState::Yours) ==
		     findings.size();
	if (!right)
		fmt::print(stderr, "shmnetctl: 'shmnetctl ospf apply' sets what is missing and "
				   "removes what is stale; what is kept is yours to change\n");
	return right ? 0 : EXIT_FAILED;
}

int set_draining(const Arguments& arguments, bool draining)
{
	{
		UniqueFd held = lock(arguments);
		OspfJournalFile file(arguments.journal);
		OspfJournal journal = file.load();
		if (journal.ours.empty())
			throw Error("OSPF was not set up here: 'shmnetctl ospf apply' does that");
		journal.draining = draining;
		file.save(journal);
	}
	return apply(arguments);
}

/* Whether ospf6d runs. */
bool apply_and_tell(const Arguments& arguments)
{
	View view(arguments);
	std::vector<OspfFinding> findings =
		apply_ospf(view.plan, view.frr, view.journal, view.file);
	if (count(findings, OspfState::Missing) || count(findings, OspfState::Stale))
		say_what_was_done(view.here, findings, view.config);
	return view.here.ipv6;
}

/* With other costs of the ways there for a second, which interrupts nothing. */
void announce_anew(const Arguments& arguments, const OspfPrefixes& prefixes,
		   const Interrupt& interrupt)
{
	View view(arguments);
	const std::set<std::string> ways = ways_to(prefixes, view.frr.show_json(OSPF_ROUTES6));
	if (ways.empty())
		return;
	apply_ospf(with_other_costs(view.plan, ways), view.frr, view.journal, view.file);
	interrupt.wait(-1, LOOK_INTERVAL);
	apply_ospf(view.plan, view.frr, view.journal, view.file);
	fmt::print("{} announced anew: others may not have taken it\n", fmt::join(prefixes, ", "));
}

/* A second without a route is less than a network that is not reached. */
void recalculate(const Frr& frr)
{
	frr.configure(recalculation(frr.running()));
	fmt::print("IPv6: a way had no next hop, and all are calculated anew\n");
}

/* What ospf6d does not put right by itself. */
struct Ospf6dHelp {
	OspfRenewal renewal;
	StrandedRoutes stranded;
};

void help_ospf6d(const Arguments& arguments, Ospf6dHelp& help, const Interrupt& interrupt)
{
	const Frr frr(arguments.sockets);
	const auto [own, routes] = frr.show_json_and(OSPF_OWN_SUMMARIES, OSPF_ROUTES6_DETAIL);
	const auto now = std::chrono::steady_clock::now();
	const OspfPrefixes prefixes = help.renewal.due(own, now);
	if (!prefixes.empty())
		announce_anew(arguments, prefixes, interrupt);
	if (help.stranded.is_due(routes, now))
		recalculate(frr);
}

/* A failure is told once, and tried again: FRR may be starting anew. */
int follow(const Arguments& arguments)
{
	Interrupt interrupt;
	OspfConfig config = read_config(arguments);
	Ospf6dHelp help;
	std::set<std::string> before;
	std::string told;
	bool ipv6 = false;
	for (int looks = 0;; looks++) {
		try {
			std::set<std::string> announced = announced_addresses(config);
			if (looks % LOOKS_BETWEEN_CHECKS == 0 || announced != before) {
				config = read_config(arguments);
				ipv6 = apply_and_tell(arguments);
				before = announced;
			}
			if (ipv6 && looks % LOOKS_BETWEEN_RENEWALS == 0)
				help_ospf6d(arguments, help, interrupt);
			told.clear();
		} catch (const UsageError&) {
			throw;
		} catch (const Error& error) {
			if (told != error.what())
				fmt::print(stderr, "shmnetctl: {}; it is tried again\n",
					   error.what());
			told = error.what();
		}
		fflush(stdout);
		if (interrupt.wait(-1, LOOK_INTERVAL) == Interrupt::Wake::INTERRUPTED)
			return 0;
	}
}

int show(const Arguments& arguments)
{
	OspfView view = read_ospf_view(Frr(arguments.sockets));
	fmt::print("{}",
		   arguments.json ? ospf_view_json(view).dump(2) + "\n" : ospf_view_text(view));
	return 0;
}

using Shared = std::shared_ptr<Arguments>;

template <typename Function> CLI::App* command(CLI::App& ospf, const Shared& arguments,
					       Action& action, const char* name,
					       const char* description, Function function)
{
	CLI::App* app = ospf.add_subcommand(name, description);
	app->callback([arguments, function, &action] {
		action = [arguments, function] { return function(*arguments); };
	});
	return app;
}

} // namespace

void add_ospf(CLI::App& app, Action& action)
{
	auto arguments = std::make_shared<Arguments>();
	CLI::App* ospf = app.add_subcommand(
		"ospf", "Have FRR route between this node, the other nodes and the world outside");
	ospf->add_option(
		    "--config", arguments->config,
		    fmt::format("The file that says what is wanted (default: {})", OSPF_CONFIG))
		->type_name("FILE");
	ospf->add_option("--state", arguments->journal,
			 "The file of what was added to FRR's configuration")
		->type_name("FILE")
		->capture_default_str();
	ospf->add_option("--vty-socket", arguments->sockets,
			 "Directory of the sockets of FRR's daemons (default: vtysh's own)")
		->type_name("DIR");
	ospf->fallthrough();

	CLI::App* apply_app = command(*ospf, arguments, action, "apply",
				      "Add what is missing to FRR's configuration", apply);
	apply_app->add_flag("--dry-run", arguments->dry_run, "Change nothing; show what would be");
	CLI::App* check_app = command(*ospf, arguments, action, "check",
				      "Compare FRR's configuration with what is wanted", check);
	CLI::App* remove_app = command(*ospf, arguments, action, "remove",
				       "Remove what was added, and nothing else", remove);
	command(*ospf, arguments, action, "follow",
		"Apply whenever something changes, until it is told to end", follow);
	command(*ospf, arguments, action, "drain",
		"Have others prefer every other border router, but lose nothing",
		[](const Arguments& its) { return set_draining(its, true); });
	command(*ospf, arguments, action, "undrain", "Be a border router like the others again",
		[](const Arguments& its) { return set_draining(its, false); });
	CLI::App* show_app =
		command(*ospf, arguments, action, "show", "Show what has come of it", show);
	for (CLI::App* one : {apply_app, remove_app})
		one->add_flag("--save", arguments->save, "Also in FRR's files, for its next start");
	for (CLI::App* one : {apply_app, check_app, show_app, ospf})
		one->add_flag("--json", arguments->json, "As JSON");
	ospf->callback([ospf, arguments, &action] {
		if (ospf->get_subcommands().empty())
			action = [arguments] { return show(*arguments); };
	});
}

} // namespace shmnet::ctl
