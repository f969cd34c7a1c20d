// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What an earlier hub left: processes that may still live (state file), claims in the directory,
 * and, under systemd, the sockets and doorbells themselves.
 */
#include "hub.hh"

#include <algorithm>

namespace shmnet::hub {

void Hub::restore()
{
	std::optional<StateFile::Loaded> loaded = state_.load();
	if (loaded) {
		restore_lines(loaded->lines);
		for (const PeerRecord& record : loaded->peers)
			restore_peer(record, loaded->same_boot);
	}
	withhold_unknown();

	/* All are in place: now the dead can be declared, and the others told what they missed. */
	std::vector<u32> dead;
	u32 mute = 0;
	for (auto& [id, peer] : peers_) {
		watch_death(peer);
		if (peer.client)
			watch_socket(peer);
		if (has_died(peer.process))
			dead.push_back(id);
		else
			mute += peer.state == PeerState::Severed;
	}
	size_t before = peers_.size();
	for (u32 id : dead)
		on_death(id);
	flush_all();
	if (before)
		log_info("of {} guests of an earlier run {} live", before, peers_.size());
	if (mute)
		log_warning(
			"{} of them cannot ring guests that start from now on, nor be rung by them "
			"or by this hub, for their connections went with the earlier hub: those "
			"pairs poll. Under systemd the connections are kept",
			mute);
}

/* Without systemd all doorbells are gone; so are the connections of those who know them. */
void Hub::restore_lines(const std::vector<u32>& ids)
{
	bool any = false;
	Switchboard board;
	for (u32 id : ids) {
		auto doorbells = Doorbells::restore(id, store_);
		any = any || doorbells;
		if (doorbells && doorbells->has_fronts()) {
			/* Fronts are relayed even when this run has no faults to add. */
			if (!relay_)
				relay_ = std::make_unique<Relay>(loop_, FaultOptions());
			relay_->attach(id, doorbells);
		}
		board.add(id, std::move(doorbells));
	}
	if (any)
		board_ = std::move(board);
}

void Hub::restore_peer(const PeerRecord& record, bool same_boot)
{
	Peer peer;
	peer.id = record.id;
	peer.slots = record.slots;
	std::erase_if(peer.slots, [this](const Sighting& sighting) {
		return sighting.slot >= region_.layout().nodes;
	});
	if (same_boot)
		peer.process = watch_process(record.process);
	else
		peer.process.fate = Fate::Dead;
	UniqueFd socket = store_.take(FdStore::client(record.id));
	peer.state = record.state;
	if (record.state == PeerState::Member && socket) {
		peer.told = record.told.line < board_.size() ? record.told
							     : Switchboard::Place{board_.size(), 0};
		peer.client =
			std::make_unique<Client>(std::move(socket), record.id, peer.told, board_);
	} else if (record.state == PeerState::Member) {
		peer.state = PeerState::Severed;
	} else if (record.state == PeerState::Greeted) {
		/* How much of its greeting it got cannot be known. */
		peer.state = PeerState::Held;
	}
	/* Not a member's: nobody took it. */
	if (socket) // NOLINT(bugprone-use-after-move): a moved one is empty
		store_.remove(FdStore::client(record.id));
	const Switchboard::Line* line = board_.find(record.id);
	if (peer.member() && line)
		peer.doorbells = line->doorbells;
	peers_.insert_or_assign(record.id, std::move(peer));
}

/* Without a record of them, the claims in the directory are all that is known of running guests. */
void Hub::withhold_unknown()
{
	for (const Sighting& sighting : witness_.look()) {
		if (sighting.peer > 0xffff || find(sighting.peer) ||
		    witness_.declared_dead(sighting))
			continue;
		withheld_.push_back(sighting);
		log_warning("slot {} is claimed by peer {}, of which there is no record: that id "
			    "is not "
			    "given away while the claim stands",
			    sighting.slot, sighting.peer);
	}
}

} // namespace shmnet::hub
