/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Sizes as people write and read them: "8M", "8 MiB". */
#pragma once

#include "memory.hh"

#include <optional>
#include <string>
#include <string_view>

namespace shmnet {

/* A number with K, M, G or T for powers of 1024; nothing if it is none or does not fit. */
std::optional<u64> parse_size(std::string_view text);

/* Decimal, the whole of the text. */
std::optional<u64> parse_number(std::string_view text);

/* In the largest unit that divides it: exact. */
std::string format_size(u64 bytes);

/* The same, as parse_size() reads it. */
std::string format_size_argument(u64 bytes);

} // namespace shmnet
