#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Unsegmented frames without checksums come out right wherever they go on to: through a bridge, by
# routing into a veth, and to a program that reads them from a packet socket. All between node 1 and
# a namespace behind node 0.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs tcp_stream udp_stream relay
two_nodes
ip netns add "$ns2"
left=$ns2

# Of a stream to be compared, and of one whose frames are.
bytes=300000 many_bytes=1000000
segment_udp=(-g)

# transfers ADDRESS ADDRESS6: of the namespace; unsegmented where the paths allow.
transfers() {
	both_ways tcp "$1" "$address1" -n "$bytes" && both_ways tcp "$2" "$address1_6" -n "$bytes" &&
		both_ways udp "$1" "$address1" -n "$bytes" -d 1000 &&
		both_ways udp "$2" "$address1_6" -n "$bytes" -d 1400 "${segment_udp[@]}"
}

# make_veth ADDRESS ADDRESS6: "inner" in the namespace, "outer" at node 0.
make_veth() {
	ip -n "$ns0" link add outer type veth peer name inner netns "$ns2" &&
		ip -n "$ns2" address add "$1" dev inner && ip -n "$ns2" address add "$2" dev inner nodad &&
		ip -n "$ns2" link set inner up && ip -n "$ns0" link set outer up
}

# What comes from the namespace reaches node 1 in larger pieces than segments: nothing of it was
# segmented, nor were checksums computed, on the way.
stays_unsegmented() {
	local frames before
	frames=$(counter 1 rx_frames) before=$(counter 1 rx_bytes)
	stream large "$ns2" "$ns1" "$address1" tcp -n "$many_bytes" && stream_result large || return
	frames=$(($(counter 1 rx_frames) - frames))
	at_least $((($(counter 1 rx_bytes) - before) / frames)) 2000 "bytes a frame"
}

through_bridge() {
	local code=0
	ip -n "$ns0" link add br0 type bridge && ip -n "$ns0" link set br0 up &&
		make_veth 192.0.2.3/24 2001:db8::3/64 && ip -n "$ns0" link set "$if0" master br0 &&
		ip -n "$ns0" link set outer master br0 &&
		transfers 192.0.2.3 2001:db8::3 && stays_unsegmented || code=1
	ip -n "$ns0" link delete outer
	ip -n "$ns0" link delete br0
	return $code
}

through_routing() {
	local code=0
	on0 sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 &&
		make_veth 198.51.100.2/24 2001:db8:1::2/64 &&
		ip -n "$ns0" address add 198.51.100.1/24 dev outer &&
		ip -n "$ns0" address add 2001:db8:1::1/64 dev outer nodad &&
		ip -n "$ns2" route add default via 198.51.100.1 &&
		ip -n "$ns2" route add default via 2001:db8:1::1 &&
		ip -n "$ns1" route add default via "$address0" &&
		ip -n "$ns1" route add default via "$address0_6" &&
		transfers 198.51.100.2 2001:db8:1::2 && stays_unsegmented || code=1
	ip -n "$ns0" link delete outer
	return $code
}

through_packet_socket() {
	local pid code=0
	make_veth 192.0.2.3/24 2001:db8::3/64 || return
	# Headers for packet sockets know TCP only, before 6.2.
	on2 ethtool -K inner tx-udp-segmentation off
	(exec ip netns exec "$ns0" "$here/relay" "$if0" outer) >"$work/relay" &
	pid=$!
	until_true 10 grep -q ready "$work/relay" && transfers 192.0.2.3 2001:db8::3 || code=1
	kill -TERM $pid
	wait $pid || code=1
	cat "$work/relay"
	grep -qE ' [1-9][0-9]* unsegmented, [1-9][0-9]* with partial' "$work/relay" || code=1
	ip -n "$ns0" link delete outer
	return $code
}

check "through a bridge into a namespace" through_bridge
check "routed into a veth" through_routing
segment_udp=()
check "through a packet socket and a program" through_packet_socket
