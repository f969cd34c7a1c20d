/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the configuration says: /etc/shmnet/shmnetd.toml. */
#pragma once

#include "address.hh"

#include <linux/shmnet_shm.h>

#include <chrono>
#include <compare>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace shmnet::shmnetd {

inline constexpr const char* DEFAULT_CONFIG = "/etc/shmnet/shmnetd.toml";

/* "tcp/443" */
struct ServiceName {
	__u32 protocol = 0; /* of IP: TCP or UDP */
	__u32 port = 0;

	std::string text() const;
	auto operator<=>(const ServiceName&) const = default;
};

/* Nothing if it is none, or is written otherwise than text() does. */
std::optional<ServiceName> parse_service_name(std::string_view text);

/* How a service is published. */
struct ServicePolicy {
	__u32 balance = SHMNET_BALANCE_ROUND_ROBIN; /* enum shmnet_balance */
	__u32 weight = 1;                           /* to SHMNET_WEIGHT_MAX; 0: no new flows */
	bool local_first = false;
};

/* Who a shared address is for, as one node says it for all (struct shmnet_shared_address). */
struct AddressDefinition {
	__u64 nodes = ~__u64{0}; /* bit by slot */
	__u32 balance = 0;       /* of services without a balance of their own; 0: none */
	__u32 generation = 1;
};

struct AddressConfig {
	std::optional<AddressDefinition> definition; /* nothing: another's holds, or none */
	bool drain = false;                          /* this node takes no new flows of it */
};

/* How hosts outside find a shared address. */
struct AnnounceConfig {
	/* Interfaces on whose segments a node answers for it. */
	std::set<std::string> neighbour;
	__u8 priority = 100; /* from 1; of several nodes the highest answers */
};

struct Config {
	/* What is published beside what is bound to a shared address. */
	bool all = false;
	std::set<ServiceName> services;

	ServicePolicy policy;
	std::map<ServiceName, ServicePolicy> own; /* of services that differ */
	std::chrono::microseconds poll{1'000'000};
	std::optional<End> metrics; /* where they are served; nothing: nowhere */
	AnnounceConfig announce;
	std::map<Address, AddressConfig> addresses;

	bool chooses(const ServiceName& name) const { return all || services.contains(name); }
	/* @balance: of its address, or 0. */
	ServicePolicy policy_of(const ServiceName& name, __u32 balance = 0) const;
};

/* Throws UsageError, which names @file, the line, the key, and what would be right. */
Config parse_config(std::string_view text, const std::string& file);

/*
 * Likewise. If there is no such file: the defaults, or Error if @must_exist. Throws Error if it
 * cannot be read.
 */
Config read_config(const std::string& file, bool must_exist);

} // namespace shmnet::shmnetd
