// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A tape under load. Honest: several nodes cast, several listen, some of them slowly; no cast comes
 * torn, twice or out of its writer's order, and what was delivered and what was missed add up.
 * Hostile: one more thread writes over the tape and the arenas; nothing is read outside of an
 * arena, no look and no cast hangs, and in the pauses good casts arrive again.
 */
#include "support/casts.hh"

#include "flipper.hh"
#include "stress.hh"

using namespace shmnet;
using namespace shmnet::test;
using namespace shmnet::stress;

namespace {

constexpr u32 CASTING = 3;
constexpr u32 LISTENING = 2;

class TapeRun {
public:
	explicit TapeRun(bool hostile)
	    : hostile_(hostile), region_(small_request(CASTING + LISTENING, 9000))
	{
		region_.shrink_tapes(256);
	}

	bool run(double seconds)
	{
		std::vector<std::thread> threads;
		for (u32 i = 0; i < LISTENING; i++)
			threads.emplace_back([this, i] { listen(i); });
		while (ready_ != LISTENING)
			std::this_thread::yield();
		for (u32 node = 0; node < CASTING; node++)
			threads.emplace_back([this, node] { cast(node); });
		if (hostile_)
			start_flipper();

		const char* name = hostile_ ? "tape, hostile" : "tape, honest";
		Watch watch(name);
		watch.progress = [this] { return least_turns(); };
		watch.failed = [this] { return failed_ || flipper_.failed(); };
		watch.status = [this] {
			std::string text =
				format("%llu casts, %llu heard", written_.load(), heard_.load());
			return hostile_ ? text + format(", %llu flips, %llu pauses",
							flipper_.flips(), flipper_.pauses())
					: text;
		};
		watch.run(seconds);
		if (hostile_)
			flipper_.stop();
		stop_ = true;
		for (std::thread& thread : threads)
			thread.join();
		if (flipper_.failed())
			failure_ = "no good cast arrives any more";
		if (!failure_.empty())
			::printf("%s: %s\n", name, failure_.c_str());
		return failure_.empty();
	}

private:
	void start_flipper()
	{
		const Layout& layout = region_.layout();
		flipper_.add(layout.tape(0, 0), sizeof(shmnet_tape) + 256 * sizeof(u64));
		flipper_.add(&layout.tape(0, 0)->head, sizeof(u64));
		for (u32 node = 0; node < CASTING; node++) {
			flipper_.add(&layout.node(node)->casts_reserved, sizeof(u64));
			flipper_.add(layout.arena(node), SHMNET_CASTS_SIZE);
		}
		flipper_.good = [this] { return heard_.load(); };
		flipper_.start();
	}

	void fail(const std::string& what)
	{
		if (!failed_.exchange(true))
			failure_ = what;
	}

	u64 least_turns() const
	{
		u64 least = ~0ULL;
		for (const std::atomic<u64>& turns : turns_)
			least = std::min(least, turns.load());
		return least;
	}

	void cast(u32 node)
	{
		Random random(node);
		Caster<> caster(region_.layout(), node);
		while (!stop_) {
			turns_[node]++;
			written_ += caster.cast(random.one_in(50) ? random.between(CAST_MIN, 9000)
								  : random.between(CAST_MIN, 200));
			if (random.one_in(100))
				std::this_thread::yield();
		}
		finished_++;
	}

	void listen(u32 i)
	{
		Random random(100 + i);
		Listener<> listener(region_.layout(), CASTING + i);
		if (hostile_)
			listener.expect_garbage();
		ready_++;
		u64 delivered = 0;
		u32 last[CASTING] = {};
		try {
			for (;;) {
				turns_[CASTING + i]++;
				bool over = finished_ == CASTING;
				shmnet_receive outcome = listener.listen();
				if (outcome == SHMNET_RECEIVE_FRAME) {
					delivered++;
					heard_++;
					u32& number = last[listener.last().node];
					if (!hostile_ && listener.last().number <= number)
						return fail("a cast came twice, or too late");
					number = listener.last().number;
				}
				/* A tape that somebody wrote over may have no end that is soon. */
				if (over && (hostile_ || outcome == SHMNET_RECEIVE_EMPTY))
					break;
				if (outcome == SHMNET_RECEIVE_EMPTY)
					std::this_thread::yield();
				if (random.one_in(100000))
					std::this_thread::sleep_for(std::chrono::milliseconds(1));
			}
		} catch (const std::exception& exception) {
			return fail(exception.what());
		}
		if (!hostile_ && delivered + listener.missed() != written_)
			fail("delivered and missed do not add up");
	}

	const bool hostile_;
	Region region_;
	Flipper flipper_;
	std::string failure_;
	std::atomic<bool> stop_ = false;
	std::atomic<bool> failed_ = false;
	std::atomic<u32> ready_ = 0;
	std::atomic<u32> finished_ = 0;
	std::atomic<u64> written_ = 0;
	std::atomic<u64> heard_ = 0;
	std::atomic<u64> turns_[CASTING + LISTENING] = {};
};

} // namespace

int main(int argc, char** argv)
{
	Options options = parse(argc, argv, "Loads a tape, with and without a peer that lies.");
	run_seed();
	bool good = !options.honest || TapeRun(false).run(options.seconds);
	if (options.hostile)
		good &= TapeRun(true).run(options.seconds);
	return good ? 0 : 1;
}
