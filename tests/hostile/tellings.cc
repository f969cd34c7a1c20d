// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "tellings.hh"

#include "layout.hh"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace shmnet::hostile {

using fmt::format;
using test::tcp_service;

namespace {

using Memory = HardwareMemory;
using Tellings = std::vector<Telling>;
using Services = std::vector<shmnet_service>;

/* The board's own ports, in turn: those of the last tellings are nobody's. */
constexpr u16 OWN_PORTS_FIRST = 20000;
constexpr u16 OWN_PORTS = 10000;
/* The port of records of which another field is looked at. */
constexpr u16 PORT = 80;

shmnet_service own_service(u16 port)
{
	shmnet_service service = tcp_service(port);
	service.protocol = PROTOCOL_UDP;
	return service;
}

/* One record, of which one field is another. */
template <typename T> void add_field(Tellings& tellings, const char* field,
				     const std::vector<T>& values, T shmnet_service::*member,
				     const std::function<bool(T)>& is_given)
{
	for (T value : values) {
		shmnet_service service = tcp_service(PORT);
		service.*member = value;
		tellings.push_back({"B10",
				    format("a record's {} = {}", field, value),
				    {service},
				    {{PROTOCOL_TCP, PORT, is_given(value)}}});
	}
}

/* B10: every field of a record. */
void add_fields(Tellings& tellings)
{
	add_field<u16>(tellings, "weight", {0, 1, 255, 256, 257, 0x8000, 0xffff},
		       &shmnet_service::weight,
		       [](u16 weight) { return weight >= 1 && weight <= SHMNET_WEIGHT_MAX; });
	add_field<u8>(tellings, "balance", {0, 1, 2, 3, 4, 5, 127, 128, 255},
		      &shmnet_service::balance,
		      [](u8 balance) { return balance >= 1 && balance <= SHMNET_BALANCE_LEAST; });
	add_field<u8>(tellings, "flags", {0, 1, 2, 3, 4, 8, 16, 32, 64, 128, 254, 255},
		      &shmnet_service::flags,
		      [](u8 flags) { return (flags & ~SHMNET_SERVICE_FLAGS) == 0; });
	for (u32 value : {0u, 1u, 1u << 31, ~0u - 1, ~0u})
		for (u32 balance = SHMNET_BALANCE_ROUND_ROBIN; balance <= SHMNET_BALANCE_LEAST;
		     balance += SHMNET_BALANCE_LEAST - SHMNET_BALANCE_ROUND_ROBIN) {
			shmnet_service service = tcp_service(PORT, SHMNET_WEIGHT_MAX, balance);
			service.connections = value;
			tellings.push_back({"B10",
					    format("connections = {}, balance {}", value, balance),
					    {service},
					    {{PROTOCOL_TCP, PORT, true}}});
		}
	for (u8 protocol : {0, 1, 6, 17, 47, 58, 132, 255}) {
		shmnet_service service = tcp_service(PORT);
		service.protocol = protocol;
		Telling telling = {"B10", format("protocol {}", protocol), {service}, {}};
		for (u8 other : {PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP})
			telling.probes.push_back({other, PORT, other == protocol});
		tellings.push_back(telling);
	}
	for (u16 port : {0, 1, 32767, 65535})
		tellings.push_back({"B10",
				    format("port {}", port),
				    {tcp_service(port)},
				    {{PROTOCOL_TCP, port, port != 0}}});
	/* Nobody looks at what is reserved. */
	shmnet_service reserved = tcp_service(PORT);
	memset(reserved.reserved, 0xff, sizeof(reserved.reserved));
	tellings.push_back(
		{"B10", "what is reserved is set", {reserved}, {{PROTOCOL_TCP, PORT, true}}});
}

/* B10: addresses of all kinds, of which one is the shared one. */
void add_addresses(Tellings& tellings)
{
	for (const char* text :
	     {"::", "::1", "::ffff:0.0.0.0", "::ffff:127.0.0.1", "::ffff:255.255.255.255",
	      "::ffff:224.0.0.1", "::ffff:192.0.2.1", "::ffff:203.0.113.0", "::ffff:203.0.113.1",
	      "::203.0.113.1", "64:ff9b::203.0.113.1", "fe80::1", "ff02::1", "2001:db8::1",
	      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
		shmnet_service service = tcp_service(PORT);
		if (::inet_pton(AF_INET6, text, service.address) != 1)
			throw std::logic_error(text);
		bool shared =
			memcmp(service.address, test::SHARED_ADDRESS, sizeof(service.address)) == 0;
		tellings.push_back({"B10",
				    format("address {}", text),
				    {service},
				    {{PROTOCOL_TCP, PORT, shared}}});
	}
}

/* B10: what is said of the shared address, which others have defined nothing of. */
void add_shared_addresses(Tellings& tellings)
{
	constexpr u64 ALL = ~u64{0};
	auto add = [&](const std::string& what, const shmnet_service& record, bool heard) {
		tellings.push_back({"B10",
				    format("the address {}", what),
				    {record, tcp_service(PORT)},
				    {{PROTOCOL_TCP, PORT, heard}},
				    heard ? Outcome::Heard : Outcome::Nothing});
	};
	add("is for all", test::shared_address(ALL, 1), true);
	add("is for nobody, by no generation", test::shared_address(0, 0), true);
	add("is for nobody", test::shared_address(0, ~0u), false);
	add("is drained", test::shared_address(ALL, 0, SHMNET_ADDRESS_FLAGS), false);
	for (u32 flags : {4u, 0x80u, 0xffu})
		add(format("has flags {:#x}, and is for nobody", flags),
		    test::shared_address(0, ~0u, flags), true);
	shmnet_service other = test::shared_address(0, ~0u);
	memset(other.address, 0, sizeof(other.address));
	add("is none, and for nobody", other, true);
	other.address[15] = 1;
	add("is another, and for nobody", other, true);
}

/* B3: counts, of more records than there are, of fewer, and of more than there can be. */
void add_counts(Tellings& tellings)
{
	const Services two = {tcp_service(PORT), tcp_service(PORT + 1)};
	auto add = [&](u32 count, Outcome outcome, bool first, bool second) {
		tellings.push_back({"B3",
				    format("count = {}, of three", count),
				    two,
				    {{PROTOCOL_TCP, PORT, first}, {PROTOCOL_TCP, PORT + 1, second}},
				    outcome,
				    count});
	};
	add(0, Outcome::Nothing, false, false);
	add(1, Outcome::Heard, false, false);
	add(2, Outcome::Heard, true, false);
	for (u32 count : {4u, 1021u, 1022u})
		add(count, Outcome::Heard, true, true);
	for (u32 count : {1023u, 1024u, 2044u, 0xffffu, 0x10000u, 0x8000000u, 0x7fffffffu, 1u << 31,
			  ~0u - 1, ~0u})
		add(count, Outcome::PassedOver, false, false);
}

/* B4: what is legal, but odd. */
void add_odd_ones(Tellings& tellings)
{
	constexpr u32 MOST = SHMNET_SERVICES_MAX - 1;
	shmnet_service broken = tcp_service(PORT);
	broken.balance = 0;
	auto add = [&](const char* name, const Services& records, std::vector<Probe> probes) {
		tellings.push_back({"B4", name, records, std::move(probes)});
	};
	add("the same service twice, first without weight",
	    {tcp_service(PORT, 0), tcp_service(PORT, 256)}, {{PROTOCOL_TCP, PORT, false}});
	add("the same service twice, then without weight",
	    {tcp_service(PORT, 256), tcp_service(PORT, 0)}, {{PROTOCOL_TCP, PORT, true}});
	add("the same service twice, first a broken record", {broken, tcp_service(PORT)},
	    {{PROTOCOL_TCP, PORT, true}});
	add("the same service in all ways to balance",
	    {tcp_service(PORT, 1, 1), tcp_service(PORT, 2, 2), tcp_service(PORT, 3, 3),
	     tcp_service(PORT, 4, 4)},
	    {{PROTOCOL_TCP, PORT, true}});
	add("as many records as there can be, of one service", Services(MOST, tcp_service(PORT)),
	    {{PROTOCOL_TCP, PORT, true}, {PROTOCOL_TCP, PORT + 1, false}});
	add("as many broken ones", Services(MOST, broken), {{PROTOCOL_TCP, PORT, false}});
	add("as many zeros", Services(MOST), {{PROTOCOL_TCP, PORT, false}});
	Services many, mixed(MOST, broken), ones(MOST);
	for (u32 i = 0; i < MOST; i++)
		many.push_back(tcp_service(i + 1));
	add("as many services", many,
	    {{PROTOCOL_TCP, 1, true}, {PROTOCOL_TCP, MOST, true}, {PROTOCOL_TCP, MOST + 1, false}});
	mixed.back() = tcp_service(PORT);
	add("as many broken ones, but the last", mixed, {{PROTOCOL_TCP, PORT, true}});
	for (shmnet_service& record : ones)
		memset(static_cast<void*>(&record), 0xff, sizeof(record));
	add("as many ones", ones, {{PROTOCOL_TCP, 0xffff, false}});
	add("nothing", {}, {{PROTOCOL_TCP, PORT, false}});
}

/* B25, B26: sequences that are odd, of other incarnations, and that wrap. */
void add_sequences(Tellings& tellings)
{
	auto add = [&](const char* kind, const std::string& name, Outcome outcome,
		       const std::function<u64(u32, u64)>& sequence) {
		tellings.push_back({kind,
				    "sequence " + name,
				    {tcp_service(PORT)},
				    {{PROTOCOL_TCP, PORT, outcome == Outcome::Heard}},
				    outcome,
				    std::nullopt,
				    sequence});
	};
	for (u32 low : {1u, 3u, 1u << 31 | 1, ~0u})
		add("B25", format("(own, {:#x}): odd for ever", low), Outcome::PassedOver,
		    [low](u32 own, u64) { return pack_index(own, low); });
	add("B25", "one further, for ever", Outcome::PassedOver,
	    [](u32, u64 before) { return before + 1; });
	add("B25", "the one before, of other records", Outcome::PassedOver,
	    [](u32, u64 before) { return before; });
	for (u32 low : {0u, 1u << 31, ~0u - 1})
		add("B26", format("(own, {:#x})", low), Outcome::Heard,
		    [low](u32 own, u64) { return pack_index(own, low); });
	add("B26", "(own, two less)", Outcome::Heard,
	    [](u32 own, u64 before) { return pack_index(own, index_of(before) - 2); });
	for (u32 difference : {0u - 1, 1u, 2u, 1u << 31})
		add("B26", format("(own + {:#x}, 2)", difference), Outcome::Nothing,
		    [difference](u32 own, u64) { return pack_index(own + difference, 2); });
	for (u64 value :
	     {u64{0}, u64{1}, u64{2}, pack_index(0, ~0u), pack_index(~0u, 2), pack_index(~0u, ~0u)})
		add("B26", format("= {:#x}", value), Outcome::Nothing,
		    [value](u32, u64) { return value; });
}

} // namespace

std::vector<Telling> all_tellings()
{
	Tellings tellings;
	add_fields(tellings);
	add_addresses(tellings);
	add_shared_addresses(tellings);
	add_counts(tellings);
	add_odd_ones(tellings);
	add_sequences(tellings);
	return tellings;
}

void Board::tell(shmnet_services* words, u32 incarnation, const Telling& telling)
{
	own_port_ = static_cast<u16>(OWN_PORTS_FIRST + index_ / 2 % OWN_PORTS);
	Services records(SHMNET_SERVICES_MAX);
	if (telling.records.size() >= records.size())
		throw std::logic_error("no room for " + telling.name);
	records[0] = own_service(own_port_);
	std::copy(telling.records.begin(), telling.records.end(), records.begin() + 1);

	u64 before = pack_index(incarnation, index_);
	Memory::store_relaxed(&words->sequence, before + 1);
	/* Pairs with the acquire fence in ServiceBoard::read(). */
	Memory::release_fence();
	Memory::store_relaxed(&words->count,
			      telling.count.value_or(static_cast<u32>(telling.records.size()) + 1));
	copy_to_region<Memory>(words->services, records.data(),
			       records.size() * sizeof(shmnet_service));
	index_ += 2;
	/* Pairs with the acquire in ServiceBoard::sequence(). */
	Memory::store_release(&words->sequence, telling.sequence
							? telling.sequence(incarnation, before)
							: pack_index(incarnation, index_));
}

} // namespace shmnet::hostile
