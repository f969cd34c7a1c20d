// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "inputs.hh"

#include <fmt/format.h>

#include <cstring>

namespace shmnet::hostile {

using fmt::format;
using std::chrono::milliseconds;
using test::tcp_service;

namespace {

/* Longer than a victim takes to look, and to make a table. */
constexpr milliseconds PAUSE{30};
/* So long words flip, some times: as a victim reads them when it looks. */
constexpr milliseconds FLIPPING{6};
constexpr u32 FLIP_ROUNDS = 3;
/* Of records that are looked at. */
constexpr u16 PORT = 80;
/* An even number that no honest node has come to. */
constexpr u32 FAR = 0x40000000;

const char* const NOTHING_WRONG = "";
const char* const NOT_HEARD_BEFORE = "what keeps to the rules is not heard";
const char* const NOT_HEARD_AFTER = "what keeps to the rules is not heard any more";

/* After something that nothing can be said about but this. */
std::string goes_on(Entry& entry)
{
	entry.tell_own();
	return entry.hears(PATIENCE) ? NOTHING_WRONG : NOT_HEARD_AFTER;
}

std::string port_text(const Probe& probe)
{
	return format("flows of protocol {} to port {}", probe.protocol, probe.port);
}

std::string judge_telling(Entry& entry, const Telling& telling)
{
	if (!entry.begin(RECOVERY))
		return NOT_HEARD_BEFORE;
	bool heard = telling.outcome == Outcome::Heard;
	if (!heard) {
		entry.tell_own();
		if (!entry.hears(PATIENCE))
			return NOT_HEARD_BEFORE;
	}
	u16 before = entry.board().own_port();
	entry.tell(telling);
	if (heard && !entry.hears(PATIENCE))
		return "it is not heard";
	if (!heard)
		entry.pass(PAUSE);

	std::vector<Probe> probes = telling.probes;
	if (!heard)
		probes.push_back({PROTOCOL_UDP, entry.board().own_port(), false});
	if (telling.outcome == Outcome::PassedOver)
		probes.push_back({PROTOCOL_UDP, before, true});
	std::vector<shmnet_command_flow> others;
	std::string wrong;
	for (const Probe& probe : probes)
		if (!probe.given)
			entry.send(others.emplace_back(entry.new_flow(probe.protocol, probe.port)));
		else if (!entry.gives(probe.protocol, probe.port, PATIENCE))
			wrong += port_text(probe) + " do not come; ";
	if (!heard)
		entry.tell_own();
	if (!entry.settle(PATIENCE))
		return wrong + NOT_HEARD_AFTER;
	for (const shmnet_command_flow& flow : others)
		if (entry.was_given(flow))
			wrong += port_text({flow.protocol, __builtin_bswap16(flow.destination_port),
					    false}) +
				 " come; ";
	return wrong;
}

void add(Inputs& inputs, const char* kind, const std::string& name,
	 const std::function<std::string(Entry&)>& judge)
{
	inputs.push_back({kind, "services: " + name, {}, false, [judge](Entry& entry) {
				  return entry.begin(RECOVERY) ? judge(entry)
							       : std::string(NOT_HEARD_BEFORE);
			  }});
}

/* B1: words that change while a victim reads them. */
void add_flips(Inputs& inputs)
{
	constexpr u32 RECORD = (sizeof(shmnet_services) + sizeof(shmnet_service)) / sizeof(u32);
	std::vector<u32> words = {0, 1, offsetof(shmnet_services, count) / sizeof(u32)};
	for (u32 i = 0; i < sizeof(shmnet_service) / sizeof(u32); i++)
		words.push_back(RECORD + i);
	for (u32 word : words)
		add(inputs, "B1", format("word {} flips", word), [word](Entry& entry) {
			u32* at = reinterpret_cast<u32*>(entry.words()) + word;
			for (u32 round = 0; round < FLIP_ROUNDS; round++) {
				entry.tell({.kind = "B1",
					    .name = "valid",
					    .records = {tcp_service(PORT)},
					    .probes = {}});
				u32 i = Memory::load_relaxed(at);
				for (auto end = Clock::now() + FLIPPING; Clock::now() < end; i++)
					Memory::store_relaxed(at, i % 2 ? ~0u : i * 2654435761u);
			}
			return goes_on(entry);
		});
}

/* B9, B22: changes without end, each of them legal. */
void add_changes(Inputs& inputs)
{
	for (u32 times : {100, 2000})
		add(inputs, "B9", format("told {} times", times), [times](Entry& entry) {
			for (u32 i = 0; i < times; i++)
				entry.tell_own();
			return goes_on(entry);
		});
	add(inputs, "B9", "told 2,000 times, half of it broken, without a doorbell",
	    [](Entry& entry) {
		    std::vector<shmnet_service> records(SHMNET_SERVICES_MAX - 1, tcp_service(PORT));
		    for (u32 i = 0; i < records.size(); i += 2)
			    records[i].balance = 0;
		    entry.node().mute(true);
		    for (u32 i = 0; i < 2000; i++)
			    entry.tell({.kind = "B9",
					.name = "many",
					.records = records,
					.probes = {}});
		    entry.node().mute(false);
		    return goes_on(entry);
	    });
	add(inputs, "B22", "told and withdrawn 200 times", [](Entry& entry) {
		for (u32 i = 0; i < 200; i++) {
			entry.tell_own();
			Memory::store_relaxed(&entry.words()->sequence, u64{0});
			entry.node().ring_all();
		}
		return goes_on(entry);
	});
	add(inputs, "B22", "told, and the network up and down 200 times", [](Entry& entry) {
		auto* words = &entry.node().entry()->networks[GLOBAL];
		for (u32 i = 0; i < 200; i++) {
			Memory::store_relaxed(&words->state,
					      u32{i % 2 ? SHMNET_STATE_UP : SHMNET_STATE_DOWN});
			entry.node().ring_all();
		}
		return goes_on(entry);
	});
	for (u32 times : {1, 3})
		add(inputs, "B22", format("told, and joined anew {} times", times),
		    [times](Entry& entry) {
			    for (u32 i = 0; i < times; i++) {
				    entry.tell_own();
				    entry.node().join();
			    }
			    return goes_on(entry);
		    });
	add(inputs, "B22", "told by who is down is given nothing", [](Entry& entry) {
		auto* words = &entry.node().entry()->networks[GLOBAL];
		Memory::store_relaxed(&words->state, u32{SHMNET_STATE_DOWN});
		entry.node().ring_all();
		entry.pass(PAUSE);
		shmnet_command_flow flow = entry.new_flow(PROTOCOL_UDP, entry.board().own_port());
		entry.send(flow);
		entry.pass(PAUSE);
		Memory::store_relaxed(&words->state, u32{SHMNET_STATE_UP});
		std::string wrong = goes_on(entry);
		return entry.was_given(flow) ? "it is given a flow" : wrong;
	});
}

/* What somebody else is made to tell: the board's own service, from now on its alone. */
void forge(Entry& entry, u32 slot, u64 sequence)
{
	shmnet_services* words = entry.node().layout().services(GLOBAL, slot);
	shmnet_service service = tcp_service(entry.board().own_port(), SHMNET_WEIGHT_MAX);
	service.protocol = PROTOCOL_UDP;
	service.flags = SHMNET_SERVICE_LOCAL;
	Memory::store_relaxed(&words->count, 1u);
	copy_to_region<Memory>(words->services, &service, sizeof(service));
	Memory::store_release(&words->sequence, sequence);
	entry.node().ring_all();
}

/*
 * B5: what the victim itself tells. It knows what it offers from its own memory, and tells it anew
 * where that was written over.
 */
void add_victims_words(Inputs& inputs)
{
	for (u64 lie : {u64{0}, u64{1}, u64{FAR}, u64{FAR} + 1, ~u64{0}})
		add(inputs, "B5", format("the victim's, sequence {:#x}", lie), [lie](Entry& entry) {
			shmnet_services* words =
				entry.node().layout().services(GLOBAL, entry.victim());
			u32 living = entry.node().directory().living(entry.victim());
			shmnet_service told, now;
			copy_from_region<Memory>(&told, words->services, sizeof(told));
			u32 count = Memory::load_relaxed(&words->count);
			if (epoch_of(Memory::load_acquire(&words->sequence)) != living ||
			    count == 0)
				return "the victim offers nothing itself";
			bool whole = lie == 0 || lie == ~u64{0};
			u64 sequence = whole ? lie : pack_index(living, index_of(lie));
			forge(entry, entry.victim(), sequence);
			bool heard = entry.hears(PATIENCE);
			bool anew = entry.await(
				PATIENCE,
				[&] {
					u64 found = Memory::load_acquire(&words->sequence);
					copy_from_region<Memory>(&now, words->services,
								 sizeof(now));
					return found != sequence && epoch_of(found) == living &&
					       index_of(found) % 2 == 0 &&
					       Memory::load_relaxed(&words->count) == count &&
					       memcmp(&now, &told, sizeof(now)) == 0;
				},
				[&] { entry.node().ring_all(); });
			if (!heard)
				return "it believes what its own part says";
			return anew ? NOTHING_WRONG : "what it offers is not told anew";
		});
}

/* B27: services in the name of a slot that nobody has, under incarnations of all kinds. */
void add_forged(Inputs& inputs)
{
	for (u32 incarnation : {0u, 1u, 2u, ~0u})
		add(inputs, "B27", format("of nobody, incarnation {:#x}", incarnation),
		    [incarnation](Entry& entry) {
			    const Layout& layout = entry.node().layout();
			    u32 slot = layout.nodes - 1;
			    shmnet_services* words = layout.services(GLOBAL, slot);
			    if (entry.node().directory().living(slot))
				    return std::string("the last slot is somebody's");
			    forge(entry, slot, pack_index(incarnation, 2));
			    entry.pass(PAUSE);
			    std::vector<shmnet_command_flow> flows;
			    for (u32 i = 0; i < 8; i++)
				    entry.send(flows.emplace_back(entry.new_flow(
					    PROTOCOL_UDP, entry.board().own_port())));
			    bool settled = entry.settle(PATIENCE);
			    Memory::store_relaxed(&words->sequence, u64{0});
			    for (const shmnet_command_flow& flow : flows)
				    if (!entry.was_given(flow))
					    return std::string("flows are given to nobody");
			    return std::string(settled ? NOTHING_WRONG : NOT_HEARD_AFTER);
		    });
	/* A peer can do that (docs/threat-model.md): but it ends when the owner looks. */
	add(inputs, "B27", "of another node", [](Entry& entry) {
		const Directory<Memory>& directory = entry.node().directory();
		for (u32 slot = 0; slot < entry.node().layout().nodes; slot++)
			if (slot != entry.node().slot() && slot != entry.victim() &&
			    directory.living(slot))
				forge(entry, slot, pack_index(directory.living(slot), FAR));
		return goes_on(entry);
	});
}

} // namespace

void add_service_inputs(Inputs& inputs)
{
	for (const Telling& telling : all_tellings())
		inputs.push_back(
			{telling.kind,
			 "services: " + telling.name,
			 {},
			 false,
			 [telling](Entry& entry) { return judge_telling(entry, telling); }});
	add_flips(inputs);
	add_changes(inputs);
	add_victims_words(inputs);
	add_forged(inputs);
}

} // namespace shmnet::hostile
