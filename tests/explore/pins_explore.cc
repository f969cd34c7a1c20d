// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Nodes by which the same new flow comes in at once: it has one server, or waits. */
#include "cases.hh"
#include "explored_memory.hh"
#include "pins.hh"

#include <algorithm>
#include <optional>

using namespace shmnet;
using namespace shmnet::explore;

namespace {

using Table = PinTable<ExploredMemory>;
using Decision = Pinning<ExploredMemory>;

constexpr u32 NODES_MOST = 3;
/* Of a node that waits for another. */
constexpr u32 PATIENCE = 2;

FlowKey flow()
{
	FlowKey key = {};
	key.protocol = PROTOCOL_TCP;
	return key;
}

/* Each thread is a node, and would give the flow to itself. */
class SameFlow : public Scene {
public:
	SameFlow(u32 nodes, bool crash) : nodes_(nodes), crash_(crash) {}

	u32 threads() const override { return nodes_; }
	bool may_crash(u32 thread) const override { return crash_ && thread == 0; }

	void begin() override
	{
		for (u32 node = 0; node < nodes_; node++) {
			std::fill(std::begin(words_[node]), std::end(words_[node]), 0);
			tables_[node].emplace(reinterpret_cast<shmnet_pins*>(words_[node]),
					      SHMNET_PIN_WAYS);
			outcome_[node] = Decision::Undecided;
		}
	}

	void run(u32 thread) override
	{
		Decision decision(*tables_[thread], thread);
		u32 waited = 0;
		target_[thread] = {thread, 1};
		tables_[thread]->open({{1, thread}});
		outcome_[thread] = decision.place(
			flow(), target_[thread], 0,
			[&](const auto& look) {
				for (u32 other = 0; other < nodes_; other++)
					if (other != thread && !look(other, *tables_[other]))
						return;
			},
			[](const Pin&) { return true; }, [&] { return ++waited <= PATIENCE; });
	}

	void end() override
	{
		std::optional<FlowTarget> agreed;
		for (u32 node = 0; node < nodes_; node++) {
			Pin pin = tables_[node]->find(flow());
			if (pin.state == SHMNET_PIN_CONFIRMED)
				SHMNET_HOLDS(!agreed || *agreed == pin.target);
			if (pin.state == SHMNET_PIN_CONFIRMED)
				agreed = pin.target;
			SHMNET_HOLDS(pin.state != SHMNET_PIN_PROPOSED || has_crashed(node));
		}
		for (u32 node = 0; node < nodes_; node++)
			if (outcome_[node] != Decision::Undecided)
				SHMNET_HOLDS(agreed && *agreed == target_[node]);
	}

	/* Of the secret one word counts. The line is one; words behind the first stay empty. */
	bool is_left_out(const void* address) const override
	{
		for (const auto& words : words_)
			if (address == &words[0] || address == &words[HEADER])
				return false;
		return true;
	}

private:
	const u32 nodes_;
	const bool crash_;
	static constexpr u32 HEADER = sizeof(shmnet_pins) / sizeof(u64);
	u64 words_[NODES_MOST][HEADER + SHMNET_PIN_WAYS] = {};
	std::optional<Table> tables_[NODES_MOST];
	FlowTarget target_[NODES_MOST] = {};
	Decision::Outcome outcome_[NODES_MOST] = {};
};

/* Nobody else is about: it is placed, and those who come later find it. */
class Later : public SameFlow {
public:
	Later() : SameFlow(2, false) {}

	void run(u32 thread) override
	{
		if (thread == 0)
			return;
		SameFlow::run(1);
		SameFlow::run(0);
	}
};

} // namespace

int main(int argc, char** argv)
{
	return explore_cases(
		{
			{"two nodes",
			 {6, 3, 0},
			 [] { return std::make_unique<SameFlow>(2, false); }},
			{"one after the other",
			 {2, 2, 0},
			 [] { return std::make_unique<Later>(); }},
			{"one ends", {4, 2, 1}, [] { return std::make_unique<SameFlow>(2, true); }},
			{"three nodes",
			 {4, 2, 0},
			 [] { return std::make_unique<SameFlow>(3, false); }},
		},
		argc, argv);
}
