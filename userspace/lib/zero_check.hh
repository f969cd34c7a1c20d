/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Whether memory that is to be formatted is empty, all of it. */
#pragma once

#include "memory.hh"

#include <optional>

namespace shmnet {

struct NonZero {
	u64 offset; /* of the first word that is not zero */
	u64 word;
};

std::optional<NonZero> find_nonzero(const u8* base, u64 size);

/*
 * The same of a file, without touching its holes (a mapping's reads would fill them with pages).
 * Throws Error if the file cannot be read.
 */
std::optional<NonZero> find_nonzero_in_file(int fd, u64 size);

} // namespace shmnet
