/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A QEMU without a guest: its ivshmem-doorbell device is driven by the qtest protocol. */
#pragma once

#include "support/program.hh"
#include "support/temporary.hh"
#include "unique_fd.hh"

#include <cstdint>
#include <memory>
#include <string>

namespace shmnet::test {

class Qemu {
public:
	static bool installed();

	Qemu(const TemporaryDirectory& directory, const std::string& name, const std::string& hub,
	     unsigned vectors);

	/* Places the device's memory and registers, as firmware and a driver would. */
	bool start_device();

	Program& program() { return *program_; }
	uint32_t position() { return static_cast<uint32_t>(read("readl", REGISTERS + 8)); }
	void ring(uint32_t peer, uint32_t vector);
	uint64_t memory(uint64_t offset) { return read("readq", MEMORY + offset); }
	void set_memory(uint64_t offset, uint64_t value);
	/* Interrupts stay masked, and so become bits in the table of the pending ones. */
	uint32_t pending() { return static_cast<uint32_t>(read("readl", VECTORS + 0x800)); }

private:
	static constexpr uint64_t REGISTERS = 0xfe000000;
	static constexpr uint64_t VECTORS = 0xfe001000;
	static constexpr uint64_t MEMORY = 0x100000000;

	std::string command(const std::string& text);
	uint64_t read(const char* width, uint64_t address);
	void set_config(uint32_t offset, uint32_t value);

	std::unique_ptr<Program> program_;
	UniqueFd qtest_;
};

} // namespace shmnet::test
