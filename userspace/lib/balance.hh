/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The names of enum shmnet_balance, as users write and read them. */
#pragma once

#include <linux/shmnet_shm.h>

#include <array>

namespace shmnet {

struct Balance {
	const char* name;
	__u32 value;
};

inline constexpr std::array BALANCES = {
	Balance{"round-robin", SHMNET_BALANCE_ROUND_ROBIN},
	Balance{"flow", SHMNET_BALANCE_FLOW},
	Balance{"source", SHMNET_BALANCE_SOURCE},
	Balance{"least", SHMNET_BALANCE_LEAST},
};

constexpr const char* balance_name(__u32 value)
{
	for (const Balance& balance : BALANCES)
		if (balance.value == value)
			return balance.name;
	return "unknown";
}

} // namespace shmnet
