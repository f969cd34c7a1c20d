// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "support/program.hh"

#include "support/temporary.hh"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <thread>

namespace shmnet::test {

std::string program_path(const std::string& name)
{
	const char* build = ::getenv("SHMNET_BUILD");
	return std::string(build ? build : "build") + "/bin/" + name;
}

bool eventually(const std::function<bool()>& condition, Milliseconds timeout)
{
	auto end = std::chrono::steady_clock::now() + timeout;
	while (!condition()) {
		if (std::chrono::steady_clock::now() >= end)
			return condition();
		std::this_thread::sleep_for(Milliseconds(1));
	}
	return true;
}

namespace {

[[noreturn]] void execute(const std::vector<std::string>& command, const std::string& output,
			  const Program::Setup& setup)
{
	::prctl(PR_SET_PDEATHSIG, SIGKILL);
	int file = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
	::dup2(file, STDOUT_FILENO);
	::dup2(file, STDERR_FILENO);
	for (const auto& [name, value] : setup.environment)
		::setenv(name.c_str(), value.c_str(), 1);
	if (!setup.descriptors.empty()) {
		std::string names;
		/* First out of the way of 3, 4, ..., then to their places. */
		std::vector<int> copies;
		for (const auto& [name, fd] : setup.descriptors) {
			copies.push_back(::fcntl(fd, F_DUPFD, 1000));
			names += (names.empty() ? "" : ":") + name;
		}
		for (size_t i = 0; i < copies.size(); i++)
			::dup2(copies[i], 3 + static_cast<int>(i));
		::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
		::setenv("LISTEN_FDS", std::to_string(copies.size()).c_str(), 1);
		::setenv("LISTEN_FDNAMES", names.c_str(), 1);
	}
	::close_range(3 + static_cast<unsigned>(setup.descriptors.size()), ~0u, 0);
	std::vector<char*> arguments;
	for (const std::string& argument : command)
		arguments.push_back(const_cast<char*>(argument.c_str()));
	arguments.push_back(nullptr);
	::execvp(arguments[0], arguments.data());
	dprintf(STDERR_FILENO, "%s: %s\n", arguments[0], strerror(errno));
	::_exit(127);
}

} // namespace

Program::Program(std::vector<std::string> command, std::string output, const Setup& setup)
    : output_(std::move(output))
{
	command.insert(command.begin(), setup.wrapper.begin(), setup.wrapper.end());
	pid_ = ::fork();
	if (pid_ < 0)
		throw std::runtime_error("fork");
	if (pid_ == 0)
		execute(command, output_, setup);
}

Program::Program(std::vector<std::string> command, std::string output)
    : Program(std::move(command), std::move(output), Setup())
{
}

Program::~Program()
{
	if (running()) {
		signal(SIGKILL);
		wait();
	}
}

bool Program::running()
{
	if (status_ >= 0)
		return false;
	int status = 0;
	if (::waitpid(pid_, &status, WNOHANG) == 0)
		return true;
	status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return false;
}

void Program::signal(int number) const
{
	::kill(pid_, number);
}

int Program::wait()
{
	if (status_ < 0) {
		int status = 0;
		::waitpid(pid_, &status, 0);
		status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
	return status_;
}

int Program::stop()
{
	signal(SIGTERM);
	return wait();
}

std::string Program::output() const
{
	return read_text(output_);
}

Finished run(std::vector<std::string> command, const std::string& directory)
{
	std::string output = directory + "/output";
	::unlink(output.c_str());
	Program program(std::move(command), output);
	int status = program.wait();
	return {status, program.output()};
}

} // namespace shmnet::test
