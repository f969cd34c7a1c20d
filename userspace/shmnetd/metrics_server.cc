// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "metrics_server.hh"

#include "error.hh"
#include "log.hh"
#include "unique_fd.hh"

#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <prometheus/text_serializer.h>
#include <sys/socket.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <string>

namespace shmnet::shmnetd {

namespace {

constexpr unsigned CLIENTS_MAX = 64;
constexpr unsigned CLIENTS_OF_ADDRESS_MAX = 16; /* so that one cannot keep all others out */
constexpr size_t CLIENT_MEMORY = 8192;          /* bytes; the head of a request is smaller */
/* Seconds for who says or reads nothing. Prometheus has no more either, by default. */
constexpr unsigned PATIENCE = 10;
constexpr std::chrono::seconds REST{60}; /* for answers that are not sent yet at a move */

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

MHD_Result reply(MHD_Connection* connection, unsigned status, const char* type,
		 const std::string& text)
{
	MHD_Response* response = MHD_create_response_from_buffer(
		text.size(), const_cast<char*>(text.data()), MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	/* One that is kept would be answered after a move, too. */
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	MHD_Result result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

MHD_Result answer(void* metrics, MHD_Connection* connection, const char* path, const char* method,
		  const char*, const char*, size_t*, void**)
{
	constexpr const char* TEXT = "text/plain; charset=utf-8";
	constexpr const char* METRICS = "text/plain; version=0.0.4; charset=utf-8";
	try {
		if (strcmp(path, "/metrics") != 0)
			return reply(connection, MHD_HTTP_NOT_FOUND, TEXT,
				     "metrics are at /metrics\n");
		if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
			return reply(connection, MHD_HTTP_METHOD_NOT_ALLOWED, TEXT,
				     "metrics can be got only\n");
		const auto& all = *static_cast<const prometheus::Collectable*>(metrics);
		return reply(connection, MHD_HTTP_OK, METRICS,
			     prometheus::TextSerializer().Serialize(all.Collect()));
	} catch (const std::exception&) {
		/* No memory: this one is hung up on. */
		return MHD_NO;
	}
}

} // namespace

/* An address, and libmicrohttpd's daemon, which answers there on a thread of its own. */
struct MetricsServer::Site {
	End end;
	MHD_Daemon* daemon = nullptr;
	UniqueFd left; /* the socket, which is the daemon's until it is closed for new clients */

	/* Throws Error. */
	Site(const End& where, const prometheus::Collectable& metrics) : end(where)
	{
		UniqueFd socket = open_listener(end);
		/* What it is given it closes when it fails, or not: that depends. */
		int copy = ::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0);
		if (copy >= 0)
			daemon = MHD_start_daemon(
				MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC, 0, nullptr, nullptr,
				answer, const_cast<prometheus::Collectable*>(&metrics),
				MHD_OPTION_LISTEN_SOCKET, copy, MHD_OPTION_CONNECTION_LIMIT,
				CLIENTS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
				CLIENTS_OF_ADDRESS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, PATIENCE,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, CLIENT_MEMORY, MHD_OPTION_END);
		if (daemon)
			return;
		Error error = system_error("there can be no server for {}",
					   end_text(end.address, end.port));
		::shutdown(socket.get(), SHUT_RDWR);
		throw error;
	}

	~Site() { MHD_stop_daemon(daemon); }

	/*
	 * For new clients: the port is free at once, though the daemon's thread may still look at the
	 * socket, which must so stay open until that has ended.
	 */
	void close()
	{
		left.reset(MHD_quiesce_daemon(daemon));
		::shutdown(left.get(), SHUT_RDWR);
	}

	bool has_clients() const
	{
		return MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
			->num_connections;
	}
};

MetricsServer::MetricsServer(std::shared_ptr<const prometheus::Collectable> metrics)
    : metrics_(std::move(metrics))
{
}

MetricsServer::~MetricsServer() = default;

void MetricsServer::listen(const std::optional<End>& end)
{
	if (site_ && end == site_->end)
		return;
	/* Threads have the mask of who makes them: signals are for the owner's signalfd. */
	sigset_t all, before;
	sigfillset(&all);
	::pthread_sigmask(SIG_SETMASK, &all, &before);
	try {
		if (site_)
			close();
		if (end) {
			site_ = std::make_unique<Site>(*end, *metrics_);
			log_info("metrics are served at http://{}/metrics",
				 end_text(end->address, end->port));
		}
	} catch (const std::exception& error) {
		log_warning("metrics are not served: {}; give another listen under [metrics], or "
			    "free this one, and reload",
			    error.what());
	}
	::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void MetricsServer::close()
{
	log_info("metrics are no longer served at {}",
		 end_text(site_->end.address, site_->end.port));
	site_->close();
	closing_ = std::jthread([site = std::move(site_)](const std::stop_token& hurry) {
		auto end = std::chrono::steady_clock::now() + REST;
		while (site->has_clients() && !hurry.stop_requested() &&
		       std::chrono::steady_clock::now() < end)
			std::this_thread::sleep_for(std::chrono::milliseconds(10));
	});
}

} // namespace shmnet::shmnetd
