/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Keeps the module's record of this node's services as it should be, for each global interface. */
#pragma once

#include "addresses.hh"
#include "log.hh"
#include "module.hh"
#include "services.hh"

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace shmnet::shmnetd {

struct Published {
	GlobalInterface interface;
	Selection selection;
	std::vector<AddressOffer> said; /* by all nodes, when it was last looked */
	std::vector<SharedAddressInfo> addresses;
	/* What the module has been told; nothing if it must be told anew. */
	std::optional<std::vector<ServiceInfo>> told;
	std::vector<SharedAddressInfo> told_addresses;
	std::string refused; /* why it did not take it at the last try; empty: it did */
};

/* Since the program began. */
struct PublisherCounts {
	__u64 publications = 0; /* that the module took */
	__u64 failures = 0;
	std::optional<std::chrono::system_clock::time_point> last; /* publication */
};

class Publisher {
public:
	/* @names: of interfaces; none: all that there are. */
	Publisher(Module& module, std::set<std::string> names);

	/* Looks which interfaces there are. */
	void find_interfaces();
	/* Tells the module what it does not know yet. Throws Error if it never will take it. */
	void publish(const std::set<Listener>& listeners, const Addresses& addresses,
		     const Config& config, const Connections& connections);
	/* Looks what nodes say of addresses. Throws Error. */
	void learn();
	/* What was told may be lost. */
	void forget();

	const std::vector<Published>& published() const { return published_; }
	const PublisherCounts& counts() const { return counts_; }
	/* Whether anything is published that has connections. */
	bool counts_connections() const;
	/* For people: "3 services on shmg0". */
	std::string status() const;

private:
	void tell(Published& published);
	void log_changes(const Published& published);
	void log_addresses(const Published& published);
	static void log_hidden(const std::string& interface, const std::vector<Hidden>& before,
			       const std::vector<Hidden>& after);

	Module& module_;
	std::set<std::string> names_;
	std::vector<Published> published_;
	PublisherCounts counts_;
	/* Whoever may bind a socket can cause these. */
	LimitedLog changes_{20};
	LimitedLog failures_{5};
};

} // namespace shmnet::shmnetd
