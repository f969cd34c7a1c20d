// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The directory as a node uses it, joining, looking and leaving, while others write over it. */
#include "directory.hh"
#include "fuzzed_memory.hh"
#include "membership.hh"

using namespace shmnet;
using namespace shmnet::fuzz;

namespace {

constexpr u32 OPERATIONS_MAX = 48;

const test::Region& region()
{
	static const test::Region made(test::small_request(4));
	return made;
}

class Node {
public:
	explicit Node(Input& input) : input_(input), directory_(region().layout())
	{
		identity_.machine[0] = 1;
	}

	/* One operation. */
	void operate()
	{
		u32 slot = input_.below(region().layout().nodes);
		switch (input_.below(6)) {
		case 0:
			join();
			break;
		case 1:
			look(slot);
			break;
		case 2:
			lie(slot);
			break;
		case 3:
			read(slot);
			break;
		case 4:
			speak();
			break;
		default:
			if (incarnation_)
				directory_.release(slot_, incarnation_);
			else
				probe(slot);
			incarnation_ = 0;
		}
	}

private:
	void join()
	{
		shmnet_slot_search found = directory_.find(identity_);
		SHMNET_MUST(found.slot < region().layout().nodes);
		if (found.outcome == SHMNET_SLOT_FULL || directory_.shows_life(found))
			return;
		u32 incarnation = directory_.claim(found, identity_);
		if (!incarnation)
			return;
		slot_ = found.slot;
		incarnation_ = incarnation;
		shmnet_node entry = {};
		entry.incarnation = incarnation;
		memcpy(entry.machine, identity_.machine, sizeof(entry.machine));
		directory_.publish_entry(slot_, entry);
	}

	/* What a node of a hardened region tries before it joins. */
	void probe(u32 slot)
	{
		for (u32 part : {slot, SHMNET_HUB_PART}) {
			directory_.probe(part, 0x1234);
			(void)directory_.probed(part);
		}
	}

	void look(u32 slot)
	{
		PeerSample sample = {directory_.living(slot), directory_.heartbeat(slot),
				     directory_.network_state(slot, 0) == 2};
		if (slot != slot_)
			sample.evidence |= directory_.has_opened_for(slot, slot_, incarnation_);
		watch_[slot].observe(sample,
				     input_.byte() & 1 ? SHMNET_CHECK_TICK : SHMNET_CHECK_LATE);
		SHMNET_MUST(!watch_[slot].alive() || watch_[slot].incarnation() != 0);
		(void)directory_.doorbell_peer(slot);
		(void)directory_.casts_armed(slot, 0);
		(void)directory_.cast_doorbell(slot, 0);
		(void)directory_.capabilities(slot, 0);
	}

	void read(u32 slot)
	{
		shmnet_node entry;
		if (!directory_.read_entry(slot, entry))
			return;
		SHMNET_MUST(entry.incarnation != 0);
		SHMNET_MUST(strnlen(entry.name, sizeof(entry.name)) < sizeof(entry.name));
	}

	void speak()
	{
		if (!incarnation_)
			return;
		directory_.beat(slot_, input_.byte());
		directory_.publish_network(slot_, 0, input_.byte(), 1500, 0);
		directory_.arm_casts(slot_, 0, 0, input_.byte());
		directory_.disarm_casts(slot_, 0);
	}

	/* About a claim, a witness, an entry, or an open ring. */
	void lie(u32 slot)
	{
		const Layout& layout = region().layout();
		u64* entry = reinterpret_cast<u64*>(layout.node(slot));
		u32 other = slot == 0 ? 1 : 0;
		u64* words[] = {&layout.claim(slot)->word, &layout.witness(slot)->word,
				entry + input_.below(sizeof(shmnet_node) / sizeof(u64)),
				&ring_places(layout, {0, other, slot, 0}).consumer->open};
		u64* word = words[input_.below(4)];
		u64 found = HardwareMemory::load_relaxed(word);
		HardwareMemory::store_relaxed(
			word, input_.byte() & 1 ? input_.value<u64>()
						: found + (u64{1} << input_.byte() % 64));
	}

	Input& input_;
	Directory<FuzzedMemory> directory_;
	shmnet_identity identity_ = {};
	PeerWatch watch_[SHMNET_NODES_MAX];
	u32 slot_ = 0;
	u32 incarnation_ = 0;
};

void forget()
{
	const Layout& layout = region().layout();
	for (u32 slot = 0; slot < layout.nodes; slot++) {
		layout.claim(slot)->word = 0;
		layout.witness(slot)->word = 0;
		memset(static_cast<void*>(layout.node(slot)), 0, sizeof(shmnet_node));
		for (u32 other = 0; other < layout.nodes; other++)
			if (other != slot)
				ring_places(layout, {0, other, slot, 0}).consumer->open = 0;
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
