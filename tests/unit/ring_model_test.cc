// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The pair ring beside its model: the two take the same steps at random and must agree on every
 * answer. The steps include what ends connections: refusals, new epochs, restarts of either end.
 */
#include "directory.hh"
#include "support/pair.hh"
#include "support/random.hh"
#include "support/ring_model.hh"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace shmnet::test {

namespace {

enum class Action {
	Send,
	PublishSent,
	Receive,
	PublishRead,
	Arm,
	ArmGranted,
	ArmConsumed,
	SenderTick,
	ReceiverTick,
	Reopen,
	Refuse,
	RestartSender,
	RestartReceiver,
};

struct Act {
	Action action;
	u32 value;
};

struct Shape {
	u32 buffer_size;
	u32 pool;
	u32 ring;
};

class Runner {
public:
	explicit Runner(const Shape& shape)
	    : region_(small_request(2, SHMNET_MTU_MAX, shape.buffer_size), shape.pool, shape.ring),
	      shape_(shape)
	{
		restart_receiver();
		restart_sender();
	}

	/* Empty, or in what the ring and its model differ. */
	std::string take(const Act& act)
	{
		switch (act.action) {
		case Action::Send:
			return send(length(act.value));
		case Action::PublishSent:
			return publish_sent();
		case Action::Receive:
			return receive();
		case Action::PublishRead:
			return publish_read();
		case Action::Arm:
			(*receiver_)->arm();
			model_->arm();
			return sender_is_gone() ? ""
						: same("waiting", (*receiver_)->waiting() > 0,
						       model_->waiting());
		case Action::ArmGranted:
			return arm_granted(length(act.value));
		case Action::ArmConsumed:
			return arm_consumed(act.value);
		case Action::SenderTick:
			return tick_sender();
		case Action::ReceiverTick:
			return tick_receiver();
		case Action::Reopen:
			open();
			return "";
		case Action::Refuse:
			(*sender_)->disconnect();
			offered_ &= !joined_;
			joined_ = false;
			return "";
		case Action::RestartSender:
			restart_sender();
			return "";
		case Action::RestartReceiver:
			restart_receiver();
			return "";
		}
		return "no such action";
	}

	/* Whatever happened: after both ticks all is well, and no buffer is lost. */
	std::string settle()
	{
		for (auto step : {Action::SenderTick, Action::ReceiverTick, Action::SenderTick})
			if (std::string wrong = take({step, 0}); !wrong.empty())
				return wrong;
		if (!joined_)
			return "the two did not connect again";
		if (std::string wrong = publish_sent(); !wrong.empty())
			return wrong;
		while (model_->waiting())
			if (std::string wrong = receive(); !wrong.empty())
				return wrong;
		if (std::string wrong = publish_read(); !wrong.empty())
			return wrong;
		if (!model_->all_buffers_are_back())
			return "the model has lost a buffer";
		for (u32 i = 0; i < shape_.pool; i++)
			if (std::string wrong = send(14); !wrong.empty())
				return wrong;
		return same("room behind the last buffer", (*sender_)->has_room(1), false);
	}

private:
	/* Of all sizes, as far as the pool goes. */
	u32 length(u32 value) const
	{
		u64 most = std::min<u64>(GSO_FRAME_MAX, u64{shape_.pool} * shape_.buffer_size);
		switch (value % 4) {
		case 0:
			return 14 + value / 4 % 1500;
		case 1:
			return static_cast<u32>(
				std::min<u64>(most, shape_.buffer_size + value / 4 % 3 - 1));
		case 2:
			return static_cast<u32>(14 + value / 4 % (most - 13));
		default:
			return static_cast<u32>(most - value / 4 % 3);
		}
	}

	template <typename T> static std::string same(const char* what, T found, T expected)
	{
		if (found == expected)
			return "";
		return std::string(what) + ": " + std::to_string(found) +
		       ", model: " + std::to_string(expected);
	}

	std::string send(u32 len)
	{
		u64 seed = ++seed_;
		if (!joined_) {
			/* Into a connection that is over, or none: it must not come out anywhere. */
			sender_->commit(len, seed);
			return "";
		}
		bool room = model_->has_room(len);
		if (std::string wrong = same("has_room", (*sender_)->has_room(len), room);
		    !wrong.empty())
			return wrong;
		if (room)
			model_->commit(len, seed);
		return same("commit", sender_->commit(len, seed), room);
	}

	std::string publish_sent()
	{
		bool wanted = (*sender_)->publish();
		return joined_ ? same("doorbell for the receiver", wanted, model_->publish()) : "";
	}

	std::string receive()
	{
		shmnet_frame frame;
		shmnet_receive outcome = (*receiver_)->next(frame);
		/*
		 * It cleared its words: nothing more is heard of it. What the receiver had heard of
		 * before is as it was sent.
		 */
		if (sender_is_gone() && outcome != SHMNET_RECEIVE_FRAME)
			return "";
		std::optional<RingModel::Frame> expected = model_->next();
		if (!expected)
			return same("next", int{outcome}, int{SHMNET_RECEIVE_EMPTY});
		if (outcome != SHMNET_RECEIVE_FRAME)
			return same("next", int{outcome}, int{SHMNET_RECEIVE_FRAME});
		if (frame.len != expected->len || frame.pieces != expected->pieces)
			return same("len", frame.len, expected->len);
		if (!frame_holds(frame, expected->seed))
			return "other bytes";
		if (!same_offload(frame.offload, offload_of(expected->seed, frame.len)))
			return "other offload words";
		(*receiver_)->release();
		model_->release();
		return "";
	}

	std::string publish_read()
	{
		bool wanted = (*receiver_)->publish();
		if (sender_is_gone())
			return "";
		return same("doorbell for the sender", wanted, model_->publish_reading());
	}

	std::string arm_granted(u32 len)
	{
		/* Only who has no room waits for it. */
		if (!joined_ || (*sender_)->has_room(len))
			return "";
		model_->arm_granted(len);
		return same("arm_granted", (*sender_)->arm_granted(len), model_->has_room(len));
	}

	std::string arm_consumed(u32 value)
	{
		if (!joined_)
			return "";
		RingModel::Count out = model_->produced() - model_->consumed();
		RingModel::Count index = model_->produced() - (out ? value % (out + 1) : 0);
		model_->arm_consumed(index);
		return same("arm_consumed",
			    (*sender_)->arm_consumed(INDEX_START + static_cast<u32>(index)),
			    model_->consumed() >= index);
	}

	/* As the glue does: leaves what is over, and looks for something new. */
	std::string tick_sender()
	{
		if (joined_) {
			if (!(*sender_)->still_open())
				return "still_open: false";
			if (auto wrong = same("consumed", (*sender_)->consumed() - INDEX_START,
					      static_cast<u32>(model_->consumed()));
			    !wrong.empty())
				return wrong;
			return same("receiver_sleeps", (*sender_)->receiver_sleeps(),
				    model_->receiver_sleeps());
		}
		if ((*sender_)->connected() && (*sender_)->still_open())
			return "still_open: true";
		(*sender_)->disconnect();
		bool adopted = (*sender_)->connect(sender_incarnation_, SENDER_DOORBELL);
		joined_ = adopted;
		return same("connect", adopted, offered_);
	}

	std::string tick_receiver()
	{
		if ((*receiver_)->fault() && !sender_is_gone())
			return "a fault";
		if (joined_ && (*receiver_)->refused())
			return "refused: true";
		/* Membership would say that the sender is another incarnation. */
		if ((*receiver_)->refused() || sender_is_gone())
			open();
		return "";
	}

	/* The receiver's connection is with an earlier incarnation. */
	bool sender_is_gone() const { return opened_for_ != sender_incarnation_; }

	void open()
	{
		(*receiver_)->open(receiver_incarnation_, sender_incarnation_, RECEIVER_DOORBELL);
		opened_for_ = sender_incarnation_;
		model_.emplace(shape_.pool, shape_.ring, shape_.buffer_size);
		joined_ = false;
		offered_ = true;
	}

	void restart_sender()
	{
		sender_incarnation_++;
		Directory<HardwareMemory>(region_.layout()).clear_part(0);
		sender_.emplace(region_.layout(), ID);
		joined_ = false;
		/* Until the receiver knows of it. */
		offered_ = false;
	}

	void restart_receiver()
	{
		receiver_incarnation_++;
		Directory<HardwareMemory>(region_.layout()).clear_part(1);
		receiver_.emplace(region_.layout(), ID);
		open();
	}

	static constexpr RingId ID = {0, 0, 1, 0};

	Region region_;
	Shape shape_;
	std::optional<SendingEnd<>> sender_;
	std::optional<ReceivingEnd<>> receiver_;
	std::optional<RingModel> model_;
	u32 sender_incarnation_ = 0;
	u32 receiver_incarnation_ = 0;
	u32 opened_for_ = 0;
	bool joined_ = false;
	bool offered_ = false;
	u64 seed_ = 0;
};

void showValue(const Act& act, std::ostream& os)
{
	constexpr const char* NAMES[] = {
		"send",        "publish sent",   "receive",         "publish read",  "arm",
		"arm granted", "arm consumed",   "sender tick",     "receiver tick", "reopen",
		"refuse",      "restart sender", "restart receiver"};
	os << NAMES[static_cast<int>(act.action)] << ' ' << act.value;
}

rc::Gen<Act> acts()
{
	rc::Gen<Action> action = rc::gen::weightedElement<Action>({
		{30, Action::Send},
		{15, Action::PublishSent},
		{30, Action::Receive},
		{15, Action::PublishRead},
		{8, Action::Arm},
		{8, Action::ArmGranted},
		{4, Action::ArmConsumed},
		{4, Action::SenderTick},
		{4, Action::ReceiverTick},
		{1, Action::Reopen},
		{1, Action::Refuse},
		{1, Action::RestartSender},
		{1, Action::RestartReceiver},
	});
	return rc::gen::build<Act>(
		rc::gen::set(&Act::action, action),
		rc::gen::set(&Act::value,
			     rc::gen::noShrink(rc::gen::resize(100, rc::gen::arbitrary<u32>()))));
}

void agrees(const Shape& shape)
{
	auto steps = *rc::gen::scale(10.0, rc::gen::container<std::vector<Act>>(acts()));
	Runner runner(shape);
	for (const Act& act : steps)
		if (std::string wrong = runner.take(act); !wrong.empty())
			RC_FAIL(wrong);
	if (std::string wrong = runner.settle(); !wrong.empty())
		RC_FAIL(wrong);
}

} // namespace

RC_GTEST_PROP(RingModel, AgreesWithRingsOfTheGeometry, ())
{
	agrees({4096, 136, 256});
}

RC_GTEST_PROP(RingModel, AgreesWithRingsAsLargeAsTheirPools, ())
{
	agrees({2048, 64, 64});
}

RC_GTEST_PROP(RingModel, AgreesWithTheSmallestRings, ())
{
	agrees({65536, 2, 2});
}

RC_GTEST_PROP(RingModel, AgreesWithPoolsOfOddSizes, ())
{
	agrees({32768, 3, 4});
}

/* Long runs at random: what takes thousands of steps to go wrong. */
TEST(RingModel, AgreesOverManySteps)
{
	Random random;
	for (Shape shape : {Shape{4096, 136, 256}, Shape{2048, 65, 128}, Shape{65536, 4, 4}}) {
		Runner runner(shape);
		for (u32 step = 0; step < 100000; step++) {
			u32 which = random.below(1000);
			Act act = {Action::Send, static_cast<u32>(random.next())};
			if (which < 8)
				act.action = static_cast<Action>(
					random.between(static_cast<u32>(Action::SenderTick),
						       static_cast<u32>(Action::RestartReceiver)));
			else if (which < 700)
				act.action = static_cast<Action>(
					random.below(static_cast<u32>(Action::SenderTick)));
			else if (which < 800)
				act.action = Action::Receive;
			std::string wrong = runner.take(act);
			ASSERT_EQ(wrong, "") << "step " << step;
			if (which >= 4)
				continue;
			ASSERT_EQ(runner.settle(), "") << "step " << step;
		}
		ASSERT_EQ(runner.settle(), "");
	}
}

} // namespace shmnet::test
