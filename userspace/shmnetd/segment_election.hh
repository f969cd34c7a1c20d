/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Who of those that could answer for an address does: of those heard lately the one of the highest
 * priority, and among equals of the lowest MAC address. All who hear each other find the same one.
 * Where they do not, several answer, and each is as good an entry as the other.
 */
#pragma once

#include "segment_frame.hh"

#include <chrono>
#include <map>
#include <optional>
#include <set>

namespace shmnet::shmnetd {

class Election {
public:
	using Clock = std::chrono::steady_clock;
	using Time = Clock::time_point;

	/* Who is not heard for so long is gone; so long who comes only listens. */
	static constexpr std::chrono::milliseconds SILENCE{500};
	/* More is not remembered: they would be no nodes. */
	static constexpr size_t CANDIDATES = 256;

	Election(const Mac& own, __u8 priority, Time now)
	    : own_(own), priority_(priority), listens_until_(now + SILENCE)
	{
	}

	const Mac& own() const { return own_; }
	__u8 priority() const { return priority_; }
	void set_priority(__u8 priority) { priority_ = priority; }
	/* From then on this node is a candidate. */
	bool listens(Time now) const { return now < listens_until_; }

	/* True if @who was not known, and has not heard either what was said before. */
	bool hear(const Mac& who, const Candidacy& candidacy, Time now);
	/* Forgets who has been silent for too long. */
	void expire(Time now);

	/* Who answers for an address; @candidate: this node could. Nothing: nobody does. */
	std::optional<Mac> holder(const Address& address, bool candidate) const;

private:
	struct Candidate {
		Candidacy candidacy;
		Time heard;
	};

	Mac own_;
	__u8 priority_;
	Time listens_until_;
	std::map<Mac, Candidate> others_;
};

} // namespace shmnet::shmnetd
