// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "daemon.hh"
#include "error.hh"
#include "log.hh"
#include "options.hh"
#include "published_text.hh"
#include "report.hh"

#include <fmt/format.h>
#include <netinet/tcp.h>

#include <cstdio>

namespace shmnet::shmnetd {

namespace {

void publish_once(const Options& options, Module& module)
{
	Config config = config_of(options);
	Publisher publisher(module, options.interfaces);
	SocketDump sockets;
	publisher.find_interfaces();
	if (publisher.published().empty())
		throw Error(NO_GLOBAL_INTERFACE);
	publisher.publish(sockets.listeners(), AddressDump().addresses(), config,
			  sockets.connections(1u << TCP_ESTABLISHED));
	for (const Published& published : publisher.published())
		if (!published.told)
			throw Error(
				fmt::format("{}: {}", published.interface.name, published.refused));
	nlohmann::ordered_json report = report_published(publisher.published());
	fmt::print("{}", options.json ? report.dump(2) + "\n" : published_text(report));
}

void start(const Options& options)
{
	KernelModule module;
	if (options.once)
		publish_once(options, module);
	else
		Daemon(options, module).run();
}

} // namespace

} // namespace shmnet::shmnetd

int main(int argc, char** argv)
{
	using namespace shmnet;
	try {
		shmnetd::Options options = shmnetd::parse_options(argc, argv);
		start_log("shmnetd", options.verbose);
		shmnetd::start(options);
		return 0;
	} catch (const UsageError& error) {
		fmt::print(stderr, "shmnetd: {}\n", error.what());
		return EXIT_USAGE;
	} catch (const std::exception& error) {
		fmt::print(stderr, "shmnetd: {}\n", error.what());
		return EXIT_FAILED;
	}
}
