/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Small files that programs keep their state in: read at once, and replaced whole or not at all. */
#pragma once

#include <optional>
#include <string>

namespace shmnet {

/* Empty optional: there is no such file. Throws Error if it cannot be read. */
std::optional<std::string> read_file(const std::string& path);

/*
 * Beside @path lies then, for a moment, PATH.new; both files are written to the disk. False if that
 * failed: errno says why, and the old file is as it was.
 */
[[nodiscard]] bool replace_file(const std::string& path, const std::string& text);

/* With what a replace_file() left that did not come to its end. False if that failed: errno says why. */
[[nodiscard]] bool remove_file(const std::string& path);

/* All of @text. False if that failed: errno says why. */
[[nodiscard]] bool write_all(int fd, const std::string& text);

/* Of the kernel, from one boot to the next; empty if it is not known. */
std::string boot_id();

} // namespace shmnet
