/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The bytes of an input, taken one after the other; and what a fuzz target must never see. */
#pragma once

#include "memory.hh"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace shmnet::fuzz {

/* What must hold whatever the input: where it does not, libFuzzer keeps the input. */
#define SHMNET_MUST(condition)                                                                     \
	do {                                                                                       \
		if (!(condition))                                                                  \
			shmnet::fuzz::fail(__FILE__, __LINE__, #condition);                        \
	} while (0)

[[noreturn]] inline void fail(const char* file, int line, const char* what)
{
	::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	::abort();
}

/* Behind its end there are zeros. */
class Input {
public:
	Input(const u8* data, size_t size) : at_(data), end_(data + size) {}

	bool empty() const { return at_ == end_; }

	template <typename T> T value()
	{
		T taken = 0;
		size_t there = static_cast<size_t>(end_ - at_);
		size_t bytes = sizeof(T) < there ? sizeof(T) : there;
		memcpy(&taken, at_, bytes);
		at_ += bytes;
		return taken;
	}

	u8 byte() { return value<u8>(); }

	/* Less than @bound. */
	u32 below(u32 bound) { return bound <= 256 ? byte() % bound : value<u32>() % bound; }

private:
	const u8* at_;
	const u8* end_;
};

} // namespace shmnet::fuzz
