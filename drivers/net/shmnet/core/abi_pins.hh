/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The C interface to pins; a part of abi.cc, the one C++ translation unit. */
#pragma once

#include "abi_core.hh"
#include "abi_flows.hh"

namespace shmnet {

static_assert(static_cast<u32>(Pinning<Memory>::Placed) == SHMNET_PIN_PLACED);
static_assert(static_cast<u32>(Pinning<Memory>::Found) == SHMNET_PIN_FOUND);
static_assert(static_cast<u32>(Pinning<Memory>::Undecided) == SHMNET_PIN_UNDECIDED);

/* This node's, to be stored into. Of another incarnation's pins nothing must be found any more. */
inline PinTable<Memory> own_pins(const shmnet_core* core, u32 network, const __u64 secret[2])
{
	PinTable<Memory> own = core->pins(network, core->slot);
	if (!own.is_open())
		own.open({{secret[0], secret[1] ^ core->incarnation}});
	return own;
}

} // namespace shmnet

bool shmnet_core_find_pin(const shmnet_core* core, u32 network, const shmnet_flow* flow,
			  const u32* living, shmnet_flow_target* target)
{
	for (u32 i = 0; i < core->layout.nodes; i++) {
		/* Its own first: of fragments, whose key comes again soon, that is the newest mostly. */
		u32 slot = (core->slot + i) % core->layout.nodes;
		if (living[slot] == 0)
			continue;
		Pin pin = core->pins(network, slot).find(key_of(flow));
		if (pin.state != SHMNET_PIN_CONFIRMED ||
		    !is_incarnation_of(pin, living[pin.target.node]))
			continue;
		*target = {pin.target.node, living[pin.target.node]};
		return true;
	}
	return false;
}

shmnet_pinning shmnet_core_place_pin(shmnet_core* core, u32 network, const shmnet_flow* flow,
				     const u32* living, const __u64 secret[2], u32 now,
				     shmnet_flow_target* target)
{
	/* Looks at another entry's proposal, which a few accesses decide, but for one that has stopped. */
	constexpr u32 PATIENCE = 512;
	PinTable<Memory> own = own_pins(core, network, secret);
	FlowTarget wanted = {target->node, target->incarnation};
	u32 waited = 0;
	auto outcome =
		Pinning<Memory>(own, core->slot)
			.place(
				key_of(flow), wanted, now,
				[&](const auto& look) {
					for (u32 slot = 0; slot < core->layout.nodes; slot++)
						if (slot != core->slot && living[slot] != 0 &&
						    !look(slot, core->pins(network, slot)))
							return;
				},
				[&](const Pin& pin) {
					return is_incarnation_of(pin, living[pin.target.node]);
				},
				[&] { return ++waited <= PATIENCE; });
	if (outcome == Pinning<Memory>::Found)
		*target = {wanted.node, living[wanted.node]};
	return static_cast<shmnet_pinning>(outcome);
}

void shmnet_core_renew_pin(shmnet_core* core, u32 network, const shmnet_flow* flow,
			   const shmnet_flow_target* target, const __u64 secret[2], u32 now)
{
	own_pins(core, network, secret)
		.store(key_of(flow), {target->node, target->incarnation}, SHMNET_PIN_CONFIRMED,
		       now);
}

void shmnet_core_expire_pins(shmnet_core* core, u32 network, u32 first, u32 count, u32 now)
{
	/* Two minutes, as a flow of UDP lasts, and what its renewal may be late. */
	constexpr u32 MOST = 150'000 / SHMNET_PIN_AGE_MS;
	core->pins(network, core->slot).expire(first, count, now, MOST);
}
