// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "mapping.hh"

#include <sys/mman.h>

namespace shmnet {

Mapping::~Mapping()
{
	if (base_)
		::munmap(base_, size_);
}

Mapping Mapping::map(int fd, u64 size, bool writable)
{
	Mapping mapping;
	void* base = ::mmap(nullptr, size, writable ? PROT_READ | PROT_WRITE : PROT_READ,
			    MAP_SHARED, fd, 0);
	if (base != MAP_FAILED) {
		mapping.base_ = static_cast<u8*>(base);
		mapping.size_ = size;
	}
	return mapping;
}

} // namespace shmnet
