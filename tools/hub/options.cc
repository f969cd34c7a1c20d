// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "options.hh"

#include "error.hh"
#include "networks.hh"
#include "size.hh"
#include "version.hh"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <grp.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>

namespace shmnet::hub {

namespace {

/*
 * Each guest's QEMU has an eventfd for each vector of each guest, and 1,024 file descriptors in
 * all unless it is given more.
 */
constexpr u32 EVENTFDS_OF_A_GUEST = 768;
constexpr u32 VECTORS_MAX = 1024;

constexpr const char* DESCRIPTION =
	"Serves QEMU guests the memory and the doorbells of a shmnet region (ivshmem-doorbell).";
constexpr const char* FOOTER =
	"\nExample:\n  shmnet-hub --socket /run/shmnet/demo.sock --nodes 2\n"
	"  qemu-system-x86_64 ... -chardev socket,id=shmnet,path=/run/shmnet/demo.sock \\\n"
	"      -device ivshmem-doorbell,chardev=shmnet,vectors=2\n"
	"The manual page shmnet-hub(8) has all of it.";

/* Arguments as text; what they mean is checked after parsing, in words of our own. */
struct Texts {
	std::string memory;
	std::string networks;
	std::string id;
	std::string mode;
	std::string group;
};

u32 default_vectors(u32 nodes)
{
	return std::clamp(EVENTFDS_OF_A_GUEST / nodes, 2u, std::max(nodes, 2u));
}

/* Named after the socket, so that the next hub on that socket finds its memory again. */
std::string default_file(const std::string& socket)
{
	std::string name = std::filesystem::absolute(socket).lexically_normal().string();
	std::replace(name.begin(), name.end(), '/', '-');
	return "/dev/shm/shmnet" + name;
}

mode_t parse_mode(const std::string& text)
{
	unsigned mode = 0;
	auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
	if (error != std::errc() || *end != '\0' || mode > 0777)
		throw UsageError(fmt::format("--mode {}: give an octal mode, as in 0660", text));
	return mode;
}

gid_t parse_group(const std::string& text)
{
	if (const struct group* group = ::getgrnam(text.c_str()))
		return group->gr_gid;
	throw UsageError(fmt::format("--group {}: there is no such group", text));
}

void check_socket(const std::string& path)
{
	constexpr size_t MAX = sizeof(sockaddr_un::sun_path) - 1;
	if (path.size() > MAX)
		throw UsageError(
			fmt::format("--socket {}: {} bytes long; a socket's path has at most "
				    "{}",
				    path, path.size(), MAX));
}

void interpret(Options& options, const Texts& texts)
{
	if (options.create.empty() == options.socket.empty())
		throw UsageError("give either --socket PATH, to serve, or --create FILE");
	if (!options.create.empty() && !options.file.empty())
		throw UsageError("--create names the file: leave --file out");
	if (!texts.memory.empty()) {
		std::optional<u64> memory = parse_size(texts.memory);
		if (!memory || *memory == 0)
			throw UsageError(
				fmt::format("--memory {}: give a size, as in 64M", texts.memory));
		options.region.memory = *memory;
	}
	options.region.networks =
		texts.networks.empty() ? default_networks() : parse_networks(texts.networks);
	if (!texts.id.empty())
		options.region.id = parse_region_id(texts.id);
	if (!texts.mode.empty())
		options.mode = parse_mode(texts.mode);
	if (!texts.group.empty())
		options.group = parse_group(texts.group);
	if (!options.fault_text.empty())
		options.fault = parse_fault(options.fault_text);
	/* Checks the nodes as well, on which the number of vectors depends. */
	(void)make_geometry(options.region, 0);
	if (options.vectors == 0)
		options.vectors = default_vectors(options.region.nodes);
	if (options.vectors > VECTORS_MAX)
		throw UsageError(
			fmt::format("--vectors {}: give 1 to {}", options.vectors, VECTORS_MAX));
	if (options.socket.empty())
		return;
	check_socket(options.socket);
	if (options.file.empty())
		options.file = default_file(options.socket);
	if (options.state.empty())
		options.state = options.file + ".state";
}

} // namespace

Options parse_options(int argc, char** argv)
{
	Options options;
	Texts texts;
	CLI::App app(DESCRIPTION, "shmnet-hub");
	app.footer(FOOTER);
	app.set_version_flag("--version", fmt::format("shmnet-hub {}, region format {}",
						      SHMNET_PROGRAM_VERSION, SHMNET_VERSION));
	app.add_option("--socket", options.socket, "Serve on this unix socket")->type_name("PATH");
	app.add_option("--create", options.create, "Format this file and exit")->type_name("FILE");
	app.add_option("--nodes", options.region.nodes, "Nodes that the region has room for")
		->type_name("N")
		->required();
	app.add_option("--memory", texts.memory,
		       "The region's size, rounded up to a power of two (default: what the nodes "
		       "need)")
		->type_name("SIZE");
	app.add_flag("--hardened", options.region.hardened,
		     "Each node's part is a file of its own, FILE.0, FILE.1 ..., which the other "
		     "guests get read-only");
	app.add_option("--networks", texts.networks,
		       fmt::format("{} (default: one local, one global)", NETWORKS_SYNTAX))
		->type_name("SPEC");
	app.add_option(
		   "--vectors", options.vectors,
		   "Interrupts of each guest's device; the same as vectors= of QEMU (default: as "
		   "many as nodes, fewer from 28 nodes on)")
		->type_name("N")
		->check(CLI::PositiveNumber);
	app.add_option("--file", options.file,
		       "The memory's file (default: in /dev/shm, named after the socket)")
		->type_name("FILE");
	app.add_option("--state", options.state,
		       "What the next hub must know of this one (default: the memory's file and "
		       "'.state')")
		->type_name("FILE");
	app.add_option(
		   "--id", texts.id,
		   "The region's id, 24 bits, part of its MAC addresses (default: from the machine "
		   "and the file's name)")
		->type_name("HEX");
	app.add_option(
		   "--mode", texts.mode,
		   "Permissions of the socket, or of the file that --create makes (default: 0600)")
		->type_name("OCTAL");
	app.add_option("--group", texts.group, "Group of the same, such as libvirt-qemu")
		->type_name("NAME");
	app.add_option("--patience", options.patience,
		       "How long a client may take to read its first messages")
		->type_name("SECONDS")
		->capture_default_str()
		->check(CLI::Range(1, 86400));
	app.add_option("--fault", options.fault_text,
		       fmt::format("For tests: relay the doorbells with faults, {}", FAULT_SYNTAX))
		->type_name("SPEC");
	try {
		app.parse(argc, argv);
	} catch (const CLI::ParseError& error) {
		std::exit(app.exit(error) == 0 ? 0 : EXIT_USAGE);
	}
	interpret(options, texts);
	return options;
}

} // namespace shmnet::hub
