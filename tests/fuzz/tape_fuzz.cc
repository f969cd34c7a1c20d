// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A tape that a node writes, reads, and follows by its label, while others write over all of it. */
#include "fuzzed_memory.hh"
#include "groups.hh"
#include "support/casts.hh"

using namespace shmnet;
using namespace shmnet::fuzz;

namespace {

constexpr u32 OPERATIONS_MAX = 48;
constexpr u32 SLOTS = 16;
constexpr u32 TAPE = 1;
constexpr u32 LOOKS_MAX = 64;

struct SmallTapes : test::Region {
	SmallTapes() : Region(test::small_request(2)) { shrink_tapes(SLOTS); }
};

const test::Region& region()
{
	static const SmallTapes made;
	return made;
}

class Node {
public:
	explicit Node(Input& input)
	    : input_(input), groups_(region().layout(), 0), caster_(region().layout(), 0),
	      other_(region().layout(), 1), listener_(region().layout(), 0, TAPE),
	      follower_(region().layout(), 0, TAPE, listener_.reader())
	{
		listener_.expect_garbage();
	}

	/* One operation. */
	void operate()
	{
		switch (input_.below(8)) {
		case 0:
			caster_.cast(test::CAST_MIN + input_.byte(), TAPE);
			break;
		case 1:
			other_.cast(test::CAST_MIN + input_.byte(), TAPE);
			break;
		case 2:
			lie();
			break;
		case 3:
			(void)follower_.look();
			follower_.follow(input_.byte() & 1);
			break;
		case 4:
			label();
			break;
		case 5:
			(void)listener_.waiting();
			break;
		default:
			/* Where it stands; each is progress, or there is nothing. */
			for (u32 i = 0; i < LOOKS_MAX; i++)
				if (listener_.listen() == SHMNET_RECEIVE_EMPTY)
					break;
		}
	}

private:
	void label()
	{
		Group group = 1 + input_.below(3);
		u32 tape = groups_.find(group);
		SHMNET_MUST(tape < region().layout().network[0].tapes);
		if (tape == BROADCAST_TAPE)
			groups_.claim(group, 0);
		else
			groups_.release(tape, groups_.label(tape));
	}

	/* About a slot, the head, a reserve, or a header. */
	void lie()
	{
		const Layout& layout = region().layout();
		shmnet_tape* tape = layout.tape(0, TAPE);
		u64* words[] = {&tape->slots[input_.below(SLOTS)], &tape->head,
				&layout.node(1)->casts_reserved,
				reinterpret_cast<u64*>(layout.arena(1)) + input_.below(64)};
		u64* word = words[input_.below(4)];
		u64 found = HardwareMemory::load_relaxed(word);
		HardwareMemory::store_relaxed(word, input_.byte() & 1
							    ? input_.value<u64>()
							    : found + input_.byte() - 128);
	}

	Input& input_;
	Groups<FuzzedMemory> groups_;
	test::Caster<FuzzedMemory> caster_;
	test::Caster<HardwareMemory> other_;
	test::Listener<FuzzedMemory> listener_;
	Follower<FuzzedMemory> follower_;
};

void forget()
{
	const Layout& layout = region().layout();
	for (u32 tape = 0; tape < layout.network[0].tapes; tape++)
		memset(static_cast<void*>(layout.tape(0, tape)), 0,
		       sizeof(shmnet_tape) + SLOTS * sizeof(u64));
	for (u32 slot = 0; slot < layout.nodes; slot++) {
		memset(static_cast<void*>(layout.node(slot)), 0, sizeof(shmnet_node));
		/* As much as an input's casts take. */
		memset(layout.arena(slot), 0, u64{OPERATIONS_MAX} * 320);
	}
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size)
{
	Input input(data, size);
	begin(input, region().memory());
	forget();
	Node node(input);
	operate(input, OPERATIONS_MAX, [&node] { node.operate(); });
	return 0;
}
