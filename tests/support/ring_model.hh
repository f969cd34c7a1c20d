/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * One connection of a pair ring, as simple as can be: a queue of frames, counts that never wrap,
 * and no memory that anybody shares. What it says of room, order and doorbells is what the real
 * one must say.
 */
#pragma once

#include "memory.hh"

#include <algorithm>
#include <deque>
#include <optional>

namespace shmnet::test {

class RingModel {
public:
	using Count = long long;

	struct Frame {
		u32 len;
		u64 seed;
		u32 pieces;
	};

	RingModel(u32 pool, u32 ring, u32 buffer_size)
	    : pool_(pool), ring_(ring), buffer_size_(buffer_size), granted_(pool),
	      shown_granted_(pool)
	{
	}

	u32 pieces_of(u32 len) const { return (len + buffer_size_ - 1) / buffer_size_; }

	/* ---- Sending ---- */

	bool has_room(u32 len) const
	{
		u32 pieces = pieces_of(len);
		return shown_granted_ - produced_ >= pieces &&
		       produced_ + pieces - shown_read_ <= ring_;
	}

	void commit(u32 len, u64 seed)
	{
		hidden_.push_back({len, seed, pieces_of(len)});
		produced_ += pieces_of(len);
	}

	/* Whether the receiver wants a doorbell: exactly if its event lies in the step. */
	bool publish()
	{
		visible_.insert(visible_.end(), hidden_.begin(), hidden_.end());
		hidden_.clear();
		bool wanted = published_ <= event_ && event_ < produced_;
		published_ = produced_;
		return wanted;
	}

	/* A doorbell when a frame of @len fits and, if so much is out, a quarter of the pool. */
	void arm_granted(u32 len)
	{
		granted_event_ = produced_ + std::max<Count>(pieces_of(len), pool_ / 4) - 1;
	}

	void arm_consumed(Count index) { consumed_event_ = index - 1; }

	Count produced() const { return produced_; }
	/* What the sender can know of the receiver's reading. */
	Count consumed() const { return shown_read_; }

	/* ---- Receiving ---- */

	std::optional<Frame> next() const
	{
		return visible_.empty() ? std::nullopt : std::optional(visible_.front());
	}

	void release()
	{
		read_ += visible_.front().pieces;
		granted_ += visible_.front().pieces;
		visible_.pop_front();
	}

	/* Whether the sender wants a doorbell. */
	bool publish_reading()
	{
		bool wanted = (shown_read_ <= consumed_event_ && consumed_event_ < read_) ||
			      (shown_granted_ <= granted_event_ && granted_event_ < granted_);
		shown_read_ = read_;
		shown_granted_ = granted_;
		return wanted;
	}

	void arm() { event_ = read_; }

	/* Whether the receiver has been shown something that it has not read. */
	bool waiting() const { return !visible_.empty(); }
	bool receiver_sleeps() const { return shown_read_ <= event_ && event_ < published_; }

	bool all_buffers_are_back() const { return shown_granted_ - produced_ == pool_; }

private:
	static constexpr Count NEVER = -1;

	const Count pool_;
	const Count ring_;
	const u32 buffer_size_;
	std::deque<Frame> hidden_;  /* committed */
	std::deque<Frame> visible_; /* published */
	Count produced_ = 0;
	Count published_ = 0;
	Count consumed_event_ = NEVER;
	Count granted_event_ = NEVER;
	Count event_ = 0;
	Count read_ = 0;
	Count granted_;
	Count shown_read_ = 0;
	Count shown_granted_;
};

} // namespace shmnet::test
