/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The doorbells of all ids that members have been told of, in the order in which they were told.
 *
 * A peer's doorbells belong to its id: they stay when the peer has gone, and whoever has the id
 * next is rung by them. So each QEMU is told of an id once and never again, and never that it
 * left: QEMU (7.2, and every version looked at) frees what it keeps of a peer that leaves and goes
 * on to use it when that id comes back or leaves once more. Tried: the guests that live on abort.
 */
#pragma once

#include "doorbells.hh"

#include <memory>
#include <vector>

namespace shmnet::hub {

class Switchboard {
public:
	/* How far somebody has been told: all of the first lines, and vectors of the next one. */
	struct Place {
		size_t line = 0;
		u32 vector = 0;

		bool operator==(const Place&) const = default;
	};

	struct Line {
		u32 id;
		std::shared_ptr<Doorbells> doorbells; /* null: lost with an earlier hub */
	};

	size_t size() const { return lines_.size(); }
	const Line& operator[](size_t index) const { return lines_[index]; }

	/* Null if nobody was told of the id. */
	const Line* find(u32 id) const
	{
		for (const Line& line : lines_)
			if (line.id == id)
				return &line;
		return nullptr;
	}

	void add(u32 id, std::shared_ptr<Doorbells> doorbells)
	{
		lines_.push_back({id, std::move(doorbells)});
	}

	auto begin() const { return lines_.begin(); }
	auto end() const { return lines_.end(); }

private:
	std::vector<Line> lines_;
};

} // namespace shmnet::hub
