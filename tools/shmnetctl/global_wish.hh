/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* From what the user gave, and what is found here, to what a shared address is to be. */
#pragma once

#include "global_journal.hh"
#include "rtnetlink.hh"

#include <optional>
#include <string>
#include <vector>

namespace shmnet::ctl {

/* Of the command line; what is not given is empty. */
struct WishArguments {
	std::string address;
	std::string interface = {};
	std::string source = {};
	std::vector<std::string> cards = {};
	bool no_card = false;
	std::optional<__u32> table = {};
};

/* A device that the module uses. */
struct DeviceNetworks {
	std::vector<std::string> interfaces;
	std::string local; /* of its first local network; may be empty */
	std::optional<PortBlock> ports;
	std::string global = {}; /* of its first global network; may be empty */
};

struct Surroundings {
	std::vector<LinkInfo> links;
	std::vector<AddressInfo> addresses;
	std::vector<std::string> default_interfaces; /* of default routes of the address's family */
	std::vector<DeviceNetworks> devices;
};

/* ADDRESS, ADDRESS/32 or /128, as the kernel writes it. Throws UsageError. */
std::string parse_shared_address(const std::string& text);

/*
 * What is not given is as in @stored, which may be nullptr, or else is found. Throws UsageError, or
 * Error if something is not there.
 */
Wish resolve_wish(const WishArguments& arguments, const Wish* stored,
		  const Surroundings& surroundings);

/* What is to be seen of the module, of interfaces and of routes of @family. Throws Error. */
Surroundings look_around(int family);

/* The one that an interface is of, which is @devices'; nullptr if it is not the module's. */
const DeviceNetworks* find_device(const std::vector<DeviceNetworks>& devices,
				  const std::string& interface);

/* By which this node begins connections, now; nothing if @interface is not the module's. */
std::optional<PortBlock> ports_of(const std::string& interface,
				  const std::vector<DeviceNetworks>& devices);

/* None if the module is not loaded. Throws Error. */
std::vector<DeviceNetworks> devices_of_the_module();

} // namespace shmnet::ctl
