/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How the core touches shared words. Every access to the region goes through these functions and
 * nothing else, so that a test can put another class in the place of HardwareMemory.
 *
 * The compiler's builtins are used because they always emit locked instructions: the kernel's own
 * cmpxchg loses its LOCK prefix on a one-CPU guest, and the other end is another machine.
 */
#pragma once

#include <linux/types.h>

#include <stddef.h>

#ifdef __SANITIZE_THREAD__
#define SHMNET_THREAD_SANITIZER
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SHMNET_THREAD_SANITIZER
#endif
#endif

namespace shmnet {

/* The types of the region's words; not <stdint.h>'s, whose 64 bits are another type in C++. */
using u8 = __u8;
using u16 = __u16;
using u32 = __u32;
using u64 = __u64;

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the region is little-endian");

template <typename T>
concept SharedWord = sizeof(T) <= 8 && __atomic_always_lock_free(sizeof(T), nullptr) &&
		     static_cast<T>(-1) > static_cast<T>(0);

struct HardwareMemory {
	template <SharedWord T> static T load_relaxed(const T* word)
	{
		return __atomic_load_n(word, __ATOMIC_RELAXED);
	}

	template <SharedWord T> static T load_acquire(const T* word)
	{
		return __atomic_load_n(word, __ATOMIC_ACQUIRE);
	}

	template <SharedWord T> static void store_relaxed(T* word, T value)
	{
		__atomic_store_n(word, value, __ATOMIC_RELAXED);
	}

	template <SharedWord T> static void store_release(T* word, T value)
	{
		__atomic_store_n(word, value, __ATOMIC_RELEASE);
	}

	/* Acquire and release when it succeeds; @expected takes what was found when it does not. */
	template <SharedWord T> static bool compare_exchange(T* word, T& expected, T desired)
	{
		return __atomic_compare_exchange_n(word, &expected, desired, false,
						   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	}

	/* Orders a store before a later load: the one thing that acquire and release do not. */
	static void full_fence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

	/* The two halves of a sequence check around bytes that another may be rewriting. */
	static void acquire_fence() { __atomic_thread_fence(__ATOMIC_ACQUIRE); }
	static void release_fence() { __atomic_thread_fence(__ATOMIC_RELEASE); }

	/*
	 * Copies payload that another may be rewriting meanwhile; a check that follows throws torn
	 * copies away. The memory model has no such copy, so ThreadSanitizer is shown relaxed bytes.
	 */
	static void copy_payload(void* to, const void* from, size_t bytes)
	{
#ifdef SHMNET_THREAD_SANITIZER
		for (size_t i = 0; i < bytes; i++)
			store_relaxed(static_cast<u8*>(to) + i,
				      load_relaxed(static_cast<const u8*>(from) + i));
#else
		__builtin_memcpy(to, from, bytes);
#endif
	}
};

/* Whole words of a struct, whatever its members' types. */
using aliasing_u64 [[gnu::may_alias]] = u64;

/* Copies a struct out of the region, each word once. @bytes: a multiple of 8. */
template <typename Memory> void copy_from_region(void* to, const void* from, size_t bytes)
{
	const auto* words = static_cast<const aliasing_u64*>(from);
	for (size_t i = 0; i < bytes / sizeof(u64); i++) {
		u64 word = Memory::load_relaxed(&words[i]);
		__builtin_memcpy(static_cast<u8*>(to) + i * sizeof(u64), &word, sizeof(word));
	}
}

/* Copies a struct into the region. @bytes: a multiple of 8. */
template <typename Memory> void copy_to_region(void* to, const void* from, size_t bytes)
{
	auto* words = static_cast<aliasing_u64*>(to);
	for (size_t i = 0; i < bytes / sizeof(u64); i++) {
		u64 word;
		__builtin_memcpy(&word, static_cast<const u8*>(from) + i * sizeof(u64),
				 sizeof(word));
		Memory::store_relaxed(&words[i], word);
	}
}

template <typename Memory> void zero_in_region(void* to, size_t bytes)
{
	auto* words = static_cast<aliasing_u64*>(to);
	for (size_t i = 0; i < bytes / sizeof(u64); i++)
		Memory::store_relaxed(&words[i], u64{0});
}

/* Index and epoch of one word (see shmnet_shm.h). */
constexpr u64 pack_index(u32 epoch, u32 index)
{
	return static_cast<u64>(epoch) << 32 | index;
}

constexpr u32 epoch_of(u64 word)
{
	return static_cast<u32>(word >> 32);
}

constexpr u32 index_of(u64 word)
{
	return static_cast<u32>(word);
}

/*
 * Whether a step of an index from @before to @after passed @event: the other side rings its
 * doorbell only then. All run free, so this holds across the wrap.
 */
constexpr bool passes_event(u32 before, u32 after, u32 event)
{
	return after - event - 1 < after - before;
}

constexpr bool is_power_of_two(u64 value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

constexpr u64 round_up(u64 value, u64 unit)
{
	return (value + unit - 1) / unit * unit;
}

/* 0 if 64 bits have none. */
constexpr u64 round_up_power_of_two(u64 value)
{
	u64 power = 1;
	while (power < value && power != 0)
		power <<= 1;
	return power;
}

} // namespace shmnet
