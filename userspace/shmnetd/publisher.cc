// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "publisher.hh"

#include "shared_addresses.hh"
#include "slots.hh"

#include <fmt/format.h>

#include <algorithm>

namespace shmnet::shmnetd {

namespace {

bool is_same_service(const ServiceInfo& one, const ServiceInfo& other)
{
	return one.protocol == other.protocol && one.address == other.address &&
	       one.port == other.port;
}

std::string service_text(const ServiceInfo& service)
{
	return fmt::format("{} {}", protocol_name(service.protocol),
			   end_text(service.address, service.port));
}

/* Those of @all that @others do not have. */
std::vector<ServiceInfo> without(const std::vector<ServiceInfo>& all,
				 const std::vector<ServiceInfo>& others)
{
	std::vector<ServiceInfo> rest;
	for (const ServiceInfo& service : all)
		if (std::none_of(others.begin(), others.end(),
				 [&service](const ServiceInfo& other) {
					 return is_same_service(service, other);
				 }))
			rest.push_back(service);
	return rest;
}

} // namespace

Publisher::Publisher(Module& module, std::set<std::string> names)
    : module_(module), names_(std::move(names))
{
}

void Publisher::find_interfaces()
{
	std::vector<Published> found;
	for (GlobalInterface& interface : module_.interfaces()) {
		if (!names_.empty() && !names_.contains(interface.name))
			continue;
		auto known = std::find_if(published_.begin(), published_.end(),
					  [&interface](const Published& published) {
						  return published.interface == interface;
					  });
		if (known == published_.end()) {
			found.push_back({.interface = std::move(interface),
					 .selection = {},
					 .said = {},
					 .addresses = {},
					 .told = std::nullopt,
					 .told_addresses = {},
					 .refused = {}});
			continue;
		}
		found.push_back(std::move(*known));
		published_.erase(known);
	}
	for (const Published& gone : published_)
		log_info("{}: the interface is gone, or its node joins anew", gone.interface.name);
	published_ = std::move(found);
}

void Publisher::publish(const std::set<Listener>& listeners, const Addresses& addresses,
			const Config& config, const Connections& connections)
{
	for (Published& published : published_) {
		SharedInterface interface = {.index = published.interface.index,
					     .name = published.interface.name,
					     .addresses = {}};
		if (auto found = addresses.find(interface.index); found != addresses.end())
			interface.addresses = found->second;
		published.addresses = tell_addresses(interface.addresses, config);
		interface.balances = balances_of(published.addresses, published.said);
		interface.records = published.addresses.size();
		Selection selection = select_services(listeners, interface, config, connections);
		log_hidden(interface.name, published.selection.hidden, selection.hidden);
		published.selection = std::move(selection);
		if (published.told != published.selection.services ||
		    published.told_addresses != published.addresses)
			tell(published);
	}
}

void Publisher::learn()
{
	for (Published& published : published_)
		published.said = module_.shared_addresses(published.interface.index);
}

void Publisher::tell(Published& published)
{
	const std::string& name = published.interface.name;
	try {
		module_.set_services(published.interface.index,
				     {published.selection.services, published.addresses});
	} catch (const ServicesError& error) {
		/* The next turn tries again, unless waiting does not help. */
		counts_.failures++;
		published.told.reset();
		published.refused = error.what();
		if (error.code() == EPERM || error.code() == EOPNOTSUPP)
			throw;
		if (error.code() == ENODEV)
			log_debug("{}: {}", name, error.what());
		else
			failures_.write(LogLevel::Error, "{}: {}", name, error.what());
		return;
	}
	counts_.publications++;
	counts_.last = std::chrono::system_clock::now();
	log_changes(published);
	log_addresses(published);
	published.refused.clear();
	published.told = published.selection.services;
	published.told_addresses = published.addresses;
}

void Publisher::log_addresses(const Published& published)
{
	for (const SharedAddressInfo& shared : published.addresses) {
		const auto& before = published.told_addresses;
		if (std::find(before.begin(), before.end(), shared) != before.end())
			continue;
		changes_.write(LogLevel::Info, "{}: {} is for nodes: {} (generation {}){}",
			       published.interface.name, address_text(shared.address),
			       slots_text(shared.nodes), shared.generation,
			       shared.flags & SHMNET_ADDRESS_DRAINING ? ", drained here" : "");
	}
}

void Publisher::log_changes(const Published& published)
{
	const std::string& name = published.interface.name;
	std::vector<ServiceInfo> before = published.told.value_or(std::vector<ServiceInfo>());
	for (const ServiceInfo& service : without(published.selection.services, before))
		changes_.write(LogLevel::Info, "{}: {} is published", name, service_text(service));
	for (const ServiceInfo& service : without(before, published.selection.services))
		changes_.write(LogLevel::Info, "{}: {} is withdrawn", name, service_text(service));
}

void Publisher::log_hidden(const std::string& interface, const std::vector<Hidden>& before,
			   const std::vector<Hidden>& after)
{
	for (const Hidden& hidden : after) {
		bool known = std::any_of(before.begin(), before.end(), [&](const Hidden& other) {
			return other.listener == hidden.listener && other.reason == hidden.reason;
		});
		if (!known)
			log_debug("{}: {} {} is not published ({}): {}", interface,
				  protocol_name(hidden.listener.protocol),
				  end_text(hidden.listener.address, hidden.listener.port),
				  reason_name(hidden.reason), hidden.remedy);
	}
}

void Publisher::forget()
{
	for (Published& published : published_)
		published.told.reset();
}

bool Publisher::counts_connections() const
{
	for (const Published& published : published_)
		for (const ServiceInfo& service : published.selection.services)
			if (service.protocol == IPPROTO_TCP)
				return true;
	return false;
}

std::string Publisher::status() const
{
	std::string text;
	for (const Published& published : published_)
		text += fmt::format("{}{} services on {}", text.empty() ? "" : ", ",
				    published.told ? published.told->size() : 0,
				    published.interface.name);
	return text.empty() ? "no global interface here" : text;
}

} // namespace shmnet::shmnetd
