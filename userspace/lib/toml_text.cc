// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "toml_text.hh"

#include "error.hh"

#include <fmt/format.h>

namespace shmnet {

toml::table parse_toml(std::string_view text, const std::string& file)
{
	try {
		return toml::parse(text, file);
	} catch (const toml::parse_error& error) {
		throw UsageError(fmt::format("{}:{}: this is no TOML: {}", file,
					     error.source().begin.line, error.description()));
	}
}

void fail_toml(const std::string& file, const toml::source_region& where, const std::string& key,
	       const std::string& text)
{
	throw UsageError(fmt::format("{}:{}: {}: {}", file, where.begin.line, key, text));
}

} // namespace shmnet
