/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Makes FRR's configuration what is wanted, and remembers what of it is ours. */
#pragma once

#include "ospf_plan.hh"

#include <string>
#include <utility>
#include <vector>

namespace shmnet::ctl {

/* In order; and whether this node is on its way out of service. */
struct OspfJournal {
	FrrConfig ours;
	bool draining = false;
};

/* It outlives a boot, as FRR's configuration may. Everything throws Error. */
class OspfJournalFile {
public:
	explicit OspfJournalFile(std::string path) : path_(std::move(path)) {}

	/* An empty one if there is no file. */
	OspfJournal load() const;
	/* Removes the file of an empty journal. */
	void save(const OspfJournal& journal) const;

private:
	std::string path_;
};

/*
 * Takes away what is stale and adds what is missing; @journal is written down before each. Returns what it
 * found before. Throws Error, also if FRR shows afterwards that it did not do as it was told; what was
 * done stands in the journal then.
 */
std::vector<OspfFinding> apply_ospf(const std::vector<OspfLine>& plan, const Frr& frr,
				    OspfJournal& journal, const OspfJournalFile& file);

} // namespace shmnet::ctl
