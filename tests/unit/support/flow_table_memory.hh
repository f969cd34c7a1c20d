/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A connection table with the memory that it asks for, for tests and measurements. */
#pragma once

#include "flow_table.hh"

#include <cstdlib>
#include <cstring>
#include <memory>
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

class TestTable {
public:
	explicit TestTable(u32 flows_max)
	    : chunks_(FlowTableHere::chunks_bytes(flows_max) / sizeof(u64)),
	      table_(flows_max, {{1, 2}}, FLOW_TIMEOUTS, chunks_.data(),
		     buckets(FlowTableHere::BUCKETS_MIN))
	{
		bring_chunks();
	}

	TestTable(const TestTable&) = delete;
	TestTable& operator=(const TestTable&) = delete;

	~TestTable()
	{
		for (u32 i = 0; i < table_.chunk_count(); i++)
			std::free(table_.chunk(i));
		std::free(table_.buckets());
		std::free(table_.older_buckets());
	}

	FlowTableHere* operator->() { return &table_; }

	FlowInsert insert(u32 which, const FlowTarget& target)
	{
		return table_.insert(flow_key(which), target, FlowState::Established, 0);
	}

	void bring_chunks()
	{
		while (table_.wants_chunk())
			table_.add_chunk(aligned(FlowTableHere::CHUNK_BYTES));
	}

	/* What the driver does beside: memory that is wanted, and @slice buckets of growth. */
	void grow(u32 slice)
	{
		bring_chunks();
		if (u32 count = table_.wants_buckets())
			table_.grow(buckets(count), count);
		if (table_.growing())
			std::free(table_.migrate(slice));
	}

private:
	static void* aligned(size_t bytes)
	{
		void* memory = std::aligned_alloc(64, bytes);
		std::memset(memory, 0, bytes);
		return memory;
	}

	static FlowBucket* buckets(u32 count)
	{
		return static_cast<FlowBucket*>(aligned(count * sizeof(FlowBucket)));
	}

	std::vector<u64> chunks_;
	FlowTableHere table_;
};

} // namespace shmnet::test
