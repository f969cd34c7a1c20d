// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "metrics_server.hh"

#include "error.hh"
#include "log.hh"
#include "metrics_client.hh"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <list>
#include <system_error>
#include <vector>

namespace shmnet::shmnetd {

namespace {

using Clock = MetricsClient::Clock;

/* One more, and who has been there longest must go: it has said nothing, or does not read. */
constexpr size_t CLIENTS_MAX = 16;
/* After a connection could not be taken, for want of descriptors or memory. */
constexpr std::chrono::seconds REST{1};

UniqueFd open_listener(const End& end)
{
	sockaddr_in ipv4 = {};
	sockaddr_in6 ipv6 = {};
	ipv4.sin_family = AF_INET;
	ipv6.sin6_family = AF_INET6;
	ipv4.sin_port = ipv6.sin6_port = htons(static_cast<uint16_t>(end.port));
	memcpy(&ipv4.sin_addr, &end.address[12], sizeof(ipv4.sin_addr));
	memcpy(&ipv6.sin6_addr, end.address.data(), sizeof(ipv6.sin6_addr));
	bool is_4 = is_ipv4(end.address);
	const auto* address = is_4 ? reinterpret_cast<const sockaddr*>(&ipv4)
				   : reinterpret_cast<const sockaddr*>(&ipv6);
	socklen_t length = is_4 ? sizeof(ipv4) : sizeof(ipv6);
	UniqueFd socket(
		::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
	int yes = 1;
	if (!socket ||
	    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
	    ::bind(socket.get(), address, length) != 0 || ::listen(socket.get(), CLIENTS_MAX) != 0)
		throw system_error("nothing can listen on {}", end_text(end.address, end.port));
	return socket;
}

/* What the server's thread has. */
class Service {
public:
	Service(const prometheus::Collectable& metrics, int told) : metrics_(metrics), told_(told)
	{
	}

	void move(const std::optional<End>& end);
	/* Until there is an order, or a while; then does what there is to do. True: an order. */
	bool turn();

private:
	int timeout() const;
	void accept();
	bool proceed(MetricsClient& client) const;

	const prometheus::Collectable& metrics_;
	int told_;
	std::optional<End> end_; /* of the listener */
	UniqueFd listener_;
	Clock::time_point rest_{};         /* nothing is accepted until then */
	std::list<MetricsClient> clients_; /* the oldest first */
};

void Service::move(const std::optional<End>& end)
{
	if (listener_ && end == end_)
		return;
	if (listener_)
		log_info("metrics are no longer served at {}", end_text(end_->address, end_->port));
	listener_.reset();
	end_ = end;
	if (!end)
		return;
	try {
		listener_ = open_listener(*end);
		log_info("metrics are served at http://{}/metrics",
			 end_text(end->address, end->port));
	} catch (const Error& error) {
		log_warning("metrics are not served: {}; give another listen under [metrics], or "
			    "free this one, and reload",
			    error.what());
	}
}

/* Milliseconds; -1: for ever. */
int Service::timeout() const
{
	Clock::time_point now = Clock::now();
	Clock::time_point first = Clock::time_point::max();
	if (listener_ && rest_ > now)
		first = rest_;
	for (const MetricsClient& client : clients_)
		first = std::min(first, client.deadline());
	if (first == Clock::time_point::max())
		return -1;
	auto left = std::chrono::ceil<std::chrono::milliseconds>(first - now).count();
	return static_cast<int>(std::max<long>(left, 0));
}

bool Service::turn()
{
	bool accepts = listener_ && rest_ <= Clock::now();
	/* A descriptor below 0 is passed over. */
	std::vector<pollfd> polls = {{told_, POLLIN, 0},
				     {accepts ? listener_.get() : -1, POLLIN, 0}};
	for (const MetricsClient& client : clients_)
		polls.push_back({client.descriptor(), client.events(), 0});
	(void)::poll(polls.data(), polls.size(), timeout());
	auto poll = polls.begin() + 2;
	for (auto client = clients_.begin(); client != clients_.end(); poll++) {
		bool stays = poll->revents ? proceed(*client) : client->deadline() > Clock::now();
		client = stays ? std::next(client) : clients_.erase(client);
	}
	if (polls[1].revents)
		accept();
	return polls[0].revents;
}

bool Service::proceed(MetricsClient& client) const
{
	try {
		return client.proceed(metrics_);
	} catch (const std::exception&) {
		/* No memory: for this one only. */
		return false;
	}
}

void Service::accept()
{
	UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
	if (!socket) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			rest_ = Clock::now() + REST;
		return;
	}
	if (clients_.size() == CLIENTS_MAX)
		clients_.pop_front();
	clients_.emplace_back(std::move(socket));
}

} // namespace

MetricsServer::MetricsServer(std::shared_ptr<const prometheus::Collectable> metrics)
    : metrics_(std::move(metrics)), told_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))
{
	if (!told_)
		throw system_error("eventfd");
}

MetricsServer::~MetricsServer()
{
	tell({.is_new = true, .stop = true, .end = {}});
	if (thread_.joinable())
		thread_.join();
}

void MetricsServer::listen(const std::optional<End>& end)
{
	tell({.is_new = true, .stop = false, .end = end});
	if (!end || thread_.joinable())
		return;
	try {
		thread_ = std::thread([this] { run(); });
	} catch (const std::system_error& error) {
		log_warning("metrics are not served, for there can be no thread: {}; reload tries "
			    "again",
			    error.what());
	}
}

void MetricsServer::tell(const Order& order)
{
	std::lock_guard lock(mutex_);
	order_ = order;
	(void)::eventfd_write(told_.get(), 1);
}

MetricsServer::Order MetricsServer::take_order()
{
	std::lock_guard lock(mutex_);
	eventfd_t count;
	(void)::eventfd_read(told_.get(), &count);
	return std::exchange(order_, Order());
}

void MetricsServer::run()
{
	Service service(*metrics_, told_.get());
	for (;;) {
		if (!service.turn())
			continue;
		Order order = take_order();
		if (order.stop)
			return;
		if (order.is_new)
			service.move(order.end);
	}
}

} // namespace shmnet::shmnetd
