/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The core's memory one step at a time: before each access to the region a hook is called, which
 * may look at it, do what another node would do at that moment, or stop the caller for good.
 */
#pragma once

#include "memory.hh"

#include <functional>

namespace shmnet::test {

struct Step {
	enum Kind { LOAD, STORE, EXCHANGE, FENCE };

	Kind kind;
	const void* address; /* of a fence: none */
	size_t bytes;

	bool writes() const { return kind == STORE || kind == EXCHANGE; }
};

/* Thrown out of a caller that stops where it stands, as a machine that loses its power. */
struct Stopped {};

/* @WHO: memories with hooks of their own, for two nodes that stand still at once. */
template <int WHO> struct Stepped {
	using Hook = std::function<void(const Step&)>;

	template <SharedWord T> static T load_relaxed(const T* word)
	{
		step({Step::LOAD, word, sizeof(T)});
		return HardwareMemory::load_relaxed(word);
	}

	template <SharedWord T> static T load_acquire(const T* word)
	{
		step({Step::LOAD, word, sizeof(T)});
		return HardwareMemory::load_acquire(word);
	}

	template <SharedWord T> static void store_relaxed(T* word, T value)
	{
		step({Step::STORE, word, sizeof(T)});
		HardwareMemory::store_relaxed(word, value);
	}

	template <SharedWord T> static void store_release(T* word, T value)
	{
		step({Step::STORE, word, sizeof(T)});
		HardwareMemory::store_release(word, value);
	}

	template <SharedWord T> static bool compare_exchange(T* word, T& expected, T desired)
	{
		step({Step::EXCHANGE, word, sizeof(T)});
		return HardwareMemory::compare_exchange(word, expected, desired);
	}

	static void full_fence()
	{
		step({Step::FENCE, nullptr, 0});
		HardwareMemory::full_fence();
	}

	static void acquire_fence()
	{
		step({Step::FENCE, nullptr, 0});
		HardwareMemory::acquire_fence();
	}

	static void release_fence()
	{
		step({Step::FENCE, nullptr, 0});
		HardwareMemory::release_fence();
	}

	/* A line at a time: another node may be at work between any two. */
	static void copy_payload(void* to, const void* from, size_t bytes)
	{
		for (size_t done = 0; done < bytes; done += 64) {
			size_t part = bytes - done < 64 ? bytes - done : 64;
			step({Step::LOAD, static_cast<const u8*>(from) + done, part});
			HardwareMemory::copy_payload(static_cast<u8*>(to) + done,
						     static_cast<const u8*>(from) + done, part);
		}
	}

	/* The hook is set for this thread while an object of this lives; hooks do not nest. */
	class Watch {
	public:
		explicit Watch(Hook hook) { hook_ = std::move(hook); }
		Watch(const Watch&) = delete;
		Watch& operator=(const Watch&) = delete;
		~Watch() { hook_ = nullptr; }
	};

private:
	static void step(const Step& taken)
	{
		if (!hook_ || in_hook_)
			return;
		struct Entered {
			Entered() { in_hook_ = true; }
			~Entered() { in_hook_ = false; }
		} entered;
		hook_(taken);
	}

	static inline thread_local Hook hook_;
	static inline thread_local bool in_hook_ = false;
};

using SteppedMemory = Stepped<0>;
using OtherSteppedMemory = Stepped<1>;

/* Runs @action until it stops behind its @count-th store; false: it came to its end before. */
template <typename Action> bool stop_after_stores(u64 count, const Action& action)
{
	u64 stores = 0;
	SteppedMemory::Watch watch([&](const Step& step) {
		if (step.writes() && stores++ == count)
			throw Stopped();
	});
	try {
		action();
	} catch (const Stopped&) {
		return true;
	}
	return false;
}

/* Runs @action until it stops before its step number @number, from 1; false: it came to its end. */
template <typename Memory = SteppedMemory, typename Action>
bool stop_at(u64 number, const Action& action)
{
	u64 count = 0;
	typename Memory::Watch watch([&](const Step&) {
		if (++count == number)
			throw Stopped();
	});
	try {
		action();
	} catch (const Stopped&) {
		return true;
	}
	return false;
}

/* Runs @action with @event happening before its step number @number, from 1. */
template <typename Action, typename Event>
void interrupt_at(u64 number, const Action& action, const Event& event)
{
	u64 count = 0;
	SteppedMemory::Watch watch([&](const Step&) {
		if (++count == number)
			event();
	});
	action();
}

/* How many steps @action takes undisturbed. */
template <typename Action> u64 count_steps(const Action& action)
{
	u64 count = 0;
	SteppedMemory::Watch watch([&](const Step&) { count++; });
	action();
	return count;
}

} // namespace shmnet::test
