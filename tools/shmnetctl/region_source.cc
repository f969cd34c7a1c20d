// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "region_source.hh"

#include "error.hh"

#include <fcntl.h>
#include <linux/shmnet_shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <vector>

namespace shmnet::ctl {

namespace {

constexpr const char* IVSHMEM_VENDOR = "0x1af4";
constexpr const char* IVSHMEM_DEVICE = "0x1110";
constexpr const char* IVSHMEM_CLASS = "0x050000";
constexpr unsigned PCI_COMMAND_MEMORY_BIT = 2;

/* Read on demand: a mapping would fill a sparse file's holes with pages. */
class FileSource : public RegionSource {
public:
	FileSource(UniqueFd fd, __u64 size) : fd_(std::move(fd)), size_(size) {}

	__u64 size() const override { return size_; }
	bool read(__u64 offset, void* to, size_t bytes) const override
	{
		if (offset > size_ || bytes > size_ - offset)
			return false;
		for (size_t done = 0; done < bytes;) {
			ssize_t got = ::pread(fd_.get(), static_cast<char*>(to) + done,
					      bytes - done, static_cast<off_t>(offset + done));
			if (got <= 0)
				return false;
			done += static_cast<size_t>(got);
		}
		return true;
	}

private:
	UniqueFd fd_;
	__u64 size_;
};

/* A hardened region: the hub part, and the nodes' parts behind it. */
class PartsSource : public RegionSource {
public:
	using Opener = std::function<std::unique_ptr<RegionSource>(__u32 slot)>;

	PartsSource(std::unique_ptr<RegionSource> hub, const shmnet_superblock& superblock,
		    const Opener& open)
	    : superblock_(superblock), hub_(std::move(hub))
	{
		for (__u32 slot = 0; slot < superblock.nodes; slot++)
			parts_.push_back(open(slot));
	}

	__u64 size() const override { return superblock_.region_size; }
	bool read(__u64 offset, void* to, size_t bytes) const override
	{
		if (offset < superblock_.parts_offset)
			return hub_->read(offset, to, bytes);
		offset -= superblock_.parts_offset;
		__u64 slot = offset / superblock_.part_size;
		return slot < parts_.size() &&
		       parts_[slot]->read(offset % superblock_.part_size, to, bytes);
	}

private:
	shmnet_superblock superblock_;
	std::unique_ptr<RegionSource> hub_;
	std::vector<std::unique_ptr<RegionSource>> parts_;
};

/* With its parts, if it is a hardened region's hub part. */
std::unique_ptr<RegionSource> with_parts(std::unique_ptr<RegionSource> source,
					 const PartsSource::Opener& open)
{
	std::optional<shmnet_superblock> superblock = source->get<shmnet_superblock>(0);
	if (!superblock || superblock->magic != SHMNET_MAGIC ||
	    !(superblock->features & SHMNET_FEATURE_HARDENED) || superblock->part_size == 0 ||
	    superblock->nodes > SHMNET_NODES_MAX || source->size() >= superblock->region_size)
		return source;
	return std::make_unique<PartsSource>(std::move(source), *superblock, open);
}

class DeviceSource : public MemorySource {
public:
	explicit DeviceSource(Mapping mapping)
	    : MemorySource(mapping.base(), mapping.size()), mapping_(std::move(mapping))
	{
	}

private:
	Mapping mapping_;
};

std::string read_attribute(const std::string& path)
{
	std::string value;
	std::ifstream file(path);
	std::getline(file, value);
	return value;
}

bool memory_enabled(const std::string& directory)
{
	char header[8];
	std::ifstream config(directory + "/config", std::ios::binary);
	return !config.read(header, sizeof(header)) || (header[4] & PCI_COMMAND_MEMORY_BIT);
}

std::unique_ptr<RegionSource> open_file(const std::string& path)
{
	UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
	struct stat status;
	if (!fd || ::fstat(fd.get(), &status) != 0)
		throw system_error("{}", path);
	if (!S_ISREG(status.st_mode))
		throw Error(
			fmt::format("{} is neither a file nor a PCI address (0000:00:04.0)", path));
	return std::make_unique<FileSource>(std::move(fd), static_cast<__u64>(status.st_size));
}

/* The address so many PCI functions behind that one. */
std::string function_behind(const std::string& address, unsigned functions)
{
	std::string bus = address.substr(0, strlen("0000:00:"));
	unsigned slot =
		static_cast<unsigned>(std::stoul(address.substr(bus.size(), 2), nullptr, 16));
	unsigned devfn = slot * 8 + static_cast<unsigned>(address.back() - '0') + functions;
	return fmt::format("{}{:02x}.{}", bus, devfn / 8, devfn % 8);
}

std::unique_ptr<RegionSource> open_pci(const std::string& address, const std::string& sysfs)
{
	DeviceMemory memory = open_device(address, false, sysfs);
	if (Mapping mapping = Mapping::map(memory.fd.get(), memory.size, false))
		return std::make_unique<DeviceSource>(std::move(mapping));
	/* Its driver has it, in another memory type; the driver shows the same bytes itself. */
	std::string reason = strerror(errno);
	std::string path = fmt::format("{}/kernel/debug/shmnet/{}/region", sysfs, address);
	if (::access(path.c_str(), R_OK) == 0)
		return open_file(path);
	throw Error(fmt::format(
		"the memory of {} cannot be mapped ({}), as a driver holds it, and {} "
		"cannot be opened ({}). As root, with shmnet's module bound, mount debugfs "
		"('mount -t debugfs none /sys/kernel/debug'); or {}",
		address, reason, path, strerror(errno), unbind_hint(address)));
}

} // namespace

bool MemorySource::read(__u64 offset, void* to, size_t bytes) const
{
	if (offset > size_ || bytes > size_ - offset)
		return false;
	auto* out = static_cast<char*>(to);
	const char* from = base_ + offset;
	while (bytes >= sizeof(__u64) && reinterpret_cast<uintptr_t>(from) % sizeof(__u64) == 0) {
		__u64 word =
			__atomic_load_n(reinterpret_cast<const __u64*>(from), __ATOMIC_RELAXED);
		memcpy(out, &word, sizeof(word));
		from += sizeof(word);
		out += sizeof(word);
		bytes -= sizeof(word);
	}
	memcpy(out, from, bytes);
	return true;
}

std::optional<std::string> parse_pci_address(std::string_view text)
{
	std::string address(text);
	if (address.size() == strlen("00:04.0"))
		address.insert(0, "0000:");
	constexpr std::string_view PATTERN = "hhhh:hh:hh.o";
	if (address.size() != PATTERN.size())
		return std::nullopt;
	for (size_t i = 0; i < PATTERN.size(); i++) {
		char c = static_cast<char>(::tolower(static_cast<unsigned char>(address[i])));
		bool octal = c >= '0' && c <= '7';
		bool hex = octal || c == '8' || c == '9' || (c >= 'a' && c <= 'f');
		bool fits = PATTERN[i] == 'h' ? hex : PATTERN[i] == 'o' ? octal : c == PATTERN[i];
		if (!fits)
			return std::nullopt;
		address[i] = c;
	}
	return address;
}

DeviceMemory open_device(const std::string& address, bool writable, const std::string& sysfs)
{
	std::string directory = fmt::format("{}/bus/pci/devices/{}", sysfs, address);
	struct stat status;
	if (::stat(directory.c_str(), &status) != 0)
		throw Error(
			fmt::format("there is no PCI device {}; 'lspci -d 1af4:1110' lists those "
				    "with shared memory",
				    address));
	std::string vendor = read_attribute(directory + "/vendor");
	std::string device = read_attribute(directory + "/device");
	std::string type = read_attribute(directory + "/class");
	if (vendor != IVSHMEM_VENDOR || device != IVSHMEM_DEVICE || type != IVSHMEM_CLASS)
		throw Error(fmt::format("{} is no ivshmem device: vendor {}, device {}, class {}",
					address, vendor, device, type));
	if (!memory_enabled(directory))
		throw Error(
			fmt::format("the memory of {} is switched off; switch it on with 'echo 1 > "
				    "{}/enable'",
				    address, directory));
	std::string path = directory + "/resource2";
	DeviceMemory memory;
	memory.fd.reset(::open(path.c_str(), (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC));
	if (!memory.fd || ::fstat(memory.fd.get(), &status) != 0)
		throw system_error("{}", path);
	memory.size = static_cast<__u64>(status.st_size);
	return memory;
}

std::string unbind_hint(const std::string& address)
{
	return fmt::format("unbind the driver ('echo {} > /sys/bus/pci/devices/{}/driver/unbind')",
			   address, address);
}

std::unique_ptr<RegionSource> open_region(const std::string& name, const std::string& sysfs)
{
	struct stat status;
	std::optional<std::string> address = parse_pci_address(name);
	if (address && ::stat(name.c_str(), &status) != 0)
		return with_parts(open_pci(*address, sysfs), [&](__u32 slot) {
			return open_pci(function_behind(*address, SHMNET_FUNCTION_PART(slot)),
					sysfs);
		});
	return with_parts(open_file(name),
			  [&](__u32 slot) { return open_file(fmt::format("{}.{}", name, slot)); });
}

} // namespace shmnet::ctl
