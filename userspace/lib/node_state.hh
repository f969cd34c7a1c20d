/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The names of enum shmnet_node_state, as users read them. */
#pragma once

#include <linux/shmnet.h>
#include <linux/types.h>

#include <array>

namespace shmnet {

struct NodeState {
	const char* name;
	__u32 value;
};

inline constexpr std::array NODE_STATES = {
	NodeState{"self", SHMNET_NODE_SELF},     NodeState{"up", SHMNET_NODE_UP},
	NodeState{"silent", SHMNET_NODE_SILENT}, NodeState{"dead", SHMNET_NODE_DEAD},
	NodeState{"left", SHMNET_NODE_LEFT},
};

constexpr const char* node_state_name(__u32 value)
{
	for (const NodeState& state : NODE_STATES)
		if (state.value == value)
			return state.name;
	return "unknown";
}

} // namespace shmnet
