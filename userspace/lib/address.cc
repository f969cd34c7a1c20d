// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "address.hh"

#include "size.hh"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <cstring>

namespace shmnet {

Address from_ipv4(const void* bytes)
{
	Address address = {};
	address[10] = address[11] = 0xff;
	memcpy(&address[12], bytes, 4);
	return address;
}

Address from_ipv6(const void* bytes)
{
	Address address;
	memcpy(address.data(), bytes, address.size());
	return address;
}

bool is_ipv4(const Address& address)
{
	in6_addr whole;
	memcpy(&whole, address.data(), sizeof(whole));
	return IN6_IS_ADDR_V4MAPPED(&whole);
}

std::string address_text(const Address& address)
{
	char text[INET6_ADDRSTRLEN] = "";
	if (is_ipv4(address))
		inet_ntop(AF_INET, &address[12], text, sizeof(text));
	else
		inet_ntop(AF_INET6, address.data(), text, sizeof(text));
	return text;
}

std::optional<Address> parse_address(const std::string& text)
{
	in6_addr bytes = {};
	if (inet_pton(AF_INET, text.c_str(), &bytes) == 1)
		return from_ipv4(&bytes);
	if (inet_pton(AF_INET6, text.c_str(), &bytes) == 1)
		return from_ipv6(&bytes);
	return std::nullopt;
}

std::string end_text(const Address& address, __u32 port)
{
	std::string text = address_text(address);
	return fmt::format("{}:{}", is_ipv4(address) ? text : "[" + text + "]", port);
}

std::optional<End> parse_end(const std::string& text)
{
	size_t colon = text.rfind(':');
	if (colon == std::string::npos)
		return std::nullopt;
	std::string host = text.substr(0, colon);
	bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
	if (bracketed)
		host = host.substr(1, host.size() - 2);
	bool is_ipv6 = host.find(':') != std::string::npos;
	std::optional<Address> address = parse_address(host);
	std::optional<__u64> port = parse_number(text.substr(colon + 1));
	if (!address || !port || *port == 0 || *port > 0xffff || is_ipv6 != bracketed)
		return std::nullopt;
	return End{*address, static_cast<__u32>(*port)};
}

std::string mac_text(const Mac& mac)
{
	return fmt::format("{:02x}", fmt::join(mac, ":"));
}

std::string protocol_name(__u32 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_SCTP:
		return "sctp";
	}
	return fmt::format("{}", protocol);
}

std::optional<__u32> parse_protocol(const std::string& text)
{
	for (__u32 protocol : {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP})
		if (text == protocol_name(protocol))
			return protocol;
	return std::nullopt;
}

} // namespace shmnet
