// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The connection table: what readers without a lock find while the writer changes it. */
#include "cases.hh"
#include "explored_memory.hh"
#include "flow_table.hh"

#include <algorithm>
#include <cstring>
#include <optional>

using namespace shmnet;
using namespace shmnet::explore;

namespace {

using Table = FlowTable<ExploredMemory>;

constexpr FlowTarget BEFORE = {1, 1}, AFTER = {2, 2};
constexpr FlowTouch PACKET = {0, TCP_ACK};

/* A flow that differs from others in one word. */
FlowKey flow(u8 which)
{
	FlowKey key = {};
	key.source[0] = which;
	key.protocol = PROTOCOL_TCP;
	return key;
}

/* Thread 0 writes, thread 1 looks for flows; flow 1 goes to BEFORE, where the table has memory. */
class TableScene : public Scene {
public:
	explicit TableScene(bool has_memory = true) : has_memory_(has_memory) {}

	u32 threads() const override { return 2; }

	void begin() override
	{
		make(true);
		bucket_ = std::find_if(std::begin(buckets_[0]), std::end(buckets_[0]), is_used);
		if (!has_memory_)
			make(false);
	}

	/* Of each entry a word of the key; of the index what the flow, or anything, lies in. */
	bool is_left_out(const void* address) const override
	{
		if (in(address, entries_, sizeof(entries_)))
			return offset(address, entries_) % sizeof(Table::Entry) >
				       offsetof(Table::Entry, key) &&
			       offset(address, entries_) % sizeof(Table::Entry) <
				       offsetof(Table::Entry, target);
		if (!in(address, buckets_, sizeof(buckets_)))
			return false;
		size_t at = offset(address, buckets_) % sizeof(FlowBucket);
		const auto* bucket =
			reinterpret_cast<const FlowBucket*>(static_cast<const char*>(address) - at);
		return !(bucket == bucket_ || is_used(*bucket)) ||
		       !(at == 0 || at == offsetof(FlowBucket, number[0]));
	}

protected:
	void add(u8 which, const FlowTarget& target)
	{
		table_->insert(flow(which), target, FlowState::Established, 0);
	}

	bool found(u8 which) { return table_->find(flow(which), PACKET, target_); }

	std::optional<Table> table_;
	FlowTarget target_ = {};
	alignas(64) Table::Entry entries_[Table::CHUNK_FLOWS] = {};
	alignas(64) FlowBucket buckets_[2][Table::BUCKETS_MIN * 2] = {};

private:
	void make(bool has_memory)
	{
		std::fill(std::begin(chunks_), std::end(chunks_), 0);
		std::memset(static_cast<void*>(buckets_), 0, sizeof(buckets_));
		table_.emplace(Table::FLOWS_MIN, SipKey{{1, 2}}, FLOW_TIMEOUTS, chunks_,
			       buckets_[0]);
		if (!has_memory)
			return;
		table_->add_chunk(entries_);
		add(1, BEFORE);
	}

	static size_t offset(const void* address, const void* begin)
	{
		return static_cast<size_t>(static_cast<const char*>(address) -
					   static_cast<const char*>(begin));
	}

	static bool in(const void* address, const void* begin, size_t bytes)
	{
		return offset(address, begin) < bytes;
	}

	static bool is_used(const FlowBucket& bucket) { return bucket.number[0] != 0; }

	const bool has_memory_;
	const FlowBucket* bucket_ = nullptr;
	u64 chunks_[Table::chunks_bytes(Table::FLOWS_MIN) / sizeof(u64)] = {};
};

/* It goes to another node: a reader sees the one or the other. */
class Changed : public TableScene {
public:
	void run(u32 thread) override
	{
		if (thread == 0) {
			add(1, AFTER);
			return;
		}
		for (u32 i = 0; i < 2; i++) {
			SHMNET_HOLDS(found(1));
			SHMNET_HOLDS(target_ == BEFORE || target_ == AFTER);
		}
	}
};

/* The first flow in memory that is brought just before. */
class FirstInChunk : public TableScene {
public:
	FirstInChunk() : TableScene(false) {}

	void run(u32 thread) override
	{
		if (thread == 0) {
			table_->add_chunk(entries_);
			add(1, BEFORE);
			return;
		}
		for (u32 i = 0; i < 2; i++)
			if (found(1))
				SHMNET_HOLDS(target_ == BEFORE);
	}
};

/* It ends, and its entry becomes another flow's. */
class Reused : public TableScene {
public:
	explicit Reused(u8 wanted) : wanted_(wanted) {}

	void run(u32 thread) override
	{
		if (thread == 0) {
			table_->erase(flow(1));
			add(2, AFTER);
			return;
		}
		if (found(wanted_))
			SHMNET_HOLDS(target_ == (wanted_ == 1 ? BEFORE : AFTER));
	}

private:
	const u8 wanted_;
};

/* The index grows: the flow is found all the while. */
class Grown : public TableScene {
public:
	void run(u32 thread) override
	{
		if (thread == 0) {
			table_->grow(buckets_[1], Table::BUCKETS_MIN * 2);
			while (table_->migrate(Table::BUCKETS_MIN / 2) == nullptr)
				;
			return;
		}
		SHMNET_HOLDS(found(1));
		SHMNET_HOLDS(target_ == BEFORE);
	}
};

} // namespace

int main(int argc, char** argv)
{
	return explore_cases(
		{
			{"changed", {4, 3, 0}, [] { return std::make_unique<Changed>(); }},
			{"first", {4, 3, 0}, [] { return std::make_unique<FirstInChunk>(); }},
			{"ended", {4, 3, 0}, [] { return std::make_unique<Reused>(1); }},
			{"begun", {4, 3, 0}, [] { return std::make_unique<Reused>(2); }},
			{"grown", {4, 3, 0}, [] { return std::make_unique<Grown>(); }},
		},
		argc, argv);
}
