// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A node replaces what it offers while another reads it: what is read was told at one time. */
#include "cases.hh"
#include "explored_memory.hh"
#include "services.hh"
#include "support/services.hh"

#include <algorithm>
#include <vector>

using namespace shmnet;
using namespace shmnet::explore;

namespace {

using Board = ServiceBoard<ExploredMemory>;

constexpr u32 INCARNATION = 7;

/* Each time one more service, all of the same port, by which they are told from those before. */
std::vector<shmnet_service> told(u32 time)
{
	return std::vector<shmnet_service>(time, test::tcp_service(100 + time));
}

class Replaced : public Scene {
public:
	explicit Replaced(bool crash) : crash_(crash) {}

	u32 threads() const override { return 2; }
	bool may_crash(u32 thread) const override { return crash_ && thread == WRITER; }

	void begin() override
	{
		std::fill(words_.begin(), words_.end(), 0);
		sequence_[0] = pack_index(INCARNATION, 0);
		publish(1);
	}

	void run(u32 thread) override
	{
		if (thread == WRITER)
			publish(2);
		else
			for (u32 i = 0; i < 2; i++)
				read();
	}

	void end() override
	{
		if (has_crashed(WRITER))
			return;
		SHMNET_HOLDS(board().sequence() == sequence_[2]);
		SHMNET_HOLDS(read());
	}

	/* Of a service the word with its port. */
	bool is_left_out(const void* address) const override
	{
		if (address == &place()->sequence || address == &place()->count)
			return false;
		for (u32 i = 0; i < TIMES; i++)
			if (address == &place()->services[i].connections)
				return false;
		return true;
	}

private:
	static constexpr u32 WRITER = 0;
	static constexpr u32 TIMES = 2;

	shmnet_services* place() const
	{
		return reinterpret_cast<shmnet_services*>(const_cast<u64*>(words_.data()));
	}

	Board board() const { return Board(place()); }

	void publish(u32 time)
	{
		std::vector<shmnet_service> services = told(time);
		sequence_[time] = board().publish(sequence_[time - 1], services.data(),
						  static_cast<u32>(services.size()));
	}

	/* False: they are being replaced. */
	bool read()
	{
		std::vector<shmnet_service> services(SHMNET_SERVICES_MAX);
		u64 sequence = board().sequence();
		u32 count = 0;
		if (!board().read(sequence, services.data(), count))
			return false;
		u32 time = index_of(sequence) / 2;
		SHMNET_HOLDS(time >= 1 && time <= TIMES && count == time);
		for (u32 i = 0; i < count; i++)
			SHMNET_HOLDS(services[i].port == 100 + time);
		return true;
	}

	const bool crash_;
	/* As many bytes as a reader may look at. */
	std::vector<u64> words_ = std::vector<u64>(SERVICES_BYTES / sizeof(u64));
	u64 sequence_[TIMES + 1] = {};
};

} // namespace

int main(int argc, char** argv)
{
	return explore_cases(
		{
			{"replaced", {4, 4, 0}, [] { return std::make_unique<Replaced>(false); }},
			{"and its node dies",
			 {3, 3, 1},
			 [] { return std::make_unique<Replaced>(true); }},
		},
		argc, argv);
}
