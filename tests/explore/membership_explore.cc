// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Formatting a region, claiming its slots, and what a node says of itself while it starts again. */
#include "cases.hh"
#include "directory.hh"
#include "explored_memory.hh"
#include "support/region.hh"

#include <algorithm>

using namespace shmnet;
using namespace shmnet::explore;

namespace {

using Claims = Directory<ExploredMemory>;

shmnet_identity identity_of(u32 machine)
{
	shmnet_identity identity = {};
	identity.machine[0] = static_cast<u8>(machine + 1);
	return identity;
}

/* Machines that look for slots and claim them, of which there are two; some leave again. */
class ClaimedSlots : public Scene {
public:
	ClaimedSlots(u32 machines, bool leave) : machines_(machines), leave_(leave) {}

	u32 threads() const override { return machines_; }

	void begin() override
	{
		std::fill(std::begin(incarnation_), std::end(incarnation_), 0);
		std::fill(std::begin(owned_), std::end(owned_), false);
	}

	void run(u32 machine) override
	{
		Claims directory(region_.layout());
		for (u32 turn = 0; turn < 3; turn++) {
			shmnet_slot_search found = directory.find(identity_of(machine));
			if (found.outcome != SHMNET_SLOT_FREE)
				return;
			u32 incarnation = directory.claim(found, identity_of(machine));
			if (incarnation == 0)
				continue;
			SHMNET_HOLDS(!owned_[found.slot]);
			SHMNET_HOLDS(incarnation > incarnation_[found.slot]);
			owned_[found.slot] = true;
			incarnation_[found.slot] = incarnation;
			if (!leave_)
				return;
			owned_[found.slot] = false;
			SHMNET_HOLDS(directory.release(found.slot, incarnation));
		}
	}

	void end() override
	{
		if (!leave_)
			SHMNET_HOLDS(owned_[0] && owned_[1]);
	}

private:
	const u32 machines_;
	const bool leave_;
	test::Region region_{test::small_request(2)};
	/* By slot. */
	u32 incarnation_[2] = {};
	bool owned_[2] = {};
};

/* A node starts again while another looks at what it says of itself, and at its rings. */
class Entries : public Scene {
public:
	u32 threads() const override { return 2; }

	void begin() override
	{
		Claims directory(region_.layout());
		shmnet_slot_search found = directory.find(identity_of(0));
		SHMNET_HOLDS(found.slot == NODE && directory.claim(found, identity_of(0)) == 1);
		directory.publish_entry(NODE, entry_of(1));
		ExploredMemory::store_relaxed(&places_.consumer->open,
					      pack_index(1, LOOKING_INCARNATION));
	}

	void run(u32 thread) override
	{
		Claims directory(region_.layout());
		if (thread == NODE)
			start_again(directory);
		else
			for (u32 i = 0; i < 2; i++)
				look(directory);
	}

	void end() override
	{
		Claims directory(region_.layout());
		SHMNET_HOLDS(directory.living(NODE) == 2);
		look(directory);
	}

	/* Of the entry and the rings, a word of each kind. */
	bool is_left_out(const void* address) const override
	{
		const shmnet_node* node = region_.layout().node(NODE);
		return region_.part_of(address) == NODE && address != &places_.consumer->open &&
		       address != &node->incarnation && address != &node->peer &&
		       address != &node->vectors && address != &node->name[16];
	}

private:
	static constexpr u32 NODE = 0;
	static constexpr u32 LOOKING = 1;
	static constexpr u32 LOOKING_INCARNATION = 7;

	static shmnet_node entry_of(u32 incarnation)
	{
		shmnet_node entry = {};
		entry.incarnation = entry.peer = entry.vectors = incarnation;
		memcpy(entry.machine, identity_of(0).machine, sizeof(entry.machine));
		memset(entry.name, static_cast<int>(incarnation), 32);
		return entry;
	}

	static void start_again(Claims& directory)
	{
		shmnet_slot_search found = directory.find(identity_of(0));
		SHMNET_HOLDS(directory.claim(found, identity_of(0)) == 2);
		directory.clear_part(NODE);
		directory.publish_entry(NODE, entry_of(2));
	}

	static void look(const Claims& directory)
	{
		/* Who has shown itself has nothing left of its last life. */
		if (directory.living(NODE) == 2)
			SHMNET_HOLDS(!directory.has_opened_for(NODE, LOOKING, LOOKING_INCARNATION));
		shmnet_node entry;
		if (!directory.read_entry(NODE, entry))
			return;
		SHMNET_HOLDS(entry.incarnation == 1 || entry.incarnation == 2);
		SHMNET_HOLDS(entry.peer == entry.incarnation);
		SHMNET_HOLDS(entry.vectors == entry.incarnation);
		SHMNET_HOLDS(entry.name[16] == static_cast<char>(entry.incarnation));
	}

	test::Region region_{test::small_request(2)};
	const RingPlaces places_ = ring_places(region_.layout(), {0, LOOKING, NODE, 0});
};

/* A node that was taken for dead leaves while another takes its slot. */
class TakenOver : public Scene {
public:
	u32 threads() const override { return 2; }

	void begin() override
	{
		Claims directory(region_.layout());
		for (u32 machine = 0; machine < 2; machine++)
			SHMNET_HOLDS(directory.claim(directory.find(identity_of(machine)),
						     identity_of(machine)) == 1);
		ExploredMemory::store_relaxed(&region_.layout().witness(0)->word,
					      pack_index(1, SHMNET_WITNESS_DEAD));
		claimed_ = 0;
	}

	void run(u32 thread) override
	{
		Claims directory(region_.layout());
		if (thread == 0) {
			directory.release(0, 1);
			return;
		}
		shmnet_slot_search found = directory.find(identity_of(2));
		SHMNET_HOLDS(found.outcome == SHMNET_SLOT_FREE && found.slot == 0);
		claimed_ = directory.claim(found, identity_of(2));
	}

	void end() override
	{
		Claims directory(region_.layout());
		if (claimed_)
			SHMNET_HOLDS(directory.claim_word(0) & SHMNET_CLAIM_CLAIMED);
	}

private:
	test::Region region_{test::small_request(2)};
	u32 claimed_ = 0;
};

/*
 * Two format memory at once, alike or not, of which one may crash, while a third looks whether it is
 * a region.
 */
class Formatted : public Scene {
public:
	explicit Formatted(bool alike) : alike_(alike) {}

	u32 threads() const override { return 3; }

	void begin() override { formatted_[0] = formatted_[1] = false; }

	void run(u32 thread) override
	{
		if (thread == 2) {
			look();
			return;
		}
		FormatResult result = format(thread);
		formatted_[thread] = result == FormatResult::Formatted;
		SHMNET_HOLDS(formatted_[thread] || result == FormatResult::OtherGeometry);
	}

	void end() override
	{
		if (alike_)
			SHMNET_HOLDS(formatted_[1]);
		else
			SHMNET_HOLDS(!formatted_[0] || !formatted_[1]);
		/* Whoever comes later finishes what was begun. */
		SHMNET_HOLDS(format(0) == FormatResult::Formatted ||
			     format(1) == FormatResult::Formatted);
		SHMNET_HOLDS(look() == AttachError::None);
	}

	bool may_crash(u32 thread) const override { return thread == 0; }

	/* Of the tables, a word of each. */
	bool is_left_out(const void* address) const override
	{
		auto offset = static_cast<u64>(static_cast<const u8*>(address) - memory_.base());
		return offset != 0 && offset != offsetof(shmnet_superblock, format) &&
		       offset != offsetof(shmnet_superblock, region_size) &&
		       offset != SHMNET_NETWORKS_OFFSET && offset != SHMNET_AREAS_OFFSET;
	}

private:
	FormatResult format(u32 thread)
	{
		return format_region<ExploredMemory>(memory_.base(),
						     alike_ || thread == 0 ? *geometry_ : *other_);
	}

	AttachError look()
	{
		AttachError error = read_layout<ExploredMemory>(memory_.base(), memory_.size(),
								*scratch_, layout_);
		SHMNET_HOLDS(error == AttachError::None || error == AttachError::Unformatted ||
			     error == AttachError::HalfFormatted);
		return error;
	}

	const bool alike_;
	bool formatted_[2] = {};
	const std::unique_ptr<Geometry> geometry_ =
		std::make_unique<Geometry>(test::geometry_of(test::small_request(2)));
	/* Of the same size, with other buffers. */
	const std::unique_ptr<Geometry> other_ =
		std::make_unique<Geometry>(test::geometry_of(test::small_request(2, 1600)));
	const std::unique_ptr<Geometry> scratch_ = std::make_unique<Geometry>();
	test::GuardedMemory memory_{geometry_->superblock.region_size};
	Layout layout_ = {};
};

} // namespace

int main(int argc, char** argv)
{
	return explore_cases(
		{
			{"slots for all",
			 {8, 4, 0},
			 [] { return std::make_unique<ClaimedSlots>(2, false); }},
			{"slots for some",
			 {6, 2, 0},
			 [] { return std::make_unique<ClaimedSlots>(3, false); }},
			{"slots that are left",
			 {3, 2, 0},
			 [] { return std::make_unique<ClaimedSlots>(2, true); }},
			{"entries", {4, 2, 0}, [] { return std::make_unique<Entries>(); }},
			{"taken over", {8, 4, 0}, [] { return std::make_unique<TakenOver>(); }},
			{"formatted by two",
			 {2, 2, 1},
			 [] { return std::make_unique<Formatted>(true); }},
			{"formatted otherwise",
			 {2, 1, 0},
			 [] { return std::make_unique<Formatted>(false); }},
		},
		argc, argv);
}
