/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Giving a node a shared address, taking it away, and looking whether all is as it should be. The
 * journal stands on the disk before anything is changed; a program that ends at any point leaves what
 * the next one takes up.
 */
#pragma once

#include "global_journal.hh"
#include "global_plan.hh"

#include <functional>
#include <string>
#include <vector>

namespace shmnet::ctl {

/* What is to be set for @wish, now. Throws Error where it cannot be, such as for a taken route. */
std::vector<Need> missing_for(const Wish& wish, Journal journal, System& system);

struct Left {
	Setting setting;
	Value old;
	Value set;
	Value present;
};

/* What was undone, and what was left, for somebody else has changed it. */
struct Removal {
	std::vector<Setting> undone;
	std::vector<Left> left;
};

/*
 * True if something was to be done. If something fails, all that was done is undone, and Error says
 * what failed. An address that was added otherwise is removed first; what is left by that is in
 * @removal.
 */
bool add_address(const Wish& wish, const JournalFile& file, System& system, Removal& removal);

/*
 * Throws Error if something cannot be undone, after all else was; it, and the addresses that it was
 * for, stay in the journal.
 */
Removal remove_addresses(const std::vector<std::string>& addresses, const JournalFile& file,
			 System& system);

enum class Finding : __u8 { Right, Altered, Missing };

struct Checked {
	std::vector<std::string> addresses; /* that need it */
	Setting setting;
	Finding finding;
	bool ours = false; /* @old is known */
	Value old;
	Value wanted;
	Value present;
};

/* Of every setting that any address needs. */
std::vector<Checked> check_settings(const Journal& journal, System& system);

} // namespace shmnet::ctl
