#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# VLANs, and VLANs in VLANs, with full frames and with unsegmented ones.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs ping tcp_stream udp_stream
two_nodes

# add_vlan NAME ID LINK PROTOCOL SUBNET: at both nodes, 198.51.SUBNET.1 and .2.
add_vlan() {
	local node namespace link
	modprobe -q 8021q
	for node in 0 1; do
		namespace=$ns0 link=${3:-$if0}
		[ $node -eq 0 ] || { namespace=$ns1 link=${3:-$if1}; }
		ip -n "$namespace" link add link "$link" name "$1" type vlan protocol "$4" id "$2" &&
			ip -n "$namespace" address add "198.51.$5.$((node + 1))/24" dev "$1" &&
			ip -n "$namespace" address add "2001:db8:$5::$((node + 1))/64" dev "$1" nodad &&
			ip -n "$namespace" link set "$1" up || return
	done
}

full_frames() { # full_frames SUBNET: an MTU's worth behind the tags
	on0 ping -q -c 3 -i 0.1 -W 10 -M 'do' -s 65507 "198.51.$1.2"
}

streams_cross() { # streams_cross SUBNET
	both_ways tcp "198.51.$1.1" "198.51.$1.2" -n 2000000 &&
		both_ways tcp "2001:db8:$1::1" "2001:db8:$1::2" -n 2000000 &&
		both_ways udp "198.51.$1.1" "198.51.$1.2" -n 500000 -d 1400 -g
}

# Of one tag the tables know, so that nothing is segmented for its sake.
unsegmented() {
	local frames before
	ip -n "$ns0" link set "vlan10" mtu 1500 && ip -n "$ns1" link set "vlan10" mtu 1500 || return
	frames=$(counter 1 rx_frames) before=$(counter 1 rx_bytes)
	stream large "$ns0" "$ns1" 198.51.10.2 tcp -n 2000000 && stream_result large || return
	frames=$(($(counter 1 rx_frames) - frames))
	at_least $((($(counter 1 rx_bytes) - before) / frames)) 2000 "bytes a frame"
}

# What has one tag is not what has another, or none.
stays_apart() {
	ip -n "$ns1" link set vlan10 down || return
	expect_failure '100% packet loss' on0 ping -c 2 -i 0.2 -W 1 198.51.10.2 &&
		on0 ping -q -c 1 -W 10 "$address1" && ip -n "$ns1" link set vlan10 up
}

check "a VLAN is made at both ends" add_vlan vlan10 10 '' 802.1Q 10
check "full frames cross in it" full_frames 10
check "streams cross in it" streams_cross 10
check "TCP crosses unsegmented in it" unsegmented
check "a VLAN in a service VLAN is made" add_vlan outer 100 '' 802.1ad 100
check "with another inside" add_vlan inner 20 outer 802.1Q 20
check "full frames cross with two tags" full_frames 20
check "streams cross with two tags" streams_cross 20
check "what is in a VLAN stays in it" stays_apart
