// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The core as C sees it (core.h): two nodes that meet, talk, part and meet again. */
#include "core.h"
#include "flows.h"

#include "support/region.hh"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <utility>
#include <vector>

namespace shmnet::test {

namespace {

/* Memory as a kernel gives it: aligned to 8, not zeroed. */
class Memory {
public:
	explicit Memory(size_t size) : bytes_(::operator new(size)) { memset(bytes_, 0xa5, size); }
	Memory(const Memory&) = delete;
	Memory& operator=(const Memory&) = delete;
	~Memory() { ::operator delete(bytes_); }

	void* get() const { return bytes_; }

private:
	void* bytes_;
};

constexpr u32 NETWORK = 0;

/* A node, with one peer. */
class Node {
public:
	Node(Region& region, u8 machine) : core_(shmnet_core_size())
	{
		Memory scratch(shmnet_core_scratch_size());
		attached = shmnet_core_attach(core(), scratch.get(), region.base(), region.size());
		identity_.machine[0] = machine;
	}

	shmnet_core* core() const { return static_cast<shmnet_core*>(core_.get()); }

	bool join()
	{
		shmnet_slot_search found;
		shmnet_core_find_slot(core(), &identity_, &found);
		if (found.outcome == SHMNET_SLOT_FULL ||
		    !shmnet_core_claim(core(), &found, &identity_))
			return false;
		shmnet_node entry = {};
		entry.peer = 17;
		entry.vectors = 4;
		strcpy(entry.name, "a-node");
		shmnet_core_publish(core(), &entry);
		shmnet_core_publish_network(core(), NETWORK, SHMNET_STATE_UP, 1500, 0);
		return true;
	}

	void make_rings(u32 peer)
	{
		tx_memory_ = std::make_unique<Memory>(shmnet_tx_size(core(), NETWORK));
		rx_memory_ = std::make_unique<Memory>(shmnet_rx_size(core(), NETWORK));
		reader_memory_ = std::make_unique<Memory>(shmnet_reader_size());
		tx = shmnet_tx_init(tx_memory_->get(), core(), NETWORK, peer, 0);
		rx = shmnet_rx_init(rx_memory_->get(), core(), NETWORK, peer, 0);
		reader = shmnet_reader_init(reader_memory_->get(), core(), NETWORK, 0);
	}

	u32 slot() const { return shmnet_core_slot(core()); }
	u32 incarnation() const { return shmnet_core_incarnation(core()); }

	shmnet_peer_event check(u32 peer, shmnet_check check = SHMNET_CHECK_TICK, u32 hello = 0)
	{
		return shmnet_core_check_peer(core(), peer, check, hello);
	}

	const char* attached;
	shmnet_tx* tx = nullptr;
	shmnet_rx* rx = nullptr;
	shmnet_reader* reader = nullptr;

private:
	Memory core_;
	shmnet_identity identity_ = {};
	std::unique_ptr<Memory> tx_memory_;
	std::unique_ptr<Memory> rx_memory_;
	std::unique_ptr<Memory> reader_memory_;
};

class CoreAbi : public testing::Test {
protected:
	CoreAbi() : region(default_request(4)), left(region, 1), right(region, 2) {}

	/* Both joined, see each other alive, and have connected their rings. */
	void meet()
	{
		ASSERT_TRUE(left.join());
		ASSERT_TRUE(right.join());
		left.make_rings(right.slot());
		right.make_rings(left.slot());
		connect();
	}

	void connect()
	{
		shmnet_rx_open(left.rx, left.incarnation(), right.incarnation(), 1);
		shmnet_rx_open(right.rx, right.incarnation(), left.incarnation(), 2);
		ASSERT_TRUE(shmnet_tx_connect(left.tx, left.incarnation(), 3));
		ASSERT_TRUE(shmnet_tx_connect(right.tx, right.incarnation(), 4));
	}

	bool passes(Node& from, Node& to, u32 len)
	{
		shmnet_frame frame;
		if (!shmnet_tx_reserve(from.tx, len, &frame))
			return false;
		for (u32 i = 0; i < frame.pieces; i++)
			memset(frame.span[i].data, 0x40 + static_cast<int>(i), frame.span[i].len);
		frame.offload = {};
		shmnet_tx_commit(from.tx, &frame);
		shmnet_tx_publish(from.tx);
		if (shmnet_rx_waiting(to.rx) == 0 ||
		    shmnet_rx_next(to.rx, &frame) != SHMNET_RECEIVE_FRAME)
			return false;
		bool right = frame.len == len;
		for (u32 i = 0; i < frame.pieces; i++)
			right &= *static_cast<u8*>(frame.span[i].data) == 0x40 + i;
		shmnet_rx_release(to.rx);
		shmnet_rx_publish(to.rx);
		return right && shmnet_tx_consumed(from.tx) == shmnet_tx_produced(from.tx);
	}

	Region region;
	Node left;
	Node right;
};

} // namespace

TEST_F(CoreAbi, SaysWhatTheRegionIs)
{
	ASSERT_EQ(left.attached, nullptr);
	struct shmnet_core_info info;
	shmnet_core_info(left.core(), &info);
	EXPECT_EQ(info.nodes, 4u);
	EXPECT_EQ(info.networks, 2u);
	EXPECT_EQ(info.region_id, 0x5eed01u);
	EXPECT_EQ(info.region_size, region.size());
	struct shmnet_network_info network;
	shmnet_network_info(left.core(), 0, &network);
	EXPECT_EQ(network.kind, u32{SHMNET_NETWORK_LOCAL});
	EXPECT_EQ(network.mtu, 65535u);
	EXPECT_EQ(network.frame_max, 65557u);
	EXPECT_EQ(network.gso_frame_max, 65557u);
	EXPECT_EQ(network.pieces_max, 17u);
	EXPECT_EQ(network.buffer_size, 4096u);
	EXPECT_EQ(network.queues, 1u);
	EXPECT_EQ(network.tapes, 17u);
}

TEST_F(CoreAbi, SaysWhyARegionIsNone)
{
	GuardedMemory zeros(2 * SHMNET_PAGE);
	Memory core(shmnet_core_size());
	Memory scratch(shmnet_core_scratch_size());
	const char* text = shmnet_core_attach(static_cast<shmnet_core*>(core.get()), scratch.get(),
					      zeros.base(), zeros.size());
	ASSERT_NE(text, nullptr);
	EXPECT_NE(strstr(text, "not formatted"), nullptr);
}

TEST_F(CoreAbi, PassesFramesBothWays)
{
	meet();
	for (u32 len : {60u, 1514u, 4096u, 4097u, 65557u})
		for (u32 i = 0; i < 100; i++) {
			ASSERT_TRUE(passes(left, right, len));
			ASSERT_TRUE(passes(right, left, len));
		}
	EXPECT_EQ(shmnet_tx_doorbell(left.tx), 2u);
	EXPECT_EQ(shmnet_rx_doorbell(left.rx), 4u);
}

/* What both ends show at each step of a frame's way. */
TEST_F(CoreAbi, ShowsRings)
{
	meet();
	struct shmnet_network_info network;
	shmnet_network_info(left.core(), NETWORK, &network);
	shmnet_ring_view sender, receiver;
	auto look = [&] {
		shmnet_tx_view(left.tx, &sender);
		shmnet_rx_view(right.rx, &receiver);
	};
	look();
	EXPECT_NE(sender.epoch, 0u);
	EXPECT_EQ(sender.epoch, receiver.epoch);
	EXPECT_TRUE(receiver.adopted);
	EXPECT_TRUE(sender.armed);
	EXPECT_TRUE(receiver.armed);
	EXPECT_EQ(sender.buffers, network.pool) << "granted, though not taken yet";
	EXPECT_EQ(receiver.buffers, network.pool);

	shmnet_frame frame;
	ASSERT_TRUE(shmnet_tx_reserve(left.tx, 5000, &frame));
	frame.offload = {};
	shmnet_tx_commit(left.tx, &frame);
	shmnet_tx_publish(left.tx);
	look();
	EXPECT_EQ(sender.descriptors, 2u);
	EXPECT_EQ(receiver.descriptors, 2u);
	EXPECT_EQ(sender.buffers, network.pool - 2);
	EXPECT_EQ(receiver.buffers, network.pool) << "not looked at yet";
	EXPECT_FALSE(sender.armed);

	ASSERT_EQ(shmnet_rx_next(right.rx, &frame), SHMNET_RECEIVE_FRAME);
	look();
	EXPECT_EQ(receiver.buffers, network.pool - 2);
	shmnet_rx_release(right.rx);
	shmnet_rx_publish(right.rx);
	look();
	EXPECT_EQ(sender.descriptors, 0u);
	EXPECT_EQ(receiver.descriptors, 0u);
	EXPECT_EQ(sender.buffers, network.pool);
	EXPECT_EQ(receiver.buffers, network.pool);
	EXPECT_FALSE(sender.armed) << "not asked for since";
	shmnet_rx_arm(right.rx);
	look();
	EXPECT_TRUE(sender.armed);

	shmnet_tx_disconnect(left.tx);
	shmnet_rx_close(right.rx);
	look();
	EXPECT_EQ(sender.epoch, 0u);
	EXPECT_EQ(receiver.epoch, 0u);
}

TEST_F(CoreAbi, PassesCasts)
{
	meet();
	void* bytes = shmnet_cast_begin(left.core(), NETWORK, 0, 60, SHMNET_CAST_DATA_VALID);
	memset(bytes, 0x77, 60);
	EXPECT_FALSE(shmnet_reader_waiting(right.reader));
	ASSERT_TRUE(shmnet_cast_publish(left.core()));
	EXPECT_TRUE(shmnet_reader_waiting(right.reader));
	EXPECT_EQ(shmnet_reader_head(right.reader), shmnet_reader_position(right.reader) + 1);
	shmnet_cast_view cast;
	ASSERT_EQ(shmnet_reader_next(right.reader, &cast), SHMNET_RECEIVE_FRAME);
	EXPECT_EQ(cast.len, 60u);
	EXPECT_EQ(cast.flags, SHMNET_CAST_DATA_VALID);
	EXPECT_EQ(cast.writer, left.slot());
	EXPECT_EQ(*static_cast<const u8*>(cast.data), 0x77);
	EXPECT_TRUE(shmnet_reader_confirm(right.reader));
	EXPECT_EQ(shmnet_reader_next(right.reader, &cast), SHMNET_RECEIVE_EMPTY);
	EXPECT_EQ(shmnet_reader_next(left.reader, &cast), SHMNET_RECEIVE_EMPTY) << "its own";
	EXPECT_EQ(shmnet_reader_missed(right.reader), 0u);
}

TEST_F(CoreAbi, RingsForCastsThoseThatAreArmed)
{
	meet();
	EXPECT_EQ(shmnet_cast_doorbell(left.core(), NETWORK, right.slot(), 5), SHMNET_NO_DOORBELL);
	shmnet_core_arm_casts(right.core(), NETWORK, 0x110002, SHMNET_CAST_BIT(5));
	EXPECT_EQ(shmnet_cast_doorbell(left.core(), NETWORK, right.slot(), 5), 0x110002u);
	EXPECT_EQ(shmnet_cast_doorbell(left.core(), NETWORK, right.slot(), 0), SHMNET_NO_DOORBELL)
		<< "another tape";
	EXPECT_EQ(shmnet_cast_doorbell(left.core(), 1, right.slot(), 5), SHMNET_NO_DOORBELL);
	shmnet_core_disarm_casts(right.core(), NETWORK);
	EXPECT_EQ(shmnet_cast_doorbell(left.core(), NETWORK, right.slot(), 5), SHMNET_NO_DOORBELL);
}

TEST_F(CoreAbi, SeesAPeerComeAndGo)
{
	ASSERT_TRUE(left.join());
	EXPECT_EQ(left.check(1), SHMNET_PEER_SAME);
	ASSERT_TRUE(right.join());
	EXPECT_EQ(left.check(right.slot()), SHMNET_PEER_SAME);
	EXPECT_FALSE(shmnet_core_peer_alive(left.core(), right.slot()));
	shmnet_core_beat(right.core());
	EXPECT_EQ(left.check(right.slot()), SHMNET_PEER_CAME);
	EXPECT_TRUE(shmnet_core_peer_alive(left.core(), right.slot()));
	EXPECT_EQ(shmnet_core_peer_incarnation(left.core(), right.slot()), 1u);
	EXPECT_EQ(shmnet_core_doorbell_peer(left.core(), right.slot()), 17u);
	shmnet_node entry;
	ASSERT_TRUE(shmnet_core_read_entry(left.core(), right.slot(), &entry));
	EXPECT_STREQ(entry.name, "a-node");

	shmnet_core_release(right.core());
	EXPECT_EQ(left.check(right.slot(), SHMNET_CHECK_EXTRA), SHMNET_PEER_GONE);
	EXPECT_FALSE(shmnet_core_peer_alive(left.core(), right.slot()));
	EXPECT_EQ(shmnet_core_doorbell_peer(left.core(), right.slot()), SHMNET_NO_PEER);
	bool claimed = true;
	EXPECT_EQ(shmnet_core_claimed(left.core(), right.slot(), &claimed), 1u);
	EXPECT_FALSE(claimed);
}

/* A hello, or a ring that it opened for us, is life at once; of nobody they are nothing. */
TEST_F(CoreAbi, SeesAPeerAtItsHelloOrItsRing)
{
	ASSERT_TRUE(left.join());
	ASSERT_TRUE(right.join());
	left.make_rings(right.slot());
	right.make_rings(left.slot());
	EXPECT_EQ(left.check(right.slot(), SHMNET_CHECK_EXTRA, 99), SHMNET_PEER_SAME);
	EXPECT_EQ(left.check(right.slot(), SHMNET_CHECK_EXTRA, right.incarnation()),
		  SHMNET_PEER_CAME);
	shmnet_rx_open(left.rx, left.incarnation(), right.incarnation(), 0);
	EXPECT_EQ(right.check(left.slot(), SHMNET_CHECK_EXTRA), SHMNET_PEER_CAME);

	/* It goes, and its ring stays open: it is nobody. */
	shmnet_core_release(left.core());
	EXPECT_EQ(right.check(left.slot()), SHMNET_PEER_GONE);
	EXPECT_FALSE(shmnet_core_peer_alive(right.core(), left.slot()));
	/* And one that never said hello goes. */
	shmnet_core_release(right.core());
	EXPECT_EQ(left.check(right.slot()), SHMNET_PEER_GONE);
	EXPECT_FALSE(shmnet_core_peer_alive(left.core(), right.slot()));
}

TEST_F(CoreAbi, NoticesThatItsSlotIsNotItsOwnAnyMore)
{
	ASSERT_TRUE(left.join());
	EXPECT_TRUE(shmnet_core_owns_slot(left.core()));
	const Layout& layout = region.layout();
	u64* witness = &layout.witness(left.slot())->word;
	HardwareMemory::store_release(witness, pack_index(left.incarnation(), SHMNET_WITNESS_DEAD));
	EXPECT_FALSE(shmnet_core_owns_slot(left.core())) << "witnessed dead";
	HardwareMemory::store_release(witness, u64{0});
	EXPECT_TRUE(shmnet_core_owns_slot(left.core()));
	u64* claim = &layout.claim(left.slot())->word;
	u64 word = HardwareMemory::load_relaxed(claim);
	HardwareMemory::store_release(claim, word + (1ULL << 32));
	EXPECT_FALSE(shmnet_core_owns_slot(left.core())) << "claimed by another";
	HardwareMemory::store_release(claim, word);
	HardwareMemory::store_release(&layout.node(left.slot())->incarnation, 0u);
	EXPECT_FALSE(shmnet_core_owns_slot(left.core())) << "its entry was overwritten";
}

/* B19: a network that a peer made look down, or incapable, comes back by itself. */
TEST_F(CoreAbi, SaysAgainAtABeatWhatWasOverwritten)
{
	ASSERT_TRUE(left.join());
	shmnet_core_publish_network(left.core(), 1, SHMNET_STATE_UP, 1400, 0x1234);
	shmnet_node_network* words = region.layout().node(left.slot())->networks;
	HardwareMemory::store_relaxed(&words[0].state, u32{SHMNET_STATE_DOWN});
	HardwareMemory::store_relaxed(&words[1].capabilities, ~u64{0});
	shmnet_core_beat(left.core());
	EXPECT_EQ(shmnet_core_network_state(left.core(), left.slot(), 0), u32{SHMNET_STATE_UP});
	EXPECT_EQ(shmnet_core_network_state(left.core(), left.slot(), 1), u32{SHMNET_STATE_UP});
	EXPECT_EQ(shmnet_core_capabilities(left.core(), left.slot(), 1), 0x1234u);

	/* A new incarnation has said nothing yet. */
	ASSERT_TRUE(left.join());
	EXPECT_EQ(shmnet_core_capabilities(left.core(), left.slot(), 1), 0u);
	shmnet_core_beat(left.core());
	EXPECT_EQ(shmnet_core_capabilities(left.core(), left.slot(), 1), 0u);
	EXPECT_EQ(shmnet_core_network_state(left.core(), left.slot(), 1), u32{SHMNET_STATE_DOWN});
}

TEST_F(CoreAbi, TellsOtherEntriesToWhomAFlowWasGiven)
{
	constexpr u32 GLOBAL = 1;
	constexpr u64 SECRET[2] = {3, 5};
	constexpr u32 OLD = 150'000 / SHMNET_PIN_AGE_MS + 1;
	ASSERT_TRUE(left.join());
	ASSERT_TRUE(right.join());
	shmnet_command_flow told = {};
	told.protocol = 17;
	told.source[15] = told.destination[15] = 1;
	shmnet_flow flow;
	shmnet_flow_hear(&told, &flow);
	u32 living[SHMNET_NODES_MAX] = {};
	living[left.slot()] = left.incarnation();
	living[right.slot()] = right.incarnation();
	auto place = [&](Node& by, Node& target) {
		shmnet_flow_target given = {target.slot(), target.incarnation()};
		shmnet_pinning outcome =
			shmnet_core_place_pin(by.core(), GLOBAL, &flow, living, SECRET, 0, &given);
		return std::pair(outcome, given.node);
	};
	shmnet_flow_target found;
	auto finds = [&] {
		return shmnet_core_find_pin(right.core(), GLOBAL, &flow, living, &found);
	};
	EXPECT_FALSE(finds());
	EXPECT_EQ(place(left, right), std::pair(SHMNET_PIN_PLACED, right.slot()));
	EXPECT_TRUE(finds());
	EXPECT_EQ(found.node, right.slot());
	EXPECT_EQ(found.incarnation, right.incarnation());
	EXPECT_EQ(place(right, left), std::pair(SHMNET_PIN_FOUND, right.slot()));
	EXPECT_EQ(place(left, left), std::pair(SHMNET_PIN_FOUND, right.slot()));

	living[right.slot()]++;
	EXPECT_FALSE(finds()) << "its node has started anew";
	living[right.slot()] = right.incarnation();
	u32 incarnation = std::exchange(living[left.slot()], 0);
	EXPECT_FALSE(finds()) << "of an entry that is gone";
	living[left.slot()] = incarnation;

	found = {right.slot(), right.incarnation()};
	shmnet_core_renew_pin(left.core(), GLOBAL, &flow, &found, SECRET, 1);
	shmnet_core_expire_pins(left.core(), GLOBAL, 0, SHMNET_PINS, OLD);
	EXPECT_TRUE(finds());
	shmnet_core_expire_pins(left.core(), GLOBAL, 0, SHMNET_PINS, OLD + 1);
	EXPECT_FALSE(finds());

	/* Another life has another secret, and finds nothing of the last one's. */
	EXPECT_EQ(place(left, right).first, SHMNET_PIN_PLACED);
	ASSERT_TRUE(left.join());
	living[left.slot()] = left.incarnation();
	EXPECT_FALSE(finds());
	shmnet_flow first = std::exchange(flow, {});
	EXPECT_EQ(place(left, right).first, SHMNET_PIN_PLACED);
	flow = first;
	EXPECT_FALSE(finds());
}

TEST_F(CoreAbi, MeetsAgainAfterOneWasBootedAnew)
{
	meet();
	ASSERT_TRUE(passes(left, right, 60));
	for (u32 boot = 0; boot < 5; boot++) {
		Node again(region, 2);
		ASSERT_TRUE(again.join());
		ASSERT_EQ(again.slot(), right.slot());
		ASSERT_EQ(again.incarnation(), right.incarnation() + boot + 1);
		again.make_rings(left.slot());
		EXPECT_FALSE(shmnet_tx_still_open(left.tx)) << "its part was cleared";
		shmnet_tx_disconnect(left.tx);
		shmnet_rx_close(left.rx);
		shmnet_rx_open(left.rx, left.incarnation(), again.incarnation(), 0);
		shmnet_rx_open(again.rx, again.incarnation(), left.incarnation(), 0);
		ASSERT_TRUE(shmnet_tx_connect(left.tx, left.incarnation(), 0));
		ASSERT_TRUE(shmnet_tx_connect(again.tx, again.incarnation(), 0));
		ASSERT_TRUE(passes(left, again, 5000));
		ASSERT_TRUE(passes(again, left, 5000));
	}
}

TEST_F(CoreAbi, EndsAConnectionFromEitherEnd)
{
	meet();
	shmnet_tx_disconnect(left.tx);
	EXPECT_FALSE(shmnet_tx_connected(left.tx));
	EXPECT_TRUE(shmnet_rx_refused(right.rx));
	EXPECT_FALSE(shmnet_rx_refused(left.rx));
	connect();
	EXPECT_TRUE(passes(left, right, 60));
	shmnet_rx_close(right.rx);
	EXPECT_FALSE(shmnet_rx_is_open(right.rx));
	EXPECT_FALSE(shmnet_tx_still_open(left.tx));
	EXPECT_EQ(shmnet_tx_fault(left.tx), SHMNET_FAULT_NONE);
}

TEST_F(CoreAbi, WaitsWithDoorbells)
{
	meet();
	shmnet_frame frame;
	u32 sent = 0;
	while (shmnet_tx_reserve(left.tx, 60, &frame)) {
		frame.offload = {};
		shmnet_tx_commit(left.tx, &frame);
		sent++;
	}
	EXPECT_TRUE(shmnet_tx_publish(left.tx));
	EXPECT_TRUE(shmnet_tx_receiver_sleeps(left.tx));
	EXPECT_FALSE(shmnet_tx_has_room(left.tx, 60));
	EXPECT_FALSE(shmnet_tx_arm_granted(left.tx, 60));
	EXPECT_FALSE(shmnet_tx_arm_consumed(left.tx, shmnet_tx_produced(left.tx)));
	for (u32 i = 0; i < sent; i++) {
		ASSERT_EQ(shmnet_rx_next(right.rx, &frame), SHMNET_RECEIVE_FRAME);
		shmnet_rx_release(right.rx);
	}
	EXPECT_TRUE(shmnet_rx_publish(right.rx));
	shmnet_rx_arm(right.rx);
	shmnet_full_fence();
	EXPECT_EQ(shmnet_rx_waiting(right.rx), 0u);
	EXPECT_EQ(shmnet_rx_consumed(right.rx), shmnet_tx_produced(left.tx));
	EXPECT_FALSE(shmnet_tx_receiver_sleeps(left.tx));
}

} // namespace shmnet::test
