// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "segment.hh"

#include <netinet/if_ether.h>
#include <sys/epoll.h>

#include <cerrno>
#include <cstring>

namespace shmnet::shmnetd {

namespace {

using namespace std::chrono_literals;

/* Five of them are missed before a node is taken for gone. */
constexpr std::chrono::microseconds TICK = 100ms;
/* One with each tick: a frame to all may be lost. */
constexpr int ANNOUNCEMENTS = 3;
/* Frames of one kind that are handled before others have their turn. */
constexpr int BATCH = 64;

} // namespace

Segment::Segment(EventLoop& loop, const std::string& name, const SegmentLink& link, __u8 priority)
    : name_(name), link_(link), election_(link.mac, priority, Clock::now()),
      arp_(link, ETHERTYPE_ARP), solicitations_(link, ETHERTYPE_IPV6),
      candidacies_(link, CANDIDACY_ETHERTYPE), groups_(link)
{
	candidacies_.join(CANDIDACY_GROUP);
	on_arp_ =
		loop.add_fd(arp_.descriptor(), EPOLLIN, [this](u32) { on_questions(arp_, true); });
	on_solicitations_ = loop.add_fd(solicitations_.descriptor(), EPOLLIN,
					[this](u32) { on_questions(solicitations_, false); });
	on_candidacies_ =
		loop.add_fd(candidacies_.descriptor(), EPOLLIN, [this](u32) { on_candidacies(); });
	for (EventSource* source : {&on_arp_, &on_solicitations_, &on_candidacies_})
		source->yield_to_others();
	tick_ = loop.add_timer([this] { on_tick(); });
	tick_.fire_after(TICK.count());
}

Segment::~Segment()
{
	if (is_candidate())
		say_candidacy(0);
}

bool Segment::is_candidate() const
{
	return !offered_.empty() && !election_.listens(Clock::now());
}

void Segment::offer(const std::set<Address>& addresses, __u8 priority)
{
	election_.set_priority(priority);
	if (offered_ != addresses && addresses.size() > CANDIDACY_ADDRESSES)
		log_warning("{}: of {} shared addresses only the first {} are answered for", name_,
			    addresses.size(), CANDIDACY_ADDRESSES);
	offered_ = addresses;
	while (offered_.size() > CANDIDACY_ADDRESSES)
		offered_.erase(std::prev(offered_.end()));
	if (!groups_.follow(offered_))
		failures_.write(LogLevel::Warning,
				"{}: who asks for shared addresses of IPv6 cannot be heard: {}",
				name_, strerror(errno));
	decide();
}

std::map<Address, std::optional<Mac>> Segment::holders() const
{
	bool candidate = is_candidate();
	std::map<Address, std::optional<Mac>> holders;
	for (const Address& address : offered_)
		holders.emplace(address, election_.holder(address, candidate));
	return holders;
}

void Segment::on_tick()
{
	tick_.fire_after(TICK.count());
	election_.expire(Clock::now());
	decide();
	if (is_candidate())
		say_candidacy(election_.priority());
	announce();
}

void Segment::decide()
{
	bool candidate = is_candidate();
	std::erase_if(held_, [&](const auto& held) {
		if (offered_.contains(held.first) &&
		    election_.holder(held.first, candidate) == link_.mac)
			return false;
		changes_.write(LogLevel::Info, "{} answers no more for {}", name_,
			       address_text(held.first));
		return true;
	});
	for (const Address& address : offered_) {
		if (held_.contains(address) || election_.holder(address, candidate) != link_.mac)
			continue;
		held_.emplace(address, ANNOUNCEMENTS);
		changes_.write(LogLevel::Info, "{} answers for {}", name_, address_text(address));
	}
}

/* What is new is announced, and what others may have answered for meanwhile. */
void Segment::announce()
{
	for (auto& [address, left] : held_) {
		if (left == 0)
			continue;
		left--;
		send(is_ipv4(address) ? arp_ : solicitations_, announcement_of(address, link_.mac));
	}
}

void Segment::on_candidacies()
{
	bool is_new = false;
	for (int i = 0; i < BATCH; i++) {
		std::optional<ReceivedFrame> frame = candidacies_.receive();
		if (!frame)
			break;
		if (auto candidacy = parse_candidacy(frame->bytes))
			is_new |= election_.hear(frame->from, *candidacy, Clock::now());
	}
	decide();
	/* Who did not hear this node may have announced that it answers. */
	if (is_new)
		for (auto& held : held_)
			held.second = ANNOUNCEMENTS;
}

void Segment::on_questions(PacketSocket& socket, bool arp)
{
	for (int i = 0; i < BATCH; i++) {
		std::optional<ReceivedFrame> frame = socket.receive();
		if (!frame)
			return;
		std::optional<Question> question =
			arp ? parse_arp_request(frame->bytes)
			    : parse_solicitation(frame->bytes, frame->from);
		if (question && held_.contains(question->address))
			send(socket, answer_to(*question, link_.mac));
	}
}

void Segment::say_candidacy(__u8 priority)
{
	send(candidacies_, candidacy_frame({.priority = priority, .addresses = offered_}));
}

void Segment::send(PacketSocket& socket, const SegmentFrame& frame)
{
	/* An interface that goes down, or whose queue is full, is no news. */
	if (!socket.send(frame) && errno != ENETDOWN && errno != ENOBUFS && errno != EAGAIN)
		failures_.write(LogLevel::Warning, "{}: sending failed: {}", name_,
				strerror(errno));
}

} // namespace shmnet::shmnetd
