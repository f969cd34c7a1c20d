// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A tape that is given to a group while a node that has joined the group looks at labels. */
#include "cases.hh"
#include "groups.hh"
#include "tape_scene.hh"

using namespace shmnet;
using namespace shmnet::explore;

namespace {

constexpr Group JOINED = 0x01005e0000fb;
constexpr Group OTHER = 0x01005e000005;
constexpr u32 TAPE = 1;

/* A node that has joined a group, and has looked before. */
class GroupScene : public TapeScene {
protected:
	GroupScene() : TapeScene(4) {}

	void join_and_look()
	{
		listener_.emplace(layout(), TAPE);
		follower_.emplace(layout(), 0, TAPE, listener_->reader());
		look();
	}

	void look()
	{
		if (follower_->follow(label_group(follower_->look()) == JOINED))
			listener_->drain();
	}

	Groups<ExploredMemory> groups_{layout(), 0};

private:
	std::optional<Follower<ExploredMemory>> follower_;
};

/*
 * Node 0 claims the tape, once node 1 has given it back, and casts on it; the reader has joined the
 * group and looked before, so it hears each of these casts once.
 */
class Claimed : public GroupScene {
public:
	explicit Claimed(u32 casts) : wanted_(casts) {}

	void begin() override
	{
		TapeScene::begin();
		on_tape_ = 0;
		SHMNET_HOLDS(groups_.claim(OTHER, 1));
		cast(1, SHORT, TAPE);
		join_and_look();
	}

	void run(u32 thread) override
	{
		if (thread == 1) {
			SHMNET_HOLDS(groups_.release(TAPE, groups_.label(TAPE)));
			return;
		}
		for (u32 i = 0; thread == 0 && i < wanted_; i++)
			cast_to_group();
		for (u32 i = 0; thread == READER && i < 2; i++)
			look();
	}

	void end() override
	{
		look();
		look();
		SHMNET_HOLDS(listener_->in_order());
		SHMNET_HOLDS(listener_->missed() == 0);
		SHMNET_HOLDS(listener_->count() == on_tape_);
	}

private:
	/* As the driver does: what has no tape goes over the broadcast tape. */
	void cast_to_group()
	{
		u32 tape = groups_.find(JOINED);
		if (tape == BROADCAST_TAPE && groups_.claim(JOINED, 0))
			tape = groups_.find(JOINED);
		cast(0, SHORT, tape);
		on_tape_ += tape == TAPE;
	}

	const u32 wanted_;
	u32 on_tape_ = 0;
};

/* The tape is given back as soon as a cast is on it; the next look still hears that. */
class GivenBack : public GroupScene {
public:
	void begin() override
	{
		TapeScene::begin();
		SHMNET_HOLDS(groups_.claim(JOINED, 1));
		join_and_look();
	}

	void run(u32 thread) override
	{
		if (thread == 1) {
			cast(1, SHORT, groups_.find(JOINED));
			SHMNET_HOLDS(groups_.release(TAPE, groups_.label(TAPE)));
		}
		if (thread == READER)
			look();
	}

	void end() override
	{
		look();
		SHMNET_HOLDS(listener_->count() == 1 && listener_->missed() == 0);
	}
};

/* Two claim the one tape that is left, for different groups: one gets it. */
class ClaimedByTwo : public GroupScene {
public:
	u32 threads() const override { return 2; }

	void run(u32 thread) override
	{
		claimed_[thread] = groups_.claim(thread == 0 ? JOINED : OTHER, thread);
	}

	void end() override { SHMNET_HOLDS(claimed_[0] != claimed_[1]); }

private:
	bool claimed_[2] = {};
};

} // namespace

int main(int argc, char** argv)
{
	return explore_cases(
		{
			{"one cast", {4, 2, 0}, [] { return std::make_unique<Claimed>(1); }},
			{"two casts", {3, 1, 0}, [] { return std::make_unique<Claimed>(2); }},
			{"given back", {4, 2, 0}, [] { return std::make_unique<GivenBack>(); }},
			{"claimed by two",
			 {8, 4, 0},
			 [] { return std::make_unique<ClaimedByTwo>(); }},
		},
		argc, argv);
}
