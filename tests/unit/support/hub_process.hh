/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A running shmnet-hub with its socket, file and state in a directory, and guests made up. */
#pragma once

#include "layout.hh"
#include "mapping.hh"
#include "support/program.hh"
#include "support/temporary.hh"

#include <memory>
#include <string>
#include <vector>

namespace shmnet::test {

class HubProcess {
public:
	explicit HubProcess(const TemporaryDirectory& directory);

	/* Starts and waits for the socket; false if the hub ended first. */
	bool start(std::vector<std::string> options = {}, const Program::Setup& setup = {});
	int stop();
	void kill();

	Program& program() { return *program_; }
	std::string log() const;
	bool logged(const std::string& text) const;
	const std::string& socket() const { return socket_; }
	const std::string& file() const { return file_; }
	const std::string& state() const { return state_; }

private:
	std::string socket_;
	std::string file_;
	std::string state_;
	std::string log_;
	size_t starts_ = 0;
	std::unique_ptr<Program> program_;
};

/* The region as guests see it; plays their part of the directory. */
class FakeGuests {
public:
	explicit FakeGuests(const std::string& file);

	void claim(u32 slot, u32 incarnation, u32 peer);
	void release(u32 slot);
	u64 witness(u32 slot) const;
	bool dead(u32 slot, u32 incarnation) const;
	const Layout& layout() const { return layout_; }

private:
	Mapping mapping_;
	Layout layout_;
};

} // namespace shmnet::test
