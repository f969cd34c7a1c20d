// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "fault.hh"

#include "error.hh"
#include "size.hh"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace shmnet::hub {

const char* const FAULT_SYNTAX = "drop=P,delay=MS,repeat=N,seed=S, P from 0 to 1 or as N%";

namespace {

/* Of one read of an eventfd: more rings than these were one ring to whoever is rung. */
constexpr u64 RINGS_AT_ONCE = 1024;
constexpr size_t PENDING_MAX = 65536;
constexpr std::chrono::milliseconds REPEAT_INTERVAL{1};

double parse_probability(std::string_view text)
{
	double scale = 1;
	if (!text.empty() && text.back() == '%') {
		scale = 0.01;
		text.remove_suffix(1);
	}
	double value = -1;
	auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
	value *= scale;
	if (error != std::errc() || end != text.data() + text.size() || !(value >= 0 && value <= 1))
		throw UsageError(
			fmt::format("--fault: drop={} is no probability; give 0 to 1, or 0% "
				    "to 100%",
				    text));
	return value;
}

u64 parse_count(std::string_view name, std::string_view text, u64 max)
{
	std::optional<u64> value = parse_number(text);
	if (!value || *value > max)
		throw UsageError(
			fmt::format("--fault: {}={} is not from 0 to {}", name, text, max));
	return *value;
}

} // namespace

FaultOptions parse_fault(std::string_view text)
{
	FaultOptions options;
	while (!text.empty()) {
		size_t comma = text.find(',');
		std::string_view setting = text.substr(0, comma);
		text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
		size_t equals = setting.find('=');
		std::string_view name = setting.substr(0, equals);
		std::string_view value =
			equals == std::string_view::npos ? "" : setting.substr(equals + 1);
		if (name == "drop")
			options.drop = parse_probability(value);
		else if (name == "delay")
			options.delay = static_cast<u32>(parse_count(name, value, 60'000));
		else if (name == "repeat")
			options.repeat = static_cast<u32>(parse_count(name, value, 1'000));
		else if (name == "seed")
			options.seed = parse_count(name, value, ~0ULL);
		else
			throw UsageError(fmt::format("--fault: '{}' is unknown; the syntax is {}",
						     setting, FAULT_SYNTAX));
	}
	return options;
}

Relay::Relay(EventLoop& loop, const FaultOptions& options)
    : loop_(loop), options_(options), timer_(loop.add_timer([this] { on_timer(); }))
{
}

void Relay::attach(u32 id, std::shared_ptr<Doorbells> doorbells)
{
	auto receiver = std::make_shared<Receiver>();
	for (u32 vector = 0; vector < doorbells->vectors(); vector++) {
		/* seed_seq spreads what differs in a few bits only. */
		std::seed_seq seed{static_cast<u32>(options_.seed),
				   static_cast<u32>(options_.seed >> 32), id, vector};
		receiver->randoms.emplace_back(seed);
		std::weak_ptr<Receiver> weak = receiver;
		receiver->sources.push_back(loop_.add_fd(doorbells->front_fd(vector), EPOLLIN,
							 [this, weak, vector](u32) {
								 if (auto strong = weak.lock())
									 on_ring(strong, vector);
							 }));
	}
	receiver->doorbells = std::move(doorbells);
	receivers_[id] = std::move(receiver);
}

void Relay::on_ring(const std::shared_ptr<Receiver>& receiver, u32 vector)
{
	eventfd_t rings = 0;
	if (eventfd_read(receiver->doorbells->front_fd(vector), &rings) != 0)
		return;
	rings = std::min<u64>(rings, RINGS_AT_ONCE);
	rung_ += rings;
	u64 passed = 0;
	std::mt19937_64& random = receiver->randoms[vector];
	for (u64 i = 0; i < rings; i++) {
		/* 53 bits make a double in [0, 1): a probability of 1 drops all, 0 none. */
		double chance = static_cast<double>(random() >> 11) * 0x1p-53;
		if (chance < options_.drop)
			dropped_++;
		else
			passed++;
	}
	for (u64 i = 0; i < passed; i++)
		schedule({Clock::now() + std::chrono::milliseconds(options_.delay), receiver,
			  vector, 1 + options_.repeat});
}

void Relay::schedule(Pending pending)
{
	if (pending.due <= Clock::now() || pending_.size() >= PENDING_MAX) {
		auto receiver = pending.receiver.lock();
		if (!receiver)
			return;
		receiver->doorbells->ring(pending.vector);
		(pending.rings > options_.repeat ? relayed_ : repeated_)++;
		if (--pending.rings == 0)
			return;
		pending.due = Clock::now() + REPEAT_INTERVAL;
		if (pending_.size() >= PENDING_MAX)
			return;
	}
	pending_.emplace(pending.due, std::move(pending));
	set_timer();
}

void Relay::on_timer()
{
	auto now = Clock::now();
	while (!pending_.empty() && pending_.begin()->first <= now)
		schedule(std::move(pending_.extract(pending_.begin()).mapped()));
	set_timer();
}

void Relay::set_timer()
{
	if (pending_.empty())
		return;
	auto wait = std::chrono::duration_cast<std::chrono::microseconds>(pending_.begin()->first -
									  Clock::now());
	timer_.fire_after(static_cast<u64>(std::max<long>(wait.count(), 0)));
}

std::string Relay::counts() const
{
	return fmt::format(
		"doorbells: {} rung, {} dropped, {} relayed, {} repeated, {} on their way", rung_,
		dropped_, relayed_, repeated_, pending_.size());
}

} // namespace shmnet::hub
