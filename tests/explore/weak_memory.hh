/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Memory as C++ allows it to look: a word is the list of all that was stored to it, and a load may
 * return any of them that its thread has not yet been shown to be old.
 *
 * A view says, for each word, before which store a thread (or who reads a message) has seen. A store
 * with release hands its thread's view on to a load with acquire that returns it; fences do so for
 * the relaxed accesses around them, and full fences by their own order. A compare-and-swap that
 * succeeds reads the newest store, and continues the release that it read from.
 *
 * Not here: stores that come before older ones of the same word, and loads that return what is stored only later. In their place, words that are marked as
 * plain may not be stored to, nor loaded, unless each earlier access of another thread happened
 * before: a load that could come late is found by the store that it would return.
 */
#pragma once

#include "memory.hh"

#include <cstring>
#include <unordered_map>
#include <vector>

namespace shmnet::explore {

constexpr u32 WORDS_MAX = 256;
constexpr u32 THREADS_MAX = 4;
/* Stores to one word; a scene that makes more is too long to be explored. */
constexpr u32 STORES_MAX = 250;

inline u64 mix(u64 digest, u64 value)
{
	digest = (digest ^ value) * 0x9e3779b97f4a7c15;
	return digest ^ digest >> 29;
}

struct View {
	u8 time[WORDS_MAX];     /* by word: number of the newest store that was seen */
	u16 clock[THREADS_MAX]; /* by thread: its steps that happened before */

	void join_times(const View& other)
	{
		for (u32 i = 0; i < WORDS_MAX; i++)
			time[i] = time[i] > other.time[i] ? time[i] : other.time[i];
	}

	void join(const View& other)
	{
		join_times(other);
		for (u32 i = 0; i < THREADS_MAX; i++)
			clock[i] = clock[i] > other.clock[i] ? clock[i] : other.clock[i];
	}

	u64 digest() const
	{
		u64 words[sizeof(View) / sizeof(u64)];
		memcpy(words, this, sizeof(words));
		u64 result = 1;
		for (u64 word : words)
			result = mix(result, word);
		return result;
	}
};
static_assert(sizeof(View) % sizeof(u64) == 0);

enum class Order : u8 { Relaxed, Acquire, Release, Both, Full };

constexpr bool acquires(Order order)
{
	return order != Order::Relaxed && order != Order::Release;
}

constexpr bool releases(Order order)
{
	return order != Order::Relaxed && order != Order::Acquire;
}

class WeakMemory {
public:
	/* All words have again what they had in memory. Numbers of words stay. */
	void begin()
	{
		for (u32 word : touched_) {
			words_[word].stores.clear();
			memset(words_[word].read, 0, sizeof(words_[word].read));
		}
		touched_.clear();
		digest_ = 0;
		left_out_ = {};
		memset(threads_, 0, sizeof(threads_));
		sequential_ = {};
	}

	/* The number of a word; @found: its value where nothing was stored yet. */
	u32 word(const void* address, u64 found, bool plain)
	{
		auto [known, is_new] = numbers_.try_emplace(address, words_.size());
		if (is_new)
			words_.push_back({});
		Word& word = words_[known->second];
		if (word.stores.empty()) {
			word.plain = plain;
			word.stores.push_back(
				{.value = found, .view = {}, .writer = 0, .clock = 0});
			touched_.push_back(known->second);
		}
		return known->second;
	}

	bool is_full() const { return words_.size() > WORDS_MAX; }

	/* Whether the word was touched since begin(): then newest() is its value. */
	bool touched(const void* address, u32& number) const
	{
		auto known = numbers_.find(address);
		if (known == numbers_.end() || words_[known->second].stores.empty())
			return false;
		number = known->second;
		return true;
	}

	u64 newest(u32 word) const { return words_[word].stores.back().value; }
	u32 stores(u32 word) const { return static_cast<u32>(words_[word].stores.size()); }

	/* How many stores a load may return, the newest of them being 0. */
	u32 choices(u32 thread, u32 word) const
	{
		return stores(word) - threads_[thread].current.time[word];
	}

	u64 value(u32 word, u32 back) const
	{
		return words_[word].stores[stores(word) - 1 - back].value;
	}

	/* Whether an access is one that no earlier one is ordered with, of a plain word. */
	bool races(u32 thread, u32 word, bool stores) const
	{
		const Word& at = words_[word];
		const View& seen = threads_[thread].current;
		if (!at.plain)
			return false;
		const Message& last = at.stores.back();
		bool race = last.clock > seen.clock[last.writer];
		for (u32 i = 0; stores && i < THREADS_MAX; i++)
			race = race || (i != thread && at.read[i] > seen.clock[i]);
		return race;
	}

	u64 load(u32 thread, u32 word, u32 back, Order order)
	{
		Thread& self = threads_[thread];
		Word& at = words_[word];
		u32 time = stores(word) - 1 - back;
		const Message& message = at.stores[time];
		at.read[thread] = ++self.current.clock[thread];
		self.current.time[word] = static_cast<u8>(time);
		self.acquired.join(message.view);
		if (acquires(order))
			self.current.join(message.view);
		return message.value;
	}

	void store(u32 thread, u32 word, u64 value, Order order)
	{
		append(thread, word, value, order, {});
	}

	/* Of a compare-and-swap that finds the newest store. */
	void exchange(u32 thread, u32 word, u64 value, Order order)
	{
		View read = words_[word].stores.back().view;
		load(thread, word, 0, order);
		append(thread, word, value, order, read);
	}

	void fence(u32 thread, Order order)
	{
		Thread& self = threads_[thread];
		self.current.clock[thread]++;
		if (acquires(order))
			self.current.join(self.acquired);
		if (order == Order::Full) {
			self.current.join_times(sequential_);
			sequential_.join_times(self.current);
		}
		if (releases(order))
			self.released = self.current;
	}

	/* All words that are left out, as if they were one that is always seen as it is. */
	void load_left_out(u32 thread) { threads_[thread].acquired.join(left_out_); }
	void store_left_out(u32 thread) { left_out_.join(threads_[thread].released); }

	/* Equal if all threads can go on alike, given that they have done alike. */
	u64 digest() const
	{
		u64 result = mix(mix(digest_, sequential_.digest()), left_out_.digest());
		for (const Thread& thread : threads_) {
			result = mix(result, thread.current.digest());
			result = mix(result, thread.acquired.digest());
			result = mix(result, thread.released.digest());
		}
		for (u32 word : touched_)
			if (words_[word].plain)
				for (u32 i = 0; i < THREADS_MAX; i++)
					result += mix(word * THREADS_MAX + i, words_[word].read[i]);
		return result;
	}

private:
	struct Message {
		u64 value;
		View view;
		u32 writer;
		u32 clock;
	};

	struct Word {
		bool plain;
		u16 read[THREADS_MAX];
		std::vector<Message> stores;
	};

	/* What a thread has seen; would have, with an acquire fence; and had, at its last release fence. */
	struct Thread {
		View current, acquired, released;
	};

	void append(u32 thread, u32 word, u64 value, Order order, const View& continued)
	{
		Thread& self = threads_[thread];
		Word& at = words_[word];
		u32 time = stores(word);
		u16 clock = ++self.current.clock[thread];
		self.current.time[word] = static_cast<u8>(time);
		View view = releases(order) ? self.current : self.released;
		view.join(continued);
		view.time[word] = static_cast<u8>(time);
		self.acquired.time[word] = static_cast<u8>(time);
		digest_ += mix(mix(mix(word * STORES_MAX + time, value), view.digest()),
			       thread << 16 | clock);
		at.stores.push_back({value, view, thread, clock});
	}

	std::vector<Word> words_;
	std::unordered_map<const void*, u32> numbers_;
	std::vector<u32> touched_;
	Thread threads_[THREADS_MAX] = {};
	View sequential_ = {};
	View left_out_ = {};
	u64 digest_ = 0;
};

} // namespace shmnet::explore
