// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "child.hh"

#include "error.hh"
#include "file.hh"
#include "unique_fd.hh"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cstdlib>

namespace shmnet {

namespace {

/* Files in memory and not pipes: neither side ever waits for the other to read. */
UniqueFd memory_file()
{
	UniqueFd file(::memfd_create("child", MFD_CLOEXEC));
	if (!file)
		throw system_error("a file in memory");
	return file;
}

std::string content(const UniqueFd& file)
{
	std::string text(static_cast<size_t>(::lseek(file.get(), 0, SEEK_END)), '\0');
	ssize_t length = ::pread(file.get(), text.data(), text.size(), 0);
	text.resize(length > 0 ? static_cast<size_t>(length) : 0);
	return text;
}

std::vector<std::string> english()
{
	std::vector<std::string> variables = {"LC_ALL=C"};
	for (char** variable = environ; *variable; variable++)
		if (std::string(*variable).rfind("LC_ALL=", 0) != 0)
			variables.emplace_back(*variable);
	return variables;
}

std::vector<char*> pointers(std::vector<std::string>& texts)
{
	std::vector<char*> all;
	for (std::string& text : texts)
		all.push_back(text.data());
	all.push_back(nullptr);
	return all;
}

} // namespace

ChildResult run_child(const std::vector<std::string>& words, const std::string& input,
		      const std::string& remedy)
{
	UniqueFd in = memory_file(), out = memory_file(), errors = memory_file();
	if (!write_all(in.get(), input) || ::lseek(in.get(), 0, SEEK_SET) != 0)
		throw system_error("what {} is to read", words[0]);
	std::vector<std::string> arguments = words, variables = english();
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in.get(), STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out.get(), STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, errors.get(), STDERR_FILENO);
	pid_t pid = -1;
	int code = ::posix_spawnp(&pid, words[0].c_str(), &actions, nullptr,
				  pointers(arguments).data(), pointers(variables).data());
	posix_spawn_file_actions_destroy(&actions);
	if (code != 0)
		throw Error(
			fmt::format("{} cannot be run ({}): {}", words[0], strerror(code), remedy));
	int status = 0;
	while (::waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return {WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), content(out),
		content(errors)};
}

} // namespace shmnet
