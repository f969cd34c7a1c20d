/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * SipHash (Aumasson and Bernstein, 2012) of whole words: who does not know the key cannot choose
 * inputs that fall together, as senders of packets could otherwise choose their addresses and ports.
 */
#pragma once

#include "memory.hh"

namespace shmnet {

struct SipKey {
	u64 word[2];
};

/* @COMPRESSION rounds a word, @FINAL at the end: 2 and 4 as published, 1 and 3 for tables in memory. */
template <u32 COMPRESSION = 1, u32 FINAL = 3> class SipHash {
public:
	explicit constexpr SipHash(const SipKey& key)
	    : v_{key.word[0] ^ 0x736f6d6570736575, key.word[1] ^ 0x646f72616e646f6d,
		 key.word[0] ^ 0x6c7967656e657261, key.word[1] ^ 0x7465646279746573}
	{
	}

	constexpr void add(u64 word)
	{
		v_[3] ^= word;
		rounds<COMPRESSION>();
		v_[0] ^= word;
		bytes_ += sizeof(word);
	}

	/* With up to seven bytes that are no whole word, low ones first. */
	constexpr u64 end(u64 rest = 0, u32 rest_bytes = 0)
	{
		add(rest | static_cast<u64>((bytes_ + rest_bytes) & 0xff) << 56);
		v_[2] ^= 0xff;
		rounds<FINAL>();
		return v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
	}

private:
	static constexpr u64 rotated(u64 word, u32 left)
	{
		return word << left | word >> (64 - left);
	}

	template <u32 COUNT> constexpr void rounds()
	{
		for (u32 i = 0; i < COUNT; i++) {
			v_[0] += v_[1];
			v_[2] += v_[3];
			v_[1] = rotated(v_[1], 13) ^ v_[0];
			v_[3] = rotated(v_[3], 16) ^ v_[2];
			v_[0] = rotated(v_[0], 32) + v_[3];
			v_[2] += v_[1];
			v_[1] = rotated(v_[1], 17) ^ v_[2];
			v_[3] = rotated(v_[3], 21) ^ v_[0];
			v_[2] = rotated(v_[2], 32);
		}
	}

	u64 v_[4];
	u32 bytes_ = 0;
};

} // namespace shmnet
