// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "global_journal.hh"

#include "error.hh"
#include "file.hh"
#include "json_number.hh"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>

#include <algorithm>

namespace shmnet::ctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned JOURNAL_VERSION = 1;

Json to_json(const Value& value)
{
	return value ? Json(*value) : Json();
}

Value value_of(const Json& json)
{
	return json.is_null() ? Value() : json.get<std::string>();
}

/* 4 and 6, and not the kernel's numbers. */
int version_of(int family)
{
	return family == AF_INET6 ? 6 : family == AF_INET ? 4 : 0;
}

int family_of(const Json& version)
{
	switch (integer<int>(version)) {
	case 0:
		return 0;
	case 4:
		return AF_INET;
	case 6:
		return AF_INET6;
	}
	throw Error(fmt::format("{} is no version of IP", version.dump()));
}

Json to_json(const Wish& wish)
{
	return {{"address", wish.address},
		{"interface", wish.interface},
		{"local", wish.local},
		{"source", wish.source},
		{"cards", wish.cards},
		{"table", wish.table},
		{"ports", wish.ports ? Json({wish.ports->first, wish.ports->last}) : Json()}};
}

Wish wish_of(const Json& json)
{
	Wish wish = {.address = json.at("address").get<std::string>(),
		     .interface = json.at("interface").get<std::string>(),
		     .local = json.at("local").get<std::string>(),
		     .source = json.at("source").get<std::string>(),
		     .cards = json.at("cards").get<std::vector<std::string>>(),
		     .table = integer<__u32>(json.at("table")),
		     .ports = {}};
	const Json& ports = json.at("ports");
	if (!ports.is_null())
		wish.ports = {integer<__u32>(ports.at(0)), integer<__u32>(ports.at(1))};
	return wish;
}

Json to_json(const Step& step)
{
	return {{"kind", kind_name(step.setting.kind)},
		{"ip", version_of(step.setting.family)},
		{"name", step.setting.name},
		{"address", step.setting.address},
		{"table", step.setting.table},
		{"preference", step.setting.preference},
		{"old", to_json(step.old)},
		{"set", to_json(step.set)},
		{"done", step.done},
		{"seen", to_json(step.seen)},
		{"addresses", step.addresses}};
}

Step step_of(const Json& json)
{
	return {.setting = {.kind = kind_of(json.at("kind").get<std::string>()),
			    .family = family_of(json.at("ip")),
			    .name = json.at("name").get<std::string>(),
			    .address = json.at("address").get<std::string>(),
			    .table = integer<__u32>(json.at("table")),
			    .preference = integer<__u32>(json.at("preference"))},
		.old = value_of(json.at("old")),
		.set = value_of(json.at("set")),
		.done = json.at("done").get<bool>(),
		.seen = value_of(json.at("seen")),
		.addresses = json.at("addresses").get<std::vector<std::string>>()};
}

} // namespace

const Wish* Journal::find(const std::string& address) const
{
	auto found = std::find_if(wishes.begin(), wishes.end(),
				  [&address](const Wish& wish) { return wish.address == address; });
	return found == wishes.end() ? nullptr : &*found;
}

const Step* Journal::find(const Setting& setting) const
{
	auto found = std::find_if(steps.begin(), steps.end(),
				  [&setting](const Step& step) { return step.setting == setting; });
	return found == steps.end() ? nullptr : &*found;
}

Step* Journal::find(const Setting& setting)
{
	return const_cast<Step*>(std::as_const(*this).find(setting));
}

std::string JournalFile::text_of(const Journal& journal)
{
	Json wishes = Json::array(), steps = Json::array();
	for (const Wish& wish : journal.wishes)
		wishes.push_back(to_json(wish));
	for (const Step& step : journal.steps)
		steps.push_back(to_json(step));
	Json json = {{"version", JOURNAL_VERSION},
		     {"boot", boot_id()},
		     {"addresses", wishes},
		     {"steps", steps}};
	return json.dump(1, '\t') + "\n";
}

Journal JournalFile::parse(const std::string& text)
{
	Json json = Json::parse(text);
	if (integer<unsigned>(json.at("version")) != JOURNAL_VERSION)
		throw Error("another version");
	if (json.at("boot").get<std::string>() != boot_id())
		return {};
	Journal journal;
	for (const Json& wish : json.at("addresses"))
		journal.wishes.push_back(wish_of(wish));
	for (const Json& step : json.at("steps"))
		journal.steps.push_back(step_of(step));
	return journal;
}

Journal JournalFile::load() const
{
	std::optional<std::string> text = read_file(path_);
	if (!text)
		return {};
	try {
		return parse(*text);
	} catch (const std::exception& error) {
		throw Error(
			fmt::format("the journal {} cannot be understood ({}): undo by hand what "
				    "it says was set, or boot anew, and remove it",
				    path_, error.what()));
	}
}

void JournalFile::save(const Journal& journal) const
{
	if (journal.empty() && !remove_file(path_))
		throw system_error("removing the journal {}", path_);
	if (!journal.empty() && !replace_file(path_, text_of(journal)))
		throw system_error("writing the journal {}", path_);
}

} // namespace shmnet::ctl
