/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Asks a web server, as Prometheus does. */
#pragma once

#include "support/network_namespace.hh"

#include <sys/socket.h>

#include <stdexcept>
#include <string>

namespace shmnet::test {

/* Until the other end hangs up. */
inline std::string receive_all(const UniqueFd& socket)
{
	std::string all;
	char part[65536];
	ssize_t length;
	while ((length = ::recv(socket.get(), part, sizeof(part), 0)) > 0)
		all.append(part, static_cast<size_t>(length));
	return all;
}

/* The whole answer, with its header; empty if there is no server, or it hangs up. */
inline std::string http_get(const std::string& address, __u16 port, const std::string& path)
{
	UniqueFd socket;
	try {
		socket = connect_socket(SOCK_STREAM, address, port);
	} catch (const std::runtime_error&) {
		return "";
	}
	std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
	if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0)
		return "";
	return receive_all(socket);
}

/* True once a scrape there has this text in it. */
inline bool scraped(const std::string& address, __u16 port, const std::string& text)
{
	return http_get(address, port, "/metrics").find(text) != std::string::npos;
}

} // namespace shmnet::test
