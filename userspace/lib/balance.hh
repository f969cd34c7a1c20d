/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The names of enum shmnet_balance, as users write and read them. */
#pragma once

#include "named_value.hh"

#include <linux/shmnet_shm.h>

#include <array>

namespace shmnet {

inline constexpr std::array BALANCES = {
	NamedValue{"round-robin", SHMNET_BALANCE_ROUND_ROBIN},
	NamedValue{"flow", SHMNET_BALANCE_FLOW},
	NamedValue{"source", SHMNET_BALANCE_SOURCE},
	NamedValue{"least", SHMNET_BALANCE_LEAST},
};

constexpr const char* balance_name(__u32 value)
{
	return name_in(BALANCES, value);
}

} // namespace shmnet
