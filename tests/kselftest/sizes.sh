#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Messages of all sizes cross and come back with every byte as it was: all up to a little more than
# a buffer's 4096 bytes, and, of the larger ones, a stride and whatever lies around the multiples of
# a buffer, with and without headers.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs echo
two_nodes

buffer=4096 most=65507
boundaries() {
	local multiple header
	# Ethernet, IPv4 or IPv6, and UDP.
	for header in 0 42 62; do
		for ((multiple = buffer; multiple <= most; multiple += buffer)); do
			seq $((multiple - header - 2)) $((multiple - header + 2))
		done
	done
	seq $((most - 2)) $most
}
{ seq 1 4200; seq 4201 397 $most; boundaries; } | sort -nu >"$work/all"
{ seq 1 61 4200; seq 4201 997 $most; boundaries; } | sort -nu | awk '$1 <= 65487' >"$work/some"

echoes() { # echoes PROTOCOL ADDRESS SIZES
	local pid code=0 port=$((7000 + ports++))
	(exec ip netns exec "$ns1" "$here/echo" serve "$1" "$2" $port) &
	pid=$!
	on0 "$here/echo" check "$1" "$2" $port <"$3" || code=1
	kill $pid 2>/dev/null
	wait $pid 2>/dev/null
	return $code
}

fragmented() {
	local code=0
	ip -n "$ns0" link set "$if0" mtu 1500 && ip -n "$ns1" link set "$if1" mtu 1500 || return
	echoes udp "$address1" "$work/some" || code=1
	ip -n "$ns0" link set "$if0" mtu 65535 && ip -n "$ns1" link set "$if1" mtu 65535
	return $code
}

check "UDP over IPv4, $(wc -l <"$work/all") sizes" echoes udp "$address1" "$work/all"
check "TCP over IPv4, the same" echoes tcp "$address1" "$work/all"
check "UDP over IPv6, $(wc -l <"$work/some") sizes" echoes udp "$address1_6" "$work/some"
check "TCP over IPv6, the same" echoes tcp "$address1_6" "$work/some"
check "UDP over IPv4, fragmented at an MTU of 1500" fragmented
