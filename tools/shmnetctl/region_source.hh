/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Where the bytes of a region come from: a file, a PCI device's memory, or a buffer. */
#pragma once

#include "mapping.hh"
#include "unique_fd.hh"

#include <linux/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace shmnet::ctl {

class RegionSource {
public:
	virtual ~RegionSource() = default;

	virtual __u64 size() const = 0;
	/* False if any of it lies beyond the end, or cannot be read. */
	[[nodiscard]] virtual bool read(__u64 offset, void* to, size_t bytes) const = 0;

	template <typename T> std::optional<T> get(__u64 offset) const
	{
		T value;
		return read(offset, &value, sizeof(value)) ? std::optional<T>(value) : std::nullopt;
	}
};

/* Memory that others may be writing: words are read whole. */
class MemorySource : public RegionSource {
public:
	MemorySource(const void* base, __u64 size)
	    : base_(static_cast<const char*>(base)), size_(size)
	{
	}

	__u64 size() const override { return size_; }
	bool read(__u64 offset, void* to, size_t bytes) const override;

private:
	const char* base_;
	__u64 size_;
};

/* The file or the device of that PCI address. Throws Error, which says what to do. */
std::unique_ptr<RegionSource> open_region(const std::string& name,
					  const std::string& sysfs = "/sys");

/* With domain, in lower case; nothing if it is no PCI address. */
std::optional<std::string> parse_pci_address(std::string_view text);

/* The memory of an ivshmem device, after a look at what it is. Throws Error. */
struct DeviceMemory {
	UniqueFd fd;
	__u64 size;
};
DeviceMemory open_device(const std::string& address, bool writable, const std::string& sysfs);

/* How a driver that holds the device is made to let go of it. */
std::string unbind_hint(const std::string& address);

} // namespace shmnet::ctl
