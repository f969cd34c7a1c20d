// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Several nodes cast at once while others listen, each a thread of its own. */
#include "support/casts.hh"
#include "support/random.hh"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

namespace shmnet::test {

namespace {

#ifdef SHMNET_THREAD_SANITIZER
constexpr u32 CASTS = 4000;
#else
constexpr u32 CASTS = 60000;
#endif
constexpr u32 CASTING = 3;
constexpr u32 LISTENING = 3;

struct Heard {
	std::vector<CastId> casts;
	u64 missed = 0;
	std::string failure;
};

/* What all threads of a run share. */
class Performance {
public:
	/* @lag: listeners pause so often that they are lapped. */
	Performance(u32 slots, u32 casts, u32 longest, bool lag)
	    : region_(small_request(CASTING + LISTENING, SHMNET_MTU_MAX)), casts_(casts),
	      longest_(longest), lag_(lag)
	{
		region_.shrink_tapes(slots);
	}

	void run()
	{
		std::vector<std::thread> threads;
		for (u32 i = 0; i < LISTENING; i++)
			threads.emplace_back([this, i] { listen(i); });
		while (ready_ != LISTENING)
			std::this_thread::yield();
		for (u32 node = 0; node < CASTING; node++)
			threads.emplace_back([this, node] { cast(node); });
		for (std::thread& thread : threads)
			thread.join();
	}

	const Heard& heard(u32 i) const { return heard_[i]; }
	u64 written() const { return written_; }

private:
	void cast(u32 node)
	{
		Random random(node);
		Caster<> caster(region_.layout(), node);
		for (u32 i = 0; i < casts_; i++) {
			/* One that is not published for contention is no cast. */
			written_ += caster.cast(random.between(CAST_MIN, longest_));
			if (random.one_in(2000))
				std::this_thread::yield();
		}
		finished_++;
	}

	void listen(u32 i)
	{
		Heard& heard = heard_[i];
		Random random(100 + i);
		Listener<> listener(region_.layout(), CASTING + i);
		ready_++;
		try {
			for (;;) {
				bool last = finished_ == CASTING;
				shmnet_receive outcome = listener.listen();
				if (outcome == SHMNET_RECEIVE_FRAME)
					heard.casts.push_back(listener.last());
				if (outcome == SHMNET_RECEIVE_EMPTY && last)
					break;
				if (outcome == SHMNET_RECEIVE_EMPTY || (lag_ && random.one_in(300)))
					std::this_thread::yield();
				if (lag_ && random.one_in(20000))
					std::this_thread::sleep_for(std::chrono::milliseconds(2));
			}
		} catch (const std::exception& exception) {
			heard.failure = exception.what();
		}
		heard.missed = listener.missed();
	}

	Region region_;
	u32 casts_;
	u32 longest_;
	bool lag_;
	Heard heard_[LISTENING];
	std::atomic<u32> ready_ = 0;
	std::atomic<u32> finished_ = 0;
	std::atomic<u64> written_ = 0;
};

void check(const Performance& performance)
{
	std::map<CastId, size_t> order;
	for (u32 i = 0; i < LISTENING; i++) {
		const Heard& heard = performance.heard(i);
		ASSERT_EQ(heard.failure, "");
		EXPECT_EQ(heard.casts.size() + heard.missed, performance.written())
			<< "delivered and missed are all that was written";
		/* Each writer's in its order, so none twice. */
		u32 last[CASTING] = {};
		for (const CastId& id : heard.casts) {
			ASSERT_GT(id.number, last[id.node]);
			last[id.node] = id.number;
		}
		/* And all of them in the order that the first listener has. */
		size_t place = 0;
		for (const CastId& id : heard.casts) {
			auto known = order.find(id);
			if (known == order.end())
				continue;
			ASSERT_GE(known->second, place);
			place = known->second;
		}
		if (i == 0)
			for (size_t k = 0; k < heard.casts.size(); k++)
				order[heard.casts[k]] = k;
		EXPECT_GT(heard.casts.size(), 0u);
	}
}

} // namespace

TEST(TapeThreads, KeepOneOrderForAllListeners)
{
	Performance performance(1024, CASTS, 200, false);
	performance.run();
	check(performance);
}

TEST(TapeThreads, CountWhatTheyMissWhenTheyAreLapped)
{
	Performance performance(64, CASTS, 300, true);
	performance.run();
	check(performance);
	u64 missed = 0;
	for (u32 i = 0; i < LISTENING; i++)
		missed += performance.heard(i).missed;
	EXPECT_GT(missed, 0u) << "nobody was lapped: this tested nothing";
}

/* A few long casts go around an arena: they are overwritten while they are read. */
TEST(TapeThreads, DiscardWhatIsOverwrittenWhileTheyCopy)
{
	Performance performance(1024, CASTS / 6, 20000, true);
	performance.run();
	check(performance);
}

} // namespace shmnet::test
