/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A set of nodes, a bit by slot, for people. */
#pragma once

#include <linux/types.h>

#include <string>

namespace shmnet {

/* "all", "0, 2", "none" */
std::string slots_text(__u64 slots);

} // namespace shmnet
