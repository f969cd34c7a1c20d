// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "support/temporary.hh"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace shmnet::test {

TemporaryDirectory::TemporaryDirectory() : path_("/dev/shm/shmnet-test.XXXXXX")
{
	if (!::mkdtemp(path_.data()))
		throw std::runtime_error("mkdtemp");
}

TemporaryDirectory::~TemporaryDirectory()
{
	std::error_code ignored;
	std::filesystem::remove_all(path_, ignored);
}

std::string read_text(const std::string& path)
{
	std::ifstream file(path, std::ios::binary);
	std::ostringstream text;
	text << file.rdbuf();
	return text.str();
}

void write_text(const std::string& path, const std::string& text)
{
	std::ofstream(path, std::ios::binary) << text;
}

} // namespace shmnet::test
