#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# A container behind a bridge at node 0: node 1 learns its address from its first frame, shows it,
# and from then on sends to it by the ring to node 0, no longer by the tape that all read.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs ping bridge tcp_stream frame
two_nodes
make_namespaces "$ns2"

container=192.0.2.3
# What it says must be what this test has it say: no neighbour discovery.
on2 sysctl -qw net.ipv6.conf.default.disable_ipv6=1
ip -n "$ns0" address flush dev "$if0"
ip -n "$ns0" link add br0 type bridge
ip -n "$ns0" link set br0 up
ip -n "$ns0" address add "$address0/24" dev br0
ip -n "$ns0" link set "$if0" master br0
ip -n "$ns0" link add port type veth peer name eth0 netns "$ns2"
ip -n "$ns0" link set port master br0 up
ip -n "$ns2" address add $container/24 dev eth0
ip -n "$ns2" link set eth0 up
mac=$(on2 cat /sys/class/net/eth0/address)

shows_address() {
	on1 bridge fdb show dev "$if1" | tee -a /dev/stderr | grep -qi "^$mac .*self"
}

shows_nothing_yet() {
	! on1 bridge fdb show dev "$if1" | grep -i "^$mac "
}

reaches() { # reaches FROM ADDRESS
	"$1" ping -q -c 3 -i 0.1 -W 10 "$2"
}

# Single frames of a type that nobody answers: only they are counted on the way.
sent_by() { # sent_by tape|ring: what twenty frames to the container's address make grow
	local frames casts pid own
	own=$(on1 cat "/sys/class/net/$if1/address")
	frames=$(counter 1 tx_frames) casts=$(counter 1 tx_casts)
	(exec ip netns exec "$ns2" "$here/frame" expect -d "$mac" -n 20 -w 30 eth0 100) >"$work/ready" &
	pid=$!
	until_true 10 grep -q ready "$work/ready" &&
		on1 "$here/frame" send -s "$own" -d "$mac" -n 20 "$if1" 100 && wait $pid || return
	frames=$(($(counter 1 tx_frames) - frames)) casts=$(($(counter 1 tx_casts) - casts))
	echo "frames: $frames, of these on a tape: $casts"
	# Anything else that either end may say meanwhile is less than that.
	[ $frames -ge 20 ] || return
	if [ "$1" = tape ]; then
		[ $casts -ge 20 ]
	else
		[ $casts -lt 20 ]
	fi
}

check "an address that was never seen is not shown" shows_nothing_yet
check "frames for it go by the tape" sent_by tape
check "the container reaches node 1" reaches on2 "$address1"
check "node 1 shows its address" shows_address
check "frames for it go by the ring" sent_by ring
check "node 1 reaches the container" reaches on1 $container
check "node 0 is reached at its bridge" reaches on1 "$address0"
left=$ns2
check "streams cross between container and node 1" both_ways tcp $container "$address1" -n 2000000
