/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A program under test as a child process, with what it writes. */
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace shmnet::test {

using Milliseconds = std::chrono::milliseconds;

/* Of this build: build/bin/NAME. */
std::string program_path(const std::string& name);

/* Whether @condition came true in time; it is looked at every millisecond. */
bool eventually(const std::function<bool()>& condition, Milliseconds timeout = Milliseconds(20000));

class Program {
public:
	struct Setup {
		std::map<std::string, std::string> environment;
		/* What runs the command, as in {"sh", "-c", "ulimit -n 99; exec \"$@\"", "sh"}. */
		std::vector<std::string> wrapper;
		/* Become descriptors 3, 4, ... as sd_listen_fds() has them, with these names. */
		std::vector<std::pair<std::string, int>> descriptors;
	};

	/* @output takes standard output and error. */
	Program(std::vector<std::string> command, std::string output, const Setup& setup);
	Program(std::vector<std::string> command, std::string output);
	Program(const Program&) = delete;
	Program& operator=(const Program&) = delete;
	/* Kills it if it still runs. */
	~Program();

	pid_t pid() const { return pid_; }
	bool running();
	void signal(int number) const;
	/* Exit status; 128 and the number for a signal. */
	int wait();
	/* SIGTERM, and the status. */
	int stop();
	std::string output() const;

private:
	pid_t pid_ = -1;
	int status_ = -1;
	std::string output_;
};

struct Finished {
	int status;
	std::string output;
};

/* Runs to the end. */
Finished run(std::vector<std::string> command, const std::string& directory);

} // namespace shmnet::test
