// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "published_text.hh"

#include "address.hh"
#include "table.hh"

#include <fmt/format.h>

namespace shmnet {

namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& object, const char* key)
{
	return object.at(key).get<std::string>();
}

std::string number_of(const Json& object, const char* key)
{
	return fmt::format("{}", object.at(key).get<__u32>());
}

std::string end_of(const Json& object)
{
	std::string text = text_of(object, "address");
	std::optional<Address> address = parse_address(text);
	__u32 port = object.at("port").get<__u32>();
	return address ? end_text(*address, port) : fmt::format("{}:{}", text, port);
}

std::string services_text(const Json& interfaces)
{
	Table table({"INTERFACE", "PROTOCOL", "ADDRESS", "BALANCE", "WEIGHT", "LOCAL-FIRST",
		     "CONNECTIONS"});
	for (const Json& interface : interfaces)
		for (const Json& service : interface.at("published"))
			table.add({text_of(interface, "interface"), text_of(service, "protocol"),
				   end_of(service), text_of(service, "balance"),
				   number_of(service, "weight"),
				   service.at("local_first").get<bool>() ? "yes" : "no",
				   number_of(service, "connections")});
	return table.text();
}

} // namespace

std::string hidden_text(const Json& interfaces)
{
	Table table({"INTERFACE", "PROTOCOL", "LISTENS-ON", "NOT-PUBLISHED"});
	std::string remedies;
	for (const Json& interface : interfaces)
		for (const Json& hidden : interface.at("hidden")) {
			std::string name = text_of(interface, "interface");
			std::string protocol = text_of(hidden, "protocol"), end = end_of(hidden);
			table.add({name, protocol, end, text_of(hidden, "reason")});
			remedies += fmt::format("{} {} on {}: {}\n", protocol, end, name,
						text_of(hidden, "remedy"));
		}
	return table.text() + (remedies.empty() ? "" : "\n") + remedies;
}

std::string published_text(const Json& interfaces)
{
	std::string services = services_text(interfaces);
	std::string hidden = hidden_text(interfaces);
	return services + (services.empty() || hidden.empty() ? "" : "\n") + hidden;
}

} // namespace shmnet
