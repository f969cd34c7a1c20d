// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "services.hh"

#include "addresses.hh"

#include <fmt/format.h>
#include <linux/shmnet_shm.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <tuple>

namespace shmnet::shmnetd {

namespace {

bool is_port_of_nodes(__u32 port)
{
	return port >= SHMNET_PORTS_FIRST && port < SHMNET_PORTS_FIRST + SHMNET_PORTS;
}

/* One look at the listeners of an interface. */
class Selecting {
public:
	Selecting(const SharedInterface& interface, const Config& config,
		  const Connections& connections)
	    : interface_(interface), config_(config), connections_(connections)
	{
		std::copy_if(interface.addresses.begin(), interface.addresses.end(),
			     std::inserter(shared_, shared_.end()), can_be_shared);
	}

	Selection select(const std::set<Listener>& listeners)
	{
		/* What is bound to a shared address has precedence where not all find room. */
		for (bool bound : {true, false})
			for (const Listener& listener : listeners)
				if (bound != (listener.any_ipv4() || listener.any_ipv6()))
					take(listener);
		Selection selection;
		for (const auto& [key, service] : services_)
			selection.services.push_back(service);
		selection.hidden = std::move(hidden_);
		return selection;
	}

private:
	void take(const Listener& listener)
	{
		std::optional<Reason> reason = why_not(listener);
		for (const Address& address : shared_)
			if (!reason && takes(listener, address) && !add(listener, address))
				reason = Reason::TooMany;
		if (reason)
			hidden_.push_back({listener, *reason, remedy(listener, *reason)});
	}

	std::optional<Reason> why_not(const Listener& listener) const
	{
		bool any = listener.any_ipv4() || listener.any_ipv6();
		if (listener.device != 0 && listener.device != interface_.index)
			return Reason::OtherDevice;
		if (!any && !can_be_shared(listener.address))
			return Reason::NeverShared;
		if (!any && !shared_.contains(listener.address))
			return Reason::OtherAddress;
		if (is_port_of_nodes(listener.port))
			return Reason::PortOfNodes;
		if (any && !config_.chooses(name_of(listener)))
			return Reason::NotChosen;
		if (shared_.empty())
			return Reason::NoAddress;
		if (std::none_of(shared_.begin(), shared_.end(),
				 [&](const Address& address) { return takes(listener, address); }))
			return Reason::OtherFamily;
		return std::nullopt;
	}

	static bool takes(const Listener& listener, const Address& address)
	{
		return listener.address == address ||
		       (is_ipv4(address) ? listener.any_ipv4() : listener.any_ipv6());
	}

	static ServiceName name_of(const Listener& listener)
	{
		return {.protocol = listener.protocol, .port = listener.port};
	}

	/* False if there is no room. */
	bool add(const Listener& listener, const Address& address)
	{
		std::tuple key(listener.protocol, listener.port, address);
		if (services_.contains(key))
			return true;
		if (services_.size() + interface_.records >= SHMNET_SERVICES_MAX)
			return false;
		const ServicePolicy policy =
			config_.policy_of(name_of(listener), balance_of(address));
		services_[key] = {.protocol = listener.protocol,
				  .address = address,
				  .port = listener.port,
				  .weight = policy.weight,
				  .balance = policy.balance,
				  .connections = listener.protocol == IPPROTO_TCP
							 ? connections_to(address, listener.port)
							 : 0,
				  .flags = policy.local_first ? SHMNET_SERVICE_LOCAL : 0};
		return true;
	}

	__u32 balance_of(const Address& address) const
	{
		auto found = interface_.balances.find(address);
		return found == interface_.balances.end() ? 0 : found->second;
	}

	__u32 connections_to(const Address& address, __u32 port) const
	{
		auto found = connections_.find({address, port});
		return found == connections_.end() ? 0 : found->second;
	}

	std::string remedy(const Listener& listener, Reason reason) const
	{
		switch (reason) {
		case Reason::OtherDevice:
			return fmt::format("bind it to {}, or to no interface", interface_.name);
		case Reason::OtherAddress:
		case Reason::NeverShared:
			return fmt::format("let it listen on {}", shared_text());
		case Reason::NoAddress:
			return fmt::format("give the interface one: ip address add ADDRESS dev {}",
					   interface_.name);
		case Reason::OtherFamily:
			return fmt::format(
				"let it listen on {}, or give {} an address of the other "
				"family",
				shared_text(), interface_.name);
		case Reason::PortOfNodes:
			return fmt::format(
				"let it listen below {} or above {}: by the ports between "
				"nodes begin connections",
				SHMNET_PORTS_FIRST, SHMNET_PORTS_FIRST + SHMNET_PORTS - 1);
		case Reason::NotChosen:
			return fmt::format(
				"write services = [\"{}\"] in the configuration, or let it "
				"listen on {}",
				name_of(listener).text(), shared_text());
		case Reason::TooMany:
			break;
		}
		return fmt::format("name fewer in the configuration: a node publishes at most {}",
				   SHMNET_SERVICES_MAX);
	}

	std::string shared_text() const
	{
		std::string text;
		for (const Address& address : shared_)
			text += (text.empty() ? "" : " or ") + address_text(address);
		return text.empty() ? fmt::format("an address of {}", interface_.name) : text;
	}

	const SharedInterface& interface_;
	const Config& config_;
	const Connections& connections_;
	std::set<Address> shared_;
	std::map<std::tuple<__u32, __u32, Address>, ServiceInfo> services_;
	std::vector<Hidden> hidden_;
};

} // namespace

const char* reason_name(Reason reason)
{
	switch (reason) {
	case Reason::OtherDevice:
		return "other-device";
	case Reason::OtherAddress:
		return "other-address";
	case Reason::NeverShared:
		return "never-shared";
	case Reason::NoAddress:
		return "no-address";
	case Reason::OtherFamily:
		return "other-family";
	case Reason::PortOfNodes:
		return "port-of-nodes";
	case Reason::NotChosen:
		return "not-chosen";
	case Reason::TooMany:
		break;
	}
	return "too-many";
}

Selection select_services(const std::set<Listener>& listeners, const SharedInterface& interface,
			  const Config& config, const Connections& connections)
{
	return Selecting(interface, config, connections).select(listeners);
}

} // namespace shmnet::shmnetd
