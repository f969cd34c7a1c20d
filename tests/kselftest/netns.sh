#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# An interface moves between network namespaces while the other node sends to it, and comes home
# when the namespace that it is in goes.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs ping
two_nodes
make_namespaces "$ns2"
mac=$(on0 cat "/sys/class/net/$if0/address")

# Traffic for as long as the test lasts, whether or not anybody is there.
(exec ip netns exec "$ns1" ping -q -i 0.002 -s 1000 "$address0" >/dev/null 2>&1) &

moves() { # moves FROM TO: answers from where it is now
	local home=$ns0 result=0
	ip -n "$1" link set "$if0" netns "$2" || return
	ns0=$2
	configure 0 && resumes || result=1
	ns0=$home
	return $result
}

there_and_back() {
	local turn
	for turn in 1 2 3 4 5; do
		echo "turn $turn"
		moves "$ns0" "$ns2" && moves "$ns2" "$ns0" || return
	done
}

comes_home() {
	ip -n "$ns0" link set "$if0" netns "$ns2" && ip netns delete "$ns2" &&
		until_true 10 test -e "/sys/class/net/$if0" &&
		equal "$(cat "/sys/class/net/$if0/address")" "$mac" && attach 0 && resumes
}

check "it moves to another namespace and back, five times, under traffic" there_and_back
check "it comes home from a namespace that goes, and works" comes_home
