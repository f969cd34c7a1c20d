// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "metrics_client.hh"

#include <fmt/core.h>
#include <poll.h>
#include <prometheus/text_serializer.h>
#include <sys/socket.h>

#include <cerrno>

namespace shmnet::shmnetd {

namespace {

constexpr size_t REQUEST_MAX = 16384; /* bytes */
constexpr std::string_view END = "\r\n\r\n";

std::string make_answer(std::string_view status, std::string_view type, const std::string& body)
{
	return fmt::format("HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n"
			   "Connection: close\r\n\r\n{}",
			   status, type, body.size(), body);
}

std::string refuse(std::string_view status, const std::string& text)
{
	return make_answer(status, "text/plain; charset=utf-8", text + "\n");
}

bool must_wait()
{
	return errno == EAGAIN || errno == EINTR;
}

} // namespace

std::string answer_request(std::string_view head, const prometheus::Collectable& metrics)
{
	std::string_view line = head.substr(0, head.find("\r\n"));
	size_t first = line.find(' ');
	size_t last = line.rfind(' ');
	if (first == last || !line.substr(last + 1).starts_with("HTTP/1."))
		return refuse("400 Bad Request", "this is no request of HTTP/1.1");
	std::string_view path = line.substr(first + 1, last - first - 1);
	if (path.substr(0, path.find('?')) != "/metrics")
		return refuse("404 Not Found", "metrics are at /metrics");
	if (line.substr(0, first) != "GET")
		return refuse("405 Method Not Allowed\r\nAllow: GET", "metrics can be got only");
	return make_answer("200 OK", "text/plain; version=0.0.4; charset=utf-8",
			   prometheus::TextSerializer().Serialize(metrics.Collect()));
}

short MetricsClient::events() const
{
	return answer_.empty() ? POLLIN : POLLOUT;
}

bool MetricsClient::proceed(const prometheus::Collectable& metrics)
{
	if (answer_.empty() && !receive(metrics))
		return false;
	bool goes_on = answer_.empty() || send();
	deadline_ = Clock::now() + PATIENCE;
	return goes_on;
}

bool MetricsClient::receive(const prometheus::Collectable& metrics)
{
	char part[4096];
	ssize_t length = ::recv(socket_.get(), part, sizeof(part), 0);
	if (length <= 0)
		return length < 0 && must_wait();
	request_.append(part, static_cast<size_t>(length));
	size_t end = request_.find(END);
	if (end != std::string::npos)
		answer_ = answer_request(std::string_view(request_).substr(0, end), metrics);
	return request_.size() <= REQUEST_MAX;
}

bool MetricsClient::send()
{
	while (sent_ < answer_.size()) {
		ssize_t length = ::send(socket_.get(), answer_.data() + sent_,
					answer_.size() - sent_, MSG_NOSIGNAL);
		if (length < 0)
			return must_wait();
		sent_ += static_cast<size_t>(length);
	}
	return false;
}

} // namespace shmnet::shmnetd
