/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What all nodes offer at shared addresses, and which of them a new flow is given to. A table is made
 * of what was read of each node (services.hh), and does not change from then on but for its counts: what
 * is new makes a new table. It is private to its kernel, and its records were checked.
 *
 * Made by one; then read by any number of threads.
 */
#pragma once

#include "flow_table.hh"
#include "rendezvous.hh"
#include "services.hh"

namespace shmnet {

/* A service of one node. */
struct ServiceOffer {
	u64 said; /* under which sequence: epoch: the node's incarnation */
	u32 next; /* offer of the same service, by a node of a higher number; NONE */
	u32 connections;
	u32 given; /* flows since then, by this node */
	u16 weight;
	u8 node;
	u8 flags;
};

/*
 * A protocol, an address and a port, and all nodes that have it. Or, with SHMNET_ADDRESS_RECORD for a
 * protocol and no port, an address: it has no offers, but says which nodes take new flows of it.
 */
struct ServiceEntry {
	u8 address[16];
	u16 port;
	u8 protocol;
	u8 balance;
	u32 first; /* offer */
	u32 last;
	u32 turn; /* of round robin */
	u32 generation;
	u64 nodes;    /* bit by number: that the address is for */
	u64 draining; /* likewise: that take no new flows of it */
};

class ServiceTable {
public:
	static constexpr u32 NONE = ~0u;

	/* Of memory for so many offers. */
	static constexpr u64 bytes(u32 offers)
	{
		return buckets_for(offers) * sizeof(u32) +
		       offers * (sizeof(ServiceEntry) + sizeof(ServiceOffer));
	}

	/*
	 * @memory: bytes(@offers), zeroed, aligned to 8. @secret: random; @format: the region's, which is
	 * the same for all nodes, so that they choose alike.
	 */
	ServiceTable(void* memory, u32 offers, const SipKey& secret, u64 format)
	    : secret_(secret), shared_{{format, ~format}}, mask_(buckets_for(offers) - 1),
	      room_(offers), offers_(static_cast<ServiceOffer*>(memory)),
	      entries_(reinterpret_cast<ServiceEntry*>(offers_ + offers)),
	      buckets_(reinterpret_cast<u32*>(entries_ + offers))
	{
	}

	/*
	 * What @node has said under @said, in all no more than there is room for; nodes in the order of
	 * their numbers. Of a service that it says twice, the first counts.
	 */
	void add(u32 node, u64 said, const shmnet_service* services, u32 count)
	{
		for (u32 i = 0; i < count && offer_count_ < room_ && entry_count_ < room_; i++) {
			if (services[i].protocol == SHMNET_ADDRESS_RECORD)
				add_address(node, services[i]);
			else
				add(node, said, services[i]);
		}
	}

	/* Goes on with the counts of the table before. */
	void carry_on(const ServiceTable& before)
	{
		for (u32 i = 0; i < entry_count_; i++) {
			ServiceEntry& entry = entries_[i];
			u32 number = *before.bucket_of(entry);
			if (number == 0)
				continue;
			const ServiceEntry& old = before.entries_[number - 1];
			entry.turn = load(old.turn);
			for (u32 offer = entry.first; offer != NONE; offer = offers_[offer].next)
				for (u32 was = old.first; was != NONE;
				     was = before.offers_[was].next)
					if (before.offers_[was].node == offers_[offer].node &&
					    before.offers_[was].said == offers_[offer].said)
						offers_[offer].given =
							load(before.offers_[was].given);
		}
	}

	const ServiceOffer& offer(u32 number) const { return offers_[number]; }

	/* The service that a packet to a shared address asks for, or none. */
	ServiceEntry* find(const FlowKey& key) const
	{
		ServiceEntry wanted = {};
		__builtin_memcpy(wanted.address, key.destination, sizeof(wanted.address));
		wanted.port = key.destination_port;
		wanted.protocol = key.protocol;
		u32 number = *bucket_of(wanted);
		return number ? &entries_[number - 1] : nullptr;
	}

	/* Nodes that take new flows of the service's address, as far as nodes have said who does. */
	u64 nodes_of(const ServiceEntry& service) const
	{
		u32 number = *bucket_of(address_entry(service.address));
		return number ? entries_[number - 1].nodes & ~entries_[number - 1].draining
			      : ~u64{0};
	}

	/*
	 * Which node a new flow is given to, of those that offer the service and take new flows, and
	 * whose bit in @able is set. @own: this node. Null: none.
	 */
	const ServiceOffer* choose(ServiceEntry& entry, const FlowKey& key, u64 able, u32 own)
	{
		ServiceOffer* chosen = own_offer(entry, able, own);
		if (!chosen)
			chosen = balanced(entry, key, able);
		if (chosen)
			count(chosen->given);
		return chosen;
	}

private:
	/* Half of them stay empty. */
	static constexpr u32 buckets_for(u32 offers)
	{
		return static_cast<u32>(round_up_power_of_two(u64{offers} * 2 + 2));
	}

	/* Counts, which several threads add to; nothing else is read by what they say. */
	static u32 count(u32& word) { return __atomic_fetch_add(&word, 1, __ATOMIC_RELAXED); }
	static u32 load(const u32& word) { return __atomic_load_n(&word, __ATOMIC_RELAXED); }

	static bool is_same(const ServiceEntry& a, const ServiceEntry& b)
	{
		return a.port == b.port && a.protocol == b.protocol &&
		       __builtin_memcmp(a.address, b.address, sizeof(a.address)) == 0;
	}

	/* What names an address's own entry. */
	static ServiceEntry address_entry(const u8 (&address)[16])
	{
		ServiceEntry entry = {};
		__builtin_memcpy(entry.address, address, sizeof(entry.address));
		entry.protocol = SHMNET_ADDRESS_RECORD;
		return entry;
	}

	void add_address(u32 node, const shmnet_service& record)
	{
		shmnet_shared_address shared;
		__builtin_memcpy(&shared, &record, sizeof(shared));
		ServiceEntry wanted = address_entry(shared.address);
		u32* bucket = bucket_of(wanted);
		if (*bucket == 0) {
			wanted.first = wanted.last = NONE;
			wanted.nodes = ~u64{0};
			entries_[entry_count_] = wanted;
			*bucket = ++entry_count_;
		}
		ServiceEntry& entry = entries_[*bucket - 1];
		/* Nodes come in the order of their numbers. */
		if (shared.generation > entry.generation) {
			entry.generation = shared.generation;
			entry.nodes = shared.nodes;
		}
		if (shared.flags & SHMNET_ADDRESS_DRAINING)
			entry.draining |= u64{1} << node;
	}

	/* Where the service's number, from 1, is or would be. */
	u32* bucket_of(const ServiceEntry& wanted) const
	{
		FlowKey key = {};
		__builtin_memcpy(key.destination, wanted.address, sizeof(key.destination));
		key.destination_port = wanted.port;
		key.protocol = wanted.protocol;
		u32 bucket = static_cast<u32>(flow_hash(secret_, key)) & mask_;
		while (buckets_[bucket] != 0 && !is_same(entries_[buckets_[bucket] - 1], wanted))
			bucket = (bucket + 1) & mask_;
		return &buckets_[bucket];
	}

	void add(u32 node, u64 said, const shmnet_service& service)
	{
		ServiceEntry wanted = {};
		__builtin_memcpy(wanted.address, service.address, sizeof(wanted.address));
		wanted.port = service.port;
		wanted.protocol = service.protocol;
		wanted.balance = service.balance;
		wanted.first = wanted.last = NONE;
		u32* bucket = bucket_of(wanted);
		if (*bucket == 0) {
			entries_[entry_count_] = wanted;
			*bucket = ++entry_count_;
		}
		ServiceEntry& entry = entries_[*bucket - 1];
		if (entry.last != NONE && offers_[entry.last].node == node)
			return;
		(entry.last == NONE ? entry.first : offers_[entry.last].next) = offer_count_;
		entry.last = offer_count_;
		offers_[offer_count_++] = {.said = said,
					   .next = NONE,
					   .connections = service.connections,
					   .given = 0,
					   .weight = service.weight,
					   .node = static_cast<u8>(node),
					   .flags = service.flags};
	}

	/* Calls @each for those that take new flows. */
	template <typename Each>
	void candidates(const ServiceEntry& entry, u64 able, const Each& each)
	{
		for (u32 i = entry.first; i != NONE; i = offers_[i].next)
			if (offers_[i].weight != 0 && (able >> offers_[i].node & 1))
				each(offers_[i]);
	}

	ServiceOffer* own_offer(const ServiceEntry& entry, u64 able, u32 own)
	{
		ServiceOffer* found = nullptr;
		candidates(entry, able, [&](ServiceOffer& offer) {
			if (offer.node == own && offer.flags & SHMNET_SERVICE_LOCAL)
				found = &offer;
		});
		return found;
	}

	ServiceOffer* balanced(ServiceEntry& entry, const FlowKey& key, u64 able)
	{
		switch (entry.balance) {
		case SHMNET_BALANCE_FLOW:
			return by_rendezvous(entry, key, able);
		case SHMNET_BALANCE_SOURCE: {
			FlowKey source = {};
			__builtin_memcpy(source.source, key.source, sizeof(source.source));
			return by_rendezvous(entry, source, able);
		}
		case SHMNET_BALANCE_LEAST:
			return least_loaded(entry, able);
		default:
			return next_in_turn(entry, able);
		}
	}

	ServiceOffer* by_rendezvous(const ServiceEntry& entry, const FlowKey& key, u64 able)
	{
		Rendezvous rendezvous(flow_hash(shared_, key));
		ServiceOffer* best = nullptr;
		candidates(entry, able, [&](ServiceOffer& offer) {
			rendezvous.consider(offer.node, offer.weight);
			if (rendezvous.best() == offer.node)
				best = &offer;
		});
		return best;
	}

	/* The fewest connections for its weight, once it has one more. */
	ServiceOffer* least_loaded(const ServiceEntry& entry, u64 able)
	{
		ServiceOffer* best = nullptr;
		u64 least = 0;
		candidates(entry, able, [&](ServiceOffer& offer) {
			u64 load_then = u64{offer.connections} + load(offer.given) + 1;
			if (best && load_then * best->weight >= least * offer.weight)
				return;
			best = &offer;
			least = load_then;
		});
		return best;
	}

	static u32 divisor(u32 a, u32 b)
	{
		while (b != 0) {
			u32 rest = a % b;
			a = b;
			b = rest;
		}
		return a;
	}

	/*
	 * A round has as many turns as the weights, without what divides all of them, say together. In
	 * each every turn comes once, in an order that leaps, so that a heavy node's do not follow each
	 * other.
	 */
	ServiceOffer* next_in_turn(ServiceEntry& entry, u64 able)
	{
		u32 common = 0, total = 0;
		candidates(entry, able, [&](const ServiceOffer& offer) {
			common = divisor(offer.weight, common);
			total += offer.weight;
		});
		if (common == 0)
			return nullptr;
		total /= common;
		/* The golden ratio of it: what leaps so comes evenly. */
		u32 leap = total * 5 / 8 + 1;
		while (divisor(leap, total) != 1)
			leap++;
		u64 turn = count(entry.turn) % total;
		u32 place = static_cast<u32>(turn * leap % total);
		ServiceOffer* chosen = nullptr;
		candidates(entry, able, [&](ServiceOffer& offer) {
			u32 share = offer.weight / common;
			if (chosen)
				return;
			if (place < share)
				chosen = &offer;
			else
				place -= share;
		});
		return chosen;
	}

	SipKey secret_;
	SipKey shared_;
	u32 mask_;
	u32 room_;
	u32 entry_count_ = 0;
	u32 offer_count_ = 0;
	ServiceOffer* offers_;
	ServiceEntry* entries_;
	u32* buckets_;
};

} // namespace shmnet
