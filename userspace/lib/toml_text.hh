/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* TOML that users write, and what is said of a mistake in it. */
#pragma once

#include <toml++/toml.h>

#include <string>
#include <string_view>

namespace shmnet {

/* Throws UsageError, which names @file, the line and what is wrong. */
toml::table parse_toml(std::string_view text, const std::string& file);

/* Of a key that is TOML, but is not what it should be: @text says what would be right. */
[[noreturn]] void fail_toml(const std::string& file, const toml::source_region& where,
			    const std::string& key, const std::string& text);

} // namespace shmnet
