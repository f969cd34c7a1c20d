# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Every place of the core that orders accesses, and the mutants that weaken it; beside them,
mutants that count wrongly or look once where it must be twice."""

CORE = "drivers/net/shmnet/core"
CONSUMER, PRODUCER, TAPE, DIRECTORY, GROUPS, LAYOUT, GEOMETRY, MEMORY, FLOWS, FLOW_INDEX, PINS, SERVICES = (
    f"{CORE}/{name}.hh" for name in ("consumer", "producer", "tape", "directory", "groups",
                                     "layout", "geometry", "memory", "flow_table", "flow_index", "pins",
                                     "services"))
RING_SCENE = "tests/explore/ring_scene.hh"
TAPE_SCENES = "tests/explore/tape_explore.cc"

RELEASE, ACQUIRE = ("store_release", "store_relaxed"), ("load_acquire", "load_relaxed")
TWO_STEPS = ("compare_exchange", "compare_and_store")
NOT_RELEASED = ("compare_exchange", "compare_exchange_acquire")


def weaker(path, text, change, program):
    return path, text, text.replace(*change), program


# File, what stands there, what stands there instead, who finds it: program, and case if it is not
# the first.
ORDER = [
    # Rings: frames, and buffers that come back.
    weaker(PRODUCER, "Memory::store_release(&words_->produced,", RELEASE, "ring"),
    weaker(CONSUMER, "Memory::load_acquire(&peer_->produced)", ACQUIRE, "ring"),
    weaker(CONSUMER, "Memory::store_release(&words_->granted,", RELEASE, "ring"),
    weaker(PRODUCER, "Memory::load_acquire(&peer_->granted)", ACQUIRE, "ring"),
    # Who sleeps is rung.
    (PRODUCER, "Memory::full_fence();\n\t\tbool wanted", "bool wanted", "ring"),
    (RING_SCENE, "\t\tExploredMemory::full_fence();\n", "", "ring"),
    (CONSUMER, "\t\tMemory::full_fence();\n", "", "ring"),
    (PRODUCER, "Memory::full_fence();\n\t\treturn static_cast", "return static_cast",
     "ring completions"),
    (PRODUCER, "Memory::full_fence();\n\t\treturn has_room", "return has_room", "ring"),
    # Connections.
    weaker(CONSUMER, "Memory::store_release(&words_->open,", RELEASE, "ring connections"),
    weaker(PRODUCER, "Memory::load_acquire(&peer_->open)", ACQUIRE, "ring connections"),
    (CONSUMER, "\t\tMemory::release_fence();\n", "", "ring connections"),
    (PRODUCER, "\t\t\t\tMemory::acquire_fence();\n", "", "ring connections"),
    # Tapes.
    weaker(TAPE, "Memory::compare_exchange(slot, found,", NOT_RELEASED, "tape"),
    weaker(TAPE, "Memory::compare_exchange(slot, found,", TWO_STEPS, "tape"),
    weaker(TAPE, "Memory::load_acquire(slot)", ACQUIRE, "tape overtaken"),
    weaker(TAPE, "Memory::load_acquire(&tape_->slots[", ACQUIRE, "tape"),
    weaker(TAPE, "Memory::compare_exchange(&tape->head,", NOT_RELEASED, "tape"),
    weaker(TAPE, "Memory::load_acquire(&tape_->head)", ACQUIRE, "tape"),
    (TAPE, "\t\tMemory::release_fence();\n", "", "tape overwritten"),
    (TAPE, "\t\tMemory::acquire_fence();\n", "", "tape overwritten"),
    (TAPE_SCENES, "\t\t\tExploredMemory::full_fence();\n\t\t\tif (directory", "\t\t\tif (directory",
     "tape doorbells"),
    (TAPE_SCENES, "\t\t\tExploredMemory::full_fence();\n\t\t\tif (!listener", "\t\t\tif (!listener",
     "tape doorbells"),
    # Labels of groups.
    weaker(GROUPS, "Memory::compare_exchange(&layout_.tape(", TWO_STEPS, "groups claimed"),
    weaker(GROUPS, "Memory::load_acquire(&layout_.tape(", ACQUIRE, "groups given"),
    weaker(GROUPS, "Memory::compare_exchange(&layout_.tape(", NOT_RELEASED, "groups given"),
    # The connection table.
    weaker(FLOW_INDEX, "Memory::load_acquire(&bucket.number[slot])", ACQUIRE, "flow first"),
    weaker(FLOWS, "Memory::store_release(&index_,", RELEASE, "flow grown"),
    weaker(FLOWS, "Memory::load_acquire(&index_)", ACQUIRE, "flow grown"),
    weaker(FLOWS, "Memory::store_release(&older_,", RELEASE, "flow grown"),
    weaker(FLOWS, "Memory::load_acquire(&older_)", ACQUIRE, "flow grown"),
    weaker(FLOWS, "Memory::load_acquire(&entry.sequence)", ACQUIRE, "flow"),
    (FLOWS, "\t\tMemory::release_fence();\n", "", "flow"),
    (FLOWS, "\t\tMemory::acquire_fence();\n", "", "flow"),
    # Pins.
    (PINS, "\t\tMemory::full_fence();\n", "", "pins"),
    # What nodes offer.
    weaker(SERVICES, "Memory::store_release(&words_->sequence,", RELEASE, "services"),
    weaker(SERVICES, "Memory::load_acquire(&words_->sequence)", ACQUIRE, "services"),
    (SERVICES, "\t\tMemory::release_fence();\n", "", "services"),
    (SERVICES, "\t\tMemory::acquire_fence();\n", "", "services"),
    # Slots, and what their owners say of themselves.
    weaker(DIRECTORY, "Memory::compare_exchange(&layout_.claim(found.slot)", TWO_STEPS,
           "membership"),
    weaker(DIRECTORY, "Memory::compare_exchange(&layout_.claim(slot)", TWO_STEPS,
           "membership taken over"),
    weaker(DIRECTORY, "Memory::store_release(&node->incarnation,", RELEASE, "membership entries"),
    weaker(DIRECTORY, "Memory::load_acquire(&layout_.node(slot)->incarnation)", ACQUIRE,
           "membership entries"),
    weaker(DIRECTORY, "Memory::load_acquire(&node->incarnation)", ACQUIRE, "membership entries"),
    (DIRECTORY, "\t\tMemory::release_fence();\n", "", "membership entries"),
    (DIRECTORY, "\t\tMemory::acquire_fence();\n", "", "membership entries"),
    # Formatting.
    (GEOMETRY, "Memory::compare_exchange(&words[FORMAT], decided,\n"
               "\t\t\t\t\t\t geometry.superblock.format)",
     "Memory::store_relaxed(&words[FORMAT], geometry.superblock.format)", "membership otherwise"),
    (GEOMETRY, "\tMemory::release_fence();\n", "", "membership formatted"),
    (GEOMETRY, "\t\tMemory::acquire_fence();\n", "", "membership formatted"),
    weaker(GEOMETRY, "Memory::store_release(&words[0],", RELEASE, "membership formatted"),
    weaker(LAYOUT, "Memory::load_acquire(reinterpret_cast", ACQUIRE, "membership formatted"),
]

LOGIC = [
    # Looks that come too early, or once.
    (PRODUCER, "return static_cast<int>(consumed() - index) >= 0;", "return false;",
     "ring completions"),
    (PRODUCER, "Memory::full_fence();\n\t\treturn has_room(len)",
     "Memory::full_fence();\n\t\treturn false", "ring"),
    (RING_SCENE, "if (!receiver_->waiting())", "if (true)", "ring"),
    (TAPE_SCENES, "if (!listener_->waiting())", "if (true)", "tape doorbells"),
    (TAPE, "Memory::load_relaxed(&header_->sequence) != next_ ||", "", "tape overwritten"),
    (TAPE, "reserved - position_ > SHMNET_CASTS_SIZE ||", "", "tape from before"),
    (TAPE, "||\n\t\t    Memory::load_relaxed(&node->incarnation) != incarnation_", "",
     "tape again before"),
    (TAPE, "\t\tMemory::store_relaxed(&header()->sequence, u64{0});\n", "", "tape overwritten"),
    (TAPE, "slot_ahead(load_slot(next_), next_) < 0 ?", "true ?", "tape"),
    (TAPE, "if (head > sequence) {", "if (false) {", "tape overtaken"),
    (DIRECTORY, "return copied == incarnation &&\n"
                "\t\t       Memory::load_relaxed(&node->incarnation) == incarnation",
     "return copied == incarnation", "membership entries"),
    (DIRECTORY, "\t\tMemory::store_relaxed(&layout_.node(slot)->incarnation, u32{0});\n", "",
     "membership entries"),
    (PRODUCER, "return opened_here() ? fail(SHMNET_FAULT_GRANT) : disconnect();",
     "return fail(SHMNET_FAULT_GRANT);", "ring connections"),
    (GROUPS, "\t\tend_ = reader_.head();\n\t\tseen_ = groups_.label(tape_);\n",
     "\t\tseen_ = groups_.label(tape_);\n\t\tend_ = reader_.head();\n", "groups"),
    (GROUPS, "until_ = reader_.head();", "until_ = end_;", "groups"),
    (FLOWS, " &&\n\t\t       Memory::load_relaxed(&entry.sequence) == sequence;", ";", "flow"),
    (FLOWS, "if (Memory::load_relaxed(&moves_) == moves)", "if (true)", "flow grown"),
    (FLOWS, "\t\tMemory::store_relaxed(&older_, newest_word());\n", "", "flow grown"),
    (PINS, "if (pin.state == SHMNET_PIN_PROPOSED) {", "if (false) {", "pins"),
    (PINS, "\t\tOutcome outcome = look(key, target, others, stands, wait);\n",
     "\t\tOutcome outcome = Placed;\n", "pins"),
    (PINS, "else\n\t\t\town_.erase(key);", "", "pins"),
    (SERVICES, "return Memory::load_relaxed(&words_->sequence) == sequence;", "return true;", "services"),
    (SERVICES, "index_of(sequence) % 2 != 0 || ", "", "services and its node dies"),
    (SERVICES, "pack_index(incarnation, index + 1)", "sequence", "services"),
    # Of another connection, or another life.
    (CONSUMER, "\t\tif (epoch_of(word) != epoch_)\n\t\t\treturn;\n", "", "ring"),
    (PRODUCER, "\t\tif (epoch_of(word) != epoch_)\n\t\t\treturn;\n", "", "ring connections"),
    (PRODUCER, "\t\tif (epoch_of(word) != epoch_)\n\t\t\treturn consumed_;\n", "",
     "ring connections"),
    (DIRECTORY, "if (claim_incarnation(word) != incarnation)", "if (false)",
     "membership taken over"),
    (DIRECTORY, "claim_incarnation(found.claim) + 1", "claim_incarnation(found.claim)",
     "membership"),
    # By one.
    (MEMORY, "return after - event - 1 < after - before", "return after - event < after - before",
     "ring"),
    (PRODUCER, "granted_ + missing - 1)", "granted_ + missing)", "ring"),
    (PRODUCER, "Memory::store_relaxed(&words_->consumed_event, index - 1)",
     "Memory::store_relaxed(&words_->consumed_event, index)", "ring completions"),
    (CONSUMER, "Memory::store_release(&words_->granted, pack_index(epoch_, granted_))",
     "Memory::store_release(&words_->granted, pack_index(epoch_, granted_ + 1))", "ring"),
    (CONSUMER, "next_ += frame_pieces_;", "next_ += 1;", "ring"),
    (TAPE, "reserved - position_ > SHMNET_CASTS_SIZE ||",
     "reserved - position_ > SHMNET_CASTS_SIZE + SHMNET_LINE * 4 ||", "tape from before"),
]
