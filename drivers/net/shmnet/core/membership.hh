/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Whether a peer lives, as one node sees it. Private memory only: the caller brings what the
 * directory shows and the time.
 *
 * Age counts in this node's own checks, so that a pause of its own makes nobody look dead; and a
 * suspicion concerns this pair alone (docs/protocol.md, "Life and death").
 */
#pragma once

#include "core_types.h"
#include "memory.hh"

namespace shmnet {

struct PeerSample {
	u32 incarnation; /* Directory::living(); 0: nobody */
	u64 heartbeat;
	bool evidence; /* something else shows life: it opened a ring for us, or said hello */
};

class PeerWatch {
public:
	static constexpr u32 CHECKS_DEFAULT = 10;

	bool alive() const { return alive_; }
	u32 incarnation() const { return incarnation_; }

	/* Takes a sample; returns what changed. */
	shmnet_peer_event observe(const PeerSample& sample, shmnet_check check,
				  u32 checks = CHECKS_DEFAULT)
	{
		if (sample.incarnation != incarnation_) {
			bool was_alive = alive_;
			incarnation_ = sample.incarnation;
			heartbeat_ = sample.heartbeat;
			age_ = 0;
			suspected_ = false;
			alive_ = incarnation_ != 0 && sample.evidence;
			if (was_alive)
				return SHMNET_PEER_GONE;
			return alive_ ? SHMNET_PEER_CAME : SHMNET_PEER_SAME;
		}
		if (incarnation_ == 0)
			return SHMNET_PEER_SAME;

		bool beats = sample.heartbeat != heartbeat_;
		heartbeat_ = sample.heartbeat;
		if (beats || check == SHMNET_CHECK_LATE)
			age_ = 0;
		/* What a dead peer once wrote stands for ever: after a suspicion only a beat counts. */
		if (!alive_ && (beats || (sample.evidence && !suspected_))) {
			alive_ = true;
			return SHMNET_PEER_CAME;
		}
		if (alive_ && !beats && check == SHMNET_CHECK_TICK && ++age_ >= checks) {
			alive_ = false;
			suspected_ = true;
			return SHMNET_PEER_DIED;
		}
		return SHMNET_PEER_SAME;
	}

private:
	u32 incarnation_ = 0;
	u64 heartbeat_ = 0;
	u32 age_ = 0; /* own checks since the heartbeat changed */
	bool alive_ = false;
	bool suspected_ = false;
};

} // namespace shmnet
