/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* One program at a time changes what stands in a directory. */
#pragma once

#include "unique_fd.hh"

#include <string>

namespace shmnet {

/*
 * Makes the directory if it is not there. Waits for whoever holds it; held as long as the descriptor is
 * open. Throws Error.
 */
UniqueFd lock_directory(const std::string& directory);

} // namespace shmnet
