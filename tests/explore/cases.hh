/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What a program of scenes explores, and how it tells. */
#pragma once

#include "explorer.hh"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace shmnet::explore {

struct Case {
	std::string name;
	Bounds bounds;
	std::function<std::unique_ptr<Scene>()> scene;
};

/* Explores those whose names hold @argv[1], or all. Prints TAP. Returns what main() does. */
int explore_cases(const std::vector<Case>& cases, int argc, char** argv);

} // namespace shmnet::explore
