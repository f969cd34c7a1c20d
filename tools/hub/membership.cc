// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What happens to peers once they are connected. */
#include "hub.hh"

#include <sys/epoll.h>

#include <algorithm>

namespace shmnet::hub {

namespace {

constexpr u64 RETRY_PAUSE = 10'000; /* microseconds */

} // namespace

void Hub::on_socket(u32 id, u32 events)
{
	Peer* peer = find(id);
	if (!peer || !peer->client)
		return;
	if (events & EPOLLOUT)
		flush(*peer);
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	switch (peer->client->check_input()) {
	case Client::Input::None:
		return;
	case Client::Input::Closed:
		/* First of all: the others' rings stand still until they know. */
		declare_dead(*peer);
		if (peer->state == PeerState::Greeted) {
			/* Nobody heard of it, and it has given up its id by itself. */
			forget(id);
			return;
		}
		joins_.write(LogLevel::Info, "peer {} (process {}) left", id, peer->process.id.pid);
		hold(*peer);
		if (has_died(peer->process))
			forget(id);
		return;
	case Client::Input::Bytes:
		refusals_.write(
			LogLevel::Warning,
			"peer {} (process {}) sent something, which no ivshmem client does: "
			"disconnected",
			id, peer->process.id.pid);
		hold(*peer);
		return;
	}
}

void Hub::on_death(u32 id)
{
	Peer* peer = find(id);
	if (!peer)
		return;
	declare_dead(*peer);
	if (peer->state != PeerState::Held)
		joins_.write(LogLevel::Info, "process {} of peer {} died", peer->process.id.pid,
			     id);
	hold(*peer);
	forget(id);
}

/* Tells a client what it does not know yet, as far as its socket goes. */
void Hub::flush(Peer& peer)
{
	u32 events = EPOLLIN;
	switch (peer.client->flush()) {
	case Client::Flush::Full:
		events |= EPOLLOUT;
		break;
	case Client::Flush::Retry:
		/* If it has read all that it was sent, the delay is ours. */
		if (peer.client->drained())
			peer.deadline =
				Peer::Clock::now() + std::chrono::seconds(options_.patience);
		retry_timer_.fire_after(RETRY_PAUSE);
		break;
	case Client::Flush::Done:
	case Client::Flush::Broken: /* the socket's own event tells what happened */
		break;
	}
	peer.on_socket.watch(events);
	if (peer.state == PeerState::Member && peer.told != peer.client->told()) {
		peer.told = peer.client->told();
		changed_ = true;
	}
}

void Hub::flush_all()
{
	for (auto& [id, peer] : peers_)
		if (peer.client)
			flush(peer);
}

/* Says of every slot that the peer holds that its owner is dead, and rings the others. */
void Hub::declare_dead(Peer& peer)
{
	std::vector<Sighting> slots = peer.slots;
	for (const Sighting& sighting : witness_.look())
		if (sighting.peer == peer.id &&
		    std::find(slots.begin(), slots.end(), sighting) == slots.end())
			slots.push_back(sighting);
	bool news = false;
	for (const Sighting& sighting : slots) {
		if (witness_.declared_dead(sighting) || !witness_.declare_dead(sighting))
			continue;
		news = true;
		joins_.write(LogLevel::Info, "slot {} incarnation {} is dead: it was peer {}'s",
			     sighting.slot, sighting.incarnation, peer.id);
	}
	if (!news)
		return;
	for (const auto& [id, other] : peers_)
		if (id != peer.id && other.member() && other.doorbells)
			other.doorbells->ring(0);
}

/* Takes the connection away. The id stays the process's own for as long as that lives. */
void Hub::hold(Peer& peer)
{
	if (peer.client && peer.state == PeerState::Member)
		store_.remove(FdStore::client(peer.id));
	peer.on_socket.reset();
	peer.client.reset();
	peer.doorbells.reset();
	peer.state = PeerState::Held;
	changed_ = true;
}

/* Gives the id free: nobody can be using it any more. */
void Hub::forget(u32 id)
{
	peers_.erase(id);
	changed_ = true;
}

} // namespace shmnet::hub
