// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "ospf_config.hh"

#include "address.hh"
#include "error.hh"
#include "file.hh"
#include "frr.hh"
#include "rtnetlink.hh"
#include "toml_text.hh"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>

namespace shmnet::ctl {

namespace {

/* What ospfd takes for MD5. */
constexpr size_t PASSWORD_MAX = 16;
/* Seconds, in both daemons. */
constexpr __u32 DEAD_INTERVAL_MAX = 65'535;

class Reader {
public:
	explicit Reader(const std::string& file) : file_(file) {}

	OspfConfig read(const toml::table& table) const
	{
		OspfConfig config;
		/* What is said for all cards holds for those with a table of their own, too. */
		for (const auto& [key, value] : table)
			read_key(key, value, config);
		if (const toml::node* card = table.get("card"))
			read_own_cards(*card->as_table(), config);
		return config;
	}

private:
	void read_key(const toml::key& key, const toml::node& value, OspfConfig& config) const
	{
		std::string name(key.str());
		if (name == "local")
			config.local = read_interface(name, value);
		else if (name == "global")
			config.global = read_interface(name, value);
		else if (name == "router-id")
			config.router_id = read_dotted(name, value);
		else if (name == "area")
			config.area = read_area(name, value);
		else if (name == "cost")
			config.cost = read_number(name, value, 1, COST_MAX);
		else if (name == "password")
			config.password = read_password(name, value);
		else if (name == "virtual-links")
			read_links(name, value, config);
		else if (name == "bfd")
			read_bfd(name, value, config);
		else if (name == "announce-cost")
			config.announce_cost = read_number(name, value, 1, COST_MAX);
		else if (name == "card")
			read_all_cards(name, value, config);
		else
			fail(key.source(), name,
			     "there is no such key; there are local, global, router-id, area, "
			     "cost, "
			     "password, virtual-links, bfd, announce-cost and card");
	}

	void read_bfd(const std::string& path, const toml::node& value, OspfConfig& config) const
	{
		if (value.is_boolean()) {
			config.bfd = value.ref<bool>();
			return;
		}
		const toml::table* table = value.as_table();
		if (!table)
			fail(value.source(), path, "give true, false, or a table: [bfd]");
		for (const auto& [key, node] : *table) {
			std::string name = fmt::format("{}.{}", path, key.str());
			if (key.str() == "interval")
				config.bfd_interval = read_number(name, node, 10, 60'000);
			else if (key.str() == "multiplier")
				config.bfd_multiplier = read_number(name, node, 2, 255);
			else
				fail(key.source(), name,
				     "there is no such key; there are interval and multiplier");
		}
	}

	/* Tables among the keys are those of single cards. */
	void read_all_cards(const std::string& path, const toml::node& value,
			    OspfConfig& config) const
	{
		const toml::table* table = value.as_table();
		if (!table)
			fail(value.source(), path, "give a table: [card]");
		for (const auto& [key, node] : *table)
			if (!node.is_table())
				read_card_key(path, key, node, config.card);
	}

	void read_own_cards(const toml::table& table, OspfConfig& config) const
	{
		for (const auto& [key, node] : table) {
			const toml::table* own = node.as_table();
			if (!own)
				continue;
			std::string path = fmt::format("card.{}", key.str());
			OspfCard card = config.card;
			for (const auto& [setting, value] : *own)
				read_card_key(path, setting, value, card);
			config.cards.emplace(check_interface(path, key.source(), key.str()), card);
		}
	}

	void read_card_key(const std::string& path, const toml::key& key, const toml::node& value,
			   OspfCard& card) const
	{
		std::string name = fmt::format("{}.{}", path, key.str());
		if (key.str() == "area")
			card.area = read_area(name, value);
		else if (key.str() == "cost")
			card.cost = read_number(name, value, 1, COST_MAX);
		else if (key.str() == "point-to-point")
			card.point_to_point = read_flag(name, value);
		else if (key.str() == "announce")
			card.announce = read_flag(name, value);
		else if (key.str() == "password")
			card.password = read_password(name, value);
		else if (key.str() == "dead-interval")
			card.dead_interval = read_number(name, value, 1, DEAD_INTERVAL_MAX);
		else
			fail(key.source(), name,
			     "there is no such key; there are area, cost, point-to-point, "
			     "announce, password and dead-interval");
	}

	bool read_flag(const std::string& path, const toml::node& value) const
	{
		if (!value.is_boolean())
			fail(value.source(), path, "give true or false");
		return value.ref<bool>();
	}

	void read_links(const std::string& path, const toml::node& value, OspfConfig& config) const
	{
		const toml::array* list = value.as_array();
		if (!list)
			fail(value.source(), path, "give a list of router IDs: [\"192.0.2.2\"]");
		for (const toml::node& entry : *list)
			config.virtual_links.insert(read_dotted(path, entry));
	}

	const std::string& read_text(const std::string& path, const toml::node& value,
				     const char* syntax) const
	{
		if (!value.is_string())
			fail(value.source(), path, syntax);
		return value.ref<std::string>();
	}

	std::string check_interface(const std::string& path, const toml::source_region& where,
				    std::string_view name) const
	{
		/* It becomes a word of FRR's. */
		auto wrong = [](char c) { return !std::isgraph(static_cast<unsigned char>(c)); };
		if (name.empty() || name.size() > 15 ||
		    std::any_of(name.begin(), name.end(), wrong))
			fail(where, path, "give the name of an interface");
		return std::string(name);
	}

	std::string read_interface(const std::string& path, const toml::node& value) const
	{
		return check_interface(path, value.source(),
				       read_text(path, value, "give the name of an interface"));
	}

	std::string read_dotted(const std::string& path, const toml::node& value) const
	{
		constexpr const char* SYNTAX = "give four numbers, such as \"192.0.2.1\"";
		const std::string& text = read_text(path, value, SYNTAX);
		if (address_family(text) != AF_INET)
			fail(value.source(), path, SYNTAX);
		return text;
	}

	/* Dotted, or its number. */
	std::string read_area(const std::string& path, const toml::node& value) const
	{
		if (std::optional<int64_t> number = value.value_exact<int64_t>()) {
			if (*number < 0 || *number > 0xffffffff)
				fail(value.source(), path, "an area is a number up to 4294967295");
			return dotted_area(static_cast<__u32>(*number));
		}
		return read_dotted(path, value);
	}

	__u32 read_number(const std::string& path, const toml::node& value, int64_t first,
			  int64_t last) const
	{
		std::optional<int64_t> number = value.value_exact<int64_t>();
		if (!number || *number < first || *number > last)
			fail(value.source(), path,
			     fmt::format("give a whole number from {} to {}", first, last));
		return static_cast<__u32>(*number);
	}

	std::string read_password(const std::string& path, const toml::node& value) const
	{
		const std::string& text = read_text(path, value, "give a text");
		auto wrong = [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); };
		if (text.empty() || text.size() > PASSWORD_MAX ||
		    std::any_of(text.begin(), text.end(), wrong))
			fail(value.source(), path,
			     fmt::format("give 1 to {} letters and digits", PASSWORD_MAX));
		return text;
	}

	[[noreturn]] void fail(const toml::source_region& where, const std::string& key,
			       const std::string& text) const
	{
		fail_toml(file_, where, key, text);
	}

	const std::string& file_;
};

bool has_password(const OspfConfig& config)
{
	return !config.password.empty() || !config.card.password.empty() ||
	       std::any_of(config.cards.begin(), config.cards.end(),
			   [](const auto& card) { return !card.second.password.empty(); });
}

} // namespace

OspfConfig parse_ospf_config(std::string_view text, const std::string& file)
{
	return Reader(file).read(parse_toml(text, file));
}

OspfConfig read_ospf_config(const std::string& file, bool must_exist)
{
	std::optional<std::string> text = read_file(file);
	if (!text && must_exist)
		throw Error(fmt::format("there is no file {}", file));
	if (!text)
		return {};
	OspfConfig config = parse_ospf_config(*text, file);
	struct stat status = {};
	if (has_password(config) && ::stat(file.c_str(), &status) == 0 && status.st_mode & 0077)
		throw Error(fmt::format("{0} has a password and others can read it: chmod 600 {0}",
					file));
	return config;
}

} // namespace shmnet::ctl
