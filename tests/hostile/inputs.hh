/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What a peer may do wrong, as tables: by class of docs/threat-model.md. */
#pragma once

#include "entry.hh"

#include <string>
#include <vector>

namespace shmnet::hostile {

/* Within so long the ring that was hit carries good frames again (B19). */
constexpr std::chrono::milliseconds PATIENCE{500};
/* How long a failed one is watched, so that the next starts with a ring that works. */
constexpr std::chrono::milliseconds RECOVERY{20000};

struct Input {
	const char* kind; /* B1 ... B27 */
	std::string name;
	/* Does it, to words and frames of this link; what is wrong then stands there. */
	std::function<void(Link&)> act;
	/* Good frames are asked for by the tape. */
	bool by_tape = false;
	/*
	 * In the place of act: does it to the victim as an entry of the global network, and says
	 * what is wrong with what that made of it; nothing, if nothing is.
	 */
	std::function<std::string(Entry&)> judge = {};
};

using Inputs = std::vector<Input>;

/* In the ring to the victim: descriptors, indexes, offload words, sources. */
void add_sender_inputs(Inputs& inputs, const NetworkLayout& net);
/* In the ring from the victim: what its sending end reads. */
void add_receiver_inputs(Inputs& inputs, const NetworkLayout& net);
/* Tapes, labels and casts. */
void add_tape_inputs(Inputs& inputs, const NetworkLayout& net);
/* This node's entry and claim, the hub's words, and the victim's own words of these rings. */
void add_directory_inputs(Inputs& inputs, const NetworkLayout& net);
/* What this node says that it offers, on the global network. */
void add_service_inputs(Inputs& inputs);
/* Questions whose a connection is, and answers, on the global network. */
void add_question_inputs(Inputs& inputs);

/* What a 32-bit and a 64-bit word is set to. */
std::vector<u32> boundaries();
std::vector<u64> wide_boundaries();

} // namespace shmnet::hostile
