/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Sets of nodes, a bit by slot. */
#pragma once

#include <linux/types.h>

#include <string>
#include <vector>

namespace shmnet {

std::vector<__u32> slots_of(__u64 set);

/* "all", "0, 2", "none" */
std::string slots_text(__u64 set);

} // namespace shmnet
