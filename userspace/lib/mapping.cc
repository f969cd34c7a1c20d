// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "mapping.hh"

#include <sys/mman.h>

#include <cstdint>

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

Mapping Mapping::map(const std::vector<Piece>& pieces, bool writable)
{
	u64 size = 0;
	for (const Piece& piece : pieces)
		size += piece.size;
	/* The place first, aligned as huge pages must be: then each piece takes some of it. */
	constexpr u64 ALIGNMENT = 2 << 20;
	Mapping mapping;
	void* reserved = ::mmap(nullptr, size + ALIGNMENT, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (reserved == MAP_FAILED)
		return mapping;
	u64 before = -reinterpret_cast<uintptr_t>(reserved) % ALIGNMENT;
	mapping.base_ = static_cast<u8*>(reserved) + before;
	mapping.size_ = size;
	if (before)
		::munmap(reserved, before);
	::munmap(mapping.base_ + size, ALIGNMENT - before);
	u8* place = mapping.base_;
	for (const Piece& piece : pieces) {
		if (::mmap(place, piece.size, writable ? PROT_READ | PROT_WRITE : PROT_READ,
			   MAP_SHARED | MAP_FIXED, piece.fd, 0) == MAP_FAILED)
			return {};
		place += piece.size;
	}
	return mapping;
}

} // namespace shmnet
