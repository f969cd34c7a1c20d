#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# XDP programs in the driver: what they pass, drop, send back and redirect, frames in one piece and in
# many; while there is one, peers leave nothing undone for its frames.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs python3 ping tcp_stream udp_stream
[ -e /proc/sys/kernel/unprivileged_bpf_disabled ] || skip "the kernel has no BPF"
[ -e "$here/xdp.bpf.o" ] || skip "xdp.bpf.o is missing: it is built where there is clang"
two_nodes

# program NAME: on node 1
program() {
	ip -n "$ns1" -force link set dev "$if1" xdpdrv obj "$here/xdp.bpf.o" program "$1"
}

no_program() {
	ip -n "$ns1" link set dev "$if1" xdpdrv off
}

# shellcheck disable=SC2317 # undo calls it
undo_more() {
	no_program
}

set_mtus() { # set_mtus MTU
	ip -n "$ns0" link set "$if0" mtu "$1" && ip -n "$ns1" link set "$if1" mtu "$1"
}

is_native() {
	[[ $(ip -n "$ns1" link show dev "$if1") == *" xdp "* ]]
}

pings() { # pings SIZE...
	local size
	for size; do
		on0 ping -q -c 3 -i 0.1 -W 10 -s "$size" "$address1" || return
	done
}

# Of node 1, since seen_before().
seen_before() {
	local name
	declare -gA before=()
	for name in "$@"; do
		before[$name]=$(counter 1 "$name")
	done
}
more() { # more NAME LEAST
	at_least $(($(counter 1 "$1") - before[$1])) "$2" "$1"
}

passes() { # passes PROGRAM SIZE...
	seen_before rx_xdp_frames
	program "$1" && is_native && pings "${@:2}" && both_ways tcp "$address0" "$address1" -n 1000000 &&
		both_ways udp "$address0" "$address1" -n 200000 && more rx_xdp_frames 100
}

offload_is() { # offload_is NAME on|off
	on1 ethtool -k "$if1" | grep "^ *$1: $2"
}

offloads_are() { # offloads_are on|off: those that peers count on
	offload_is rx-checksumming "$1" && offload_is rx-gro-hw "$1"
}

drops() {
	seen_before rx_xdp_drops
	program drop_echoes && expect_failure 'timed out' echoes 1 100 && more rx_xdp_drops 1 && pings 100
}

drops_casts() {
	seen_before rx_xdp_casts_taken
	program drop_broadcasts || return
	on0 ping -q -b -c 3 -i 0.1 -W 1 192.0.2.255
	more rx_xdp_casts_taken 3 && pings 100
}

# echoes COUNT SIZE...: of datagrams of node 0's
echoes() {
	on0 python3 - "$address1" "$@" <<-'END'
		import socket
		import sys

		address, count, *sizes = sys.argv[1:]
		with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
		    asking.settimeout(3)
		    asking.connect((address, 7))
		    for number in range(int(count)):
		        for size in map(int, sizes):
		            sent = bytes((number + i) % 251 for i in range(size))
		            asking.send(sent)
		            if asking.recv(65536) != sent:
		                sys.exit(f"{size} bytes came back as others")
	END
}

sends_back() { # sends_back PROGRAM COUNTER
	seen_before "$2"
	program "$1" && echoes 50 1 100 1400 && more "$2" 150 && pings 100
}

# Kernels before 6.3 redirect only what is in one piece.
redirects_pieces() {
	program redirect_echoes || return
	if printf '%s\n' 6.3 "$(uname -r)" | sort -CV; then
		echoes 10 4000 30000 65000
	else
		seen_before rx_xdp_drops
		expect_failure 'timed out' echoes 1 4000 && more rx_xdp_drops 1
	fi
}

# In one interface, which has a program, and out by ours, which has none. That of a veth pair sees what its sender has left
# undone.
comes_from_another() {
	local index
	index=$(on0 cat "/sys/class/net/$if0/ifindex") || return
	make_namespaces "$ns2" && ip -n "$ns2" link add eth0 type veth peer name card netns "$ns0" &&
		ip -n "$ns0" link set card up xdpdrv obj "$here/xdp.bpf.o" program redirect_by_port &&
		ip -n "$ns2" address add 192.0.2.9/24 dev eth0 && ip -n "$ns2" link set eth0 up &&
		on2 ethtool -K eth0 tx off && ip -n "$ns2" neighbour add "$address1" dev eth0 lladdr "$(on1 cat "/sys/class/net/$if1/address")" || return
	(exec ip netns exec "$ns1" python3 -c '
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
    listening.bind(("", int(sys.argv[1])))
    listening.settimeout(20)
    print("ready", flush=True)
    for _ in range(20):
        said, source = listening.recvfrom(2000)
    print(source[0], len(said), flush=True)' "$index") >"$work/heard" 2>&1 &
	until_true 20 grep -q ready "$work/heard" &&
		on2 python3 -c '
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
    for _ in range(20):
        sending.sendto(bytes(1000), (sys.argv[1], int(sys.argv[2])))' "$address1" "$index" &&
		until_true 20 grep "192.0.2.9 1000" "$work/heard" || {
		cat "$work/heard"
		return 1
	}
}

comes_and_goes_under_traffic() {
	local frames
	stream forth "$ns0" "$ns1" "$address1" tcp
	stream back "$ns1" "$ns0" "$address0" tcp
	for ((turn = 0; turn < 10; turn++)); do
		frames=$(counter 1 rx_frames)
		program pass_pieces && until_true 30 came_more "$frames" && frames=$(counter 1 rx_frames) &&
			no_program && until_true 30 came_more "$frames" || return
	done
	stream_end forth && stream_end back
}

came_more() { # came_more FRAMES
	[ "$(counter 1 rx_frames)" -gt $(($1 + 20)) ]
}

stays_behind_a_pause() {
	program send_echoes && ip -n "$ns1" link set "$if1" down && ip -n "$ns1" link set "$if1" up &&
		until_true 20 connected && pings 100 && echoes 5 100
}

check "a program that sees one piece is refused where frames are larger" expect_failure 'too large' program pass
check "one that sees more passes them" passes pass_pieces 56 3000 4000 20000 65000
check "peers leave nothing undone meanwhile" offloads_are off
check "and do again without it" eval "no_program && offloads_are on"
set_mtus 1500
check "one that sees one piece passes them" passes pass 56 1400 20000
check "the MTU does not grow with it" expect_failure 'Invalid argument' ip -n "$ns1" link set "$if1" mtu 9000
check "it drops" drops
check "it drops broadcasts" drops_casts
check "it sends back" sends_back send_echoes rx_xdp_tx
check "it redirects to its own interface" sends_back redirect_echoes rx_xdp_redirects
set_mtus 65535
check "it sends back what is in pieces" eval "program send_echoes && echoes 10 4000 30000 65000"
check "it redirects what is in pieces" redirects_pieces
check "it stays while the interface is down" stays_behind_a_pause
no_program
check "it comes and goes under traffic" comes_and_goes_under_traffic
check "another interface's program redirects to ours" comes_from_another
