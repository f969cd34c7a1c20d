// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "slots.hh"

#include <fmt/ranges.h>
#include <linux/shmnet_shm.h>

namespace shmnet {

std::vector<__u32> slots_of(__u64 set)
{
	std::vector<__u32> slots;
	for (__u32 slot = 0; slot < SHMNET_NODES_MAX; slot++)
		if (set >> slot & 1)
			slots.push_back(slot);
	return slots;
}

std::string slots_text(__u64 set)
{
	if (set == ~__u64{0})
		return "all";
	return set ? fmt::format("{}", fmt::join(slots_of(set), ", ")) : "none";
}

} // namespace shmnet
