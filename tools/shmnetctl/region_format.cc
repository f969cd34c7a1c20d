// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "region_format.hh"

#include "error.hh"
#include "layout.hh"
#include "region_source.hh"
#include "size.hh"
#include "zero_check.hh"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>

namespace shmnet::ctl {

namespace {

/* All guests that share a device's memory must come to the same id, whoever formats it. */
constexpr u32 DEFAULT_ID = 0x736d6e;

struct Target {
	UniqueFd fd;
	u64 size;
	bool file; /* and not a device */
};

Target open_target(const std::string& name, const std::string& sysfs)
{
	struct stat status;
	std::optional<std::string> address = parse_pci_address(name);
	if (address && ::stat(name.c_str(), &status) != 0) {
		DeviceMemory memory = open_device(*address, true, sysfs);
		return {std::move(memory.fd), memory.size, false};
	}
	UniqueFd fd(::open(name.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
	if (!fd && errno == ENOENT)
		throw Error(
			fmt::format("{}: there is no such file; 'shmnet-hub --create {}' makes and "
				    "formats one",
				    name, name));
	if (!fd || ::fstat(fd.get(), &status) != 0)
		throw system_error("{}", name);
	if (!S_ISREG(status.st_mode))
		throw Error(
			fmt::format("{} is neither a file nor a PCI address (0000:00:04.0)", name));
	return {std::move(fd), static_cast<u64>(status.st_size), true};
}

u64 load(const Mapping& memory, size_t offset)
{
	return HardwareMemory::load_acquire(reinterpret_cast<const u64*>(memory.base() + offset));
}

/* Whether the memory bears the mark of a formatter that was asked for the same. */
bool marked(const Mapping& memory, const Geometry& geometry)
{
	return load(memory, offsetof(shmnet_superblock, format)) == geometry.superblock.format;
}

std::string describe_content(const Mapping& memory)
{
	Geometry found;
	Layout layout;
	AttachError error =
		read_layout<HardwareMemory>(memory.base(), memory.size(), found, layout);
	return error == AttachError::None ? "it is a region already, of " + describe_geometry(found)
					  : describe(error);
}

void check_size(const std::string& name, RegionRequest request, const Mapping& memory)
{
	request.memory = 0;
	u64 needed = make_geometry(request, 0).superblock.region_size;
	if (needed <= memory.size())
		return;
	if (load(memory, 0) == SHMNET_MAGIC)
		throw Error(fmt::format("{} is not empty: {}", name, describe_content(memory)));
	throw Error(fmt::format(
		"{} has {}, and {} nodes on these networks need {}: give the device more "
		"memory, or ask for fewer --nodes",
		name, format_size(memory.size()), request.nodes, format_size(needed)));
}

/* All of the memory must be zero, unless another formatter of the same mind has begun. */
void check_empty(const std::string& name, const Target& target, const Mapping& memory,
		 const Geometry& geometry)
{
	auto nonzero = target.file ? find_nonzero_in_file(target.fd.get(), target.size)
				   : find_nonzero(memory.base(), memory.size());
	if (!nonzero || marked(memory, geometry))
		return;
	bool header = nonzero->offset < 2 * SHMNET_PAGE;
	throw Error(
		fmt::format("{} is not empty: {:#018x} at offset {:#x}{}{}. It was left as it is",
			    name, nonzero->word, nonzero->offset, header ? "; " : "",
			    header ? describe_content(memory) : ""));
}

} // namespace

std::string format_memory(const std::string& name, RegionRequest request, const std::string& sysfs)
{
	Target target = open_target(name, sysfs);
	if (!is_power_of_two(target.size))
		throw Error(
			fmt::format("{} has {}, which is no power of two, as a device's memory is",
				    name, format_size(target.size)));
	Mapping memory = Mapping::map(target.fd.get(), target.size, true);
	if (!memory)
		throw Error(fmt::format(
			"the memory of {} cannot be mapped ({}): if a driver holds it, {}", name,
			strerror(errno), unbind_hint(name)));
	check_size(name, request, memory);
	request.memory = target.size;
	Geometry geometry = make_geometry(request, request.id.value_or(DEFAULT_ID));
	bool finished = marked(memory, geometry) && load(memory, 0) == SHMNET_MAGIC;
	if (finished)
		return fmt::format("{} was formatted before: {}", name,
				   describe_geometry(geometry));
	if (!marked(memory, geometry))
		check_empty(name, target, memory, geometry);
	if (format_region<HardwareMemory>(memory.base(), geometry) != FormatResult::Formatted)
		throw Error(fmt::format(
			"{} was formatted otherwise by somebody else at this moment: {}", name,
			describe_content(memory)));
	return fmt::format("{} formatted: {}", name, describe_geometry(geometry));
}

} // namespace shmnet::ctl
