// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A tape with two writers and a reader: one order for all, nothing torn, nothing missed silently. */
#include "cases.hh"
#include "directory.hh"
#include "tape_scene.hh"

using namespace shmnet;
using namespace shmnet::explore;

namespace {

/* Each writer casts so often while the reader looks so often. */
class BusyTape : public TapeScene {
public:
	void run(u32 thread) override
	{
		if (thread == READER)
			for (u32 i = 0; i < looks_; i++)
				listener_->listen();
		else
			for (u32 i = 0; i < counts_[thread]; i++)
				cast(thread);
	}

protected:
	BusyTape(u32 slots, std::array<u32, READER> counts, u32 looks)
	    : TapeScene(slots), counts_(counts), looks_(looks)
	{
	}

	const std::array<u32, READER> counts_;

private:
	const u32 looks_;
};

/* All fit on the tape: each is heard once, in one order by all. */
class Casts : public BusyTape {
public:
	Casts(std::array<u32, READER> counts, u32 looks, bool may_crash)
	    : BusyTape(4, counts, looks), may_crash_(may_crash)
	{
	}

	void begin() override
	{
		TapeScene::begin();
		/* Slots have something older in them. */
		for (u32 i = 0; i < 4; i++)
			cast(i % 2);
		listener_.emplace(layout());
		later_.emplace(layout());
	}

	void end() override
	{
		u32 before = has_crashed(0) ? casts_[0] - 2 : counts_[0];
		listener_->drain();
		later_->drain();
		SHMNET_HOLDS(listener_->heard_the_same(*later_));
		SHMNET_HOLDS(listener_->in_order());
		SHMNET_HOLDS(listener_->missed() == 0);
		/* The last of one that has crashed may be there. */
		u32 heard = listener_->count();
		SHMNET_HOLDS(heard <= before + counts_[1]);
		SHMNET_HOLDS(heard + has_crashed(0) >= before + counts_[1]);
		cast(1);
		listener_->drain();
		SHMNET_HOLDS(listener_->has_heard(stamp(1, casts_[1])));
	}

	bool may_crash(u32 thread) const override { return may_crash_ && thread == 0; }

private:
	const bool may_crash_;
	std::optional<Listener> later_;
};

/* More than the tape has slots: a writer is overtaken, a reader lapped; what is not heard is counted. */
class Lapped : public BusyTape {
public:
	Lapped(std::array<u32, READER> counts, u32 looks) : BusyTape(2, counts, looks) {}

	void end() override
	{
		listener_->drain();
		SHMNET_HOLDS(listener_->in_order());
		SHMNET_HOLDS(listener_->count() + listener_->missed() == counts_[0] + counts_[1]);
		cast(0);
		listener_->drain();
		SHMNET_HOLDS(listener_->has_heard(stamp(0, casts_[0])));
	}
};

/* A reader that sleeps is rung by who casts. */
class Doorbells : public TapeScene {
public:
	Doorbells() : TapeScene(4) {}

	void run(u32 thread) override
	{
		Directory<ExploredMemory> directory(layout());
		if (thread != READER) {
			cast(thread);
			/* As the driver does behind each cast. */
			ExploredMemory::full_fence();
			if (directory.casts_armed(READER, 0) & 1)
				explore::ring(READER);
			return;
		}
		while (listener_->count() < 2) {
			if (listener_->listen() != SHMNET_RECEIVE_EMPTY)
				continue;
			directory.arm_casts(READER, 0, 0, 1);
			ExploredMemory::full_fence();
			if (!listener_->waiting())
				explore::sleep();
		}
	}

	void end() override { SHMNET_HOLDS(!sleeps(READER)); }
};

/*
 * A writer goes around its arena and overwrites the cast that the reader has before it: with one of
 * the same place, with several that are shorter, or with one that begins before it.
 */
class Overwritten : public TapeScene {
public:
	Overwritten(u32 before, std::vector<u32> lengths)
	    : TapeScene(32, SHMNET_MTU_MAX), before_(before), lengths_(std::move(lengths))
	{
	}

	void begin() override
	{
		TapeScene::begin();
		for (u32 i = 0; i < before_; i++)
			cast(0);
		listener_.emplace(layout());
		cast(0, LEN);
		/* All the rest of the arena. */
		constexpr u32 HEADER = sizeof(shmnet_cast);
		u64 left = SHMNET_CASTS_SIZE - before_ * SHMNET_LINE -
			   round_up(HEADER + LEN, SHMNET_LINE);
		while (left > 0) {
			u64 bytes = std::min<u64>(left, SHMNET_CASTS_SIZE / 17 / SHMNET_LINE *
								SHMNET_LINE);
			cast(0, static_cast<u32>(bytes) - HEADER);
			left -= bytes;
		}
	}

	void run(u32 thread) override
	{
		if (thread == 0)
			for (u32 len : lengths_)
				cast(0, len);
		else if (thread == READER)
			listener_->listen();
	}

	void end() override
	{
		listener_->drain();
		SHMNET_HOLDS(listener_->in_order());
		SHMNET_HOLDS(listener_->count() + listener_->missed() == casts_[0] - before_);
	}

	static constexpr u32 LEN = 120;

private:
	const u32 before_; /* casts of a line each */
	const std::vector<u32> lengths_;
};

/*
 * A writer's machine starts again, and its first casts lie where one of its last life lay: that one
 * had cast 4 GiB.
 */
class BegunAgain : public TapeScene {
public:
	explicit BegunAgain(u32 before) : TapeScene(4), before_(before) {}

	void begin() override
	{
		TapeScene::begin();
		begin_writer(0, 2);
		for (u32 i = 0; i < before_; i++)
			cast(0);
		listener_.emplace(layout());
		cast(0, Overwritten::LEN);
		auto* header =
			reinterpret_cast<shmnet_cast*>(layout().arena(0) + before_ * SHMNET_LINE);
		ExploredMemory::store_relaxed(&header->incarnation, 1u);
		ExploredMemory::store_relaxed(&layout().node(0)->incarnation, 1u);
	}

	void run(u32 thread) override
	{
		if (thread == READER)
			listener_->listen();
		if (thread != 0)
			return;
		Directory<ExploredMemory> directory(layout());
		directory.clear_part(0);
		shmnet_node entry = {};
		entry.incarnation = 2;
		directory.publish_entry(0, entry);
		writers_[0].emplace(layout(), 0, 2);
		casts_[0] = 10;
		cast(0, Overwritten::LEN);
	}

	void end() override
	{
		listener_->drain();
		SHMNET_HOLDS(listener_->in_order());
		SHMNET_HOLDS(listener_->count() + listener_->missed() == 2);
	}

	/* All of the writer's part that has nothing to do with casts. */
	bool is_left_out(const void* address) const override
	{
		const shmnet_node* node = layout().node(0);
		return region_.part_of(address) == 0 && address != &node->casts_reserved &&
		       address != &node->incarnation && address < layout().arena(0);
	}

private:
	const u32 before_;
};

} // namespace

int main(int argc, char** argv)
{
	return explore_cases(
		{
			{"casts",
			 {2, 2, 0},
			 [] {
				 return std::make_unique<Casts>(std::array{2u, 1u}, 3, false);
			 }},
			{"casts and a crash",
			 {2, 1, 1},
			 [] {
				 return std::make_unique<Casts>(std::array{1u, 2u}, 2, true);
			 }},
			{"lapped",
			 {2, 1, 0},
			 [] {
				 return std::make_unique<Lapped>(std::array{2u, 2u}, 2);
			 }},
			{"overtaken",
			 {2, 2, 0},
			 [] {
				 return std::make_unique<Lapped>(std::array{1u, 4u}, 0);
			 }},
			{"doorbells", {2, 2, 0}, [] { return std::make_unique<Doorbells>(); }},
			{"overwritten by one",
			 {3, 3, 0},
			 [] { return std::make_unique<Overwritten>(0, std::vector<u32>{120}); }},
			{"overwritten by two",
			 {3, 3, 0},
			 [] {
				 return std::make_unique<Overwritten>(0, std::vector<u32>{60, 60});
			 }},
			{"overwritten from before",
			 {3, 3, 0},
			 [] { return std::make_unique<Overwritten>(1, std::vector<u32>{120}); }},
			{"begun again", {3, 2, 0}, [] { return std::make_unique<BegunAgain>(0); }},
			{"begun again before",
			 {3, 3, 0},
			 [] { return std::make_unique<BegunAgain>(1); }},
		},
		argc, argv);
}
