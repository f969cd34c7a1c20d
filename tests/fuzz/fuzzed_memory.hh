/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The core's memory beside a peer that writes what it likes, when it likes: each load may find
 * another value than the last one of the same word did (B1), as the input says. An access outside of
 * the region, or more of them than any operation of the core needs, ends the program.
 */
#pragma once

#include "input.hh"
#include "support/region.hh"

namespace shmnet::fuzz {

struct FuzzedMemory {
	/* Set for each input. */
	static inline Input* input = nullptr;
	static inline const test::GuardedMemory* region = nullptr;
	/* Since the last operation began. */
	static inline u64 accesses = 0;
	/* Loads that found what did not stand there. */
	static inline u64 lies = 0;
	/* Loads that are honest before one lies. */
	static inline u32 honest = 0;

	static constexpr u64 ACCESSES_MAX = 1 << 20;

	template <SharedWord T> static T load_relaxed(const T* word) { return load(word); }
	template <SharedWord T> static T load_acquire(const T* word) { return load(word); }

	template <SharedWord T> static void store_relaxed(T* word, T value)
	{
		check_word(word);
		HardwareMemory::store_relaxed(word, value);
	}

	template <SharedWord T> static void store_release(T* word, T value)
	{
		store_relaxed(word, value);
	}

	template <SharedWord T> static bool compare_exchange(T* word, T& expected, T desired)
	{
		load(word); /* which may change it */
		return HardwareMemory::compare_exchange(word, expected, desired);
	}

	static void full_fence() {}
	static void acquire_fence() {}
	static void release_fence() {}

	static void copy_payload(void* to, const void* from, size_t bytes)
	{
		if (region->contains(from, bytes))
			check(from, bytes);
		else
			check(to, bytes);
		HardwareMemory::copy_payload(to, from, bytes);
	}

	static void choose_honest()
	{
		u8 how = input->byte();
		honest = how < 128 ? how : (how - 128u) * 32;
	}

private:
	/* libFuzzer would learn nothing by its comparisons, and time is what they would cost. */
	[[clang::no_sanitize("coverage")]] static void check(const void* address, size_t bytes)
	{
		SHMNET_MUST(region->contains(address, bytes));
		SHMNET_MUST(++accesses < ACCESSES_MAX);
	}

	template <SharedWord T> static void check_word(const T* word)
	{
		check(word, sizeof(T));
		SHMNET_MUST(reinterpret_cast<uintptr_t>(word) % sizeof(T) == 0);
	}

	template <SharedWord T> static T load(const T* word)
	{
		check_word(word);
		T found = HardwareMemory::load_relaxed(word);
		if (honest > 0 || input->empty()) {
			honest -= honest > 0;
			return found;
		}
		choose_honest();
		u8 how = input->byte();
		T lie = lie_about(found, how);
		lies++;
		/* Every second one lasts. */
		if (how & 1)
			HardwareMemory::store_relaxed(const_cast<T*>(word), lie);
		return lie;
	}

	template <SharedWord T> static T lie_about(T found, u8 how)
	{
		constexpr u64 BOUNDARIES[] = {0,        1,      13,    14,         59,    60,
					      1u << 15, 0xffff, ~0ULL, 0xffffff00, 65557, 1u << 31};
		u8 which = input->byte();
		switch (how >> 1 & 3) {
		case 0:
			return static_cast<T>(found + which - 128);
		case 1:
			return static_cast<T>(BOUNDARIES[which % (sizeof(BOUNDARIES) / 8)]);
		case 2:
			return static_cast<T>(found ^ T{1} << which % (8 * sizeof(T)));
		default:
			return input->value<T>();
		}
	}
};

/* An input's turn: the memory is one region's, and lies as the input has it. */
inline void begin(Input& input, const test::GuardedMemory& region)
{
	FuzzedMemory::input = &input;
	FuzzedMemory::region = &region;
	FuzzedMemory::accesses = FuzzedMemory::lies = 0;
	FuzzedMemory::choose_honest();
}

/* At most @most operations, as long as there is input. */
template <typename Operation> void operate(const Input& input, u32 most, const Operation& operation)
{
	for (u32 i = 0; i < most && !input.empty(); i++) {
		FuzzedMemory::accesses = 0;
		operation();
	}
}

} // namespace shmnet::fuzz
