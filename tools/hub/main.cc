// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "error.hh"
#include "hub.hh"
#include "listener.hh"
#include "log.hh"
#include "options.hh"
#include "size.hh"

#include <sys/stat.h>

#include <csignal>
#include <cstdio>

namespace shmnet::hub {

namespace {

void report_rounding(const Options& options, const Region& region)
{
	u64 asked = options.region.memory;
	u64 size = region.geometry().superblock.region_size;
	if (asked != 0 && asked != size)
		log_info("--memory {} is no power of two, as a device's memory must be: rounded up "
			 "to {}",
			 format_size_argument(asked), format_size_argument(size));
}

void create(const Options& options)
{
	Region region(options.create, options.region);
	report_rounding(options, region);
	region.set_permissions(options.mode, options.group);
	log_info("{} {}: {}", region.path(), region.kept() ? "was formatted before" : "formatted",
		 region.description());
}

void serve(const Options& options)
{
	FdStore store;
	if (!store.has(FdStore::listener()))
		Listener::check(options.socket);
	Region region(options.file, options.region);
	report_rounding(options, region);
	Hub(options, region, store).run();
}

} // namespace

} // namespace shmnet::hub

int main(int argc, char** argv)
{
	using namespace shmnet;
	::umask(077);
	std::signal(SIGPIPE, SIG_IGN);
	try {
		hub::Options options = hub::parse_options(argc, argv);
		start_log("shmnet-hub");
		if (options.create.empty())
			hub::serve(options);
		else
			hub::create(options);
		return 0;
	} catch (const UsageError& error) {
		fmt::print(stderr, "shmnet-hub: {}\nRun 'shmnet-hub --help' for more.\n",
			   error.what());
		return EXIT_USAGE;
	} catch (const std::exception& error) {
		fmt::print(stderr, "shmnet-hub: {}\n", error.what());
		return EXIT_FAILED;
	}
}
