// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "size.hh"

#include <fmt/core.h>

#include <charconv>

namespace shmnet {

namespace {

constexpr std::string_view UNITS = "KMGT";

/* How often 1024 divides @bytes, at most as often as there are units; divides it. */
unsigned reduce(u64& bytes)
{
	unsigned times = 0;
	while (bytes != 0 && bytes % 1024 == 0 && times < UNITS.size()) {
		bytes /= 1024;
		times++;
	}
	return times;
}

} // namespace

std::optional<u64> parse_number(std::string_view text)
{
	u64 value = 0;
	auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
	if (error != std::errc() || end != text.data() + text.size())
		return std::nullopt;
	return value;
}

std::optional<u64> parse_size(std::string_view text)
{
	unsigned shift = 0;
	if (!text.empty()) {
		char last = text.back();
		if (last >= 'a' && last <= 'z')
			last = static_cast<char>(last - 'a' + 'A');
		size_t unit = UNITS.find(last);
		if (unit != std::string_view::npos) {
			shift = 10 * (static_cast<unsigned>(unit) + 1);
			text.remove_suffix(1);
		}
	}
	std::optional<u64> value = parse_number(text);
	if (!value || *value > (~0ULL >> shift))
		return std::nullopt;
	return *value << shift;
}

std::string format_size(u64 bytes)
{
	unsigned unit = reduce(bytes);
	return unit ? fmt::format("{} {}iB", bytes, UNITS[unit - 1])
		    : fmt::format("{} {}", bytes, bytes == 1 ? "byte" : "bytes");
}

std::string format_size_argument(u64 bytes)
{
	unsigned unit = reduce(bytes);
	return unit ? fmt::format("{}{}", bytes, UNITS[unit - 1]) : fmt::format("{}", bytes);
}

} // namespace shmnet
