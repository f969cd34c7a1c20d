#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# At a shared address: packets that are spoilt, connections that begin with data, or by cookies, or have several
# paths, and servers that answer from another address.
# shellcheck source-path=SCRIPTDIR source=global_lib.sh
. "$(dirname "$0")/global_lib.sh"
needs python3 serve ask hard_packets nstat tc
two_global_nodes

# Who listens from then on takes connections that begin with data.
allow_fastopen() {
	local namespace
	for namespace in "$ns0" "$ns1" "$ns2"; do
		ip netns exec "$namespace" sysctl -qw net.ipv4.tcp_fastopen=$((0x403)) || return
	done
}

servers() { # servers PROTOCOL PORT
	start_server "$1" 0 "$2" && start_server "$1" 1 "$2"
}

# comes KIND PORT COUNT [SOURCE]: and is served by both
comes() {
	local answers
	answers=$(on2 "$here/hard_packets" "$1" $global "$2" "$3" "${4:-$client}") && echo "$answers" &&
		[[ $answers == *node0*node1* ]]
}

of_both() { # of_both COUNTER: sum of both nodes' since the test began
	local node sum=0
	for node in 0 1; do
		sum=$((sum + $("on$node" nstat -asz "$1" | awk -v name="$1" '$1 == name { print $2 }')))
	done
	echo $sum
}

# All that is counted is of one protocol, as both nodes are: a namespace has counters of its own.
spoilt_datagrams() {
	comes flipped 53 40 && equal "$(of_both UdpInCsumErrors)" 40
}

spoilt_streams() {
	local code=0
	ip netns exec "$ns2" tc qdisc add dev eth0 root netem corrupt 3% || return
	on2 "$here/ask" tcp $global 80 20 50000 || code=1
	ip netns exec "$ns2" tc qdisc del dev eth0 root
	[ $code -eq 0 ] && at_least "$(of_both TcpInCsumErrors)" 1 "spoilt segments"
}

# Who has a cookie of one node has none of the other, and begins in the ordinary way there: unless they have one key.
data_at_once() {
	comes fastopen 80 20 && have_one_key && comes fastopen 80 20 &&
		at_least "$(of_both TcpExtTCPFastOpenPassive)" 10 "connections with data in their first packet"
}

have_one_key() {
	local key=01234567-89abcdef-01234567-89abcdef
	on0 sysctl -qw net.ipv4.tcp_fastopen_key=$key && on1 sysctl -qw net.ipv4.tcp_fastopen_key=$key
}

# A further path is a connection of its own, which may come to a node that knows nothing of the first.
several_paths() {
	servers mptcp 81 && on2 ip mptcp endpoint add 198.51.101.2 dev eth1 subflow &&
		on2 ip mptcp limits set subflow 2 && comes multipath 81 40
}

has_mptcp() {
	on2 sysctl -n net.mptcp.enabled 2>/dev/null | grep -q 1
}

# Until the third packet only the entry knows of the connection: another one learns whose it is.
third_packet_by_another_entry() {
	local node nobody=198.51.100.77
	ip -n "$ns0" neigh add $nobody lladdr 02:00:00:00:00:77 dev card nud permanent || return
	for node in 0 1; do
		"on$node" sysctl -qw net.ipv4.tcp_syncookies=2 || return
	done
	comes cookies 80 40 $nobody && at_least "$(of_both TcpExtSyncookiesRecv)" 40 "connections by cookies" &&
		at_least "$(on1 cat /sys/class/net/card/statistics/rx_packets)" 40 "packets by node 1"
}

# Its answers come from an address of the node's own, which a client that is connected does not hear:
# docs/global.md.
naive_server() {
	local namespace
	for namespace in "$ns0" "$ns1"; do
		(exec ip netns exec "$namespace" "$here/serve" udp naive 0.0.0.0 54) >"$work/naive.$namespace" 2>&1 &
		until_true 30 grep -q ready "$work/naive.$namespace" || return
	done
	expect_failure "timed out" on2 env ASK_TIMEOUT=1 "$here/ask" udp $global 54 1
}

check "both nodes take the address" eval "join 0 && join 1"
check "a client is there" add_client
check "it has a second way" add_second_way
check "the global adapters have a carrier" until_true 20 have_carrier
check "servers" eval "allow_fastopen && servers udp 53 && servers tcp 80"
check "a flipped byte of a datagram is delivered to neither" spoilt_datagrams
check "nor one of a stream" spoilt_streams
check "connections that begin with data are served" data_at_once
if has_mptcp; then
	check "and those with several paths" several_paths
fi
check "a connection by cookies goes on by another entry" third_packet_by_another_entry
check "a server that answers from another address is not heard" naive_server
