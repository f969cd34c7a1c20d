/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a node offers at the addresses that nodes share: told in its own part, to be replaced as a
 * whole, and read by all others.
 */
#pragma once

#include "flow.hh"
#include "layout.hh"

namespace shmnet {

constexpr bool is_zero(const u8 (&address)[16])
{
	u8 bits = 0;
	for (u8 byte : address)
		bits |= byte;
	return bits == 0;
}

/* Whether a record keeps to the rules; others are passed over. */
constexpr bool is_service(const shmnet_service& service)
{
	return !is_zero(service.address) && service.port != 0 &&
	       service.weight <= SHMNET_WEIGHT_MAX &&
	       (service.protocol == PROTOCOL_TCP || service.protocol == PROTOCOL_UDP ||
		service.protocol == PROTOCOL_SCTP) &&
	       service.balance >= SHMNET_BALANCE_ROUND_ROBIN &&
	       service.balance <= SHMNET_BALANCE_LEAST &&
	       (service.flags & ~SHMNET_SERVICE_FLAGS) == 0;
}

/* Likewise of an address's; the kind of a record is its protocol. */
inline bool is_shared_address(const shmnet_service& record)
{
	shmnet_shared_address shared;
	__builtin_memcpy(&shared, &record, sizeof(shared));
	return !is_zero(shared.address) && shared.protocol == SHMNET_ADDRESS_RECORD &&
	       shared.balance <= SHMNET_BALANCE_LEAST &&
	       (shared.flags & ~SHMNET_ADDRESS_FLAGS) == 0;
}

inline bool is_record(const shmnet_service& record)
{
	return is_service(record) || is_shared_address(record);
}

template <typename Memory> class ServiceBoard {
public:
	explicit ServiceBoard(shmnet_services* words) : words_(words) {}

	/*
	 * The owner: @count of them, up to SHMNET_SERVICES_MAX, in the place of those before. @sequence
	 * is this incarnation's last, or begins with it; returns what it is from now on.
	 */
	u64 publish(u64 sequence, const shmnet_service* services, u32 count)
	{
		u32 incarnation = epoch_of(sequence), index = index_of(sequence);
		Memory::store_relaxed(&words_->sequence, pack_index(incarnation, index + 1));
		/* Pairs with the acquire fence in read(): who copies a new word sees the odd sequence. */
		Memory::release_fence();
		Memory::store_relaxed(&words_->count, count);
		copy_to_region<Memory>(words_->services, services, count * sizeof(*services));
		sequence = pack_index(incarnation, index + 2);
		/* Pairs with the acquire in sequence(): the services are there. */
		Memory::store_release(&words_->sequence, sequence);
		return sequence;
	}

	/* The owner: from now on it has said nothing. */
	void withdraw() { Memory::store_relaxed(&words_->sequence, u64{0}); }

	/* Epoch: the incarnation that has said it. Odd: it is being replaced. */
	u64 sequence() const { return Memory::load_acquire(&words_->sequence); }

	/*
	 * Copies those that were told under @sequence, and keep to the rules, to @services, which has
	 * room for SHMNET_SERVICES_MAX. False: they are being replaced; look again later.
	 */
	bool read(u64 sequence, shmnet_service* services, u32& count) const
	{
		u32 told = Memory::load_relaxed(&words_->count);
		if (index_of(sequence) % 2 != 0 || told > SHMNET_SERVICES_MAX)
			return false;
		count = 0;
		for (u32 i = 0; i < told; i++) {
			shmnet_service service;
			copy_from_region<Memory>(&service, &words_->services[i], sizeof(service));
			if (is_record(service))
				services[count++] = service;
		}
		/* Pairs with the release fence in publish(). */
		Memory::acquire_fence();
		return Memory::load_relaxed(&words_->sequence) == sequence;
	}

private:
	shmnet_services* words_;
};

} // namespace shmnet
