#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# tcpdump on an interface sees what is sent and what is received, once each and as it is on the wire.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs ping tcpdump
two_nodes

capture() { # capture NODE: of three pings from node 0, to $work/capture
	local namespace=$ns0 interface=$if0 pid
	[ "$1" -eq 0 ] || { namespace=$ns1 interface=$if1; }
	(exec ip netns exec "$namespace" tcpdump --immediate-mode -l -n -e -i "$interface" \
		'arp or icmp') >"$work/capture" 2>"$work/tcpdump" &
	pid=$!
	until_true 30 grep -q 'listening on' "$work/tcpdump" &&
		on1 ip neigh flush dev "$if1" && on0 ip neigh flush dev "$if0" &&
		on0 ping -q -c 3 -i 0.1 -W 10 "$address1" &&
		until_true 10 holds 3 "$address1 > $address0: ICMP echo reply"
	kill $pid
	wait $pid
	cat "$work/capture" "$work/tcpdump"
}

holds() { # holds COUNT TEXT
	[ "$(grep -c "$2" "$work/capture")" -eq "$1" ]
}

sees_all() { # sees_all NODE
	local mac0 mac1
	mac0=$(on0 cat "/sys/class/net/$if0/address") mac1=$(on1 cat "/sys/class/net/$if1/address")
	capture "$1"
	holds 3 "$mac0 > $mac1, .* $address0 > $address1: ICMP echo request" &&
		holds 3 "$mac1 > $mac0, .* $address1 > $address0: ICMP echo reply" &&
		holds 1 "$mac0 > ff:ff:ff:ff:ff:ff, .* who-has $address1" &&
		holds 1 "$mac1 > $mac0, .* $address1 is-at $mac1"
}

check "at the sender, both directions" sees_all 0
check "at the receiver, both directions" sees_all 1
