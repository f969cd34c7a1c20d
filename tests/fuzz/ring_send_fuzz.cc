// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The sending end of a ring whose receiver, and whoever else writes to the region, lies. */
#include "fuzzed_memory.hh"
#include "fuzzed_ring.hh"

#include <algorithm>
#include <set>

using namespace shmnet;
using namespace shmnet::fuzz;

namespace {

constexpr u32 OPERATIONS_MAX = 64;
constexpr u32 INCARNATION = 5;

class Sender {
public:
	explicit Sender(Input& input)
	    : input_(input), sender_(ring_region().layout(), RING),
	      receiver_(ring_region().layout(), RING)
	{
		forget_ring();
		connect();
	}

	/* One operation. */
	void operate()
	{
		switch (input_.below(8)) {
		case 0:
			connect();
			break;
		case 1:
			receive();
			break;
		case 2:
			lie();
			break;
		case 3:
			sender_->publish();
			sender_->consumed();
			break;
		case 4:
			look();
			break;
		case 5:
			if (input_.byte() == 0)
				sender_->disconnect();
			else
				sender_->arm_granted(input_.below(GSO_FRAME_MAX) + 1);
			break;
		default:
			send();
		}
	}

private:
	void connect()
	{
		receiver_->open(8, INCARNATION, 0);
		sender_->connect(INCARNATION, 0);
	}

	void send()
	{
		shmnet_frame frame;
		u32 len = input_.below(GSO_FRAME_MAX) + 1;
		if (!sender_->reserve(len, frame))
			return;
		check(frame, len);
		frame.offload = {};
		sender_->commit(frame);
	}

	/* Pieces of buffers of the ring's own, each another. */
	static void check(const shmnet_frame& frame, u32 len)
	{
		std::set<u64> used;
		u32 sum = 0;
		for (u32 i = 0; i < frame.pieces; i++) {
			u64 offset = offset_in_pool(frame.span[i]);
			SHMNET_MUST(offset % ring_network().buffer_size == 0);
			SHMNET_MUST(used.insert(offset).second);
			sum += frame.span[i].len;
		}
		SHMNET_MUST(sum == len && frame.len == len);
	}

	void receive()
	{
		shmnet_frame frame;
		while (receiver_->next(frame) == SHMNET_RECEIVE_FRAME)
			receiver_->release();
		receiver_->publish();
	}

	/* A grant, or an index of so many more. */
	void lie()
	{
		const RingPlaces places = ring_places(ring_region().layout(), RING);
		u64* index =
			input_.byte() & 1 ? &places.consumer->consumed : &places.consumer->granted;
		u64 word = HardwareMemory::load_relaxed(index);
		if (input_.byte() & 1)
			HardwareMemory::store_relaxed(
				index, pack_index(epoch_of(word), index_of(word) + input_.byte()));
		else
			places.grants[input_.below(DESCRIPTORS)] =
				places.first_buffer + input_.below(POOL + 1);
	}

	void look()
	{
		shmnet_ring_view view = sender_->view();
		SHMNET_MUST(view.descriptors <= DESCRIPTORS && view.buffers <= POOL);
		(void)sender_->still_open();
		(void)sender_->receiver_sleeps();
		(void)sender_->receiver_doorbell();
		(void)sender_->arm_consumed(sender_->produced());
	}

	Input& input_;
	test::SendingEnd<FuzzedMemory> sender_;
	test::ReceivingEnd<HardwareMemory> receiver_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size)
{
	Input input(data, size);
	begin(input, ring_region().memory());
	Sender sender(input);
	operate(input, OPERATIONS_MAX, [&sender] { sender.operate(); });
	return 0;
}
