// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What nodes offer, read and made a table of while others write over it; and flows given by that. */
#include "fuzzed_memory.hh"
#include "service_table.hh"

#include <optional>
#include <vector>

using namespace shmnet;
using namespace shmnet::fuzz;

namespace {

constexpr u32 OPERATIONS_MAX = 32;
constexpr u32 NODES = 3;
constexpr u32 OWN = 1;
/* Records that are told at once; all words behind them are read if somebody says so. */
constexpr u32 SERVICES_MOST = 4;

const test::GuardedMemory& memory()
{
	static const test::GuardedMemory made(round_up(NODES * SERVICES_BYTES, SHMNET_PAGE));
	return made;
}

class Node {
public:
	explicit Node(Input& input) : input_(input)
	{
		for (u32 node = 0; node < NODES; node++)
			memset(static_cast<void*>(words(node)), 0,
			       sizeof(shmnet_services) + SERVICES_MOST * sizeof(shmnet_service));
	}

	/* One operation. */
	void operate()
	{
		u32 node = input_.below(NODES);
		switch (input_.below(5)) {
		case 0:
			sequence_ = ServiceBoard<FuzzedMemory>(words(OWN))
					    .publish(sequence_, any().data(), SERVICES_MOST);
			break;
		case 1:
			other_publishes(node);
			break;
		case 2:
			read(node);
			break;
		case 3:
			choose();
			break;
		default:
			HardwareMemory::store_relaxed(reinterpret_cast<u64*>(words(node)) +
							      input_.below(64),
						      input_.value<u64>());
		}
	}

private:
	static shmnet_services* words(u32 node)
	{
		return reinterpret_cast<shmnet_services*>(memory().base() + node * SERVICES_BYTES);
	}

	/* Some of them valid, some not. */
	std::vector<shmnet_service> any()
	{
		std::vector<shmnet_service> services(SERVICES_MOST);
		for (shmnet_service& service : services) {
			service.address[0] = input_.byte() & 1;
			service.connections = input_.value<u32>();
			service.port = input_.byte() & 3;
			service.weight = static_cast<u16>(input_.below(SHMNET_WEIGHT_MAX + 2));
			constexpr u8 PROTOCOLS[] = {PROTOCOL_UDP, PROTOCOL_TCP,
						    SHMNET_ADDRESS_RECORD, PROTOCOL_TCP};
			service.protocol = PROTOCOLS[input_.byte() & 3];
			service.balance = input_.byte() & 7;
			service.flags = input_.byte() & 3;
			/* Of an address: its generation. */
			service.reserved[1] = static_cast<u8>(service.port);
		}
		return services;
	}

	void other_publishes(u32 node)
	{
		HardwareMemory::store_relaxed(
			&words(node)->sequence,
			ServiceBoard<HardwareMemory>(words(node))
				.publish(pack_index(input_.byte(), input_.byte() & 2), any().data(),
					 input_.below(SERVICES_MOST + 1)));
	}

	void read(u32 node)
	{
		ServiceBoard<FuzzedMemory> board(words(node));
		static std::vector<shmnet_service> buffer(SHMNET_SERVICES_MAX);
		u64 sequence = board.sequence();
		u32 count = 0;
		if (!board.read(sequence, buffer.data(), count))
			return;
		SHMNET_MUST(count <= SHMNET_SERVICES_MAX && index_of(sequence) % 2 == 0);
		for (u32 i = 0; i < count; i++)
			SHMNET_MUST(is_record(buffer[i]));
		told_[node] = {sequence, {buffer.begin(), buffer.begin() + count}};
		make();
	}

	void make()
	{
		std::optional<ServiceTable> before = table_;
		std::vector<u64> kept = std::move(table_memory_);
		u32 offers = 0;
		for (const auto& [sequence, services] : told_)
			offers += static_cast<u32>(services.size());
		table_memory_.assign(ServiceTable::bytes(offers) / sizeof(u64) + 1, 0);
		table_.emplace(table_memory_.data(), offers, SipKey{{1, 2}}, 3);
		for (u32 node = 0; node < NODES; node++)
			table_->add(node, told_[node].first, told_[node].second.data(),
				    static_cast<u32>(told_[node].second.size()));
		if (before)
			table_->carry_on(*before);
	}

	void choose()
	{
		FlowKey key = {};
		key.destination[0] = 1;
		key.destination_port = input_.byte() & 3;
		key.protocol = PROTOCOL_TCP;
		key.source_port = input_.byte();
		u64 able = input_.byte() & 7;
		ServiceEntry* entry = table_ ? table_->find(key) : nullptr;
		if (entry)
			able &= table_->nodes_of(*entry);
		const ServiceOffer* offer =
			entry ? table_->choose(*entry, key, able, OWN) : nullptr;
		if (offer)
			SHMNET_MUST(offer->node < NODES && able >> offer->node & 1 &&
				    offer->weight != 0 && offer->weight <= SHMNET_WEIGHT_MAX);
	}

	Input& input_;
	u64 sequence_ = pack_index(1, 0);
	std::pair<u64, std::vector<shmnet_service>> told_[NODES];
	std::vector<u64> table_memory_;
	std::optional<ServiceTable> table_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size)
{
	Input input(data, size);
	begin(input, memory());
	Node node(input);
	operate(input, OPERATIONS_MAX, [&node] { node.operate(); });
	return 0;
}
