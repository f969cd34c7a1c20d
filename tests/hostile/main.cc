// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * hostile_peer: joins a running region as a node, and then breaks the rules, one input of
 * inputs.hh after the other. After each the victim must answer a good frame through the rings that
 * were hit, within half a second. Prints TAP, a test for each class of docs/threat-model.md.
 */
#include "inputs.hh"
#include "storm.hh"

#include <CLI/CLI.hpp>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <regex>

using namespace shmnet;
using namespace shmnet::hostile;
using std::chrono::milliseconds;

namespace {

/* Within so long the ring that was hit carries good frames again (B19). */
constexpr milliseconds PATIENCE{500};
/* How long a failed one is watched, so that the next starts with a ring that works. */
constexpr milliseconds RECOVERY{20000};

struct Options {
	std::string socket;
	std::vector<std::string> victims;
	std::string only;
	std::string storm;
	double seconds = 10;
	bool list = false;
};

Options parse(int argc, char** argv)
{
	Options options;
	CLI::App app("A node that breaks the rules of a region, for tests.", "hostile_peer");
	app.add_option("--socket", options.socket, "the hub's")->required();
	app.add_option("--victim", options.victims, "SLOT=ADDRESS of a node that answers ARP")
		->required();
	app.add_option("--only", options.only, "inputs whose class and name match")
		->option_text("PATTERN");
	app.add_flag("--list", options.list, "list the inputs and end");
	app.add_option("--storm", options.storm, "do this instead: " + storm_names());
	app.add_option("--time", options.seconds, "seconds of a storm")->capture_default_str();
	try {
		app.parse(argc, argv);
	} catch (const CLI::ParseError& error) {
		::exit(app.exit(error) ? 2 : 0);
	}
	return options;
}

Link make_link(Node& node, const std::string& text)
{
	size_t equals = text.find('=');
	in_addr address = {};
	if (equals == std::string::npos || ::inet_aton(text.c_str() + equals + 1, &address) == 0)
		throw std::runtime_error("--victim " + text + ": it is SLOT=ADDRESS");
	return {node, static_cast<u32>(std::stoul(text)), ntohl(address.s_addr)};
}

class Run {
public:
	Run(Node& node, std::vector<Link>& links, const std::string& only)
	    : links_(links), pattern_(only)
	{
		add_sender_inputs(inputs_, node.network());
		add_receiver_inputs(inputs_, node.network());
		add_tape_inputs(inputs_, node.network());
		add_directory_inputs(inputs_, node.network());
		std::erase_if(inputs_, [this](const Input& input) {
			return !std::regex_search(title(input), pattern_);
		});
		std::stable_sort(inputs_.begin(), inputs_.end(),
				 [](const Input& a, const Input& b) {
					 return std::stoi(a.kind + 1) < std::stoi(b.kind + 1);
				 });
	}

	void list() const
	{
		for (const Input& input : inputs_)
			fmt::print("{}\n", title(input));
	}

	bool run()
	{
		for (Link& link : links_)
			if (!link.answered(RECOVERY) || !link.answered(RECOVERY, true)) {
				fmt::print("Bail out! node {} does not answer\n", link.victim());
				return false;
			}
		for (const Input& input : inputs_)
			try_input(input);
		close_kind();
		fmt::print("# {} inputs, {} without an answer within {} ms\n1..{}\n", tried_,
			   failures_, PATIENCE.count(), kinds_);
		return failures_ == 0;
	}

private:
	static std::string title(const Input& input)
	{
		return fmt::format("{} {}", input.kind, input.name);
	}

	void try_input(const Input& input)
	{
		if (kind_ != input.kind) {
			close_kind();
			kind_ = input.kind;
		}
		Link& link = links_[tried_++ % links_.size()];
		if (::isatty(1)) {
			fmt::print("\r{} of {}: {}\033[K", tried_, inputs_.size(), title(input));
			::fflush(stdout);
		}
		/* With a ring that is connected and empty: then the input reaches what it is for. */
		(void)link.answered(RECOVERY);
		input.act(link);
		link.await_reaction();
		auto time = link.answered(PATIENCE, input.by_tape);
		if (time) {
			times_.push_back(*time);
			return;
		}
		auto late = link.answered(RECOVERY, input.by_tape);
		wrong_.push_back(fmt::format(
			"{}, node {}: {}", title(input), link.victim(),
			late ? fmt::format("only after {} ms", (PATIENCE + *late).count())
			     : "no answer any more"));
	}

	void close_kind()
	{
		size_t count = times_.size() + wrong_.size();
		if (count == 0)
			return;
		std::sort(times_.begin(), times_.end());
		kinds_++;
		failures_ += wrong_.size();
		fmt::print("{}{} {} - {}: {} inputs", ::isatty(1) ? "\r\033[K" : "",
			   wrong_.empty() ? "ok" : "not ok", kinds_, kind_, count);
		if (!times_.empty())
			fmt::print(", a good frame after {} ms at the median, {} at most",
				   times_[times_.size() / 2].count(), times_.back().count());
		fmt::print("\n");
		for (const std::string& what : wrong_)
			fmt::print("# {}\n", what);
		::fflush(stdout);
		times_.clear();
		wrong_.clear();
	}

	std::vector<Link>& links_;
	std::regex pattern_;
	Inputs inputs_;
	std::string kind_;
	std::vector<milliseconds> times_;
	std::vector<std::string> wrong_;
	size_t tried_ = 0;
	size_t failures_ = 0;
	u32 kinds_ = 0;
};

} // namespace

int main(int argc, char** argv)
{
	Options options = parse(argc, argv);
	try {
		Node node(options.socket);
		std::vector<Link> links;
		links.reserve(options.victims.size());
		for (const std::string& victim : options.victims)
			links.push_back(make_link(node, victim));
		if (!options.storm.empty())
			return run_storm(options.storm, node, links, options.seconds) ? 0 : 1;
		Run run(node, links, options.only);
		if (options.list) {
			run.list();
			return 0;
		}
		return run.run() ? 0 : 1;
	} catch (const std::exception& error) {
		fmt::print(stderr, "hostile_peer: {}\n", error.what());
		return 1;
	}
}
