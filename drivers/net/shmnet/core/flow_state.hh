/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* How long a flow is remembered behind its last packet: by what its packets said. */
#pragma once

#include "flow.hh"

namespace shmnet {

/*
 * Told by the packets to the shared address alone: those from it may take another way. So this is no
 * connection's state, only what its timer goes by; nothing that a packet says ends a flow at once.
 */
enum class FlowState : u8 {
	Opening,     /* TCP: a SYN, and nothing that follows a SYN-ACK */
	Established, /* TCP */
	Closing,     /* TCP: a FIN; TIME_WAIT may follow */
	Closed,      /* TCP: a RST, which may be forged */
	Datagram,    /* all that is not TCP */
};
constexpr u32 FLOW_STATES = 5;

/* Milliseconds by state, each at most 2^31. */
struct FlowTimeouts {
	u32 ms[FLOW_STATES];
};

/*
 * A SYN is repeated for 63 s (tcp_syn_retries), TIME_WAIT lasts 60 s at the other end, and UDP's is
 * what connection tracking has for streams. A flow that comes back later is found by a question.
 */
constexpr FlowTimeouts FLOW_TIMEOUTS = {{64'000, 900'000, 120'000, 10'000, 120'000}};

constexpr u8 TCP_FIN = 0x01, TCP_RST = 0x04;

/* Of a flow that is met by this packet. */
constexpr FlowState first_state(u8 protocol, u8 tcp_flags)
{
	if (protocol != PROTOCOL_TCP)
		return FlowState::Datagram;
	if (tcp_flags & TCP_RST)
		return FlowState::Closed;
	if (tcp_flags & TCP_FIN)
		return FlowState::Closing;
	return tcp_flags & TCP_SYN ? FlowState::Opening : FlowState::Established;
}

constexpr FlowState next_state(FlowState state, u8 tcp_flags)
{
	if (state == FlowState::Datagram)
		return state;
	if (tcp_flags & TCP_RST)
		return FlowState::Closed;
	/* The same ports once more. */
	if (tcp_flags & TCP_SYN)
		return state == FlowState::Established ? state : FlowState::Opening;
	if (tcp_flags & TCP_FIN)
		return FlowState::Closing;
	return state == FlowState::Opening && tcp_flags & TCP_ACK ? FlowState::Established : state;
}

/* Whether this packet begins another connection by the ports of one that has ended. */
constexpr bool begins_anew(FlowState state, u8 tcp_flags)
{
	return (state == FlowState::Closing || state == FlowState::Closed) &&
	       (tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
}

} // namespace shmnet
