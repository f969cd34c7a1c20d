// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "support/hub_process.hh"

#include "unique_fd.hh"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <stdexcept>

namespace shmnet::test {

HubProcess::HubProcess(const TemporaryDirectory& directory)
    : socket_(directory / "hub.sock"), file_(directory / "region"),
      state_(directory / "region.state"), log_(directory / "hub.log")
{
}

bool HubProcess::start(std::vector<std::string> options, const Program::Setup& setup)
{
	std::vector<std::string> command = {program_path("shmnet-hub"), "--socket", socket_,
					    "--file", file_};
	command.insert(command.end(), options.begin(), options.end());
	program_ = std::make_unique<Program>(command, log_, setup);
	/* A socket may be a dead hub's: the log says when this one serves. */
	(void)eventually([&] {
		size_t lines = 0;
		std::string text = log();
		for (size_t at = 0; (at = text.find("serving ", at)) != std::string::npos; at++)
			lines++;
		return lines > starts_ || !program_->running();
	});
	if (!program_->running())
		return false;
	starts_++;
	return true;
}

int HubProcess::stop()
{
	return program_->stop();
}

void HubProcess::kill()
{
	program_->signal(SIGKILL);
	program_->wait();
}

std::string HubProcess::log() const
{
	return read_text(log_);
}

bool HubProcess::logged(const std::string& text) const
{
	return log().find(text) != std::string::npos;
}

FakeGuests::FakeGuests(const std::string& file)
{
	UniqueFd fd(::open(file.c_str(), O_RDWR | O_CLOEXEC));
	struct stat status;
	if (!fd || ::fstat(fd.get(), &status) != 0)
		throw std::runtime_error("opening " + file);
	mapping_ = Mapping::map(fd.get(), static_cast<u64>(status.st_size), true);
	auto scratch = std::make_unique<Geometry>();
	if (!mapping_ || read_layout<HardwareMemory>(mapping_.base(), mapping_.size(), *scratch,
						     layout_) != AttachError::None)
		throw std::runtime_error(file + " is no region");
}

void FakeGuests::claim(u32 slot, u32 incarnation, u32 peer)
{
	HardwareMemory::store_release(&layout_.claim(slot)->word,
				      static_cast<u64>(incarnation) << 32 | SHMNET_CLAIM_CLAIMED);
	HardwareMemory::store_relaxed(&layout_.node(slot)->peer, peer);
	HardwareMemory::store_release(&layout_.node(slot)->incarnation, incarnation);
}

void FakeGuests::release(u32 slot)
{
	u64 word = HardwareMemory::load_relaxed(&layout_.claim(slot)->word);
	HardwareMemory::store_release(&layout_.claim(slot)->word, word & ~SHMNET_CLAIM_CLAIMED);
}

u64 FakeGuests::witness(u32 slot) const
{
	return HardwareMemory::load_acquire(&layout_.witness(slot)->word);
}

bool FakeGuests::dead(u32 slot, u32 incarnation) const
{
	return witness(slot) == pack_index(incarnation, SHMNET_WITNESS_DEAD);
}

} // namespace shmnet::test
