/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Names of an enumeration's values, as users write and read them. */
#pragma once

#include <linux/types.h>

namespace shmnet {

struct NamedValue {
	const char* name;
	__u32 value;
};

/* "unknown" if it is none of @values: another version's. */
template <typename Values> constexpr const char* name_in(const Values& values, __u32 value)
{
	for (const NamedValue& each : values)
		if (each.value == value)
			return each.name;
	return "unknown";
}

} // namespace shmnet
