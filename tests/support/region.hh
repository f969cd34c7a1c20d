/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A region in anonymous memory, with a page on either side that nobody may touch. */
#pragma once

#include "layout.hh"

#include <sys/mman.h>

#include <memory>
#include <stdexcept>

namespace shmnet::test {

/* The two default networks. */
inline GeometryRequest default_request(u32 nodes)
{
	return {
		.region_size = 0,
		.nodes = nodes,
		.region_id = 0x5eed01,
		.networks = 2,
		.network = {DEFAULT_LOCAL, DEFAULT_GLOBAL},
	};
}

/* One local network. */
inline GeometryRequest small_request(u32 nodes, u32 mtu = 1500, u32 buffer_size = 2048,
				     u32 queues = 1)
{
	return {
		.region_size = 0,
		.nodes = nodes,
		.region_id = 0x5eed01,
		.networks = 1,
		.network = {{SHMNET_NETWORK_LOCAL, mtu, buffer_size, queues, 2}},
	};
}

inline Geometry geometry_of(const GeometryRequest& request)
{
	Geometry geometry;
	if (compute_geometry(request, geometry).error != GeometryError::None)
		throw std::invalid_argument("no geometry for this request");
	return geometry;
}

/* Zeroed memory of @size bytes; of a region's size, only what is touched exists. */
class GuardedMemory {
public:
	explicit GuardedMemory(u64 size) : size_(round_up(size, SHMNET_PAGE))
	{
		/* Nodes' parts are aligned to 2 MiB in the region; the region itself to a page. */
		void* all = ::mmap(nullptr, size_ + 2 * SHMNET_PAGE, PROT_NONE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (all == MAP_FAILED)
			throw std::bad_alloc();
		base_ = static_cast<u8*>(all) + SHMNET_PAGE;
		::mprotect(base_, size_, PROT_READ | PROT_WRITE);
	}
	GuardedMemory(const GuardedMemory&) = delete;
	GuardedMemory& operator=(const GuardedMemory&) = delete;
	~GuardedMemory() { ::munmap(base_ - SHMNET_PAGE, size_ + 2 * SHMNET_PAGE); }

	u8* base() const { return base_; }
	u64 size() const { return size_; }

	bool contains(const void* address, u64 bytes) const
	{
		auto* at = static_cast<const u8*>(address);
		return at >= base_ && at <= base_ + size_ &&
		       bytes <= static_cast<u64>(base_ + size_ - at);
	}

	/* From here on a store kills the program. */
	void make_read_only() const { ::mprotect(base_, size_, PROT_READ); }

private:
	u64 size_;
	u8* base_;
};

/* A formatted region and what a node makes of it. */
class Region {
public:
	explicit Region(const GeometryRequest& request)
	    : geometry_(std::make_unique<Geometry>(geometry_of(request))),
	      memory_(geometry_->superblock.region_size)
	{
		auto scratch = std::make_unique<Geometry>();
		if (format_region<HardwareMemory>(memory_.base(), *geometry_) !=
			    FormatResult::Formatted ||
		    read_layout<HardwareMemory>(memory_.base(), memory_.size(), *scratch,
						layout_) != AttachError::None)
			throw std::runtime_error("the region was not formatted");
	}

	/* With rings of fewer buffers and descriptors than the geometry has room for. */
	Region(const GeometryRequest& request, u32 pool, u32 ring) : Region(request)
	{
		for (u32 i = 0; i < layout_.networks; i++) {
			if (pool > layout_.network[i].pool || ring > layout_.network[i].ring)
				throw std::invalid_argument("rings can only shrink");
			layout_.network[i].pool = pool;
			layout_.network[i].ring = ring;
		}
	}

	u8* base() const { return memory_.base(); }
	u64 size() const { return memory_.size(); }
	const GuardedMemory& memory() const { return memory_; }
	const Geometry& geometry() const { return *geometry_; }
	const Layout& layout() const { return layout_; }

	/* Tapes of fewer slots likewise. */
	void shrink_tapes(u32 slots)
	{
		for (u32 i = 0; i < layout_.networks; i++)
			layout_.network[i].tape_slots = slots;
	}

	/* The slot whose part holds @address, or the number of slots: in no node's part. */
	u32 part_of(const void* address) const
	{
		u64 offset = static_cast<u64>(static_cast<const u8*>(address) - base());
		if (offset < layout_.parts_offset)
			return layout_.nodes;
		u64 slot = (offset - layout_.parts_offset) / layout_.part_size;
		return slot < layout_.nodes ? static_cast<u32>(slot) : layout_.nodes;
	}

private:
	std::unique_ptr<Geometry> geometry_;
	GuardedMemory memory_;
	Layout layout_ = {};
};

} // namespace shmnet::test
