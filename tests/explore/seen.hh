/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#pragma once

#include "memory.hh"

#include <algorithm>
#include <vector>

namespace shmnet::explore {

/* A set of digests, 8 to 32 bytes for each; a digest is well mixed already. */
class Seen {
public:
	/* Whether it is new. */
	bool insert(u64 digest)
	{
		if (count_ * 2 >= slots_.size())
			grow();
		digest += digest == 0;
		if (!put(digest))
			return false;
		count_++;
		return true;
	}

	u64 count() const { return count_; }

private:
	bool put(u64 digest)
	{
		size_t mask = slots_.size() - 1;
		for (size_t at = digest & mask;; at = (at + 1) & mask) {
			if (slots_[at] == digest)
				return false;
			if (slots_[at] == 0) {
				slots_[at] = digest;
				return true;
			}
		}
	}

	void grow()
	{
		std::vector<u64> before(std::max<size_t>(1 << 16, slots_.size() * 2));
		before.swap(slots_);
		for (u64 digest : before)
			if (digest)
				put(digest);
	}

	std::vector<u64> slots_;
	u64 count_ = 0;
};

} // namespace shmnet::explore
