// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "entry.hh"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace shmnet::hostile {

using std::chrono::milliseconds;

namespace {

/* As long as a table takes to be made, or an answer to come. */
constexpr milliseconds AGAIN{5};
/* A packet whose connection nobody has is asked for this long. */
constexpr milliseconds ASKED{40};
/* The board's own record is known at once, or is another by now. */
constexpr milliseconds KNOWN{10};
constexpr milliseconds TURN{1};
/* A cast is read at once, or nearly. */
constexpr milliseconds FLIPPING{3};
constexpr milliseconds REOPENED{500};
/*
 * The last byte of a client's address, in the victims' network; each victim has one of its own, because
 * they tell each other of its flows.
 */
constexpr u32 CLIENTS_FIRST = 201;
constexpr u16 CLIENT_PORTS_FIRST = 1024;
/* Without a program, and outside of all blocks. */
constexpr u16 STRAY_PORT = 70;
constexpr u16 ETHERTYPE_IPV4 = 0x0800;

/* A packet with the first bytes of what it carries; of TCP the whole header. */
struct Packet {
	u8 destination[6];
	u8 source[6];
	__be16 ethertype;
	u8 version, tos;
	__be16 len, identification, fragment;
	u8 ttl, protocol;
	__be16 checksum;
	u8 source_address[4];
	u8 destination_address[4];
	__be16 source_port, destination_port;
	/* UDP: length and checksum; of TCP the sequence. */
	__be16 udp_len, udp_checksum;
	u8 acknowledged[4];
	u8 tcp_len, tcp_flags;
	u8 rest[6];
} __attribute__((packed));
static_assert(sizeof(Packet) == 54);
constexpr u32 IP_LEN = sizeof(Packet) - offsetof(Packet, version);
constexpr u32 UDP_LEN = sizeof(Packet) - offsetof(Packet, source_port);

/* Of words that are multiples of two bytes. */
u16 checksum(const u8* bytes, size_t len)
{
	u32 sum = 0;
	for (size_t i = 0; i < len; i += 2)
		sum += static_cast<u32>(bytes[i] << 8 | bytes[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return static_cast<u16>(~sum);
}

void put_mapped(u8* to, u32 address)
{
	u32 big = htonl(address);
	memset(to, 0, 10);
	to[10] = to[11] = 0xff;
	memcpy(to + 12, &big, sizeof(big));
}

std::pair<u8, u16> client_of(const shmnet_command_flow& flow)
{
	return {flow.protocol, ntohs(flow.source_port)};
}

} // namespace

bool is_same(const shmnet_command_flow& a, const shmnet_command_flow& b)
{
	return memcmp(&a, &b, offsetof(shmnet_command_flow, reserved)) == 0;
}

Entry::Entry(Link& local, Board& board)
    : local_(local), board_(board), global_(local.node(), local.victim(), local.address(), GLOBAL),
      tape_(local.node().layout(), GLOBAL, 0, local.node().slot()), next_port_(CLIENT_PORTS_FIRST)
{
	global_.hear([this](const Bytes& frame) { take_packet(frame); });
}

bool Entry::begin(milliseconds patience)
{
	tape_.start();
	given_.clear();
	said_.clear();
	if (is_known())
		return true;
	tell_own();
	return hears(patience);
}

bool Entry::is_known()
{
	shmnet_command_flow flow = new_flow(PROTOCOL_UDP, board_.own_port());
	send(flow);
	for (auto end = Clock::now() + KNOWN; !was_given(flow) && Clock::now() < end;)
		pass(TURN);
	return was_given(flow);
}

void Entry::tell(const Telling& telling)
{
	board_.tell(words(), node().incarnation(), telling);
	node().ring_all();
}

void Entry::tell_own()
{
	tell({.kind = "", .name = "own", .records = {}, .probes = {}});
}

bool Entry::hears(milliseconds patience)
{
	return gives(PROTOCOL_UDP, board_.own_port(), patience);
}

shmnet_command_flow Entry::new_flow(u8 protocol, u16 port)
{
	shmnet_command_flow flow = {};
	put_mapped(flow.source, (local_.address() & ~0xffu) | (CLIENTS_FIRST + local_.victim()));
	memcpy(flow.destination, test::SHARED_ADDRESS, sizeof(flow.destination));
	flow.source_port = htons(next_port_);
	flow.destination_port = htons(port);
	flow.protocol = protocol;
	next_port_ = next_port_ == 0xffff ? CLIENT_PORTS_FIRST : next_port_ + 1;
	return flow;
}

void Entry::send(const shmnet_command_flow& flow, u8 tcp_flags)
{
	Packet packet = {};
	Mac destination = node().mac(victim()), source = node().mac(node().slot());
	memcpy(packet.destination, destination.data(), sizeof(packet.destination));
	memcpy(packet.source, source.data(), sizeof(packet.source));
	packet.ethertype = htons(ETHERTYPE_IPV4);
	packet.version = 0x45;
	packet.len = htons(IP_LEN);
	packet.ttl = 64;
	packet.protocol = flow.protocol;
	memcpy(packet.source_address, flow.source + 12, sizeof(packet.source_address));
	memcpy(packet.destination_address, flow.destination + 12,
	       sizeof(packet.destination_address));
	packet.checksum = htons(checksum(&packet.version, offsetof(Packet, source_port) -
								  offsetof(Packet, version)));
	packet.source_port = flow.source_port;
	packet.destination_port = flow.destination_port;
	if (flow.protocol == PROTOCOL_UDP)
		packet.udp_len = htons(UDP_LEN);
	packet.tcp_len = 0x50;
	packet.tcp_flags = tcp_flags;
	auto* begin = reinterpret_cast<const u8*>(&packet);
	local_.send({begin, begin + sizeof(packet)});
}

void Entry::take_packet(const Bytes& frame)
{
	Packet packet;
	if (frame.size() < sizeof(packet))
		return;
	memcpy(&packet, frame.data(), sizeof(packet));
	if (packet.ethertype == htons(ETHERTYPE_IPV4) &&
	    packet.source_address[3] == CLIENTS_FIRST + local_.victim())
		given_.insert({packet.protocol, ntohs(packet.source_port)});
}

bool Entry::was_given(const shmnet_command_flow& flow) const
{
	return given_.contains(client_of(flow));
}

bool Entry::gives(u8 protocol, u16 port, milliseconds patience)
{
	std::vector<shmnet_command_flow> flows;
	return await(
		patience,
		[&] {
			return std::any_of(flows.begin(), flows.end(),
					   [this](const auto& flow) { return was_given(flow); });
		},
		[&] {
			flows.push_back(new_flow(protocol, port));
			send(flows.back());
		});
}

shmnet_command_flow Entry::held(bool back)
{
	shmnet_command_flow flow = {};
	memcpy(flow.source, test::SHARED_ADDRESS, sizeof(flow.source));
	memcpy(flow.destination, test::SHARED_ADDRESS, sizeof(flow.destination));
	flow.source_port = htons(back ? HELD_TO : HELD_FROM);
	flow.destination_port = htons(back ? HELD_FROM : HELD_TO);
	flow.protocol = PROTOCOL_TCP;
	return flow;
}

shmnet_command Entry::command(u8 type, const shmnet_command_flow& flow) const
{
	const Node& own = local_.node();
	shmnet_command command = own.command_on(GLOBAL, type, own.incarnation());
	command.flow = flow;
	return command;
}

void Entry::cast(const shmnet_command& command, size_t len)
{
	node().cast(bytes_of(command, len), GLOBAL);
}

Bytes Entry::bytes_of(const shmnet_command& command, size_t len)
{
	auto* begin = reinterpret_cast<const u8*>(&command);
	Bytes frame(begin, begin + sizeof(command));
	frame.resize(len);
	return frame;
}

void Entry::send_by_ring(const shmnet_command& command)
{
	await(
		REOPENED, [this] { return global_.producer().connected(); }, [] {});
	global_.send(bytes_of(command));
}

void Entry::cast_flipping(const shmnet_command& command, u32 word)
{
	CastWriter<Memory>& casts = node().casts();
	u8* to = casts.begin(sizeof(command), GLOBAL, 0, 0);
	Memory::copy_payload(to, &command, sizeof(command));
	casts.publish();
	node().ring_readers(GLOBAL);
	u32* at = reinterpret_cast<u32*>(to) + word;
	u32 i = Memory::load_relaxed(at);
	for (auto end = Clock::now() + FLIPPING; Clock::now() < end; i++)
		Memory::store_relaxed(at, i % 2 ? ~0u : i * 2654435761u);
}

size_t Entry::said(u8 type, const shmnet_command_flow& flow) const
{
	u32 incarnation = local_.node().directory().living(victim());
	return static_cast<size_t>(
		std::count_if(said_.begin(), said_.end(), [&](const shmnet_command& command) {
			return command.type == type && ntohl(command.incarnation) == incarnation &&
			       is_same(command.flow, flow);
		}));
}

size_t Entry::answers() const
{
	return static_cast<size_t>(
		std::count_if(said_.begin(), said_.end(), [](const shmnet_command& command) {
			return command.type == SHMNET_COMMAND_HAVE &&
			       !is_same(command.flow, held(true));
		}));
}

bool Entry::heard_all(milliseconds patience)
{
	shmnet_command_flow asked = held(true);
	/*
	 * The answer has the same, down to what is reserved: it is not one to an earlier question.
	 */
	u32 tag = ++last_tag_;
	memcpy(asked.reserved, &tag, sizeof(asked.reserved));
	return await(
		patience,
		[&] {
			return std::any_of(said_.begin(), said_.end(), [&](const auto& command) {
				return command.type == SHMNET_COMMAND_HAVE &&
				       memcmp(&command.flow, &asked, sizeof(asked)) == 0;
			});
		},
		[&] { cast(command(SHMNET_COMMAND_ASK, asked)); });
}

std::optional<shmnet_command_flow> Entry::make_ask(milliseconds patience)
{
	Patience left(node(), victim(), patience);
	do {
		shmnet_command_flow flow = new_flow(PROTOCOL_TCP, STRAY_PORT);
		send(flow, TCP_ACK);
		if (await(
			    ASKED, [&] { return said(SHMNET_COMMAND_ASK, flow) > 0; }, [] {}))
			return flow;
	} while (!left.is_over());
	return std::nullopt;
}

bool Entry::await(milliseconds patience, const std::function<bool()>& condition,
		  const std::function<void()>& again)
{
	Patience left(node(), victim(), patience * slowness_);
	auto next = Clock::now();
	for (;;) {
		bool over = left.is_over();
		serve();
		if (condition())
			return true;
		if (over)
			return false;
		if (auto now = Clock::now(); now >= next) {
			next = now + AGAIN;
			again();
		}
		std::this_thread::sleep_for(std::chrono::microseconds(200));
	}
}

void Entry::pass(milliseconds time)
{
	for (auto end = Clock::now() + time * slowness_; Clock::now() < end;) {
		serve();
		std::this_thread::sleep_for(std::chrono::microseconds(200));
	}
}

void Entry::serve()
{
	local_.serve();
	global_.serve();
	read_tape();
}

void Entry::read_tape()
{
	for (u32 budget = node().network(GLOBAL).tape_slots; budget > 0; budget--) {
		shmnet_cast_view cast;
		shmnet_receive outcome = tape_.next(cast);
		if (outcome == SHMNET_RECEIVE_EMPTY)
			return;
		if (outcome != SHMNET_RECEIVE_FRAME)
			continue;
		Bytes frame(cast.len);
		Memory::copy_payload(frame.data(), cast.data, cast.len);
		if (tape_.confirm() && cast.writer == victim())
			take_command(frame);
	}
}

void Entry::take_command(const Bytes& frame)
{
	shmnet_command command;
	if (frame.size() < sizeof(command))
		return;
	memcpy(&command, frame.data(), sizeof(command));
	Mac source = node().mac(victim(), GLOBAL);
	source[0] |= SHMNET_MAC_COMMAND;
	if (command.ethertype == htons(SHMNET_COMMAND_ETHERTYPE) &&
	    memcmp(command.source, source.data(), sizeof(command.source)) == 0)
		said_.push_back(command);
}

} // namespace shmnet::hostile
