// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The receiving end of a ring whose sender, and whoever else writes to the region, lies. */
#include "fuzzed_memory.hh"
#include "fuzzed_ring.hh"

#include <algorithm>
#include <bitset>

using namespace shmnet;
using namespace shmnet::fuzz;

namespace {

constexpr u32 OPERATIONS_MAX = 64;
constexpr u32 INCARNATION = 5;

class Receiver {
public:
	explicit Receiver(Input& input)
	    : input_(input), places_(ring_places(ring_region().layout(), RING)),
	      sender_(ring_region().layout(), RING), receiver_(ring_region().layout(), RING)
	{
		forget_ring();
		receiver_->open(8, INCARNATION, 0);
		sender_->connect(INCARNATION, 0);
	}

	/* One operation. */
	void operate()
	{
		switch (input_.below(8)) {
		case 0:
			receiver_->open(input_.byte(), INCARNATION, 0);
			sender_->connect(INCARNATION, 0);
			break;
		case 1:
			send(std::max(60u, input_.below(6000)));
			break;
		case 2:
			lie();
			break;
		case 3:
			receiver_->publish();
			receiver_->arm();
			break;
		case 4:
			look();
			break;
		case 5:
			if (input_.byte() == 0)
				receiver_->close();
			break;
		default:
			receive();
		}
	}

private:
	/* Nobody looks at what is in it, and to fill it would take most of the time. */
	void send(u32 len)
	{
		shmnet_frame frame;
		if (sender_->reserve(len, frame)) {
			frame.offload = test::offload_of(1, len);
			sender_->commit(frame);
		}
		sender_->publish();
	}

	/* Of so many descriptors more, or of a frame that is nearly right. */
	void lie()
	{
		u32 epoch = epoch_of(HardwareMemory::load_relaxed(&places_.consumer->open));
		u32 index = index_of(HardwareMemory::load_relaxed(&places_.producer->produced));
		u8 more = input_.byte();
		index += more < 64 ? more : put_chain(index);
		HardwareMemory::store_relaxed(&places_.producer->produced,
					      pack_index(epoch, index));
	}

	u32 put_chain(u32 index)
	{
		constexpr u16 LENGTHS[] = {0, 1, 13, 14, 60, 1500, 2047, 2048};
		u32 pieces = 1 + input_.below(input_.byte() < 128 ? 4 : POOL);
		u32 sum = 0;
		for (u32 i = 0; i < pieces; i++) {
			shmnet_descriptor& at = descriptor(index + i);
			/* In a long chain most are right, or it would never be taken. */
			u8 how = i < 4 ? input_.byte() : 1;
			at = {};
			at.buffer = places_.first_buffer + (how & 32 ? input_.below(POOL + 1) : i);
			at.len = how & 8 ? input_.value<u16>() : LENGTHS[how & 7];
			at.offset = how & 16 ? input_.value<u16>() : 0;
			at.flags = (i + 1 < pieces) ^ (how >= 240) ? SHMNET_DESC_NEXT : 0;
			sum += at.len;
		}
		shmnet_descriptor& first = descriptor(index);
		u8 how = input_.byte();
		first.pieces = static_cast<u8>(how & 1 ? input_.byte() : pieces);
		first.frame_len = how & 2 ? input_.value<u32>() & 0x1ffff : sum;
		if (how & 4) {
			first.flags |= input_.byte();
			first.gso_type = input_.byte();
			first.gso_size = input_.value<u16>();
			first.csum_start = input_.value<u16>();
		}
		return pieces;
	}

	shmnet_descriptor& descriptor(u32 index) const
	{
		return places_.descriptors[index % DESCRIPTORS];
	}

	void look()
	{
		shmnet_ring_view view = receiver_->view();
		SHMNET_MUST(view.descriptors <= DESCRIPTORS && view.buffers <= POOL);
		SHMNET_MUST(receiver_->waiting() <= DESCRIPTORS);
		(void)receiver_->refused();
		(void)receiver_->sender_doorbell();
	}

	void receive()
	{
		shmnet_frame frame;
		switch (receiver_->next(frame)) {
		case SHMNET_RECEIVE_FRAME:
			SHMNET_MUST(offload_is_valid(frame.offload, frame.len));
			[[fallthrough]];
		case SHMNET_RECEIVE_OFFLOAD:
			check(frame);
			receiver_->release();
			break;
		case SHMNET_RECEIVE_FAULT:
			SHMNET_MUST(receiver_->fault() != SHMNET_FAULT_NONE);
			break;
		default:
			break;
		}
	}

	/* Pieces of the ring's own buffers, of each one at most, that together are the frame. */
	static void check(const shmnet_frame& frame)
	{
		u32 longest = frame.offload.gso_type ? GSO_FRAME_MAX : ring_network().frame_max;
		SHMNET_MUST(frame.len >= 14 && frame.len <= longest);
		SHMNET_MUST(frame.pieces >= 1 && frame.pieces <= ring_network().pieces_max);
		std::bitset<POOL> seen;
		u32 len = 0;
		for (u32 i = 0; i < frame.pieces; i++) {
			u64 offset = offset_in_pool(frame.span[i]);
			u64 buffer = offset / ring_network().buffer_size;
			SHMNET_MUST(!seen[buffer]);
			seen.set(buffer);
			len += frame.span[i].len;
		}
		SHMNET_MUST(len == frame.len);
	}

	Input& input_;
	const RingPlaces places_;
	test::SendingEnd<HardwareMemory> sender_;
	test::ReceivingEnd<FuzzedMemory> receiver_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size)
{
	Input input(data, size);
	begin(input, ring_region().memory());
	Receiver receiver(input);
	operate(input, OPERATIONS_MAX, [&receiver] { receiver.operate(); });
	return 0;
}
