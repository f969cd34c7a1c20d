/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* How many file descriptors this process may have. */
#pragma once

#include "memory.hh"

#include <string>

namespace shmnet::hub {

/*
 * Raises the limit as far as it goes. Throws Error, which names the limit that is short, if it
 * stays under @needed.
 */
void raise_descriptor_limit(u64 needed);

/* After EMFILE or ENFILE: which limit was met, and how to raise it. */
std::string describe_descriptor_limit(int error);

} // namespace shmnet::hub
