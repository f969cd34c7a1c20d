/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A connection table with the memory that it asks for, for tests and measurements. */
#pragma once

#include "flow_table.hh"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace shmnet::test {

using FlowTableHere = FlowTable<HardwareMemory>;

/* The @which'th flow: a TCP connection to one address. */
inline FlowKey flow_key(u32 which)
{
	FlowKey key = {};
	key.source[10] = key.source[11] = key.destination[10] = key.destination[11] = 0xff;
	for (u32 i = 0; i < 4; i++)
		key.source[12 + i] = static_cast<u8>(which >> 8 * i);
	key.destination[12] = 192;
	key.source_port = static_cast<u16>(1024 + which % 50000);
	key.destination_port = 80;
	key.protocol = PROTOCOL_TCP;
	return key;
}

/*
 * Memory as the kernel's own is mapped, by large pages: in blocks of 2 MiB, which are aligned to that.
 * Or each piece alone, so that a sanitizer sees its ends.
 */
class TableMemory {
public:
	explicit TableMemory(bool large_pages) : large_pages_(large_pages) {}
	TableMemory(const TableMemory&) = delete;
	TableMemory& operator=(const TableMemory&) = delete;

	~TableMemory()
	{
		for (void* piece : pieces_)
			std::free(piece);
	}

	/* Zeroed; @bytes: a power of two, at least 64. */
	void* take(size_t bytes)
	{
		if (!large_pages_ || bytes >= BLOCK)
			return piece(bytes);
		if (left_ < bytes) {
			block_ = static_cast<u8*>(piece(BLOCK));
			left_ = BLOCK;
		}
		left_ -= bytes;
		return block_ + left_;
	}

	/* Of a block nothing is given back before the end. */
	void give_back(void* memory)
	{
		auto found = std::find(pieces_.begin(), pieces_.end(), memory);
		if (memory == nullptr || found == pieces_.end())
			return;
		std::free(memory);
		pieces_.erase(found);
	}

private:
	static constexpr size_t BLOCK = 2u << 20;

	void* piece(size_t bytes)
	{
		bool large = large_pages_ && bytes >= BLOCK;
		void* memory = std::aligned_alloc(large ? BLOCK : 64, bytes);
		if (large)
			::madvise(memory, bytes, MADV_HUGEPAGE);
		std::memset(memory, 0, bytes);
		pieces_.push_back(memory);
		return memory;
	}

	const bool large_pages_;
	std::vector<void*> pieces_;
	u8* block_ = nullptr;
	size_t left_ = 0;
};

class TestTable {
public:
	explicit TestTable(u32 flows_max, bool large_pages = false)
	    : memory_(large_pages), chunks_(FlowTableHere::chunks_bytes(flows_max) / sizeof(u64)),
	      table_(flows_max, {{1, 2}}, FLOW_TIMEOUTS, chunks_.data(),
		     buckets(FlowTableHere::BUCKETS_MIN))
	{
		bring_chunks();
	}

	FlowTableHere* operator->() { return &table_; }

	FlowInsert insert(u32 which, const FlowTarget& target)
	{
		return table_.insert(flow_key(which), target, FlowState::Established, 0);
	}

	void bring_chunks()
	{
		while (table_.wants_chunk())
			table_.add_chunk(memory_.take(FlowTableHere::CHUNK_BYTES));
	}

	/* What the driver does beside: memory that is wanted, and @slice buckets of growth. */
	void grow(u32 slice)
	{
		bring_chunks();
		if (u32 count = table_.wants_buckets())
			table_.grow(buckets(count), count);
		if (table_.growing())
			memory_.give_back(table_.migrate(slice));
	}

private:
	FlowBucket* buckets(u32 count)
	{
		return static_cast<FlowBucket*>(memory_.take(count * sizeof(FlowBucket)));
	}

	TableMemory memory_;
	std::vector<u64> chunks_;
	FlowTableHere table_;
};

} // namespace shmnet::test
