/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A shared mapping of a file or of a device's memory. */
#pragma once

#include "memory.hh"

#include <utility>
#include <vector>

namespace shmnet {

class Mapping {
public:
	Mapping() = default;
	Mapping(Mapping&& other) noexcept
	    : base_(std::exchange(other.base_, nullptr)), size_(std::exchange(other.size_, 0))
	{
	}
	Mapping(const Mapping&) = delete;
	Mapping& operator=(const Mapping&) = delete;
	Mapping& operator=(Mapping&& other) noexcept
	{
		std::swap(base_, other.base_);
		std::swap(size_, other.size_);
		return *this;
	}
	~Mapping();

	/* Empty if the kernel refuses; errno then says why. */
	[[nodiscard]] static Mapping map(int fd, u64 size, bool writable);

	/* The same of several files, one behind the other; sizes are multiples of 2 MiB. */
	struct Piece {
		int fd;
		u64 size;
	};
	[[nodiscard]] static Mapping map(const std::vector<Piece>& pieces, bool writable);

	explicit operator bool() const { return base_ != nullptr; }
	u8* base() const { return base_; }
	u64 size() const { return size_; }

private:
	u8* base_ = nullptr;
	u64 size_ = 0;
};

} // namespace shmnet
