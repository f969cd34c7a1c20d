/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Formats the memory of an ivshmem-plain device from inside a guest, or a file of zeros. */
#pragma once

#include "region_request.hh"

#include <string>

namespace shmnet::ctl {

/* Returns what was done, in a line. Throws Error or UsageError; nothing was written then. */
std::string format_memory(const std::string& name, RegionRequest request,
			  const std::string& sysfs = "/sys");

} // namespace shmnet::ctl
