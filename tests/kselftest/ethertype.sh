#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Any frame crosses as it is: unknown EtherTypes and 802.3 frames with a length, small and full, to
# one and to all. Only who says to be another node, or the driver, is not let through, and counted.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs frame
two_nodes
mac0=$(on0 cat "/sys/class/net/$if0/address") mac1=$(on1 cat "/sys/class/net/$if1/address")
everybody=ff:ff:ff:ff:ff:ff group=01:00:5e:00:00:42
# The command bit of its first byte set.
command0=$(printf '%02x%s' $((0x${mac0%%:*} | 4)) "${mac0:2}")

# crosses SIZE DESTINATION TYPE [SOURCE [COUNT [SECONDS]]]: from node 0
crosses() {
	local source=${4:-$mac0} count=${5:-3} pid
	local frame=(-s "$source" -d "$2" -t "$3" -n "$count")
	(exec ip netns exec "$ns1" "$here/frame" expect "${frame[@]}" -w "${6:-20}" "$if1" "$1") \
		>"$work/ready" &
	pid=$!
	until_true 10 grep -q ready "$work/ready" && on0 "$here/frame" send "${frame[@]}" "$if0" "$1"
	wait $pid
}

dropped() { # dropped SOURCE DESTINATION
	local before
	before=$(counter 0 tx_drop_forged)
	expect_failure '0 frames of 5 came' crosses 100 "$2" 0x88b5 "$1" 5 1 &&
		equal $(($(counter 0 tx_drop_forged) - before)) 5
}

for size in 60 61 1514 4096 65549; do
	check "EtherType 0x88b5, $size bytes, to the node" crosses $size "$mac1" 0x88b5
	check "EtherType 0x88b5, $size bytes, to all" crosses $size $everybody 0x88b5
done
check "an 802.3 frame, padded to 60 bytes" crosses 60 "$mac1" 3
check "an 802.3 frame of 1514 bytes" crosses 1514 "$mac1" 1500
check "an 802.3 frame to all" crosses 1514 $everybody 1500
ip -n "$ns1" maddress add $group dev "$if1"
check "a frame to a group" crosses 100 $group 0x88b5
check "a frame from behind the node" crosses 100 "$mac1" 0x88b5 02:00:5e:10:00:02
check "a frame of the driver's EtherType that is none of its commands" crosses 60 "$mac1" 0x88b6
check "another node's address as source is dropped" dropped "$mac1" "$mac1"
check "also to all" dropped "$mac1" $everybody
check "the command bit in the source is dropped" dropped "$command0" "$mac1"
check "also to all" dropped "$command0" $everybody
