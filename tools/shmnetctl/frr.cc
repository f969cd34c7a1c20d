// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "frr.hh"

#include "address.hh"
#include "child.hh"
#include "error.hh"
#include "size.hh"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <istream>
#include <iterator>
#include <optional>
#include <sstream>

namespace shmnet::ctl {

namespace {

constexpr const char* REMEDY = "install frr ('apt install frr')";

/*
 * "area 1" and "area 0.0.0.1" are the same, of which FRR shows what was typed; and it numbers the lines of
 * lists.
 */
std::string as_we_write(const std::string& line)
{
	std::istringstream words(line);
	std::string word, text;
	bool area = false;
	while (words >> word) {
		if (word == "seq" && line.find(" prefix-list ") != std::string::npos) {
			words >> word;
			continue;
		}
		std::optional<__u64> number = area ? parse_number(word) : std::nullopt;
		if (number && *number <= 0xffffffff)
			word = dotted_area(static_cast<__u32>(*number));
		area = word == "area";
		text += (text.empty() ? "" : " ") + word;
	}
	return text;
}

bool is_decoration(std::string_view line)
{
	return line.empty() || line[0] == '!' || line == "exit" || line == "end" ||
	       line == "Building configuration..." || line == "Current configuration:";
}

/* The first line of what is printed, without the percent sign of an error. */
std::string first_line(const std::string& text)
{
	size_t begin = text.find_first_not_of("% \n");
	if (begin == std::string::npos)
		return "it does not say why";
	return text.substr(begin, text.find('\n', begin) - begin);
}

/* What @text begins with, as the answer to @command. Where there is nothing FRR says so in words, or says nothing. */
nlohmann::json take_json(std::istream& text, const std::string& command)
{
	text >> std::ws;
	if (text.peek() != '{' && text.peek() != '[')
		return nlohmann::json::object();
	nlohmann::json json;
	try {
		text >> json;
	} catch (const nlohmann::json::exception& error) {
		throw Error(
			fmt::format("FRR's answer to '{}' is no JSON: {}", command, error.what()));
	}
	return json;
}

} // namespace

std::string dotted_area(__u32 number)
{
	number = htonl(number);
	return address_text(from_ipv4(&number));
}

FrrConfig parse_frr_config(std::string_view text)
{
	FrrConfig config;
	std::vector<std::string> above; /* one for each blank that a line begins with */
	std::istringstream lines{std::string(text)};
	for (std::string line; std::getline(lines, line);) {
		size_t depth = line.find_first_not_of(' ');
		if (depth == std::string::npos || is_decoration(line.substr(depth)))
			continue;
		above.resize(std::min(depth, above.size()));
		config.push_back({above, as_we_write(line)});
		above.push_back(config.back().text);
	}
	return config;
}

bool has_line(const FrrConfig& config, const FrrLine& line)
{
	return std::find(config.begin(), config.end(), line) != config.end();
}

std::string frr_undo(const std::string& text)
{
	/* These have no opposite, but a value where nothing is configured. */
	constexpr std::pair<std::string_view, const char*> DEFAULTS[] = {
		{"transmit-interval ", "300"},
		{"receive-interval ", "300"},
		{"detect-multiplier ", "3"}};
	for (const auto& [key, value] : DEFAULTS)
		if (text.rfind(key, 0) == 0)
			return std::string(key) + value;
	return "no " + text;
}

std::string without_password(const std::string& text)
{
	for (const std::string before : {" md5 ", " key "}) {
		size_t found = text.find(before);
		if (found != std::string::npos)
			return text.substr(0, found) + before + "...";
	}
	return text;
}

std::set<std::string> Frr::daemons() const
{
	std::istringstream words(show("show daemons"));
	std::set<std::string> names;
	for (std::string word; words >> word;)
		names.insert(word);
	return names;
}

FrrConfig Frr::running() const
{
	return parse_frr_config(show("show running-config"));
}

void Frr::configure(const FrrConfig& commands) const
{
	for (auto begin = commands.begin(); begin != commands.end();) {
		/* Outside of all, a command may begin what the next one would be taken into. */
		auto end = std::find_if(begin + 1, commands.end(), [begin](const FrrLine& next) {
			return next.context.empty() || next.context != begin->context;
		});
		configure_together({begin, end});
		begin = end;
	}
}

/* What stands below the same, by one vtysh, which takes a while to start. */
void Frr::configure_together(const FrrConfig& commands) const
{
	std::vector<std::string> words = {"configure terminal"};
	const std::vector<std::string>& context = commands.front().context;
	words.insert(words.end(), context.begin(), context.end());
	for (const FrrLine& command : commands)
		words.push_back(command.text);
	try {
		run(words);
	} catch (const Error&) {
		if (commands.size() == 1)
			throw;
		/* One by one, to know which it was that FRR refuses. */
		const FrrConfig taken = running();
		for (const FrrLine& command : commands)
			if (!has_line(taken, command))
				configure_together({command});
	}
}

void Frr::save() const
{
	show("write memory");
}

std::string Frr::show(const std::string& command) const
{
	return run({command});
}

nlohmann::json Frr::show_json(const std::string& command) const
{
	std::istringstream text(show(command));
	return take_json(text, command);
}

std::pair<nlohmann::json, std::string> Frr::show_json_and(const std::string& command,
							  const std::string& second) const
{
	std::istringstream text(run({command, second}));
	nlohmann::json json = take_json(text, command);
	return {std::move(json), {std::istreambuf_iterator<char>(text), {}}};
}

std::string Frr::run(const std::vector<std::string>& commands) const
{
	std::vector<std::string> words = {"vtysh"};
	if (!directory_.empty())
		words.insert(words.end(), {"--vty_socket", directory_});
	for (const std::string& command : commands)
		words.insert(words.end(), {"-c", command});
	ChildResult result = run_child(words, "", REMEDY);
	if (result.status != 0)
		throw Error(fmt::format(
			"FRR refuses '{}': {}", without_password(commands.back()),
			without_password(first_line(result.output.empty() ? result.errors
									  : result.output))));
	return result.output;
}

} // namespace shmnet::ctl
