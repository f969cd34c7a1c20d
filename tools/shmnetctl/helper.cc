// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* shmnetctl helper: how shmnetd is, which tells the module what programs listen. */
#include "command.hh"
#include "error.hh"
#include "helper_socket.hh"
#include "published_text.hh"
#include "table.hh"

#include <CLI/CLI.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <linux/types.h>

#include <ctime>
#include <memory>

namespace shmnet::ctl {

namespace {

using Json = nlohmann::ordered_json;

std::string time_text(double seconds)
{
	return fmt::format("{:%F %T}", fmt::localtime(static_cast<time_t>(seconds)));
}

/* Who answers for shared addresses where. */
std::string segments_text(const Json& segments)
{
	Table table({"SEGMENT", "ADDRESS", "ANSWERED-BY"});
	std::string troubles;
	for (const Json& segment : segments) {
		std::string interface = segment.at("interface").get<std::string>();
		if (std::string why = segment.at("trouble").get<std::string>(); !why.empty())
			troubles += fmt::format("{}: shared addresses are not answered for: {}\n",
						interface, why);
		for (const Json& answer : segment.at("answers")) {
			std::string who = answer.at("answered_by").get<std::string>();
			table.add({interface, answer.at("address").get<std::string>(),
				   answer.at("here").get<bool>() ? "this-node"
				   : who.empty()                 ? "nobody-yet"
								 : who});
		}
	}
	return troubles + table.text();
}

std::string helper_text(const Json& helper)
{
	std::string text = fmt::format(
		"shmnetd {}, process {}: {} listeners at {}, {}\n"
		"{} publications, {} failures\n",
		helper.at("version").get<std::string>(), helper.at("pid").get<int>(),
		helper.at("listeners").get<size_t>(), time_text(helper.at("looked").get<double>()),
		helper.at("traces").get<bool>() ? "traced" : "looked for now and then, not traced",
		helper.at("publications").get<__u64>(), helper.at("failures").get<__u64>());
	if (!helper.at("configuration_right").get<bool>())
		text += "the configuration that was read last is wrong, see the log; the one "
			"before holds\n";
	for (const Json& interface : helper.at("interfaces"))
		if (std::string why = interface.at("refused").get<std::string>(); !why.empty())
			text += fmt::format("{}: {}\n",
					    interface.at("interface").get<std::string>(), why);
	for (const std::string& part :
	     {segments_text(helper.at("segments")), published_text(helper.at("interfaces"))})
		text += (part.empty() ? "" : "\n") + part;
	return text;
}

int show(bool json)
{
	std::optional<std::string> report = ask_helper();
	if (!report)
		throw Error("shmnetd does not run in this network namespace: 'systemctl start "
			    "shmnetd', or see 'journalctl -u shmnetd'");
	try {
		Json helper = Json::parse(*report);
		fmt::print("{}", json ? helper.dump(2) + "\n" : helper_text(helper));
	} catch (const Json::exception&) {
		throw Error("shmnetd is another version, whose answer is not understood: start it "
			    "anew");
	}
	return 0;
}

} // namespace

void add_helper(CLI::App& app, Action& action)
{
	auto json = std::make_shared<bool>(false);
	CLI::App* helper = app.add_subcommand(
		"helper", "Show how shmnetd is here, what it publishes, and what not");
	helper->add_flag("--json", *json, "Print it as JSON");
	helper->callback([json, &action] { action = [json] { return show(*json); }; });
}

} // namespace shmnet::ctl
