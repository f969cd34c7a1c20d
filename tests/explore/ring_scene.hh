/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A ring of two descriptors and two buffers between two threads. */
#pragma once

#include "consumer.hh"
#include "explored_memory.hh"
#include "support/region.hh"

#include <optional>

namespace shmnet::explore {

/* Threads, and what they are rung by. */
constexpr u32 SENDER = 0;
constexpr u32 RECEIVER = 1;

/* Bytes of a frame of one buffer, and of one of two. */
constexpr u32 SHORT = 1000;
constexpr u32 LONG = 3000;

class RingScene : public Scene {
public:
	u32 threads() const override { return 2; }

	void begin() override
	{
		received_ = sent_ = 0;
		sender_.emplace(region_.layout(), RING, sender_memory_);
		receiver_.emplace(region_.layout(), RING, receiver_memory_);
		receiver_->open(RECEIVER_INCARNATION, SENDER_INCARNATION, RECEIVER);
		SHMNET_HOLDS(sender_->connect(SENDER_INCARNATION, SENDER));
	}

protected:
	/* Whether it was sent. The receiver is rung if it wants to. */
	bool send(u32 len)
	{
		shmnet_frame frame;
		if (!sender_->reserve(len, frame))
			return false;
		sent_++;
		for (u32 i = 0; i < frame.pieces; i++)
			ExploredMemory::store_relaxed(first_word(frame.span[i]), stamp(sent_, i));
		frame.offload = {};
		frame.offload.gso_type = len > SHORT ? SHMNET_GSO_TCP4 : SHMNET_GSO_NONE;
		frame.offload.gso_size = 1400;
		frame.offload.flags = SHMNET_DESC_NEEDS_CSUM;
		frame.offload.hash = sent_;
		sender_->commit(frame);
		if (sender_->publish())
			ring_if_it_is(RECEIVER, sender_->receiver_doorbell());
		return true;
	}

	/* Sends it when there is room, as the driver waits for that. */
	void send_when_possible(u32 len)
	{
		while (!send(len)) {
			SHMNET_HOLDS(sender_->connected());
			if (!sender_->arm_granted(len))
				sleep();
		}
	}

	/* Of a frame that next() returned: its number. */
	u32 check(const shmnet_frame& frame)
	{
		u32 number = frame.offload.hash;
		for (u32 i = 0; i < frame.pieces; i++)
			SHMNET_HOLDS(ExploredMemory::load_relaxed(first_word(frame.span[i])) ==
				     stamp(number, i));
		return number;
	}

	/* Whether a frame came; it is given back then. */
	bool receive()
	{
		shmnet_frame frame;
		shmnet_receive outcome = receiver_->next(frame);
		SHMNET_HOLDS(outcome == SHMNET_RECEIVE_FRAME || outcome == SHMNET_RECEIVE_EMPTY);
		if (outcome == SHMNET_RECEIVE_EMPTY)
			return false;
		u32 number = check(frame);
		SHMNET_HOLDS(number > received_);
		received_ = number;
		receiver_->release();
		if (receiver_->publish())
			ring_if_it_is(SENDER, receiver_->sender_doorbell());
		return true;
	}

	/* One that is old is another's by now. */
	static void ring_if_it_is(u32 thread, u32 doorbell)
	{
		if (doorbell == thread)
			ring(thread);
	}

	/* As the driver does before it waits for an interrupt. */
	void sleep_until_produced()
	{
		receiver_->arm();
		ExploredMemory::full_fence();
		if (!receiver_->waiting())
			sleep();
	}

	void receive_until(u32 number)
	{
		while (received_ < number)
			if (!receive())
				sleep_until_produced();
	}

	/* Whoever waited was rung. */
	static void check_that_none_sleeps()
	{
		SHMNET_HOLDS(!sleeps(SENDER));
		SHMNET_HOLDS(!sleeps(RECEIVER));
	}

	/* Both ends, as their checks of the directory would have it, until a frame passes. */
	void passes_in_the_end()
	{
		for (u32 round = 0; round < 4; round++) {
			while (receive())
				;
			if (!receiver_->is_open() || receiver_->refused())
				receiver_->open(RECEIVER_INCARNATION, SENDER_INCARNATION, RECEIVER);
			if (sender_->connected() && !sender_->still_open())
				sender_->disconnect();
			sender_->connect(SENDER_INCARNATION, SENDER);
			SHMNET_HOLDS(!receiver_->fault() && !sender_->fault());
			if (send(SHORT) && receive())
				return;
		}
		SHMNET_HOLDS(!"a frame passes in the end");
	}

	template <typename T> static bool holds(const T* from, u64 count, const void* address)
	{
		return address >= from && address < from + count;
	}

	bool is_descriptor(const void* address) const
	{
		return holds(places_.descriptors, network().ring, address);
	}

	bool is_grant(const void* address) const
	{
		return holds(places_.grants, network().ring, address);
	}

	bool is_buffer(const void* address) const
	{
		u64 size = network().buffer_size;
		return holds(places_.buffers + places_.first_buffer * size, network().pool * size,
			     address);
	}

	const NetworkLayout& network() const { return region_.layout().network[0]; }

	static constexpr RingId RING = {0, 0, 1, 0};
	static constexpr u32 SENDER_INCARNATION = 5;
	static constexpr u32 RECEIVER_INCARNATION = 8;

	test::Region region_{test::small_request(2), 2, 2};
	const RingPlaces places_ = ring_places(region_.layout(), RING);
	std::optional<Producer<ExploredMemory>> sender_;
	std::optional<Consumer<ExploredMemory>> receiver_;
	u32 sent_ = 0;
	u32 received_ = 0;

private:
	static u64* first_word(const shmnet_span& span) { return static_cast<u64*>(span.data); }
	static u64 stamp(u32 number, u32 piece) { return u64{number} << 32 | (piece + 1); }

	alignas(8) u8 sender_memory_[256];
	alignas(8) u8 receiver_memory_[256];
};

} // namespace shmnet::explore
