/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What ends a program: an exception whose text tells the user what is wrong and what to do. Inside
 * a program that goes on, failure is a value.
 */
#pragma once

#include <fmt/core.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace shmnet {

constexpr int EXIT_FAILED = 1;
constexpr int EXIT_USAGE = 2;

class Error : public std::runtime_error {
public:
	using std::runtime_error::runtime_error;
};

/* What the user asked for cannot be meant: exit status EXIT_USAGE. */
class UsageError : public Error {
public:
	using Error::Error;
};

/* An Error whose text ends in what errno says. */
template <typename... Args> Error system_error(fmt::format_string<Args...> text, Args&&... args)
{
	int code = errno;
	return Error(fmt::format("{}: {}", fmt::format(text, std::forward<Args>(args)...),
				 strerror(code)));
}

} // namespace shmnet
