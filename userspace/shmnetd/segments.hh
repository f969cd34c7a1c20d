/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The segments that the configuration names, as their interfaces come and go. */
#pragma once

#include "config.hh"
#include "segment.hh"

#include <memory>
#include <vector>

namespace shmnet::shmnetd {

struct SegmentState {
	std::string interface;
	std::string trouble; /* why nothing is answered there; empty: it is */
	Mac own = {};
	std::map<Address, std::optional<Mac>> holders;
};

class Segments {
public:
	explicit Segments(EventLoop& loop) : loop_(loop) {}

	/* @shared: what this node could answer for. What is in the way is logged, and tried again. */
	void follow(const AnnounceConfig& config, const std::set<Address>& shared);
	std::vector<SegmentState> states() const;

private:
	struct Entry {
		std::unique_ptr<Segment> segment;
		std::string trouble;
	};

	void follow_one(const std::string& name, Entry& entry, __u8 priority,
			const std::set<Address>& shared);

	EventLoop& loop_;
	std::map<std::string, Entry> entries_;
};

} // namespace shmnet::shmnetd
