// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "global_change.hh"

#include "error.hh"
#include "rtnetlink.hh"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace shmnet::ctl {

namespace {

/* A setting that is about to be written, with what stood there. */
struct Change {
	Setting setting;
	Value wanted;
	Value before;
};

bool contains(const std::vector<std::string>& all, const std::string& one)
{
	return std::find(all.begin(), all.end(), one) != all.end();
}

/* Whether what is there is what we set, or may have set when the program ended. */
bool is_ours(const Step& step, const Value& present)
{
	if (step.done)
		return same(step.setting, present, step.seen);
	return step.setting.kind == SettingKind::Table || same(step.setting, present, step.set);
}

/* Of a setting that is not right. */
void check_possible(const Wish& wish, const Need& need, const Value& present,
		    const Journal& journal)
{
	const Step* step = journal.find(need.setting);
	if (need.setting.kind == SettingKind::Route && present && !step)
		throw Error(
			fmt::format("table {} has another route to {} ({}): choose another with "
				    "--table",
				    wish.table, wish.address, *present));
	bool others = step && std::any_of(step->addresses.begin(), step->addresses.end(),
					  [&wish](const std::string& address) {
						  return address != wish.address;
					  });
	if (need.setting.kind != SettingKind::Table && others && step->set != need.wanted)
		throw Error(fmt::format("{} is {} for {}, and {} needs {}: remove the one, or give "
					"them network namespaces of their own",
					name_text(need.setting),
					value_text(need.setting, step->set), step->addresses[0],
					wish.address, value_text(need.setting, need.wanted)));
}

void check_ipv6(const Wish& wish, System& system)
{
	if (address_family(wish.address) != AF_INET6)
		return;
	Setting disabled = sysctl(fmt::format("net/ipv6/conf/{}/disable_ipv6", wish.interface));
	if (system.read(disabled) != Value("0"))
		throw Error(fmt::format("there is no IPv6 on {}: {}", wish.interface,
					command_text(disabled, "0")));
}

/* Enters into @journal what @wish needs, and gives what is to be written for that. */
std::vector<Change> enter(const Wish& wish, Journal& journal, System& system)
{
	check_ipv6(wish, system);
	if (!journal.find(wish.address))
		journal.wishes.push_back(wish);
	std::vector<Change> changes;
	for (const Need& need : needs_of(wish, journal, system)) {
		Value present = system.read(need.setting);
		bool right = is_right(need, present, journal);
		if (!right)
			check_possible(wish, need, present, journal);
		Step* step = journal.find(need.setting);
		if (!step && right)
			continue;
		if (!step) {
			journal.steps.push_back({.setting = need.setting,
						 .old = present,
						 .set = need.wanted,
						 .done = false,
						 .seen = {},
						 .addresses = {}});
			step = &journal.steps.back();
		}
		if (!contains(step->addresses, wish.address))
			step->addresses.push_back(wish.address);
		if (right && (step->done || !same(need.setting, present, step->set)))
			continue;
		step->set = need.wanted;
		step->done = right;
		step->seen = right ? present : Value();
		if (!right)
			changes.push_back({need.setting, need.wanted, present});
	}
	return changes;
}

/* Writes it, and has the step know how it reads then. */
void carry_out(const Change& change, Journal& journal, System& system)
{
	try {
		system.write(change.setting, change.wanted);
		Value seen = system.read(change.setting);
		if (change.setting.kind != SettingKind::Table &&
		    !same(change.setting, seen, change.wanted))
			throw Error(fmt::format("it is {} after that",
						value_text(change.setting, seen)));
		Step* step = journal.find(change.setting);
		step->done = true;
		step->seen = seen;
	} catch (const Error& error) {
		throw Error(fmt::format("{}: {}", command_text(change.setting, change.wanted),
					error.what()));
	}
}

/* In reverse, from the last of @count changes. What cannot be put back is told. */
std::string put_back(const std::vector<Change>& changes, size_t count, System& system)
{
	std::string problems;
	while (count-- > 0) {
		const Change& change = changes[count];
		try {
			if (system.read(change.setting) != change.before)
				system.write(change.setting, change.before);
		} catch (const Error& error) {
			problems +=
				fmt::format("; {}: {}", command_text(change.setting, change.before),
					    error.what());
		}
	}
	return problems;
}

/* And saves @journal, or @before if something fails and is undone. */
void carry_out_all(const std::vector<Change>& changes, const Journal& before, Journal& journal,
		   const JournalFile& file, System& system)
{
	size_t tried = 0;
	try {
		for (const Change& change : changes) {
			tried++;
			carry_out(change, journal, system);
		}
		file.save(journal);
	} catch (const Error& error) {
		std::string problems = put_back(changes, tried, system);
		if (problems.empty())
			file.save(before);
		throw Error(fmt::format("{}; {}{}", error.what(),
					problems.empty() ? "what had been done was undone"
							 : "and this could not be undone",
					problems));
	}
}

/* Whether there was something to do. */
bool add(const Wish& wish, const Journal& before, const JournalFile& file, System& system)
{
	Journal journal = before;
	std::vector<Change> changes = enter(wish, journal, system);
	file.save(journal);
	carry_out_all(changes, before, journal, file, system);
	return !changes.empty();
}

/* Interfaces that are gone took these with them. */
bool went_with_its_interface(const Step& step, const Value& present)
{
	return !present &&
	       (step.setting.kind == SettingKind::Sysctl || step.setting.kind == SettingKind::Link);
}

/* False if somebody else has changed it, and it was left. */
bool undo(const Step& step, System& system, Removal& removal)
{
	Value present = system.read(step.setting);
	if (same(step.setting, present, step.old) || went_with_its_interface(step, present))
		return true;
	if (!is_ours(step, present) || is_taken_over(step, system)) {
		removal.left.push_back({step.setting, step.old, step.set, present});
		return false;
	}
	system.write(step.setting, step.old);
	removal.undone.push_back(step.setting);
	return true;
}

/* The table for those that stay. The journal on the disk knows of it before it is written. */
void shrink_table(Journal& journal, Journal& kept, const JournalFile& file, System& system,
		  Removal& removal)
{
	Need need = table_need(kept, system);
	Step* step = kept.find(need.setting);
	Value present = system.read(need.setting);
	if (is_right(need, present, kept))
		return;
	if (!is_ours(*step, present)) {
		removal.left.push_back({step->setting, step->old, step->set, present});
		return;
	}
	step->set = need.wanted;
	step->done = false;
	*journal.find(need.setting) = *step;
	file.save(journal);
	carry_out({need.setting, need.wanted, present}, kept, system);
}

/* Of @journal what is left without @addresses; a step for none of the rest is to be undone. */
Journal without(const Journal& journal, const std::vector<std::string>& addresses)
{
	Journal kept = journal;
	std::erase_if(kept.wishes,
		      [&addresses](const Wish& wish) { return contains(addresses, wish.address); });
	for (Step& step : kept.steps)
		std::erase_if(step.addresses, [&addresses](const std::string& address) {
			return contains(addresses, address);
		});
	return kept;
}

} // namespace

std::vector<Need> missing_for(const Wish& wish, Journal journal, System& system)
{
	std::vector<Need> missing;
	for (const Change& change : enter(wish, journal, system))
		missing.push_back({change.setting, change.wanted});
	return missing;
}

bool add_address(const Wish& wish, const JournalFile& file, System& system, Removal& removal)
{
	Journal before = file.load();
	const Wish* stored = before.find(wish.address);
	if (!stored || *stored == wish)
		return add(wish, before, file, system) || !stored;
	removal = remove_addresses({wish.address}, file, system);
	try {
		add(wish, file.load(), file, system);
		return true;
	} catch (const Error&) {
		add(*stored, file.load(), file, system);
		throw;
	}
}

Removal remove_addresses(const std::vector<std::string>& addresses, const JournalFile& file,
			 System& system)
{
	Journal journal = file.load();
	Journal kept = without(journal, addresses);
	Removal removal;
	std::string problems;
	for (size_t i = kept.steps.size(); i-- > 0;) {
		try {
			if (kept.steps[i].addresses.empty())
				undo(kept.steps[i], system, removal);
			else if (kept.steps[i].setting.kind == SettingKind::Table)
				shrink_table(journal, kept, file, system, removal);
		} catch (const Error& error) {
			problems += fmt::format("{}{}: {}", problems.empty() ? "" : "; ",
						name_text(kept.steps[i].setting), error.what());
			kept.steps[i].addresses = journal.steps[i].addresses;
		}
	}
	std::erase_if(kept.steps, [](const Step& step) { return step.addresses.empty(); });
	/* An address stays as long as a step does that it is named by. */
	for (const Wish& wish : journal.wishes)
		if (!kept.find(wish.address) &&
		    std::any_of(kept.steps.begin(), kept.steps.end(), [&wish](const Step& step) {
			    return contains(step.addresses, wish.address);
		    }))
			kept.wishes.push_back(wish);
	file.save(kept);
	if (!problems.empty())
		throw Error("not undone: " + problems);
	return removal;
}

std::vector<Checked> check_settings(const Journal& journal, System& system)
{
	std::vector<Checked> all;
	for (const Wish& wish : journal.wishes)
		for (const Need& need : needs_of(wish, journal, system)) {
			auto known = std::find_if(all.begin(), all.end(),
						  [&need](const Checked& checked) {
							  return checked.setting == need.setting;
						  });
			if (known != all.end()) {
				known->addresses.push_back(wish.address);
				continue;
			}
			Value present = system.read(need.setting);
			const Step* step = journal.find(need.setting);
			bool undone = !present || (step && same(need.setting, present, step->old));
			all.push_back({.addresses = {wish.address},
				       .setting = need.setting,
				       .finding = is_right(need, present, journal) ? Finding::Right
						  : undone ? Finding::Missing
							   : Finding::Altered,
				       .ours = step != nullptr,
				       .old = step ? step->old : Value(),
				       .wanted = need.wanted,
				       .present = present});
		}
	return all;
}

} // namespace shmnet::ctl
