// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Both ends of a ring: frames, waiting for each other, connections that end and begin. */
#include "cases.hh"
#include "ring_scene.hh"

using namespace shmnet;
using namespace shmnet::explore;

namespace {

/* Frames, more than there are buffers; either end sleeps when it can do nothing. */
class Frames : public RingScene {
public:
	explicit Frames(std::vector<u32> lengths, bool may_crash = false)
	    : lengths_(std::move(lengths)), may_crash_(may_crash)
	{
	}

	void run(u32 thread) override
	{
		if (thread == SENDER)
			for (u32 len : lengths_)
				send_when_possible(len);
		else
			receive_until(static_cast<u32>(lengths_.size()));
	}

	void end() override
	{
		SHMNET_HOLDS(!receiver_->fault() && !sender_->fault());
		if (has_crashed(SENDER) || has_crashed(RECEIVER))
			begin_again();
		else
			check_that_none_sleeps();
		passes_in_the_end();
	}

	bool may_crash(u32) const override { return may_crash_; }

	bool is_plain(const void* address) const override
	{
		return is_descriptor(address) || is_grant(address) || is_buffer(address);
	}

private:
	/* What is in the ring is lost; nothing that the one before has left is taken for the next one's. */
	void begin_again()
	{
		if (has_crashed(SENDER)) {
			sender_.emplace(region_.layout(), RING, again_);
			receiver_->close();
		} else {
			receiver_.emplace(region_.layout(), RING, again_);
			receiver_->open(RECEIVER_INCARNATION + 1, SENDER_INCARNATION, RECEIVER);
			SHMNET_HOLDS(!sender_->still_open());
		}
	}

	const std::vector<u32> lengths_;
	const bool may_crash_;
	alignas(8) u8 again_[256];
};

/* The sender waits until all that it sent was read, as it does for its queue's limit. */
class Completions : public RingScene {
public:
	void run(u32 thread) override
	{
		if (thread == RECEIVER) {
			receive_until(COUNT);
			return;
		}
		for (u32 i = 0; i < COUNT; i++) {
			SHMNET_HOLDS(send(SHORT));
			while (sender_->consumed() != sender_->produced())
				if (!sender_->arm_consumed(sender_->produced()))
					sleep();
		}
	}

	void end() override
	{
		check_that_none_sleeps();
		passes_in_the_end();
	}

private:
	static constexpr u32 COUNT = 2;
};

/* The receiver ends connections and opens others while the sender goes on as it thinks fit. */
class Connections : public RingScene {
public:
	/* The grants have been in another order than that in which connections begin. */
	void begin() override
	{
		RingScene::begin();
		SHMNET_HOLDS(send(LONG) && receive());
	}

	void run(u32 thread) override
	{
		if (thread == SENDER) {
			for (u32 i = 0; i < SENDER_TURNS; i++)
				sender_turn();
			return;
		}
		for (u32 i = 0; i < RECEIVER_TURNS; i++) {
			receiver_->open(RECEIVER_INCARNATION, SENDER_INCARNATION, RECEIVER);
			receive();
		}
	}

	void end() override { passes_in_the_end(); }

private:
	static constexpr u32 SENDER_TURNS = 4;
	static constexpr u32 RECEIVER_TURNS = 2;

	void sender_turn()
	{
		if (!sender_->connected())
			sender_->connect(SENDER_INCARNATION, SENDER);
		else if (!sender_->still_open())
			sender_->disconnect();
		else
			send(SHORT);
		SHMNET_HOLDS(!sender_->fault());
	}
};

/*
 * A connection takes the place of one with other doorbells, and at once more is sent than there are
 * buffers.
 */
class Greetings : public RingScene {
public:
	void begin() override
	{
		RingScene::begin();
		receiver_->open(RECEIVER_INCARNATION, SENDER_INCARNATION, NOBODY);
		SHMNET_HOLDS(sender_->connect(SENDER_INCARNATION, NOBODY));
		SHMNET_HOLDS(send(LONG) && receive());
	}

	void run(u32 thread) override
	{
		if (thread == RECEIVER) {
			receiver_->open(RECEIVER_INCARNATION, SENDER_INCARNATION, RECEIVER);
			/* As the directory's doorbell does. */
			ring(SENDER);
			receive_until(FRAMES);
			return;
		}
		sleep();
		sender_->disconnect();
		while (!sender_->connect(SENDER_INCARNATION, SENDER))
			;
		while (sent_ < FRAMES)
			send_when_possible(LONG);
	}

	void end() override
	{
		SHMNET_HOLDS(!receiver_->fault() && !sender_->fault());
		check_that_none_sleeps();
	}

private:
	static constexpr u32 NOBODY = 9;
	static constexpr u32 FRAMES = 3;
};

template <typename Made> std::unique_ptr<Scene> made()
{
	return std::make_unique<Made>();
}

auto frames(const std::vector<u32>& lengths, bool may_crash = false)
{
	return [=] { return std::make_unique<Frames>(lengths, may_crash); };
}

} // namespace

int main(int argc, char** argv)
{
	return explore_cases(
		{
			{"frames of one buffer", {3, 2, 0}, frames({SHORT, SHORT, SHORT})},
			{"frames of two buffers", {3, 2, 0}, frames({LONG, SHORT, LONG})},
			{"frames and a crash", {3, 2, 1}, frames({SHORT, LONG}, true)},
			{"completions", {4, 2, 0}, made<Completions>},
			{"connections", {4, 2, 0}, made<Connections>},
			{"greetings", {3, 2, 0}, made<Greetings>},
		},
		argc, argv);
}
