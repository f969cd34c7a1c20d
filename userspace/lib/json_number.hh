/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Numbers of JSON that somebody may have written over. */
#pragma once

#include "error.hh"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>

namespace shmnet {

/*
 * A whole number that T can hold, or Error: json's own get() converts whatever number it finds,
 * fractions and what is too large included, and that is undefined for some.
 */
template <typename T, typename Json> T integer(const Json& value)
{
	bool fits =
		value.is_number_unsigned()
			? std::in_range<T>(value.template get<typename Json::number_unsigned_t>())
		: value.is_number_integer()
			? std::in_range<T>(value.template get<typename Json::number_integer_t>())
			: false;
	if (!fits)
		throw Error(fmt::format("{} is no number that can stand here", value.dump()));
	return value.template get<T>();
}

} // namespace shmnet
