// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "networks.hh"

#include "error.hh"
#include "size.hh"

#include <fmt/format.h>

namespace shmnet {

const char* const NETWORKS_SYNTAX =
	"KIND[:mtu=N,buffer=SIZE,tapes=N,queues=N][;KIND...], KIND local or global";

namespace {

/* The part of @text before @separator; takes it and the separator away. */
std::string_view next_part(std::string_view& text, char separator)
{
	size_t length = text.find(separator);
	std::string_view part = text.substr(0, length);
	text.remove_prefix(length == std::string_view::npos ? text.size() : length + 1);
	return part;
}

void set_value(NetworkRequest& row, std::string_view setting)
{
	std::string_view rest = setting;
	std::string_view name = next_part(rest, '=');
	u32 NetworkRequest::*field = nullptr;
	if (name == "mtu")
		field = &NetworkRequest::mtu;
	else if (name == "buffer")
		field = &NetworkRequest::buffer_size;
	else if (name == "tapes")
		field = &NetworkRequest::tapes;
	else if (name == "queues")
		field = &NetworkRequest::queues;
	if (!field)
		throw UsageError(
			fmt::format("--networks: '{}' is not one of mtu=, buffer=, tapes=, "
				    "queues=",
				    setting));
	std::optional<u64> value = parse_size(rest);
	if (!value || *value > 0xffffffff)
		throw UsageError(fmt::format("--networks: '{}' has no number", setting));
	row.*field = static_cast<u32>(*value);
}

} // namespace

std::vector<NetworkRequest> default_networks()
{
	return {DEFAULT_LOCAL, DEFAULT_GLOBAL};
}

std::vector<NetworkRequest> parse_networks(std::string_view text)
{
	std::vector<NetworkRequest> networks;
	do {
		std::string_view settings = next_part(text, ';');
		std::string_view kind = next_part(settings, ':');
		if (kind == "local")
			networks.push_back(DEFAULT_LOCAL);
		else if (kind == "global")
			networks.push_back(DEFAULT_GLOBAL);
		else
			throw UsageError(
				fmt::format("--networks: '{}' is neither local nor global; "
					    "the syntax is {}",
					    kind, NETWORKS_SYNTAX));
		while (!settings.empty())
			set_value(networks.back(), next_part(settings, ','));
	} while (!text.empty());
	return networks;
}

const char* network_kind_name(u32 kind)
{
	switch (kind) {
	case SHMNET_NETWORK_LOCAL:
		return "local";
	case SHMNET_NETWORK_GLOBAL:
		return "global";
	}
	return "unknown";
}

std::string format_networks(const std::vector<NetworkRequest>& networks)
{
	std::string text;
	for (const NetworkRequest& row : networks)
		text += fmt::format("{}{}:mtu={},buffer={},tapes={},queues={}",
				    text.empty() ? "" : ";", network_kind_name(row.kind), row.mtu,
				    format_size_argument(row.buffer_size), row.tapes, row.queues);
	return text;
}

} // namespace shmnet
