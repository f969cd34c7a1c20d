// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Pins that other nodes write while this one looks for a flow's, and places its own. */
#include "fuzzed_memory.hh"
#include "pins.hh"

#include <cstring>

using namespace shmnet;
using namespace shmnet::fuzz;

namespace {

constexpr u32 OPERATIONS_MAX = 32;
constexpr u32 WORDS = 64;
constexpr u32 OWN = 1;

const test::GuardedMemory& memory()
{
	static const test::GuardedMemory made(SHMNET_PAGE);
	return made;
}

/* Nodes 0, 1 (this one) and 2, a table each. */
class Tables {
public:
	explicit Tables(Input& input) : input_(input)
	{
		memset(memory().base(), 0, memory().size());
	}

	/* One operation. */
	void operate()
	{
		FlowKey key = {};
		key.source[0] = input_.byte() % 16;
		switch (input_.below(5)) {
		case 0:
			place(key);
			break;
		case 1:
			check(table(input_.below(3)).find(key));
			break;
		case 2:
			other_places(key);
			break;
		case 3:
			table(OWN).expire(input_.below(WORDS / 2), WORDS / 2, input_.byte(),
					  input_.byte() % 64);
			break;
		default:
			lie();
		}
	}

private:
	static constexpr u32 AREA = sizeof(shmnet_pins) / sizeof(u64) + WORDS;

	static shmnet_pins* area(u32 node)
	{
		return reinterpret_cast<shmnet_pins*>(memory().base() + node * AREA * sizeof(u64));
	}

	static PinTable<FuzzedMemory> table(u32 node)
	{
		return PinTable<FuzzedMemory>(area(node), WORDS);
	}

	static void check(const Pin& pin)
	{
		SHMNET_MUST(pin.state == SHMNET_PIN_NONE || pin.state == SHMNET_PIN_PROPOSED ||
			    pin.state == SHMNET_PIN_CONFIRMED);
		SHMNET_MUST(pin.target.node < SHMNET_NODES_MAX);
		SHMNET_MUST(pin.target.incarnation < 1u << PIN_INCARNATION_BITS);
	}

	void place(const FlowKey& key)
	{
		PinTable<FuzzedMemory> own = table(OWN);
		FlowTarget target = {input_.below(SHMNET_NODES_MAX), input_.value<u32>()};
		const FlowTarget wanted = target;
		u32 waited = 0;
		const u32 living = input_.value<u32>();
		if (!own.is_open())
			own.open({{1, OWN}});
		auto outcome = Pinning<FuzzedMemory>(own, OWN).place(
			key, target, input_.byte(),
			[](const auto& look) { (void)(look(0, table(0)) && look(2, table(2))); },
			[living](const Pin& pin) {
				check(pin);
				return is_incarnation_of(pin, living);
			},
			[&waited] { return ++waited < 8; });
		SHMNET_MUST(waited <= 8);
		if (outcome == Pinning<FuzzedMemory>::Found)
			check({SHMNET_PIN_CONFIRMED, target});
		else
			SHMNET_MUST(target == wanted);
	}

	/* As another node does it; the state too may be any. */
	void other_places(const FlowKey& key)
	{
		u32 node = input_.byte() & 1 ? 2 : 0;
		PinTable<HardwareMemory> other(area(node), WORDS);
		if (!other.is_open())
			other.open({{1, node}});
		other.store(key, {input_.below(SHMNET_NODES_MAX), input_.value<u32>()},
			    static_cast<shmnet_pin_state>(input_.byte() & 3), input_.byte());
	}

	/* Of another, or what somebody wrote over this one's. */
	void lie()
	{
		HardwareMemory::store_relaxed(reinterpret_cast<u64*>(area(0)) +
						      input_.below(3 * AREA),
					      input_.value<u64>());
	}

	Input& input_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size)
{
	Input input(data, size);
	begin(input, memory());
	Tables tables(input);
	operate(input, OPERATIONS_MAX, [&tables] { tables.operate(); });
	return 0;
}
