#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# A frame for an address that nobody is known to have is on the tape for all to read: who is not
# promiscuous drops it, and counts it; who is sees it.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs frame
two_nodes
without_ipv6
mac0=$(on0 cat "/sys/class/net/$if0/address")
stranger=02:00:5e:10:00:01

cross() { # cross SECONDS: twenty frames are seen at node 1
	local pid
	(exec ip netns exec "$ns1" "$here/frame" expect -d $stranger -n 20 -w "$1" "$if1" 200) \
		>"$work/ready" &
	pid=$!
	until_true 10 grep -q ready "$work/ready" &&
		on0 "$here/frame" send -s "$mac0" -d $stranger -n 20 "$if0" 200
	wait $pid
}

dropped() {
	local before
	before=$(counter 1 rx_cast_not_mine)
	expect_failure '0 frames of 20 came' cross 2 &&
		equal $(($(counter 1 rx_cast_not_mine) - before)) 20
}

seen() {
	local before result
	ip -n "$ns1" link set "$if1" promisc on
	before=$(counter 1 rx_cast_not_mine)
	cross 20 && equal "$(counter 1 rx_cast_not_mine)" "$before"
	result=$?
	ip -n "$ns1" link set "$if1" promisc off
	return $result
}

check "they are dropped and counted" dropped
check "they are seen in promiscuous mode" seen
check "and dropped again without" dropped
