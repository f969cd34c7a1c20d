// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "region_view.hh"
#include "table.hh"

#include <fmt/format.h>

#include <cstring>

namespace shmnet::ctl {

const char* name_of(SlotState state)
{
	switch (state) {
	case SlotState::Unused:
		return "unused";
	case SlotState::Left:
		return "left";
	case SlotState::Starting:
		return "starting";
	case SlotState::Claimed:
		return "claimed";
	case SlotState::Dead:
		return "dead";
	}
	return "unknown";
}

const char* name_of(RingState state)
{
	switch (state) {
	case RingState::Closed:
		return "closed";
	case RingState::Opening:
		return "opening";
	case RingState::Open:
		return "open";
	case RingState::Refused:
		return "refused";
	}
	return "unknown";
}

std::string network_state_name(__u32 state)
{
	switch (state) {
	case SHMNET_STATE_DOWN:
		return "down";
	case SHMNET_STATE_UP:
		return "up";
	case SHMNET_STATE_DRAINING:
		return "draining";
	}
	return fmt::format("unknown({})", state);
}

std::string network_kind(__u32 kind)
{
	switch (kind) {
	case SHMNET_NETWORK_LOCAL:
		return "local";
	case SHMNET_NETWORK_GLOBAL:
		return "global";
	}
	return fmt::format("unknown({})", kind);
}

std::string mac_address(const RegionView& view, __u32 network, __u32 slot)
{
	__u64 id = view.superblock.format & SHMNET_FORMAT_ID_MASK;
	return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}",
			   (SHMNET_MAC_BASE | network << SHMNET_MAC_NETWORK_SHIFT) & 0xff, id >> 16,
			   id >> 8 & 0xff, id & 0xff, slot >> 8 & 0xff, slot & 0xff);
}

std::string pci_address(__u32 device)
{
	return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", device >> 16, device >> 8 & 0xff,
			   device >> 3 & 0x1f, device & 7);
}

std::string machine_uuid(const __u8* machine)
{
	std::string text;
	for (int i = 0; i < 16; i++)
		text += fmt::format("{}{:02x}", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
				    machine[i]);
	return text;
}

std::string node_name(const shmnet_node& entry)
{
	return printable(std::string(entry.name, strnlen(entry.name, sizeof(entry.name))));
}

std::string capability_names(__u64 capabilities)
{
	static constexpr struct {
		__u64 bit;
		const char* name;
	} NAMES[] = {{SHMNET_CAP_CSUM, "csum"},
		     {SHMNET_CAP_TSO4, "tso4"},
		     {SHMNET_CAP_TSO6, "tso6"},
		     {SHMNET_CAP_ECN, "ecn"},
		     {SHMNET_CAP_USO, "uso"}};
	std::string text;
	__u64 known = SHMNET_CAP_PIECES_MASK << SHMNET_CAP_PIECES_SHIFT |
		      ~0ULL << SHMNET_CAP_GSO_MAX_SHIFT;
	for (const auto& [bit, name] : NAMES) {
		known |= bit;
		if (capabilities & bit)
			text += fmt::format("{},", name);
	}
	if (__u64 unknown = capabilities & ~known)
		text += fmt::format("unknown={:#x},", unknown);
	return text + fmt::format("pieces={},gso_max={}",
				  capabilities >> SHMNET_CAP_PIECES_SHIFT & SHMNET_CAP_PIECES_MASK,
				  capabilities >> SHMNET_CAP_GSO_MAX_SHIFT);
}

std::string doorbell_name(__u32 doorbell)
{
	if (doorbell == SHMNET_NO_DOORBELL)
		return "none";
	return fmt::format("{}.{}", doorbell >> 16, doorbell & 0xffff);
}

std::string group_address(__u64 group)
{
	std::string text;
	for (int shift = 40; shift >= 0; shift -= 8)
		text += fmt::format("{}{:02x}", text.empty() ? "" : ":", group >> shift & 0xff);
	return text;
}

} // namespace shmnet::ctl
