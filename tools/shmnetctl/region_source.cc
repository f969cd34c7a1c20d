// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "region_source.hh"

#include "error.hh"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>
#include <fstream>

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

std::unique_ptr<RegionSource> open_pci(const std::string& address, const std::string& sysfs)
{
	DeviceMemory memory = open_device(address, false, sysfs);
	if (Mapping mapping = Mapping::map(memory.fd.get(), memory.size, false))
		return std::make_unique<DeviceSource>(std::move(mapping));
	/* Its driver has it, in another memory type; the driver shows the same bytes itself. */
	std::string reason = strerror(errno);
	std::string path = fmt::format("{}/kernel/debug/shmnet/{}/region", sysfs, address);
	UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
	if (fd)
		return std::make_unique<FileSource>(std::move(fd), memory.size);
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
		return open_pci(*address, sysfs);
	return open_file(name);
}

} // namespace shmnet::ctl
