/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A node's view of its region, behind the C interface; a part of abi.cc, the one C++ translation unit. */
#pragma once

#include "abi_place.hh"
#include "core.h"
#include "directory.hh"
#include "membership.hh"
#include "pins.hh"
#include "services.hh"
#include "tape.hh"

using namespace shmnet;
using Memory = HardwareMemory;

struct shmnet_core {
	Layout layout;
	shmnet_identity identity;
	u32 slot;
	u32 incarnation;
	u64 heartbeat;
	struct {
		u32 state;
		u32 mtu;
		u64 capabilities;
		u64 services;        /* their last sequence */
		bool offers;         /* it stands */
	} said[SHMNET_NETWORKS_MAX]; /* of this node, by network: what its part should show */
	PeerWatch watch[SHMNET_NODES_MAX];
	alignas(CastWriter<Memory>) u8 casts[sizeof(CastWriter<Memory>)];

	Directory<Memory> directory() const { return Directory<Memory>(layout); }
	ServiceBoard<Memory> services(u32 network, u32 of) const
	{
		return ServiceBoard<Memory>(layout.services(network, of));
	}
	PinTable<Memory> pins(u32 network, u32 of) const
	{
		return PinTable<Memory>(layout.pins(network, of));
	}
	CastWriter<Memory>& cast_writer() { return *reinterpret_cast<CastWriter<Memory>*>(casts); }
};
