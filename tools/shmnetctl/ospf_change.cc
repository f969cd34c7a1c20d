// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "ospf_change.hh"

#include "error.hh"
#include "file.hh"
#include "json_number.hh"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace shmnet::ctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned JOURNAL_VERSION = 1;

void forget(FrrConfig& lines, const FrrLine& line)
{
	lines.erase(std::remove(lines.begin(), lines.end(), line), lines.end());
}

FrrConfig stale_lines(const std::vector<OspfFinding>& findings, bool contexts)
{
	FrrConfig lines;
	for (const OspfFinding& finding : findings)
		if (finding.state == OspfState::Stale && is_ospf_context(finding.line) == contexts)
			lines.push_back(finding.line);
	return lines;
}

/* Whether something is wanted where a line is: of the same interface, or the same router. */
bool is_among_wanted(const FrrLine& line, const std::vector<OspfLine>& plan)
{
	return std::any_of(plan.begin(), plan.end(), [&line](const OspfLine& wanted) {
		return wanted.line.context == line.context;
	});
}

/*
 * A daemon that was started anew lacks what the others have, and refuses to take it away; after that the
 * others are not asked. So all are given it again first.
 */
void take_away_line(const FrrLine& line, const Frr& frr)
{
	const FrrLine undo = {line.context, frr_undo(line.text)};
	try {
		frr.configure({undo});
	} catch (const Error&) {
		if (has_line(frr.running(), line))
			frr.configure({line, undo});
	}
}

void take_away_contexts(const std::vector<OspfFinding>& findings, const Frr& frr,
			OspfJournal& journal, const OspfJournalFile& file)
{
	for (const FrrLine& context : stale_lines(findings, true)) {
		if (is_ospf_context_needed(context, frr.running()))
			forget(journal.ours, context);
		else
			take_away_line(context, frr);
	}
	file.save(journal);
}

void add(const std::vector<OspfFinding>& findings, const Frr& frr, OspfJournal& journal,
	 const OspfJournalFile& file)
{
	FrrConfig missing;
	for (const OspfFinding& finding : findings)
		if (finding.state == OspfState::Missing)
			missing.push_back(finding.line);
	for (const FrrLine& line : missing) {
		forget(journal.ours, line);
		journal.ours.push_back(line);
	}
	file.save(journal);
	frr.configure(missing);
}

} // namespace

OspfJournal OspfJournalFile::load() const
{
	std::optional<std::string> text = read_file(path_);
	if (!text)
		return {};
	try {
		Json json = Json::parse(*text);
		if (integer<unsigned>(json.at("version")) != JOURNAL_VERSION)
			throw Error("another version");
		OspfJournal journal;
		journal.draining = json.at("draining").get<bool>();
		for (const Json& line : json.at("lines"))
			journal.ours.push_back({line.at("context").get<std::vector<std::string>>(),
						line.at("text").get<std::string>()});
		return journal;
	} catch (const std::exception& error) {
		throw Error(
			fmt::format("{} cannot be understood ({}): what it says was added to "
				    "FRR's configuration is yours to remove; then remove the file",
				    path_, error.what()));
	}
}

void OspfJournalFile::save(const OspfJournal& journal) const
{
	if (journal.ours.empty() && !journal.draining) {
		if (!remove_file(path_))
			throw system_error("removing {}", path_);
		return;
	}
	Json lines = Json::array();
	for (const FrrLine& line : journal.ours)
		lines.push_back({{"context", line.context}, {"text", line.text}});
	Json json = {
		{"version", JOURNAL_VERSION}, {"draining", journal.draining}, {"lines", lines}};
	std::string text = json.dump(1, '\t') + "\n";
	/* `follow` comes by every few seconds: the disk is left alone. */
	if (read_file(path_) != text && !replace_file(path_, text))
		throw system_error("writing {}", path_);
}

std::vector<OspfFinding> apply_ospf(const std::vector<OspfLine>& plan, const Frr& frr,
				    OspfJournal& journal, const OspfJournalFile& file)
{
	std::vector<OspfFinding> findings = compare_ospf(plan, frr.running(), journal.ours);
	/*
	 * What is in the way goes first. Interfaces of which nothing is wanted any more go when the others are there:
	 * in an area that is empty for a moment ospf6d of FRR 8.4 does not announce what is in others any more.
	 */
	FrrConfig last;
	for (const FrrLine& line : stale_lines(findings, false))
		if (is_among_wanted(line, plan))
			take_away_line(line, frr);
		else
			last.push_back(line);
	add(findings, frr, journal, file);
	for (const FrrLine& line : last)
		take_away_line(line, frr);
	take_away_contexts(findings, frr, journal, file);
	FrrConfig running = frr.running();
	for (const OspfFinding& finding : compare_ospf(plan, running, journal.ours))
		if (finding.state == OspfState::Missing || finding.state == OspfState::Stale)
			throw Error(
				fmt::format("FRR took '{}', but does not show it: the log of its "
					    "daemons may say why",
					    without_password(finding.line.text)));
	std::erase_if(journal.ours,
		      [&running](const FrrLine& line) { return !has_line(running, line); });
	file.save(journal);
	return findings;
}

} // namespace shmnet::ctl
