// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A pair ring under load. Honest: two threads that sleep and wake each other pass frames of all
 * sizes, every byte checked. Hostile: a third writes over all words of both ends while they work;
 * no span may lie outside of the ring's own buffers, no call may hang, and in the pauses good frames
 * pass again.
 */
#include "support/traffic.hh"

#include "flipper.hh"
#include "stress.hh"

using namespace shmnet;
using namespace shmnet::test;
using namespace shmnet::stress;

namespace {

bool run_honest(double seconds)
{
	Region region(default_request(2));
	Pair<> pair(region);
	Traffic traffic(pair, {~0ULL, SHMNET_MTU_MAX, 32, true, run_seed()});
	std::thread runner([&] { traffic.run(); });
	Watch watch("ring, honest");
	watch.progress = [&] { return traffic.received(); };
	watch.failed = [&] { return traffic.ended(); };
	watch.status = [&] { return format("%llu frames", traffic.received()); };
	watch.run(seconds);
	traffic.stop();
	runner.join();
	if (!traffic.failure().empty())
		::printf("ring, honest: %s\n", traffic.failure().c_str());
	return traffic.failure().empty();
}

/* Two ends that do as the glue does, on a ring that somebody writes over. */
class HostileRing {
public:
	HostileRing()
	    : region_(small_request(3, 9000, 2048, 2), 64, 64), pair_(region_, {0, 1, 2, 1})
	{
	}

	bool run(double seconds)
	{
		const RingPlaces& places = pair_.places();
		flipper_.add(places.producer, sizeof(*places.producer));
		flipper_.add(places.consumer, sizeof(*places.consumer));
		flipper_.add(places.descriptors, 64 * sizeof(*places.descriptors));
		flipper_.add(places.grants, 64 * sizeof(u32));
		flipper_.good = [this] { return good_.load(); };
		std::thread sender([this] { send(); });
		std::thread receiver([this] { receive(); });
		flipper_.start();

		Watch watch("ring, hostile");
		watch.progress = [this] {
			return std::min(sender_turns_.load(), receiver_turns_.load());
		};
		watch.failed = [this] { return failed_ || flipper_.failed(); };
		watch.status = [this] {
			return format(
				"%llu flips, %llu frames, %llu good ones, %llu faults, %llu pauses",
				flipper_.flips(), frames_.load(), good_.load(), faults_.load(),
				flipper_.pauses());
		};
		watch.run(seconds);
		flipper_.stop();
		stop_ = true;
		sender.join();
		receiver.join();
		if (failed_)
			::printf("ring, hostile: a span outside of the ring's own buffers\n");
		if (flipper_.failed())
			::printf("ring, hostile: no good frame passes any more\n");
		return !failed_ && !flipper_.failed();
	}

private:
	void send()
	{
		Random random(1);
		u8 bytes[9000];
		for (u32 number = 0; !stop_; number++) {
			sender_turns_++;
			/* Sees to its connection now and then, and when it cannot go on. */
			if (random.one_in(64) || !pair_.sender->connected())
				tick_sender();
			u32 len = random.one_in(8) ? random.between(14, 9000)
						   : random.between(14, 300);
			shmnet_frame frame;
			if (!pair_.sender->reserve(len, frame)) {
				pair_.sender->publish();
				if (pair_.sender->connected())
					pair_.sender->arm_granted(len);
				tick_sender();
				continue;
			}
			fill_bytes(bytes, 0, len, number);
			u32 done = 0;
			for (u32 i = 0; i < frame.pieces; i++) {
				if (!pair_.owns(frame.span[i]))
					failed_ = true;
				HardwareMemory::copy_payload(frame.span[i].data, bytes + done,
							     frame.span[i].len);
				done += frame.span[i].len;
			}
			frame.offload = {SHMNET_DESC_DATA_VALID, 0, 0, 0, 0, number};
			pair_.sender->commit(frame);
			if (random.one_in(4))
				pair_.sender->publish();
			if (random.one_in(16))
				pair_.sender->arm_consumed(pair_.sender->produced());
		}
	}

	void tick_sender()
	{
		pair_.sender->consumed();
		if (pair_.sender->connected() && !pair_.sender->still_open())
			pair_.sender->disconnect();
		if (!pair_.sender->connected())
			pair_.sender->connect(pair_.SENDER_INCARNATION, SENDER_DOORBELL);
		pair_.sender->receiver_sleeps();
		pair_.sender->receiver_doorbell();
	}

	void receive()
	{
		Random random(2);
		shmnet_frame frame;
		while (!stop_) {
			receiver_turns_++;
			if (pair_.receiver->fault())
				faults_++;
			if (pair_.receiver->fault() || pair_.receiver->refused())
				pair_.receiver->open(pair_.RECEIVER_INCARNATION,
						     pair_.SENDER_INCARNATION, RECEIVER_DOORBELL);
			for (u32 budget = 64; budget > 0; budget--) {
				shmnet_receive outcome = pair_.receiver->next(frame);
				if (outcome != SHMNET_RECEIVE_FRAME &&
				    outcome != SHMNET_RECEIVE_OFFLOAD)
					break;
				take(frame);
				pair_.receiver->release();
				if (random.one_in(4))
					pair_.receiver->publish();
			}
			pair_.receiver->publish();
			pair_.receiver->arm();
			HardwareMemory::full_fence();
			if (pair_.receiver->waiting() == 0)
				std::this_thread::yield();
		}
	}

	void take(const shmnet_frame& frame)
	{
		u32 done = 0;
		if (!pair_.owns(frame) || frame.len > GSO_FRAME_MAX) {
			failed_ = true;
			return;
		}
		for (u32 i = 0; i < frame.pieces; i++) {
			HardwareMemory::copy_payload(copy_ + done, frame.span[i].data,
						     frame.span[i].len);
			done += frame.span[i].len;
		}
		frames_++;
		good_ += bytes_hold(copy_, 0, frame.len, frame.offload.hash);
	}

	Region region_;
	Pair<> pair_;
	Flipper flipper_;
	u8 copy_[GSO_FRAME_MAX];
	std::atomic<bool> stop_ = false;
	std::atomic<bool> failed_ = false;
	std::atomic<u64> sender_turns_ = 0;
	std::atomic<u64> receiver_turns_ = 0;
	std::atomic<u64> frames_ = 0;
	std::atomic<u64> good_ = 0;
	std::atomic<u64> faults_ = 0;
};

} // namespace

int main(int argc, char** argv)
{
	Options options =
		parse(argc, argv, "Loads a pair ring, with and without a peer that lies.");
	run_seed();
	bool good = !options.honest || run_honest(options.seconds);
	if (options.hostile)
		good &= std::make_unique<HostileRing>()->run(options.seconds);
	return good ? 0 : 1;
}
