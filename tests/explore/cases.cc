// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "cases.hh"

#include <fmt/format.h>

#include <chrono>

namespace shmnet::explore {

namespace {

std::string seconds_since(std::chrono::steady_clock::time_point begin)
{
	std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
	return fmt::format("{:.1f} s", passed.count());
}

/* Whether it holds. */
bool explore_case(size_t number, const Case& one)
{
	auto begin = std::chrono::steady_clock::now();
	std::unique_ptr<Scene> scene = one.scene();
	Report report = explore(*scene, one.bounds);
	bool holds = report.failure.empty();
	fmt::print(
		"{} {} - {}: {} states in {} runs of {} steps, {}; at most {} preemptions, {} stale"
		" loads, {} crashes\n",
		holds ? "ok" : "not ok", number, one.name, report.states, report.runs, report.steps,
		seconds_since(begin), one.bounds.preemptions, one.bounds.stale, one.bounds.crashes);
	if (!holds)
		fmt::print(stderr, "{}\n", report.failure);
	fflush(stdout);
	return holds;
}

} // namespace

int explore_cases(const std::vector<Case>& cases, int argc, char** argv)
{
	std::string wanted = argc > 1 ? argv[1] : "";
	size_t number = 0;
	bool all_hold = true;
	for (const Case& one : cases)
		if (one.name.find(wanted) != std::string::npos)
			all_hold = explore_case(++number, one) && all_hold;
	fmt::print("1..{}\n", number);
	/* Another program may have those that are wanted. */
	return all_hold && (number > 0 || argc > 1) ? 0 : 1;
}

} // namespace shmnet::explore
