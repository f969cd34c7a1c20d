/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The subcommands of shmnetctl, a file each. Each adds itself to the command line and, if it is
 * the one that was given, sets what is to be done. That returns the exit status, or throws Error.
 */
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace shmnet::ctl {

using Action = std::function<int()>;

void add_node(CLI::App& app, Action& action);
void add_network(CLI::App& app, Action& action);
void add_rings(CLI::App& app, Action& action);
void add_flow(CLI::App& app, Action& action);
void add_service(CLI::App& app, Action& action);
void add_address(CLI::App& app, Action& action);
void add_global(CLI::App& app, Action& action);
void add_helper(CLI::App& app, Action& action);
void add_drain(CLI::App& app, Action& action);
void add_explain(CLI::App& app, Action& action);
void add_ospf(CLI::App& app, Action& action);
void add_monitor(CLI::App& app, Action& action);
void add_region(CLI::App& app, Action& action);

} // namespace shmnet::ctl
