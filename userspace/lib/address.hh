/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Addresses as the module's messages have them; of IP 16 bytes, IPv4 as ::ffff:a.b.c.d. */
#pragma once

#include <linux/types.h>

#include <array>
#include <optional>
#include <string>

namespace shmnet {

using Address = std::array<__u8, 16>;

/* @bytes: 4 in network order. */
Address from_ipv4(const void* bytes);
/* @bytes: 16 in network order. */
Address from_ipv6(const void* bytes);

bool is_ipv4(const Address& address);

/* 192.0.2.1, 2001:db8::1 */
std::string address_text(const Address& address);
/* The other way; nothing if it is no address. */
std::optional<Address> parse_address(const std::string& text);
/* 192.0.2.1:80, [2001:db8::1]:80 */
std::string end_text(const Address& address, __u32 port);

/* An address and a port. */
struct End {
	Address address = {};
	__u32 port = 0;

	bool operator==(const End&) const = default;
};

/* The other way; nothing if it is none, or the port is not from 1 to 65535. */
std::optional<End> parse_end(const std::string& text);

using Mac = std::array<__u8, 6>;

/* 02:00:00:00:00:01 */
std::string mac_text(const Mac& mac);

/* Of IP: "tcp"; a number if it has no name here. */
std::string protocol_name(__u32 protocol);
/* The other way, of those that have ports; nothing if it is none. */
std::optional<__u32> parse_protocol(const std::string& text);

} // namespace shmnet
