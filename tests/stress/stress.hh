/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the stress programs share: their options, a line of progress, and a watch that ends a
 * program in which something stands still.
 */
#pragma once

#include "support/random.hh"

#include <getopt.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

namespace shmnet::stress {

struct Options {
	double seconds = 5;
	bool honest = true;
	bool hostile = true;
};

inline Options parse(int argc, char** argv, const char* what)
{
	Options options;
	const struct option longs[] = {{"time", required_argument, nullptr, 't'},
				       {"seed", required_argument, nullptr, 's'},
				       {"honest", no_argument, nullptr, 'o'},
				       {"hostile", no_argument, nullptr, 'x'},
				       {"help", no_argument, nullptr, 'h'},
				       {}};
	for (int option; (option = ::getopt_long(argc, argv, "h", longs, nullptr)) != -1;) {
		switch (option) {
		case 't':
			options.seconds = ::atof(optarg);
			break;
		case 's':
			::setenv("SHMNET_SEED", optarg, 1);
			break;
		case 'o':
			options.hostile = false;
			break;
		case 'x':
			options.honest = false;
			break;
		default:
			::printf("%s\n"
				 "usage: %s [--time SECONDS] [--seed N] [--honest | --hostile]\n"
				 "Without either: half of the time each.\n",
				 what, argv[0]);
			::exit(option == 'h' ? 0 : 2);
		}
	}
	if (options.honest && options.hostile)
		options.seconds /= 2;
	return options;
}

/*
 * Watches a run for @seconds: shows @status() now and then, and gives up when @progress() stands
 * still for ten seconds, or @failed().
 */
class Watch {
public:
	explicit Watch(const char* name) : name_(name) {}

	std::function<std::string()> status;
	std::function<u64()> progress;
	std::function<bool()> failed = [] { return false; };

	void run(double seconds) const
	{
		using Clock = std::chrono::steady_clock;
		auto begin = Clock::now();
		auto moved = begin;
		auto shown = begin;
		bool terminal = ::isatty(1);
		u64 last = progress();
		for (;;) {
			std::this_thread::sleep_for(std::chrono::milliseconds(20));
			auto now = Clock::now();
			double elapsed = std::chrono::duration<double>(now - begin).count();
			if (failed() || elapsed >= seconds)
				break;
			if (u64 made = progress(); made != last) {
				last = made;
				moved = now;
			}
			if (now - moved > std::chrono::seconds(10)) {
				::printf("\n%s: nothing moves any more: %s\n", name_,
					 status().c_str());
				::fflush(stdout);
				::abort();
			}
			if (now - shown >= std::chrono::seconds(terminal ? 1 : 30)) {
				shown = now;
				::printf("%s%s: %.0f s, %s%s", terminal ? "\r" : "", name_, elapsed,
					 status().c_str(), terminal ? "\033[K" : "\n");
				::fflush(stdout);
			}
		}
		::printf("%s%s: %s\n", terminal ? "\r\033[K" : "", name_, status().c_str());
	}

private:
	const char* name_;
};

inline std::string format(const char* text, auto... values)
{
	char line[256];
	::snprintf(line, sizeof(line), text, values...);
	return line;
}

} // namespace shmnet::stress
