/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Another program, run to its end. */
#pragma once

#include <string>
#include <vector>

namespace shmnet {

struct ChildResult {
	int status = 0; /* exit status; 128 and the number for a signal */
	std::string output;
	std::string errors;
};

/*
 * Looks for @words[0] in PATH; it speaks English. Throws Error if it cannot be run, with @remedy as what
 * to do about that.
 */
ChildResult run_child(const std::vector<std::string>& words, const std::string& input,
		      const std::string& remedy);

} // namespace shmnet
