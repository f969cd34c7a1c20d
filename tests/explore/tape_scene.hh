/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Tapes with two writers and a reader. */
#pragma once

#include "explored_memory.hh"
#include "support/region.hh"
#include "tape.hh"

#include <algorithm>
#include <array>
#include <optional>

namespace shmnet::explore {

constexpr u32 NODES = 3;
constexpr u32 READER = 2; /* thread and node; the others are writers */

/*
 * Of a cast's bytes, some words up to here say who cast it, and which it was: those that lie where
 * another cast's header or first bytes may.
 */
constexpr u32 STAMPED = 2 * SHMNET_LINE;
constexpr u32 STAMP_EVERY = SHMNET_LINE / 2;

constexpr u64 stamp(u32 writer, u32 number)
{
	return u64{writer + 1} << 32 | number;
}

class Listener {
public:
	explicit Listener(const Layout& layout, u32 tape = 0) : reader_(layout, 0, tape, READER) {}

	shmnet_receive listen()
	{
		shmnet_cast_view view;
		shmnet_receive outcome = reader_.next(view);
		if (outcome != SHMNET_RECEIVE_FRAME)
			return outcome;
		u64 first = ExploredMemory::load_relaxed(word_of(view, 0));
		bool same = true;
		for (u32 at = STAMP_EVERY; at + 8 <= view.len && at < STAMPED; at += STAMP_EVERY)
			same = ExploredMemory::load_relaxed(word_of(view, at)) == first && same;
		if (!reader_.confirm())
			return SHMNET_RECEIVE_MISSED;
		SHMNET_HOLDS(same);
		SHMNET_HOLDS(first >> 32 == view.writer + 1);
		SHMNET_HOLDS(count_ < heard_.size());
		heard_[count_++] = first;
		return SHMNET_RECEIVE_FRAME;
	}

	void drain()
	{
		for (u32 i = 0; i < 100; i++)
			if (listen() == SHMNET_RECEIVE_EMPTY)
				return;
		SHMNET_HOLDS(!"the tape has an end");
	}

	TapeReader<ExploredMemory>& reader() { return reader_; }
	bool waiting() const { return reader_.waiting(); }
	u64 missed() const { return reader_.missed(); }
	u32 count() const { return count_; }

	/* Whether each writer's casts came in their order, each once. */
	bool in_order() const
	{
		for (u32 i = 0; i < count_; i++)
			for (u32 j = 0; j < i; j++)
				if (heard_[j] >> 32 == heard_[i] >> 32 && heard_[j] >= heard_[i])
					return false;
		return true;
	}

	bool has_heard(u64 cast) const
	{
		return std::find(heard_.begin(), heard_.begin() + count_, cast) !=
		       heard_.begin() + count_;
	}

	bool heard_the_same(const Listener& other) const
	{
		return std::equal(heard_.begin(), heard_.begin() + count_, other.heard_.begin(),
				  other.heard_.begin() + other.count_);
	}

private:
	static const u64* word_of(const shmnet_cast_view& view, u32 at)
	{
		return reinterpret_cast<const u64*>(static_cast<const u8*>(view.data) + at);
	}

	TapeReader<ExploredMemory> reader_;
	std::array<u64, 32> heard_ = {};
	u32 count_ = 0;
};

class TapeScene : public Scene {
public:
	u32 threads() const override { return 3; }

	void begin() override
	{
		for (u32 i = 0; i < READER; i++)
			begin_writer(i, 1);
		listener_.emplace(region_.layout());
	}

protected:
	static constexpr u32 SHORT = 16;

	explicit TapeScene(u32 slots, u32 mtu = 1500) : region_(test::small_request(NODES, mtu))
	{
		region_.shrink_tapes(slots);
	}

	void begin_writer(u32 writer, u32 incarnation)
	{
		ExploredMemory::store_release(&layout().node(writer)->incarnation, incarnation);
		writers_[writer].emplace(layout(), writer, incarnation);
		casts_[writer] = 0;
	}

	void cast(u32 writer, u32 len = SHORT, u32 tape = 0)
	{
		u64 word = stamp(writer, ++casts_[writer]);
		u8* bytes = writers_[writer]->begin(len, 0, tape, 0);
		for (u32 at = 0; at + 8 <= len && at < STAMPED; at += STAMP_EVERY)
			ExploredMemory::store_relaxed(reinterpret_cast<u64*>(bytes + at), word);
		SHMNET_HOLDS(writers_[writer]->publish());
	}

	const Layout& layout() const { return region_.layout(); }

	test::Region region_;
	std::optional<CastWriter<ExploredMemory>> writers_[READER];
	u32 casts_[READER] = {};
	std::optional<Listener> listener_;
};

} // namespace shmnet::explore
