// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "limits.hh"

#include "error.hh"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>

namespace shmnet::hub {

namespace {

u64 read_nr_open()
{
	u64 value = 0;
	std::ifstream file("/proc/sys/fs/nr_open");
	return file >> value ? value : 1 << 20;
}

} // namespace

void raise_descriptor_limit(u64 needed)
{
	struct rlimit limit;
	if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
		throw system_error("getrlimit");
	u64 nr_open = read_nr_open();
	/* The privileged may raise their hard limit; for the others it is the end. */
	struct rlimit most = {std::max<rlim_t>(nr_open, limit.rlim_max),
			      std::max<rlim_t>(nr_open, limit.rlim_max)};
	if (::setrlimit(RLIMIT_NOFILE, &most) == 0)
		limit = most;
	limit.rlim_cur = limit.rlim_max;
	if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
		throw system_error("setrlimit");
	if (limit.rlim_cur >= needed)
		return;
	if (nr_open < needed)
		throw Error(fmt::format(
			"{} file descriptors are needed, and the system gives no process "
			"more than {}: raise it with 'sysctl fs.nr_open={}', or give "
			"fewer --vectors",
			needed, nr_open, needed));
	throw Error(
		fmt::format("{} file descriptors are needed, and this process's hard limit "
			    "(RLIMIT_NOFILE) is {}: raise it with 'ulimit -Hn {}', or LimitNOFILE= "
			    "in the unit, or give fewer --vectors",
			    needed, limit.rlim_max, needed));
}

std::string describe_descriptor_limit(int error)
{
	if (error == ENFILE)
		return "the system has no more file descriptors: raise fs.file-max";
	struct rlimit limit = {};
	(void)::getrlimit(RLIMIT_NOFILE, &limit);
	return fmt::format(
		"all of this process's {} file descriptors (RLIMIT_NOFILE) are in use: "
		"raise LimitNOFILE= in the unit, or 'ulimit -Hn', or give fewer --vectors",
		limit.rlim_cur);
}

} // namespace shmnet::hub
