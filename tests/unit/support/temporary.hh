/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A directory that goes when the test does, in memory, where regions live. */
#pragma once

#include <string>

namespace shmnet::test {

class TemporaryDirectory {
public:
	TemporaryDirectory();
	TemporaryDirectory(const TemporaryDirectory&) = delete;
	TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
	~TemporaryDirectory();

	std::string operator/(const std::string& name) const { return path_ + "/" + name; }
	const std::string& path() const { return path_; }

private:
	std::string path_;
};

std::string read_text(const std::string& path);
void write_text(const std::string& path, const std::string& text);

} // namespace shmnet::test
