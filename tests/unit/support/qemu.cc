// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "support/qemu.hh"

#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace shmnet::test {

namespace {

constexpr const char* PROGRAM = "qemu-system-x86_64";

} // namespace

bool Qemu::installed()
{
	return std::system("command -v qemu-system-x86_64 >/dev/null") == 0;
}

Qemu::Qemu(const TemporaryDirectory& directory, const std::string& name, const std::string& hub,
	   unsigned vectors)
{
	std::string path = directory / (name + ".qtest");
	UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	::unlink(path.c_str());
	sockaddr_un address = {};
	address.sun_family = AF_UNIX;
	strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
	if (::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
	    ::listen(listener.get(), 1) != 0)
		throw std::runtime_error("listening on " + path);
	std::vector<std::string> command = {
		PROGRAM,
		"-S",
		"-accel",
		"tcg",
		"-machine",
		"pc",
		"-m",
		"16M",
		"-nodefaults",
		"-no-user-config",
		"-display",
		"none",
		"-qtest",
		"unix:" + path,
		"-qtest-log",
		"none",
		"-chardev",
		"socket,id=hub,path=" + hub,
		"-device",
		fmt::format("ivshmem-doorbell,chardev=hub,vectors={},addr=4", vectors)};
	program_ = std::make_unique<Program>(command, directory / (name + ".log"));
	struct pollfd poll = {listener.get(), POLLIN, 0};
	if (::poll(&poll, 1, 20000) == 1)
		qtest_.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
}

bool Qemu::start_device()
{
	if (!qtest_)
		return false;
	set_config(0x10, REGISTERS);
	set_config(0x14, VECTORS);
	set_config(0x18, static_cast<uint32_t>(MEMORY));
	set_config(0x1c, static_cast<uint32_t>(MEMORY >> 32));
	set_config(0x04, 0x6);        /* memory and bus master */
	set_config(0x40, 0xc0000000); /* MSI-X on, all vectors masked */
	return program_->running();
}

void Qemu::ring(uint32_t peer, uint32_t vector)
{
	command(fmt::format("writel {:#x} {:#x}", REGISTERS + 12, peer << 16 | vector));
}

void Qemu::set_memory(uint64_t offset, uint64_t value)
{
	command(fmt::format("writeq {:#x} {:#x}", MEMORY + offset, value));
}

std::string Qemu::command(const std::string& text)
{
	std::string line = text + "\n";
	if (::send(qtest_.get(), line.data(), line.size(), MSG_NOSIGNAL) < 0)
		return {};
	std::string answer;
	char c;
	while (::recv(qtest_.get(), &c, 1, 0) == 1 && c != '\n')
		answer += c;
	return answer;
}

uint64_t Qemu::read(const char* width, uint64_t address)
{
	std::string answer = command(fmt::format("{} {:#x}", width, address));
	return answer.starts_with("OK ") ? strtoull(answer.c_str() + 3, nullptr, 16) : ~0ULL;
}

void Qemu::set_config(uint32_t offset, uint32_t value)
{
	command(fmt::format("outl 0xcf8 {:#x}", 0x80000000u | 4u << 11 | offset));
	command(fmt::format("outl 0xcfc {:#x}", value));
}

} // namespace shmnet::test
