/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The names of enum shmnet_node_state, as users read them. */
#pragma once

#include "named_value.hh"

#include <linux/shmnet.h>

#include <array>

namespace shmnet {

inline constexpr std::array NODE_STATES = {
	NamedValue{"self", SHMNET_NODE_SELF},     NamedValue{"up", SHMNET_NODE_UP},
	NamedValue{"silent", SHMNET_NODE_SILENT}, NamedValue{"dead", SHMNET_NODE_DEAD},
	NamedValue{"left", SHMNET_NODE_LEFT},
};

constexpr const char* node_state_name(__u32 value)
{
	return name_in(NODE_STATES, value);
}

} // namespace shmnet
