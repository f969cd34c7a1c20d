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
#include <memory>
#include <regex>
#include <utility>

using namespace shmnet;
using namespace shmnet::hostile;
using std::chrono::milliseconds;

namespace {

struct Options {
	std::string socket;
	std::vector<std::string> victims;
	std::string only;
	std::vector<std::string> storms;
	double seconds = 10;
	double turn = 10;
	bool global = false;
	unsigned slowness = 1;
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
	app.add_flag(
		"--global", options.global,
		"inputs of the global network too: the victims are as tests/hostile/check makes "
		"them");
	app.add_option("--slowness", options.slowness,
		       "so many times slower than others are the victims' kernels: inputs of the "
		       "global network wait for so much longer. A good frame comes in time all the "
		       "same")
		->check(CLI::Range(1, 100));
	app.add_flag("--list", options.list, "list the inputs and end");
	app.add_option("--storm", options.storms,
		       "do this instead, or each of several in turn: " + storm_names())
		->delimiter(',');
	app.add_option("--time", options.seconds, "seconds of it")->capture_default_str();
	app.add_option("--turn", options.turn, "seconds after which it is another's turn")
		->capture_default_str();
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
	Run(Node& node, std::vector<Link>& links, const Options& options)
	    : links_(links), pattern_(options.only)
	{
		add_sender_inputs(inputs_, node.network());
		add_receiver_inputs(inputs_, node.network());
		add_tape_inputs(inputs_, node.network());
		add_directory_inputs(inputs_, node.network());
		if (options.global)
			add_global(node, options.slowness);
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
		fmt::print("# {} inputs, {} answered wrongly, or not within {} ms\n1..{}\n", tried_,
			   failures_, PATIENCE.count(), kinds_);
		return failures_ == 0;
	}

private:
	void add_global(const Node& node, unsigned slowness)
	{
		if (!node.has_global())
			throw std::runtime_error("--global: the region has no global network");
		for (Link& link : links_)
			entries_.emplace_back(std::make_unique<Entry>(link, board_))
				->expect_slowness(slowness);
		add_service_inputs(inputs_);
		add_question_inputs(inputs_);
	}

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
		kind_tried_++;
		size_t number = tried_++ % links_.size();
		Link& link = links_[number];
		if (::isatty(1)) {
			fmt::print("\r{} of {}: {}\033[K", tried_, inputs_.size(), title(input));
			::fflush(stdout);
		}
		/*
		 * With a ring that is connected and empty: then the input reaches what it is for.
		 */
		(void)link.answered(RECOVERY);
		if (input.judge) {
			std::string wrong = input.judge(*entries_[number]);
			if (!wrong.empty())
				wrong_.push_back(fmt::format("{}, node {}: {}", title(input),
							     link.victim(), wrong));
		} else {
			input.act(link);
			link.await_reaction();
		}
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
		size_t count = std::exchange(kind_tried_, 0);
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
	Board board_;
	std::vector<std::unique_ptr<Entry>> entries_;
	std::regex pattern_;
	Inputs inputs_;
	std::string kind_;
	std::vector<milliseconds> times_;
	std::vector<std::string> wrong_;
	size_t tried_ = 0;
	size_t kind_tried_ = 0;
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
		if (!options.storms.empty())
			return run_storms(options.storms, node, links, options.seconds,
					  options.turn)
				       ? 0
				       : 1;
		Run run(node, links, options);
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
