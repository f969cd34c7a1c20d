// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "zero_check.hh"

#include "error.hh"

#include <unistd.h>

#include <algorithm>
#include <vector>

namespace shmnet {

std::optional<NonZero> find_nonzero(const u8* base, u64 size)
{
	const auto* words = reinterpret_cast<const u64*>(base);
	for (u64 i = 0; i < size / sizeof(u64); i++)
		if (u64 word = HardwareMemory::load_relaxed(&words[i]))
			return NonZero{i * sizeof(u64), word};
	return std::nullopt;
}

std::optional<NonZero> find_nonzero_in_file(int fd, u64 size)
{
	std::vector<u64> buffer((1u << 20) / sizeof(u64));
	u64 offset = 0;
	while (offset < size) {
		off_t data = ::lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			return std::nullopt;
		/* A file system without holes (EINVAL) is read from one end to the other. */
		if (data >= 0)
			offset = static_cast<u64>(data) / sizeof(u64) * sizeof(u64);
		size_t want = std::min<u64>(buffer.size() * sizeof(u64), size - offset);
		std::fill(buffer.begin(), buffer.end(), 0);
		ssize_t got = ::pread(fd, buffer.data(), want, static_cast<off_t>(offset));
		if (got < 0)
			throw system_error("reading the memory's file at {}", offset);
		if (got < static_cast<ssize_t>(sizeof(u64)))
			return std::nullopt;
		if (auto found = find_nonzero(reinterpret_cast<u8*>(buffer.data()), want))
			return NonZero{offset + found->offset, found->word};
		offset += static_cast<u64>(got) / sizeof(u64) * sizeof(u64);
	}
	return std::nullopt;
}

} // namespace shmnet
