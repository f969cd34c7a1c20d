// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "hub.hh"

#include "error.hh"
#include "limits.hh"

#include <sys/epoll.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <csignal>
#include <cstring>

namespace shmnet::hub {

namespace {

constexpr u64 DIRECTORY_INTERVAL = 1'000'000; /* microseconds */
constexpr u64 DESCRIPTORS_BESIDE = 64;        /* log, libraries, region, clients that come and go */

/* For each node: its doorbells, their fronts, its socket, its pidfd, and its part, if that is a file. */
u64 descriptors_needed(const Options& options)
{
	u64 lines = static_cast<u64>(options.vectors) * (options.fault ? 2 : 1);
	return options.region.nodes * (lines + 2 + options.region.hardened) + DESCRIPTORS_BESIDE;
}

} // namespace

Hub::Hub(const Options& options, Region& region, FdStore& store)
    : options_(options), region_(region), store_(store), state_(options.state),
      witness_(region.layout())
{
	raise_descriptor_limit(descriptors_needed(options));
	if (options.fault)
		relay_ = std::make_unique<Relay>(loop_, *options.fault);
	greeting_timer_ = loop_.add_timer([this] { on_greeting_timer(); });
	retry_timer_ = loop_.add_timer([this] { flush_all(); });
	restore();
	if (!save())
		throw system_error("writing the state file {}", state_.path());

	directory_timer_ = loop_.add_timer([this] { look_at_directory(); });
	directory_timer_.fire_after(DIRECTORY_INTERVAL);
	post_ = loop_.add_post([this] { finish_turn(); });
	for (int signal : {SIGTERM, SIGINT})
		signals_.push_back(loop_.add_signal(signal, [this] { loop_.stop(); }));
	signals_.push_back(loop_.add_signal(SIGUSR1, [this] { log_status(); }));
	/* Last: where there is a socket, there is a hub that serves. */
	listener_ = std::make_unique<Listener>(options.socket, options.mode.value_or(0600),
					       options.group, store);
	if (unsigned rest = store.discard_rest())
		log_warning("{} descriptors that systemd kept belong to nobody: closed", rest);
	on_connection_ = loop_.add_fd(listener_->fd(), EPOLLIN, [this](u32) { on_connection(); });
	/* After the deaths: the ids that they free are there for those who come. */
	on_connection_.yield_to_others();
}

void Hub::run()
{
	log_info("serving {} on {}: {}, {} vectors each{}{}", region_.path(), listener_->path(),
		 region_.description(), options_.vectors, region_.kept() ? ", memory kept" : "",
		 options_.fault ? ", doorbells with faults " + options_.fault_text : "");
	(void)sd_notify(0, "READY=1");
	loop_.run();

	(void)sd_notify(0, "STOPPING=1");
	log_status();
	if (peers_.empty() && withheld_.empty())
		(void)::unlink(state_.path().c_str());
	else if (!save())
		log_error("the state file {} cannot be written: {}", state_.path(),
			  strerror(errno));
	log_info("stopped");
}

/* Keeps the record of who holds which slot; gives ids free whose claims are gone. */
void Hub::look_at_directory()
{
	directory_timer_.fire_after(DIRECTORY_INTERVAL);
	std::map<u32, std::vector<Sighting>> seen;
	for (const Sighting& sighting : witness_.look())
		seen[sighting.peer].push_back(sighting);
	for (auto& [id, peer] : peers_) {
		auto found = seen.find(id);
		if (!peer.member() || found == seen.end() || found->second == peer.slots)
			continue;
		peer.slots = found->second;
		changed_ = true;
	}
	std::erase_if(withheld_,
		      [this](const Sighting& sighting) { return !witness_.claimed(sighting); });
}

void Hub::log_status() const
{
	size_t members = std::count_if(peers_.begin(), peers_.end(), [](const auto& entry) {
		return entry.second.state == PeerState::Member;
	});
	log_info("{} connected, {} known without a connection, {} ids withheld{}", members,
		 peers_.size() - members, withheld_.size(), relay_ ? "; " + relay_->counts() : "");
}

/* At the end of each turn of the event loop. */
void Hub::finish_turn()
{
	if (!changed_)
		return;
	if (!save())
		failures_.write(
			LogLevel::Error,
			"the state file {} cannot be written: {}; make room, or a restart of "
			"the hub will not know all guests",
			state_.path(), strerror(errno));
	size_t members = std::count_if(peers_.begin(), peers_.end(), [](const auto& entry) {
		return entry.second.state == PeerState::Member;
	});
	(void)sd_notifyf(0, "STATUS=%zu connected", members);
}

/* False, with errno, if it failed; it is then tried again in the next turn. */
bool Hub::save()
{
	std::vector<u32> lines;
	for (const Switchboard::Line& line : board_)
		lines.push_back(line.id);
	std::vector<PeerRecord> records;
	for (const auto& [id, peer] : peers_)
		records.push_back({.id = id,
				   .process = peer.process.id,
				   .state = peer.state,
				   .told = peer.told,
				   .slots = peer.slots});
	bool saved = state_.save(lines, records);
	changed_ = !saved;
	return saved;
}

Peer* Hub::find(u32 id)
{
	auto found = peers_.find(id);
	return found == peers_.end() ? nullptr : &found->second;
}

void Hub::watch_socket(Peer& peer)
{
	peer.on_socket = loop_.add_fd(peer.client->fd(), EPOLLIN,
				      [this, id = peer.id](u32 events) { on_socket(id, events); });
}

void Hub::watch_death(Peer& peer)
{
	if (peer.process.pidfd)
		peer.on_death = loop_.add_fd(peer.process.pidfd.get(), EPOLLIN,
					     [this, id = peer.id](u32) { on_death(id); });
}

} // namespace shmnet::hub
