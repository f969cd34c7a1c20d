/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a peer may say that it offers, as tables: records and words of struct shmnet_services that
 * keep to the rules of docs/protocol.md, 6.1, or break them, and what a reader must make of each.
 */
#pragma once

#include "memory.hh"
#include "support/services.hh"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace shmnet::hostile {

/* New flows to a port of the shared address, and whether they must be given to who has told. */
struct Probe {
	u8 protocol;
	u16 port;
	bool given;
};

enum class Outcome {
	Heard,
	PassedOver, /* what was told before stands */
	Nothing,    /* nothing is told any more */
};

struct Telling {
	const char* kind; /* B1 ... B27 */
	std::string name;
	/* Behind a valid one of the board's own, by whose flows is known that it was heard. */
	std::vector<shmnet_service> records;
	/* If it was not heard, none of these may be given. */
	std::vector<Probe> probes;
	Outcome outcome = Outcome::Heard;
	/* In the place of how many there are. */
	std::optional<u32> count = std::nullopt;
	/* In the place of the next sequence: of the teller's incarnation, and the one before. */
	std::function<u64(u32 incarnation, u64 before)> sequence = {};
};

std::vector<Telling> all_tellings();

/* Tells, one after the other, as an owner would: under an odd sequence, then an even one. */
class Board {
public:
	void tell(shmnet_services* words, u32 incarnation, const Telling& telling);

	/* The UDP port of the valid record that was told last. */
	u16 own_port() const { return own_port_; }

private:
	u32 index_ = 0;
	u16 own_port_ = 0;
};

} // namespace shmnet::hostile
