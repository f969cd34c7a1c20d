// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What the hostile peer tells guests (tests/hostile), told to the core in the place of a victim:
 * which new flows it is given must be what the tables say.
 */
#include "hostile/tellings.hh"
#include "service_table.hh"

#include "support/region.hh"

#include <gtest/gtest.h>

#include <map>
#include <memory>

namespace shmnet::hostile {

namespace {

constexpr u32 GLOBAL = 1;
constexpr u32 PEER = 1;
constexpr u32 VICTIM = 0;
constexpr u32 INCARNATION = 5;

/* Of a node that looks when it is told to: what it has read, and whom it gives flows to. */
class Victim {
public:
	explicit Victim(const Layout& layout) : board_(layout.services(GLOBAL, PEER)) {}

	void look()
	{
		u64 sequence = board_.sequence();
		if (epoch_of(sequence) != INCARNATION)
			sequence = 0;
		if (sequence == sequence_ || sequence & 1)
			return;
		std::vector<shmnet_service> buffer(SHMNET_SERVICES_MAX);
		u32 count = 0;
		if (sequence != 0 && !board_.read(sequence, buffer.data(), count))
			return;
		buffer.resize(count);
		sequence_ = sequence;
		memory_.assign(ServiceTable::bytes(count) / sizeof(u64) + 1, 0);
		table_ = std::make_unique<ServiceTable>(memory_.data(), count, SipKey{{1, 2}}, 3);
		table_->add(PEER, sequence, buffer.data(), count);
	}

	bool gives(u8 protocol, u16 port)
	{
		FlowKey key = test::tcp_flow(port, 1);
		key.protocol = protocol;
		ServiceEntry* entry = table_ ? table_->find(key) : nullptr;
		return entry &&
		       table_->choose(*entry, key, table_->nodes_of(*entry) & 1u << PEER, VICTIM);
	}

private:
	ServiceBoard<HardwareMemory> board_;
	u64 sequence_ = 0;
	std::vector<u64> memory_;
	std::unique_ptr<ServiceTable> table_;
};

TEST(HostileTellings, AreAnsweredAsTheTablesSay)
{
	test::Region region(test::default_request(2));
	shmnet_services* words = region.layout().services(GLOBAL, PEER);
	Victim victim(region.layout());
	Board board;
	for (const Telling& telling : all_tellings()) {
		SCOPED_TRACE(telling.name);
		board.tell(words, INCARNATION,
			   {.kind = "", .name = "good", .records = {}, .probes = {}});
		u16 before = board.own_port();
		victim.look();
		ASSERT_TRUE(victim.gives(PROTOCOL_UDP, before));
		board.tell(words, INCARNATION, telling);
		victim.look();
		EXPECT_EQ(victim.gives(PROTOCOL_UDP, board.own_port()),
			  telling.outcome == Outcome::Heard);
		EXPECT_EQ(victim.gives(PROTOCOL_UDP, before),
			  telling.outcome == Outcome::PassedOver);
		for (const Probe& probe : telling.probes)
			EXPECT_EQ(victim.gives(probe.protocol, probe.port), probe.given)
				<< "protocol " << int{probe.protocol} << ", port " << probe.port;
	}
}

/* An input that is in the tables twice, or is of no class, is none. */
TEST(HostileTellings, HaveNamesOfTheirOwn)
{
	std::map<std::string, u32> names;
	for (const Telling& telling : all_tellings()) {
		EXPECT_EQ(telling.kind[0], 'B');
		EXPECT_EQ(names[telling.name]++, 0u) << telling.name;
		for (const Probe& probe : telling.probes)
			EXPECT_FALSE(probe.given && telling.outcome != Outcome::Heard)
				<< telling.name;
	}
}

} // namespace

} // namespace shmnet::hostile
