// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* shmnetctl drain, undrain: whether this node is given new flows of a shared address. */
#include "command.hh"
#include "error.hh"
#include "global_interfaces.hh"
#include "interrupt.hh"
#include "listeners.hh"
#include "rtnetlink.hh"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <netinet/tcp.h>

#include <chrono>
#include <memory>
#include <set>
#include <unistd.h>

namespace shmnet::ctl {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int INTERVAL = 250;                      /* milliseconds, from one count to the next */
constexpr std::chrono::seconds REPORT_INTERVAL(5); /* where there is no terminal */
/* Connections that have both ends, or had until the other one closed its. */
constexpr __u32 OPEN = 1u << TCP_ESTABLISHED | 1u << TCP_SYN_RECV | 1u << TCP_FIN_WAIT1 |
		       1u << TCP_FIN_WAIT2 | 1u << TCP_CLOSE_WAIT | 1u << TCP_LAST_ACK |
		       1u << TCP_CLOSING;

struct Arguments {
	std::string interface;
	bool wait = false;
	unsigned deadline = 0; /* seconds; 0: none */
};

/* TCP connections of this node that have an address of the interface. */
size_t count_connections(const GlobalInterface& interface)
{
	std::set<Address> shared;
	for (const AddressInfo& info : Rtnetlink().addresses())
		if (std::optional<Address> address = parse_address(info.address);
		    address && info.index == static_cast<int>(interface.index))
			shared.insert(*address);
	size_t count = 0;
	for (const auto& [end, connections] : SocketDump().connections(OPEN))
		if (shared.contains(end.first))
			count += connections;
	return count;
}

std::string connections_text(size_t count)
{
	return fmt::format("{} connection{}", count, count == 1 ? "" : "s");
}

/* Tells how many are left, on one line of a terminal. */
class Progress {
public:
	void tell(size_t count)
	{
		if (terminal_) {
			fmt::print(stderr, "\r\033[K{} left", connections_text(count));
		} else if (Clock::now() >= next_) {
			fmt::print(stderr, "{} left\n", connections_text(count));
			next_ = Clock::now() + REPORT_INTERVAL;
		}
	}

	~Progress()
	{
		if (terminal_)
			fmt::print(stderr, "\r\033[K");
	}

private:
	bool terminal_ = isatty(STDERR_FILENO);
	Clock::time_point next_ = Clock::now();
};

int wait_for_end(const Arguments& arguments, const GlobalInterface& interface)
{
	Interrupt interrupt;
	Clock::time_point end = Clock::now() + std::chrono::seconds(arguments.deadline);
	const char* why = nullptr;
	size_t left;
	{
		Progress progress;
		while ((left = count_connections(interface)) != 0 && !why) {
			progress.tell(left);
			if (interrupt.wait(-1, INTERVAL) == Interrupt::Wake::INTERRUPTED)
				why = "interrupted";
			else if (arguments.deadline != 0 && Clock::now() >= end)
				why = "the deadline has passed";
		}
	}
	if (left == 0)
		return 0;
	fmt::print(stderr,
		   "shmnetctl: {}: {} left, which go on; {} takes no new ones until 'shmnetctl "
		   "undrain'\n",
		   why, connections_text(left), interface.name);
	return EXIT_FAILED;
}

int set(const Arguments& arguments, bool draining)
{
	Control control;
	GlobalInterface interface = global_interface_here(control, arguments.interface);
	control.set_draining(interface.index, draining);
	return arguments.wait || arguments.deadline != 0 ? wait_for_end(arguments, interface) : 0;
}

} // namespace

void add_drain(CLI::App& app, Action& action)
{
	auto arguments = std::make_shared<Arguments>();
	CLI::App* drain = app.add_subcommand(
		"drain", "Have this node given no new flows of a shared address");
	CLI::App* undrain = app.add_subcommand("undrain", "Have it given new flows again");
	for (CLI::App* added : {drain, undrain})
		added->add_option("INTERFACE", arguments->interface,
				  "Of a global network; by default the only one");
	drain->add_flag("--wait", arguments->wait, "Until no TCP connection is left");
	drain->add_option("--deadline", arguments->deadline,
			  "Wait for so many seconds at most; 1 is returned if some are left then")
		->type_name("SECONDS")
		->check(CLI::Range(1u, 86400u * 365));
	drain->callback(
		[arguments, &action] { action = [arguments] { return set(*arguments, true); }; });
	undrain->callback(
		[arguments, &action] { action = [arguments] { return set(*arguments, false); }; });
}

} // namespace shmnet::ctl
