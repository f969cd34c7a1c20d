// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The core's C interface, and the module's only C++ translation unit: two that emit the same
 * inline function out of line do not link under ftrace.
 */
#include "core.h"

#include "abi_core.hh"
#include "abi_flows.hh"
#include "abi_pins.hh"
#include "abi_place.hh"
#include "abi_services.hh"
#include "consumer.hh"
#include "directory.hh"
#include "groups.hh"
#include "membership.hh"
#include "ports.hh"
#include "producer.hh"
#include "services.hh"
#include "tape.hh"

using namespace shmnet;

struct shmnet_tx {
	Producer<Memory> ring;
};

struct shmnet_rx {
	Consumer<Memory> ring;
};

struct shmnet_reader {
	TapeReader<Memory> tape;
	Follower<Memory> follower; /* of that tape */
};

void shmnet_full_fence()
{
	Memory::full_fence();
}

size_t shmnet_core_size()
{
	return sizeof(shmnet_core);
}

size_t shmnet_core_scratch_size()
{
	return sizeof(Geometry);
}

const char* shmnet_core_attach(shmnet_core* core, void* scratch, void* base, u64 size)
{
	auto* region = static_cast<u8*>(base);
	AttachError error =
		read_layout<Memory>(region, size, *static_cast<Geometry*>(scratch), core->layout);
	if (error != AttachError::None)
		return describe(error);
	core->slot = core->incarnation = 0;
	core->heartbeat = 0;
	for (PeerWatch& watch : core->watch)
		watch = PeerWatch();
	return nullptr;
}

void shmnet_core_info(const shmnet_core* core, struct shmnet_core_info* info)
{
	const Layout& layout = core->layout;
	*info = {
		.nodes = layout.nodes,
		.networks = layout.networks,
		.region_id = layout.region_id,
		.region_size = layout.region_size,
		.format = layout.format,
		.parts_offset = layout.parts_offset,
		.part_size = layout.part_size,
		.hardened = layout.hardened,
	};
}

void shmnet_core_set_part(shmnet_core* core, u32 slot, void* memory)
{
	core->layout.part[slot] = static_cast<u8*>(memory);
}

void shmnet_core_probe(shmnet_core* core, u32 part, u64 value)
{
	core->directory().probe(part, value);
}

u64 shmnet_core_probed(const shmnet_core* core, u32 part)
{
	return core->directory().probed(part);
}

void shmnet_core_set_own(shmnet_core* core, u32 slot)
{
	core->layout.own = slot;
}

void shmnet_network_info(const shmnet_core* core, u32 network, struct shmnet_network_info* info)
{
	const NetworkLayout& net = core->layout.network[network];
	*info = {
		.kind = net.kind,
		.mtu = net.mtu,
		.frame_max = net.frame_max,
		.gso_frame_max = GSO_FRAME_MAX,
		.pieces_max = net.pieces_max,
		.buffer_size = net.buffer_size,
		.pool = net.pool,
		.ring = net.ring,
		.queues = net.queues,
		.tapes = net.tapes,
	};
}

void shmnet_core_find_slot(const shmnet_core* core, const shmnet_identity* identity,
			   shmnet_slot_search* found)
{
	*found = core->directory().find(*identity);
}

bool shmnet_core_shows_life(const shmnet_core* core, const shmnet_slot_search* found)
{
	return core->directory().shows_life(*found);
}

bool shmnet_core_claim(shmnet_core* core, const shmnet_slot_search* found,
		       const shmnet_identity* identity)
{
	u32 incarnation = core->directory().claim(*found, *identity);
	if (incarnation == 0)
		return false;
	core->identity = *identity;
	core->slot = found->slot;
	core->incarnation = incarnation;
	core->directory().clear_part(core->slot);
	for (auto& said : core->said) {
		said = {};
		said.services = pack_index(incarnation, 0);
	}
	new (core->casts) CastWriter<Memory>(core->layout, core->slot, incarnation);
	return true;
}

u32 shmnet_core_slot(const shmnet_core* core)
{
	return core->slot;
}

u32 shmnet_core_incarnation(const shmnet_core* core)
{
	return core->incarnation;
}

void* shmnet_core_arena(const shmnet_core* core)
{
	return core->layout.arena(core->slot);
}

void shmnet_core_publish(shmnet_core* core, shmnet_node* entry)
{
	entry->incarnation = core->incarnation;
	entry->device = core->identity.device;
	__builtin_memcpy(entry->machine, core->identity.machine, sizeof(entry->machine));
	core->directory().publish_entry(core->slot, *entry);
}

void shmnet_core_release(shmnet_core* core)
{
	core->directory().release(core->slot, core->incarnation);
}

bool shmnet_core_owns_slot(const shmnet_core* core)
{
	return core->directory().living(core->slot) == core->incarnation;
}

void shmnet_core_beat(shmnet_core* core)
{
	Directory<Memory> directory = core->directory();
	directory.beat(core->slot, ++core->heartbeat);
	/* Should somebody have written over it: the others would leave us alone for ever. */
	for (u32 i = 0; i < core->layout.networks; i++) {
		const auto& said = core->said[i];
		if (directory.network_state(core->slot, i) != said.state ||
		    directory.capabilities(core->slot, i) != said.capabilities)
			directory.publish_network(core->slot, i, said.state, said.mtu,
						  said.capabilities);
	}
}

void shmnet_core_publish_network(shmnet_core* core, u32 network, u32 state, u32 mtu,
				 u64 capabilities)
{
	core->said[network].state = state;
	core->said[network].mtu = mtu;
	core->said[network].capabilities = capabilities;
	core->directory().publish_network(core->slot, network, state, mtu, capabilities);
}

bool shmnet_core_read_entry(const shmnet_core* core, u32 slot, shmnet_node* entry)
{
	return core->directory().read_entry(slot, *entry);
}

shmnet_peer_event shmnet_core_check_peer(shmnet_core* core, u32 slot, shmnet_check check, u32 hello)
{
	Directory<Memory> directory = core->directory();
	u32 incarnation = directory.living(slot);
	PeerSample sample = {
		.incarnation = incarnation,
		.heartbeat = directory.heartbeat(slot),
		.evidence = (hello != 0 && hello == incarnation) ||
			    directory.has_opened_for(slot, core->slot, core->incarnation),
	};
	return core->watch[slot].observe(sample, check);
}

u32 shmnet_core_living(const shmnet_core* core, u32 slot)
{
	return core->directory().living(slot);
}

bool shmnet_core_witnessed_dead(const shmnet_core* core, u32 slot, u32 incarnation)
{
	return core->directory().witnessed_dead(slot, incarnation);
}

bool shmnet_core_peer_alive(const shmnet_core* core, u32 slot)
{
	return core->watch[slot].alive();
}

u32 shmnet_core_peer_incarnation(const shmnet_core* core, u32 slot)
{
	return core->watch[slot].incarnation();
}

u32 shmnet_core_claimed(const shmnet_core* core, u32 slot, bool* claimed)
{
	u64 word = core->directory().claim_word(slot);
	*claimed = word & SHMNET_CLAIM_CLAIMED;
	return claim_incarnation(word);
}

u32 shmnet_core_doorbell_peer(const shmnet_core* core, u32 slot)
{
	return core->directory().doorbell_peer(slot);
}

u64 shmnet_core_capabilities(const shmnet_core* core, u32 slot, u32 network)
{
	return core->directory().capabilities(slot, network);
}

u32 shmnet_core_network_state(const shmnet_core* core, u32 slot, u32 network)
{
	return core->directory().network_state(slot, network);
}

void shmnet_core_ports(const shmnet_core* core, u32 slot, u32* first, u32* last)
{
	PortBlock block = ports_of(core->layout.nodes, slot);
	*first = block.first;
	*last = block.last;
}

bool shmnet_core_port_owner(const shmnet_core* core, u32 port, u32* slot)
{
	*slot = port_owner(core->layout.nodes, port);
	return *slot < core->layout.nodes;
}

bool shmnet_service_is_valid(const shmnet_service* service)
{
	return is_record(*service);
}

void shmnet_core_publish_services(shmnet_core* core, u32 network, const shmnet_service* services,
				  u32 count)
{
	u64& sequence = core->said[network].services;
	sequence = core->services(network, core->slot).publish(sequence, services, count);
	core->said[network].offers = true;
}

void shmnet_core_withdraw_services(shmnet_core* core, u32 network)
{
	core->services(network, core->slot).withdraw();
	core->said[network].offers = false;
}

bool shmnet_core_services_lost(const shmnet_core* core, u32 network)
{
	const auto& said = core->said[network];
	return said.offers && core->services(network, core->slot).sequence() != said.services;
}

u64 shmnet_core_services_sequence(const shmnet_core* core, u32 network, u32 slot)
{
	return core->services(network, slot).sequence();
}

bool shmnet_core_read_services(const shmnet_core* core, u32 network, u32 slot, u64 sequence,
			       shmnet_service* services, u32* count)
{
	return core->services(network, slot).read(sequence, services, *count);
}

size_t shmnet_tx_size(const shmnet_core* core, u32 network)
{
	return sizeof(shmnet_tx) +
	       Producer<Memory>::memory_size(core->layout.network[network].pool);
}

shmnet_tx* shmnet_tx_init(void* memory, const shmnet_core* core, u32 network, u32 destination,
			  u32 queue)
{
	RingId id = {network, core->slot, destination, queue};
	return new (memory) shmnet_tx{{core->layout, id, static_cast<shmnet_tx*>(memory) + 1}};
}

bool shmnet_tx_connect(shmnet_tx* tx, u32 incarnation, u32 doorbell)
{
	return tx->ring.connect(incarnation, doorbell);
}

bool shmnet_tx_connected(const shmnet_tx* tx)
{
	return tx->ring.connected();
}

bool shmnet_tx_still_open(const shmnet_tx* tx)
{
	return tx->ring.still_open();
}

void shmnet_tx_disconnect(shmnet_tx* tx)
{
	tx->ring.disconnect();
}

shmnet_fault shmnet_tx_fault(const shmnet_tx* tx)
{
	return tx->ring.fault();
}

bool shmnet_tx_has_room(shmnet_tx* tx, u32 len)
{
	return tx->ring.has_room(len);
}

bool shmnet_tx_reserve(shmnet_tx* tx, u32 len, shmnet_frame* frame)
{
	return tx->ring.reserve(len, *frame);
}

void shmnet_tx_commit(shmnet_tx* tx, const shmnet_frame* frame)
{
	tx->ring.commit(*frame);
}

bool shmnet_tx_publish(shmnet_tx* tx)
{
	return tx->ring.publish();
}

u32 shmnet_tx_doorbell(const shmnet_tx* tx)
{
	return tx->ring.receiver_doorbell();
}

bool shmnet_tx_receiver_sleeps(const shmnet_tx* tx)
{
	return tx->ring.receiver_sleeps();
}

u32 shmnet_tx_produced(const shmnet_tx* tx)
{
	return tx->ring.produced();
}

u32 shmnet_tx_consumed(shmnet_tx* tx)
{
	return tx->ring.consumed();
}

bool shmnet_tx_arm_consumed(shmnet_tx* tx, u32 index)
{
	return tx->ring.arm_consumed(index);
}

bool shmnet_tx_arm_granted(shmnet_tx* tx, u32 len)
{
	return tx->ring.arm_granted(len);
}

void shmnet_tx_view(const shmnet_tx* tx, shmnet_ring_view* view)
{
	*view = tx->ring.view();
}

size_t shmnet_rx_size(const shmnet_core* core, u32 network)
{
	return sizeof(shmnet_rx) +
	       Consumer<Memory>::memory_size(core->layout.network[network].pool);
}

shmnet_rx* shmnet_rx_init(void* memory, const shmnet_core* core, u32 network, u32 source, u32 queue)
{
	RingId id = {network, source, core->slot, queue};
	return new (memory) shmnet_rx{{core->layout, id, static_cast<shmnet_rx*>(memory) + 1}};
}

void shmnet_rx_open(shmnet_rx* rx, u32 own_incarnation, u32 peer_incarnation, u32 doorbell)
{
	rx->ring.open(own_incarnation, peer_incarnation, doorbell);
}

void shmnet_rx_close(shmnet_rx* rx)
{
	rx->ring.close();
}

bool shmnet_rx_is_open(const shmnet_rx* rx)
{
	return rx->ring.is_open();
}

bool shmnet_rx_refused(const shmnet_rx* rx)
{
	return rx->ring.refused();
}

shmnet_fault shmnet_rx_fault(const shmnet_rx* rx)
{
	return rx->ring.fault();
}

u32 shmnet_rx_waiting(shmnet_rx* rx)
{
	return rx->ring.waiting();
}

shmnet_receive shmnet_rx_next(shmnet_rx* rx, shmnet_frame* frame)
{
	return rx->ring.next(*frame);
}

void shmnet_rx_release(shmnet_rx* rx)
{
	rx->ring.release();
}

bool shmnet_rx_publish(shmnet_rx* rx)
{
	return rx->ring.publish();
}

u32 shmnet_rx_doorbell(const shmnet_rx* rx)
{
	return rx->ring.sender_doorbell();
}

void shmnet_rx_arm(shmnet_rx* rx)
{
	rx->ring.arm();
}

u32 shmnet_rx_consumed(const shmnet_rx* rx)
{
	return rx->ring.consumed();
}

void shmnet_rx_view(const shmnet_rx* rx, shmnet_ring_view* view)
{
	*view = rx->ring.view();
}

void* shmnet_cast_begin(shmnet_core* core, u32 network, u32 tape, u32 len, u32 flags)
{
	return core->cast_writer().begin(len, network, tape, flags);
}

bool shmnet_cast_publish(shmnet_core* core)
{
	return core->cast_writer().publish();
}

u32 shmnet_cast_doorbell(const shmnet_core* core, u32 network, u32 slot, u32 tape)
{
	Directory<Memory> directory = core->directory();
	return directory.casts_armed(slot, network) & SHMNET_CAST_BIT(tape)
		       ? directory.cast_doorbell(slot, network)
		       : SHMNET_NO_DOORBELL;
}

u64 shmnet_tape_label(const shmnet_core* core, u32 network, u32 tape)
{
	return Groups<Memory>(core->layout, network).label(tape);
}

u32 shmnet_tape_find(const shmnet_core* core, u32 network, u64 group)
{
	return Groups<Memory>(core->layout, network).find(group);
}

bool shmnet_tape_claim(shmnet_core* core, u32 network, u64 group)
{
	return Groups<Memory>(core->layout, network).claim(group, core->slot);
}

bool shmnet_tape_release(shmnet_core* core, u32 network, u32 tape, u64 label)
{
	return Groups<Memory>(core->layout, network).release(tape, label);
}

size_t shmnet_reader_size()
{
	return sizeof(shmnet_reader);
}

shmnet_reader* shmnet_reader_init(void* memory, const shmnet_core* core, u32 network, u32 tape)
{
	auto* reader = static_cast<shmnet_reader*>(memory);
	return new (memory) shmnet_reader{{core->layout, network, tape, core->slot},
					  {core->layout, network, tape, reader->tape}};
}

void shmnet_reader_start(shmnet_reader* reader)
{
	reader->follower.start();
}

u64 shmnet_reader_look(shmnet_reader* reader)
{
	return reader->follower.look();
}

bool shmnet_reader_follow(shmnet_reader* reader, bool wanted)
{
	return reader->follower.follow(wanted);
}

shmnet_receive shmnet_reader_next(shmnet_reader* reader, shmnet_cast_view* cast)
{
	return reader->tape.next(*cast);
}

bool shmnet_reader_waiting(const shmnet_reader* reader)
{
	return reader->tape.waiting();
}

bool shmnet_reader_confirm(shmnet_reader* reader)
{
	return reader->tape.confirm();
}

u64 shmnet_reader_missed(const shmnet_reader* reader)
{
	return reader->tape.missed();
}

u64 shmnet_reader_position(const shmnet_reader* reader)
{
	return reader->tape.position();
}

u64 shmnet_reader_head(const shmnet_reader* reader)
{
	return reader->tape.head();
}

void shmnet_core_arm_casts(shmnet_core* core, u32 network, u32 doorbell, u32 tapes)
{
	core->directory().arm_casts(core->slot, network, doorbell, tapes);
}

void shmnet_core_disarm_casts(shmnet_core* core, u32 network)
{
	core->directory().disarm_casts(core->slot, network);
}
