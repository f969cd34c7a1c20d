// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * From a connection to a member. The others hear of a newcomer only when it has read its whole
 * greeting: whoever connects and does nothing, or floods, disturbs nobody.
 */
#include "hub.hh"

#include "error.hh"
#include "limits.hh"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace shmnet::hub {

namespace {

constexpr u32 IDS = 65536; /* the doorbell register has 16 bits for them */
constexpr int ACCEPTS_A_TURN = 16;
/*
 * Bytes in the kernel for a client that does not read (which doubles them): some 20 messages of a
 * newcomer, who may never read and pins descriptors with each; some 90 of a member.
 */
constexpr int GREETING_BUFFER = 8192;
constexpr int MEMBER_BUFFER = 32768;
/* Of one process: a QEMU reads the greetings of all its devices when the last one is set up. */
constexpr u32 GREETED_MAX = 32;
constexpr u32 IDS_MAX = 4096;
constexpr u64 FIRST_PAUSE = 1'000; /* microseconds between two looks at the newcomers */
constexpr u64 LAST_PAUSE = 128'000;

void set_buffer(int socket, int bytes)
{
	(void)::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

} // namespace

void Hub::on_connection()
{
	/* Who has read its greeting by now belongs into the greetings of those who come. */
	(void)settle_greeted();
	std::vector<u32> admitted;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		Listener::Accepted accepted = listener_->accept();
		if (accepted.error)
			refusals_.write(LogLevel::Error, "a client was turned away: {}",
					describe_descriptor_limit(accepted.error));
		if (!accepted.socket)
			break;
		if (Peer* peer = admit(std::move(accepted.socket)))
			admitted.push_back(peer->id);
	}
	if (admitted.empty())
		return;
	/* On record before anybody has them: a restarted hub must not give them away again. */
	if (!save()) {
		refusals_.write(
			LogLevel::Error,
			"clients were turned away, for the state file {} cannot be written: {}",
			state_.path(), strerror(errno));
		for (u32 id : admitted)
			peers_.erase(id);
		return;
	}
	for (u32 id : admitted)
		flush(*find(id));
	greeting_pause_ = FIRST_PAUSE;
	greeting_timer_.fire_after(greeting_pause_);
}

/* Null if the client is turned away; it then finds its connection closed. */
Peer* Hub::admit(UniqueFd socket)
{
	set_buffer(socket.get(), GREETING_BUFFER);
	std::optional<WatchedProcess> process = watch_peer_of(socket.get());
	if (process && too_many_of(process->id.pid)) {
		refusals_.write(
			LogLevel::Warning,
			"process {} was turned away: it has too many connections that it does "
			"not read, or too many ids",
			process->id.pid);
		return nullptr;
	}
	std::optional<u32> id = free_id();
	if (!id) {
		refusals_.write(
			LogLevel::Error,
			"a client was turned away: all {} ids are in use by processes that live",
			IDS);
		return nullptr;
	}
	Peer peer;
	peer.id = *id;
	if (const Switchboard::Line* line = board_.find(*id)) {
		peer.doorbells = line->doorbells;
		peer.doorbells->silence();
	} else if (process) {
		peer.doorbells =
			Doorbells::create(*id, options_.vectors, options_.fault.has_value());
	}
	if (!process || !peer.doorbells) {
		refusals_.write(LogLevel::Error, "a client was turned away: {}",
				describe_descriptor_limit(errno));
		return nullptr;
	}
	peer.process = std::move(*process);
	peer.client = std::make_unique<Client>(std::move(socket), *id, region_.fd(), peer.doorbells,
					       board_);
	peer.deadline = Peer::Clock::now() + std::chrono::seconds(options_.patience);
	try {
		watch_socket(peer);
		watch_death(peer);
	} catch (const Error& error) {
		refusals_.write(LogLevel::Error, "a client was turned away: {}", error.what());
		return nullptr;
	}
	changed_ = true;
	return &peers_.emplace(*id, std::move(peer)).first->second;
}

/* Doorbells of an earlier hub may be lost, or too few or too many: of no use to a newcomer. */
bool Hub::id_is_free(u32 id) const
{
	if (std::any_of(withheld_.begin(), withheld_.end(),
			[id](const Sighting& sighting) { return sighting.peer == id; }))
		return false;
	const Switchboard::Line* line = board_.find(id);
	return !line || (line->doorbells && line->doorbells->vectors() == options_.vectors);
}

std::optional<u32> Hub::free_id() const
{
	auto peer = peers_.begin();
	for (u32 id = 0; id < IDS; id++) {
		if (peer != peers_.end() && peer->first == id) {
			++peer;
			continue;
		}
		if (id_is_free(id))
			return id;
	}
	return std::nullopt;
}

bool Hub::too_many_of(pid_t pid) const
{
	if (pid == 0)
		return false;
	u32 greeted = 0;
	u32 ids = 0;
	for (const auto& [id, peer] : peers_) {
		if (peer.process.id.pid != pid)
			continue;
		ids++;
		greeted += peer.state == PeerState::Greeted;
	}
	return greeted >= GREETED_MAX || ids >= IDS_MAX;
}

void Hub::on_greeting_timer()
{
	bool more = settle_greeted();
	greeting_pause_ = std::min(greeting_pause_ * 2, LAST_PAUSE);
	if (more)
		greeting_timer_.fire_after(greeting_pause_);
}

/* Whether some are left who are still reading. */
bool Hub::settle_greeted()
{
	std::vector<u32> ready;
	std::vector<u32> late;
	bool more = false;
	for (const auto& [id, peer] : peers_) {
		if (peer.state != PeerState::Greeted)
			continue;
		if (peer.client->read_greeting())
			ready.push_back(id);
		else if (Peer::Clock::now() >= peer.deadline)
			late.push_back(id);
		else
			more = true;
	}
	for (u32 id : late) {
		Peer& peer = *find(id);
		refusals_.write(LogLevel::Warning,
				"peer {} (process {}) did not read its first messages within {} s: "
				"disconnected",
				id, peer.process.id.pid, options_.patience);
		hold(peer);
	}
	if (!ready.empty())
		join(ready);
	return more;
}

/* The newcomers have all that they need: from here on the others may ring them. */
void Hub::join(const std::vector<u32>& ids)
{
	for (u32 id : ids) {
		Peer& peer = *find(id);
		store_.store(FdStore::client(id), peer.client->fd());
		set_buffer(peer.client->fd(), MEMBER_BUFFER);
		peer.state = PeerState::Member;
		peer.client->join();
		peer.told = peer.client->told();
		if (board_.find(id))
			continue;
		peer.doorbells->store(store_);
		if (peer.doorbells->has_fronts())
			relay_->attach(id, peer.doorbells);
		board_.add(id, peer.doorbells);
	}
	/* On record before anybody is told, in the log, too: a hub that dies now leaves the telling to the next. */
	changed_ = true;
	(void)save();
	for (u32 id : ids)
		joins_.write(LogLevel::Info, "peer {} (process {}) joined", id,
			     find(id)->process.id.pid);
	flush_all();
}

} // namespace shmnet::hub
