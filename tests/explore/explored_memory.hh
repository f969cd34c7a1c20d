/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The core's memory under the explorer. */
#pragma once

#include "explorer.hh"

namespace shmnet::explore {

struct ExploredMemory {
	template <SharedWord T> static T load_relaxed(const T* word)
	{
		return static_cast<T>(load(word, sizeof(T), Order::Relaxed));
	}

	template <SharedWord T> static T load_acquire(const T* word)
	{
		return static_cast<T>(load(word, sizeof(T), Order::Acquire));
	}

	template <SharedWord T> static void store_relaxed(T* word, T value)
	{
		store(word, sizeof(T), value, Order::Relaxed);
	}

	template <SharedWord T> static void store_release(T* word, T value)
	{
		store(word, sizeof(T), value, Order::Release);
	}

	template <SharedWord T> static bool compare_exchange(T* word, T& expected, T desired)
	{
		return exchange_of(word, expected, desired, Order::Both, Order::Acquire);
	}

	static void full_fence() { fence(Order::Full); }
	static void acquire_fence() { fence(Order::Acquire); }
	static void release_fence() { fence(Order::Release); }

	/* Of whole words. */
	static void copy_payload(void* to, const void* from, size_t bytes)
	{
		copy_from_region<ExploredMemory>(to, from, bytes);
	}

	/* Weaker than the core has them, for mutants. */
	template <SharedWord T>
	static bool compare_exchange_relaxed(T* word, T& expected, T desired)
	{
		return exchange_of(word, expected, desired, Order::Relaxed, Order::Relaxed);
	}

	template <SharedWord T>
	static bool compare_exchange_acquire(T* word, T& expected, T desired)
	{
		return exchange_of(word, expected, desired, Order::Acquire, Order::Acquire);
	}

	template <SharedWord T>
	static bool compare_exchange_release(T* word, T& expected, T desired)
	{
		return exchange_of(word, expected, desired, Order::Release, Order::Relaxed);
	}

	/* Two steps in place of one. */
	template <SharedWord T> static bool compare_and_store(T* word, T& expected, T desired)
	{
		T found = load_acquire(word);
		bool same = found == expected;
		expected = found;
		if (same)
			store_release(word, desired);
		return same;
	}

private:
	template <SharedWord T>
	static bool exchange_of(T* word, T& expected, T desired, Order success, Order failure)
	{
		u64 found = expected;
		bool done = exchange(word, sizeof(T), found, desired, success, failure);
		expected = static_cast<T>(found);
		return done;
	}
};

} // namespace shmnet::explore
