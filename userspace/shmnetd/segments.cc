// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "segments.hh"

#include "error.hh"

namespace shmnet::shmnetd {

void Segments::follow(const AnnounceConfig& config, const std::set<Address>& shared)
{
	std::erase_if(entries_,
		      [&](const auto& entry) { return !config.neighbour.contains(entry.first); });
	for (const std::string& name : config.neighbour)
		follow_one(name, entries_[name], config.priority, shared);
}

void Segments::follow_one(const std::string& name, Entry& entry, __u8 priority,
			  const std::set<Address>& shared)
{
	std::string trouble;
	std::optional<SegmentLink> link = find_segment_link(name, trouble);
	if (entry.segment && link != entry.segment->link())
		entry.segment.reset();
	try {
		if (link && !entry.segment)
			entry.segment = std::make_unique<Segment>(loop_, name, *link, priority);
	} catch (const Error& error) {
		trouble = error.what();
	}
	if (trouble != entry.trouble && !trouble.empty())
		log_warning("{}: shared addresses are not answered for: {}", name, trouble);
	entry.trouble = trouble;
	if (entry.segment)
		entry.segment->offer(shared, priority);
}

std::vector<SegmentState> Segments::states() const
{
	std::vector<SegmentState> states;
	for (const auto& [name, entry] : entries_) {
		SegmentState state = {
			.interface = name, .trouble = entry.trouble, .own = {}, .holders = {}};
		if (entry.segment) {
			state.own = entry.segment->link().mac;
			state.holders = entry.segment->holders();
		}
		states.push_back(std::move(state));
	}
	return states;
}

} // namespace shmnet::shmnetd
