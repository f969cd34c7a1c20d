// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "segment_election.hh"

namespace shmnet::shmnetd {

bool Election::hear(const Mac& who, const Candidacy& candidacy, Time now)
{
	if (who == own_)
		return false;
	if (candidacy.priority == 0) {
		others_.erase(who);
		return false;
	}
	auto known = others_.find(who);
	bool is_new = known == others_.end();
	if (is_new && others_.size() >= CANDIDATES)
		return false;
	others_.insert_or_assign(who, Candidate{candidacy, now});
	return is_new;
}

void Election::expire(Time now)
{
	std::erase_if(others_,
		      [now](const auto& other) { return now - other.second.heard >= SILENCE; });
}

std::optional<Mac> Election::holder(const Address& address, bool candidate) const
{
	std::optional<Mac> best;
	__u8 priority = 0;
	if (candidate) {
		best = own_;
		priority = priority_;
	}
	for (const auto& [mac, other] : others_) {
		if (!other.candidacy.addresses.contains(address))
			continue;
		if (!best || other.candidacy.priority > priority ||
		    (other.candidacy.priority == priority && mac < *best)) {
			best = mac;
			priority = other.candidacy.priority;
		}
	}
	return best;
}

} // namespace shmnet::shmnetd
