// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "slots_text.hh"

#include <fmt/format.h>

namespace shmnet {

std::string slots_text(__u64 slots)
{
	if (slots == ~__u64{0})
		return "all";
	std::string text;
	for (unsigned slot = 0; slot < 64; slot++)
		if (slots >> slot & 1)
			text += fmt::format("{}{}", text.empty() ? "" : ", ", slot);
	return text.empty() ? "none" : text;
}

} // namespace shmnet
