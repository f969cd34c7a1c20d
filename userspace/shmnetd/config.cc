// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "config.hh"

#include "address.hh"
#include "balance.hh"
#include "error.hh"
#include "size.hh"
#include "toml_text.hh"

#include <netinet/in.h>

#include <array>
#include <fstream>
#include <sstream>

namespace shmnet::shmnetd {

namespace {

constexpr double POLL_MIN = 0.05; /* seconds */
constexpr double POLL_MAX = 3600;

constexpr const char* LISTEN_SYNTAX =
	"give an address and a port, such as \"127.0.0.1:9877\" or \"[::1]:9877\"";
constexpr const char* NAME_SYNTAX = "tcp/PORT or udp/PORT, with a PORT from 1 to 65535";

class Reader {
public:
	explicit Reader(const std::string& file) : file_(file) {}

	Config read(const toml::table& table)
	{
		Config config;
		/* What is said for all services holds for those with a table of their own, too. */
		for (const auto& [key, value] : table) {
			std::string name(key.str());
			if (name == "services")
				read_services(value, config);
			else if (name == "poll")
				config.poll = read_poll(value);
			else if (name == "metrics")
				config.metrics = read_metrics(value);
			else if (name == "announce")
				config.announce = read_announce(value);
			else if (name == "address")
				config.addresses = read_addresses(value);
			else if (!read_policy(name, name, value, config.policy) &&
				 name != "service")
				fail(key.source(), name,
				     "there is no such key; there are services, balance, weight, "
				     "local-first, poll, service, address, metrics and announce");
		}
		if (const toml::node* own = table.get("service"))
			read_own(*own, config);
		return config;
	}

	[[noreturn]] void fail(const toml::source_region& where, const std::string& key,
			       const std::string& text) const
	{
		fail_toml(file_, where, key, text);
	}

private:
	void read_services(const toml::node& value, Config& config) const
	{
		constexpr const char* SYNTAX =
			"give \"all\", or a list such as [\"tcp/80\", \"udp/53\"]";
		if (value.is_string()) {
			if (value.ref<std::string>() != "all")
				fail(value.source(), "services", SYNTAX);
			config.all = true;
			return;
		}
		const toml::array* list = value.as_array();
		if (!list)
			fail(value.source(), "services", SYNTAX);
		for (const toml::node& entry : *list) {
			if (!entry.is_string())
				fail(entry.source(), "services", SYNTAX);
			config.services.insert(
				read_name(entry.source(), "services", entry.ref<std::string>()));
		}
	}

	void read_own(const toml::node& value, Config& config) const
	{
		const toml::table* services = value.as_table();
		if (!services)
			fail(value.source(), "service",
			     "give tables such as [service.\"tcp/443\"]");
		for (const auto& [key, settings] : *services) {
			std::string path = fmt::format("service.\"{}\"", key.str());
			ServiceName name = read_name(key.source(), path, key.str());
			const toml::table* table = settings.as_table();
			if (!table)
				fail(settings.source(), path,
				     fmt::format("give a table: [{}]", path));
			ServicePolicy policy = config.policy;
			for (const auto& [setting, node] : *table) {
				std::string word(setting.str());
				if (!read_policy(word, path + "." + word, node, policy))
					fail(setting.source(), path + "." + word,
					     "there is no such key; there are balance, weight and "
					     "local-first");
			}
			config.own.emplace(name, policy);
		}
	}

	std::map<Address, AddressConfig> read_addresses(const toml::node& value) const
	{
		const toml::table* tables = value.as_table();
		if (!tables)
			fail(value.source(), "address",
			     "give tables such as [address.\"203.0.113.1\"]");
		std::map<Address, AddressConfig> addresses;
		for (const auto& [key, settings] : *tables) {
			std::string path = fmt::format("address.\"{}\"", key.str());
			std::optional<Address> address = parse_address(std::string(key.str()));
			const toml::table* table = settings.as_table();
			if (!address)
				fail(key.source(), path, "it is no address");
			if (!table)
				fail(settings.source(), path,
				     fmt::format("give a table: [{}]", path));
			addresses[*address] = read_address(path, *table);
		}
		return addresses;
	}

	AddressConfig read_address(const std::string& path, const toml::table& table) const
	{
		AddressConfig config;
		AddressDefinition definition;
		for (const auto& [key, node] : table) {
			std::string name(key.str()), of = path + "." + name;
			if (name == "drain") {
				config.drain = read_flag(of, node);
				continue;
			}
			if (name == "nodes")
				definition.nodes = read_slots(of, node);
			else if (name == "balance")
				definition.balance = read_balance(of, node);
			else if (name == "generation")
				definition.generation =
					static_cast<__u32>(read_whole(of, node, 1, UINT32_MAX, ""));
			else
				fail(key.source(), of,
				     "there is no such key; there are nodes, balance, generation "
				     "and drain");
			config.definition = definition;
		}
		return config;
	}

	__u64 read_slots(const std::string& path, const toml::node& value) const
	{
		const toml::array* list = value.as_array();
		if (!list || list->empty())
			fail(value.source(), path,
			     "give a list of nodes by their slots, such as [0, 2]; without it all");
		__u64 slots = 0;
		for (const toml::node& entry : *list)
			slots |= __u64{1} << read_whole(path, entry, 0, SHMNET_NODES_MAX - 1, "");
		return slots;
	}

	ServiceName read_name(const toml::source_region& where, const std::string& key,
			      std::string_view text) const
	{
		std::optional<ServiceName> name = parse_service_name(text);
		if (!name)
			fail(where, key,
			     fmt::format("'{}' is no service: give {}", text, NAME_SYNTAX));
		return *name;
	}

	/* False if @name is no key of a policy. */
	bool read_policy(const std::string& name, const std::string& path, const toml::node& value,
			 ServicePolicy& policy) const
	{
		if (name == "balance")
			policy.balance = read_balance(path, value);
		else if (name == "weight")
			policy.weight = read_weight(path, value);
		else if (name == "local-first")
			policy.local_first = read_flag(path, value);
		else
			return false;
		return true;
	}

	__u32 read_balance(const std::string& path, const toml::node& value) const
	{
		if (value.is_string())
			for (const NamedValue& balance : BALANCES)
				if (value.ref<std::string>() == balance.name)
					return balance.value;
		fail(value.source(), path,
		     "give \"round-robin\", \"flow\", \"source\" or \"least\"");
	}

	__u32 read_weight(const std::string& path, const toml::node& value) const
	{
		return static_cast<__u32>(
			read_whole(path, value, 0, SHMNET_WEIGHT_MAX, " (no new flows)"));
	}

	bool read_flag(const std::string& path, const toml::node& value) const
	{
		if (!value.is_boolean())
			fail(value.source(), path, "give true or false");
		return value.ref<bool>();
	}

	std::chrono::microseconds read_poll(const toml::node& value) const
	{
		/* Not is NaN. */
		std::optional<double> seconds =
			value.is_number() ? value.value<double>() : std::nullopt;
		if (!seconds || !(*seconds >= POLL_MIN && *seconds <= POLL_MAX))
			fail(value.source(), "poll",
			     fmt::format("give seconds, from {} to {}", POLL_MIN, POLL_MAX));
		return std::chrono::microseconds(static_cast<int64_t>(*seconds * 1e6));
	}

	std::optional<End> read_metrics(const toml::node& value) const
	{
		const toml::table* table = value.as_table();
		if (!table)
			fail(value.source(), "metrics", "give a table: [metrics]");
		std::optional<End> listen;
		for (const auto& [key, node] : *table) {
			std::string path = fmt::format("metrics.{}", key.str());
			if (key.str() != "listen")
				fail(key.source(), path, "there is no such key; there is listen");
			if (node.is_string())
				listen = parse_end(node.ref<std::string>());
			if (!listen)
				fail(node.source(), path, LISTEN_SYNTAX);
		}
		return listen;
	}

	AnnounceConfig read_announce(const toml::node& value) const
	{
		const toml::table* table = value.as_table();
		if (!table)
			fail(value.source(), "announce", "give a table: [announce]");
		AnnounceConfig announce;
		for (const auto& [key, node] : *table) {
			std::string path = fmt::format("announce.{}", key.str());
			if (key.str() == "neighbour")
				announce.neighbour = read_interfaces(path, node);
			else if (key.str() == "priority")
				announce.priority =
					static_cast<__u8>(read_whole(path, node, 1, UINT8_MAX, ""));
			else
				fail(key.source(), path,
				     "there is no such key; there are neighbour and priority");
		}
		return announce;
	}

	std::set<std::string> read_interfaces(const std::string& path,
					      const toml::node& value) const
	{
		constexpr const char* SYNTAX =
			"give a list of interfaces, such as [\"eth0\", \"eth1\"]";
		const toml::array* list = value.as_array();
		if (!list)
			fail(value.source(), path, SYNTAX);
		std::set<std::string> names;
		for (const toml::node& entry : *list) {
			if (!entry.is_string() || entry.ref<std::string>().empty())
				fail(entry.source(), path, SYNTAX);
			names.insert(entry.ref<std::string>());
		}
		return names;
	}

	/* @note: behind the least number, what that means. */
	int64_t read_whole(const std::string& path, const toml::node& value, int64_t least,
			   int64_t most, std::string_view note) const
	{
		std::optional<int64_t> number = value.value_exact<int64_t>();
		if (!number || *number < least || *number > most)
			fail(value.source(), path,
			     fmt::format("give a whole number from {}{} to {}", least, note, most));
		return *number;
	}

	const std::string& file_;
};

} // namespace

std::string ServiceName::text() const
{
	return fmt::format("{}/{}", protocol_name(protocol), port);
}

std::optional<ServiceName> parse_service_name(std::string_view text)
{
	size_t slash = text.find('/');
	if (slash == std::string_view::npos)
		return std::nullopt;
	std::optional<__u64> port = parse_number(text.substr(slash + 1));
	if (!port || *port == 0 || *port > 0xffff)
		return std::nullopt;
	ServiceName name = {.protocol = text.substr(0, slash) == "tcp" ? __u32{IPPROTO_TCP}
								       : __u32{IPPROTO_UDP},
			    .port = static_cast<__u32>(*port)};
	if (name.text() != text)
		return std::nullopt;
	return name;
}

ServicePolicy Config::policy_of(const ServiceName& name, __u32 balance) const
{
	auto found = own.find(name);
	if (found != own.end())
		return found->second;
	ServicePolicy general = policy;
	if (balance != 0)
		general.balance = balance;
	return general;
}

Config parse_config(std::string_view text, const std::string& file)
{
	return Reader(file).read(parse_toml(text, file));
}

Config read_config(const std::string& file, bool must_exist)
{
	std::ifstream stream(file);
	if (!stream.is_open() && errno == ENOENT && !must_exist)
		return {};
	std::ostringstream text;
	/* A directory can be opened. */
	if (stream.is_open() && stream.peek() != EOF)
		text << stream.rdbuf();
	if (!stream.is_open() || stream.bad())
		throw system_error("{} cannot be read", file);
	return parse_config(text.str(), file);
}

} // namespace shmnet::shmnetd
