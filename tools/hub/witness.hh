/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which slots belong to which peer, by the region's directory, and the hub's word that an owner is
 * dead. Every word that is read here may be written by a hostile guest at the same time: each is
 * read once, and the worst that a false one does is to name its writer.
 */
#pragma once

#include "layout.hh"

#include <vector>

namespace shmnet::hub {

/* One life of one slot: incarnations of a slot are never used twice. */
struct Sighting {
	u32 peer;
	u32 slot;
	u32 incarnation;

	bool operator==(const Sighting&) const = default;
};

class Witness {
public:
	explicit Witness(const Layout& layout) : layout_(layout) {}

	/* Every slot that is claimed, and whose entry is of the claim's incarnation. */
	std::vector<Sighting> look() const;

	/* Whether @sighting still holds its slot. */
	bool claimed(const Sighting& sighting) const;
	bool declared_dead(const Sighting& sighting) const;

	/* False if the slot is no longer @sighting's: then there is nobody to declare. */
	bool declare_dead(const Sighting& sighting) const;

private:
	Layout layout_;
};

} // namespace shmnet::hub
