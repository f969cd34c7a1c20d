/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Two threads at the ends of a ring, which sleep when there is nothing to do and are woken by
 * doorbells alone: no timer helps. Frames carry their number in the hash word, and bytes that follow
 * from it.
 */
#pragma once

#include "support/bell.hh"
#include "support/pair.hh"
#include "support/random.hh"

#include <atomic>
#include <string>
#include <thread>

namespace shmnet::test {

struct TrafficOptions {
	u64 frames;
	u32 longest;        /* bytes of a frame */
	u32 burst;          /* frames between two publishes, at most */
	bool await_reading; /* the sender waits now and then until all was read */
	u64 seed;
};

class Traffic {
public:
	Traffic(Pair<>& pair, const TrafficOptions& options) : pair_(pair), options_(options) {}

	/* Until all frames have passed, or something is wrong: then failure() says what. */
	void run()
	{
		std::thread receiver([this] { receive(); });
		send();
		receiver.join();
		ended_.store(true, std::memory_order_relaxed);
	}

	std::string failure() const { return failure_; }
	u64 received() const { return received_.load(std::memory_order_relaxed); }
	u64 sender_sleeps() const { return sender_sleeps_; }
	u64 receiver_sleeps() const { return receiver_sleeps_; }

	bool ended() const { return ended_.load(std::memory_order_relaxed); }

	/* From another thread: ends both. */
	void stop()
	{
		stop_.store(true, std::memory_order_relaxed);
		sender_bell_.ring();
		receiver_bell_.ring();
	}

private:
	static constexpr std::chrono::seconds PATIENCE{20};

	void fail(const char* what)
	{
		bool first = !failed_.exchange(true);
		if (first)
			failure_ = what;
		stop();
	}

	bool stopped() const { return stop_.load(std::memory_order_relaxed); }

	static shmnet_offload numbered(u64 number)
	{
		return {SHMNET_DESC_DATA_VALID, 0, 0, 0, 0, static_cast<u32>(number)};
	}

	void send()
	{
		Random random(1, options_.seed);
		u64 number = 0;
		while (number < options_.frames && !stopped()) {
			for (u32 burst = random.between(1, options_.burst); burst > 0; burst--) {
				if (number == options_.frames)
					break;
				u32 len = length(random);
				if (!wait_for_room(len))
					return;
				pair_.sender.commit(len, number, numbered(number));
				number++;
			}
			publish_sent();
			if (options_.await_reading && random.one_in(16) && !wait_for_reading())
				return;
		}
	}

	u32 length(Random& random) const
	{
		return random.one_in(50) ? random.between(14, options_.longest)
					 : random.between(14, 256);
	}

	void publish_sent()
	{
		if (pair_.sender->publish())
			receiver_bell_.ring();
	}

	bool wait_for_room(u32 len)
	{
		while (!pair_.sender->has_room(len)) {
			publish_sent();
			u32 seen = sender_bell_.rings();
			if (!pair_.sender->arm_granted(len) && !sleep_sender(seen))
				return false;
		}
		return true;
	}

	bool wait_for_reading()
	{
		u32 all = pair_.sender->produced();
		for (;;) {
			u32 seen = sender_bell_.rings();
			if (pair_.sender->arm_consumed(all))
				return true;
			if (!sleep_sender(seen))
				return false;
		}
	}

	bool sleep_sender(u32 seen)
	{
		if (!pair_.sender->connected()) {
			fail("the sender has seen a fault");
			return false;
		}
		sender_sleeps_++;
		if (!sender_bell_.wait(seen, PATIENCE, stop_))
			fail("the sender was not woken");
		return !stopped();
	}

	void receive()
	{
		Random random(2, options_.seed);
		shmnet_frame frame;
		u32 unpublished = 0;
		for (u64 number = 0; number < options_.frames && !stopped();) {
			switch (pair_.receiver->next(frame)) {
			case SHMNET_RECEIVE_FRAME:
				if (!right(frame, number))
					return fail("a frame came changed or out of order");
				pair_.receiver->release();
				received_.store(++number, std::memory_order_relaxed);
				if (++unpublished < random.below(2 * options_.burst))
					break;
				publish_read();
				unpublished = 0;
				break;
			case SHMNET_RECEIVE_EMPTY:
				publish_read();
				unpublished = 0;
				if (!sleep_receiver())
					return;
				break;
			default:
				return fail("the receiver has seen a fault");
			}
		}
		publish_read();
	}

	bool right(const shmnet_frame& frame, u64 number) const
	{
		return frame.offload.hash == static_cast<u32>(number) && pair_.owns(frame) &&
		       frame_holds(frame, number);
	}

	void publish_read()
	{
		if (pair_.receiver->publish())
			sender_bell_.ring();
	}

	bool sleep_receiver()
	{
		u32 seen = receiver_bell_.rings();
		pair_.receiver->arm();
		HardwareMemory::full_fence();
		if (pair_.receiver->waiting() > 0)
			return true;
		receiver_sleeps_++;
		if (!receiver_bell_.wait(seen, PATIENCE, stop_))
			fail("the receiver was not woken");
		return !stopped();
	}

	Pair<>& pair_;
	const TrafficOptions options_;
	Bell sender_bell_;
	Bell receiver_bell_;
	std::atomic<bool> stop_ = false;
	std::atomic<bool> failed_ = false;
	std::atomic<bool> ended_ = false;
	std::string failure_;
	std::atomic<u64> received_ = 0;
	u64 sender_sleeps_ = 0;
	u64 receiver_sleeps_ = 0;
};

} // namespace shmnet::test
