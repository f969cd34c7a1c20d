/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Nodes that cast, and nodes that listen. A cast's bytes say whose it is and which, and the rest
 * follows from that, so that a torn one shows.
 */
#pragma once

#include "directory.hh"
#include "support/frame.hh"
#include "support/region.hh"
#include "tape.hh"

#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

namespace shmnet::test {

/* Which cast of which node; what a listener can tell from the bytes alone. */
struct CastId {
	u32 node;
	u32 number;

	auto operator<=>(const CastId&) const = default;
};

constexpr u32 CAST_MIN = 16;

inline void fill_cast(u8* to, u32 len, const CastId& id)
{
	u64 seed = u64{id.node} << 32 | id.number;
	memcpy(to, &seed, sizeof(seed));
	fill_bytes(to + 8, 8, len - 8, seed);
}

/* Nothing if the bytes are not one cast's. */
inline std::optional<CastId> identify_cast(const u8* from, u32 len)
{
	u64 seed;
	if (len < CAST_MIN)
		return std::nullopt;
	memcpy(&seed, from, sizeof(seed));
	if (!bytes_hold(from + 8, 8, len - 8, seed))
		return std::nullopt;
	return CastId{static_cast<u32>(seed >> 32), static_cast<u32>(seed)};
}

/* The casting side of a node: its numbers count up from 1. */
template <typename Memory = HardwareMemory> class Caster {
public:
	Caster(const Layout& layout, u32 node, u32 incarnation = 1)
	    : node_(node), writer_(layout, node, incarnation)
	{
		HardwareMemory::store_release(&layout.node(node)->incarnation, incarnation);
	}

	/* Whether the cast is on the tape. */
	bool cast(u32 len, u32 tape = 0)
	{
		begin(len, tape);
		return publish();
	}

	/* In two steps, for what may happen between them. */
	void begin(u32 len, u32 tape = 0)
	{
		alignas(8) u8 bytes[GSO_FRAME_MAX];
		fill_cast(bytes, len, {node_, ++number_});
		Memory::copy_payload(writer_.begin(len, 0, tape, 0), bytes, len);
	}

	bool publish() { return writer_.publish(); }

	u32 number() const { return number_; }
	CastId last() const { return {node_, number_}; }

private:
	u32 node_;
	u32 number_ = 0;
	CastWriter<Memory> writer_;
};

/* The listening side of a node, on one tape. */
template <typename Memory = HardwareMemory> class Listener {
public:
	explicit Listener(const Layout& layout, u32 node, u32 tape = 0)
	    : arena_size_(SHMNET_CASTS_SIZE), layout_(layout), reader_(layout, 0, tape, node),
	      copy_(layout.network[0].frame_max)
	{
	}

	/* From now on bytes that are no cast's are passed over: somebody lies about casts. */
	void expect_garbage() { garbage_expected_ = true; }

	/* One look at the tape. After FRAME, last() is the cast. A torn one is an exception. */
	shmnet_receive listen()
	{
		shmnet_cast_view view;
		shmnet_receive outcome = reader_.next(view);
		if (outcome != SHMNET_RECEIVE_FRAME)
			return outcome;
		check_place(view);
		Memory::copy_payload(copy_.data(), view.data, view.len);
		if (!reader_.confirm())
			return SHMNET_RECEIVE_MISSED;
		std::optional<CastId> id = identify_cast(copy_.data(), view.len);
		bool good = id && id->node == view.writer;
		if (!good && garbage_expected_)
			return SHMNET_RECEIVE_MISSED;
		if (!good)
			throw std::runtime_error(id ? "a cast was delivered as another's"
						    : "a torn cast was delivered");
		last_ = *id;
		return SHMNET_RECEIVE_FRAME;
	}

	/* All that is there; at most @bound looks, which is a failure to reach. */
	std::vector<CastId> drain(u64 bound = 1 << 20)
	{
		std::vector<CastId> casts;
		while (bound-- > 0) {
			switch (listen()) {
			case SHMNET_RECEIVE_EMPTY:
				return casts;
			case SHMNET_RECEIVE_FRAME:
				casts.push_back(last_);
				break;
			default:
				break;
			}
		}
		throw std::runtime_error("the tape does not end");
	}

	const CastId& last() const { return last_; }
	u64 missed() const { return reader_.missed(); }
	bool waiting() const { return reader_.waiting(); }
	TapeReader<Memory>& reader() { return reader_; }

private:
	/* The bytes to be copied lie in an arena, whatever the header says. */
	void check_place(const shmnet_cast_view& view) const
	{
		auto* at = static_cast<const u8*>(view.data);
		u8* arena = view.writer < layout_.nodes ? layout_.arena(view.writer) : nullptr;
		if (!arena || at < arena || at > arena + arena_size_ ||
		    view.len > static_cast<u64>(arena + arena_size_ - at) ||
		    view.len > layout_.network[0].frame_max)
			throw std::runtime_error("a cast outside of its arena");
	}

	u64 arena_size_;
	const Layout& layout_;
	TapeReader<Memory> reader_;
	std::vector<u8> copy_;
	CastId last_ = {};
	bool garbage_expected_ = false;
};

} // namespace shmnet::test
