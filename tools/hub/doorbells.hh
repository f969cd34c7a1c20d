/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The eventfds that ring one peer, one for each vector. In fault mode the others are given a front
 * in the place of each, which the relay (fault.hh) passes on or not.
 */
#pragma once

#include "fdstore.hh"
#include "memory.hh"
#include "unique_fd.hh"

#include <memory>
#include <vector>

namespace shmnet::hub {

class Doorbells {
public:
	/* Null when file descriptors ran out: errno says of which limit. */
	[[nodiscard]] static std::shared_ptr<Doorbells> create(u32 id, u32 vectors, bool fronts);

	/* Those that an earlier hub stored; null if there are none. */
	[[nodiscard]] static std::shared_ptr<Doorbells> restore(u32 id, FdStore& store);

	void store(FdStore& store) const;

	u32 vectors() const { return static_cast<u32>(lines_.size()); }
	bool has_fronts() const { return !lines_.empty() && lines_[0].front; }

	/* For the peer itself. */
	int receiver_fd(u32 vector) const { return lines_[vector].doorbell.get(); }
	/* For the others. */
	int sender_fd(u32 vector) const
	{
		const Line& line = lines_[vector];
		return line.front ? line.front.get() : line.doorbell.get();
	}
	int front_fd(u32 vector) const { return lines_[vector].front.get(); }

	void ring(u32 vector) const;
	/* Forgets rings that nobody took. */
	void silence() const;

private:
	struct Line {
		UniqueFd doorbell;
		UniqueFd front;
	};

	explicit Doorbells(u32 id) : id_(id) {}

	u32 id_;
	std::vector<Line> lines_;
};

} // namespace shmnet::hub
