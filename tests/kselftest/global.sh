#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# One address for both nodes: a client behind node 0, and node 0's own programs, are served by
# either, and each connection by one.
# shellcheck source-path=SCRIPTDIR source=global_lib.sh
. "$(dirname "$0")/global_lib.sh"
needs ping python3 serve ask hold
two_global_nodes

start_servers() {
	start_server tcp 0 80 && start_server tcp 1 80 && start_server udp 0 53 && start_server udp 1 53
}

both_serve() { # both_serve WHOSE PROTOCOL PORT COUNT [BYTES]
	local from=$1 answers
	shift
	answers=$("$from" "$here/ask" "$1" "$global" "$2" "$3" "${4:-0}") || return
	echo "$answers"
	[[ $answers == *node0* && $answers == *node1* ]]
}

# A program of either node comes to a server of the client's with the shared address as its own.
from_the_address() { # from_the_address PROTOCOL PORT
	local node ports
	(exec ip netns exec "$ns2" "$here/serve" "$1" outside $client "$2") >"$work/outside" 2>&1 &
	until_true 30 grep -q ready "$work/outside" || return
	for node in 0 1; do
		ports=$("on$node" "$SHMNETCTL" device --json | python3 -c '
import json, sys
print(*json.load(sys.stdin)[0]["ports"])') && [ -n "$ports" ] &&
			"on$node" sysctl -qw net.ipv4.ip_local_port_range="$ports" &&
			equal "$("on$node" "$here/ask" "$1" $client "$2" 20 0 $global)" "outside 20" || return
	done
}

# Of what a node without a card sends to the client from the address the answers come by node 0.
pings_from_the_address() {
	on1 ping -q -c 3 -i 0.2 -W 5 -I $global $client && on0 ping -q -c 3 -i 0.2 -W 5 -I $global $client &&
		on1 ping -q -c 3 -i 0.2 -W 5 -s 5000 -I $global $client
}

# Nobody listens there, which the client says by an ICMP error.
is_refused() {
	expect_failure 'Connection refused' on1 "$here/ask" udp $client 9 1 0 $global
}

# Which node serves which connection, to who may know.
flows_are_shown() {
	local flows udp
	flows=$(on0 "$SHMNETCTL" flow --json) && udp=$(on0 "$SHMNETCTL" flow) || return
	grep -c '"protocol": "tcp"' <<<"$flows" && grep '"node": 0' <<<"$flows" &&
		grep '"node": 1' <<<"$flows" && grep -E "udp +$client:[0-9]+ +$global:53 .* datagram" <<<"$udp" &&
		expect_failure 'not permitted' on0 setpriv --bounding-set=-net_admin --inh-caps=-net_admin \
			"$SHMNETCTL" flow
} >/dev/null

# The node that is gone as a target is one no more; its local network goes on.
leaves() {
	local answers
	ip -n "$ns1" link set "$glob1" down && on0 ping -q -c 1 -W 5 "$address1" &&
		answers=$(ask_anew 20) && equal "$answers" "node0 20"
}

returns() {
	ip -n "$ns1" link set "$glob1" up && ip -n "$ns1" route add "$global" dev "$glob1" \
		src "$address1" table 100 && until_true 20 have_carrier &&
		both_serve on2 tcp 80 40
}

# The entry starts anew, and knows of no connection; those that node 1 serves go on, and those that it
# served itself too, since their sockets are still there.
entry_starts_anew() {
	local asked
	hold_connections 40 && grep -q node1 "$work/held" &&
		echo "$pci0" >$driver/unbind && echo "$pci0" >$driver/bind || return
	if0=$(interface_of "$pci0" 0) glob0=$(interface_of "$pci0" 1) rescues[0]=0
	attach 0 && take_address 0 && until_true 20 have_carrier &&
		until_true 20 on0 ping -q -c 1 -W 1 "$address1" && still_hold || return
	asked=$(ip netns exec "$ns0" ethtool -S "$glob0" | awk '$1 == "flows_found:" { print $2 }')
	at_least "$asked" 1 "connections found by asking"
}

# Of what no node has a third packet, a second later, is refused: when all nodes have denied it.
strays_are_refused() {
	a_stray_is_reset && at_least "$(counter_of "$glob0" flows_refused ip netns exec "$ns0")" 1 "flows refused"
}

a_stray_is_reset() {
	expect_failure 'Connection reset' on2 python3 -c '
import socket, sys
# A connection that the client takes for established, and nobody else does.
stray = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
stray.setsockopt(socket.IPPROTO_TCP, 19, 1)  # TCP_REPAIR
for queue, number in ((1, 1000), (2, 2000)):
    stray.setsockopt(socket.IPPROTO_TCP, 20, queue)
    stray.setsockopt(socket.IPPROTO_TCP, 21, number)
stray.bind((sys.argv[1], 0))
stray.connect((sys.argv[2], 80))
stray.setsockopt(socket.IPPROTO_TCP, 19, 0)
stray.settimeout(30)
stray.sendall(b"?")
stray.recv(1)' $client $global
}

is_ordinary() {
	local shown
	shown=$(ip -d link show dev "$glob0") && echo "$shown" &&
		[[ $shown == *NOARP* && $shown == *"mtu 1500"* ]]
}

check "the global adapter is an ordinary interface without ARP" is_ordinary
check "both nodes take the address" eval "join 0 && join 1"
check "a client is there" add_client
check "the global adapters have a carrier" until_true 20 have_carrier
check "ping answers: a client's" on2 ping -q -c 3 -i 0.2 -W 5 $global
check "ping answers: node 0's own" on0 ping -q -c 3 -i 0.2 -W 5 $global
check "servers listen on both nodes" start_servers
check "TCP of a client is served by both" both_serve on2 tcp 80 40
check "TCP of node 0's own programs too" both_serve on0 tcp 80 40
check "UDP of a client is served by both" both_serve on2 udp 53 40
if [ -n "${SHMNETCTL:-}" ]; then
	check "shmnetctl shows the connections, to root" flows_are_shown
	check "TCP from the address finds its way back to either node" from_the_address tcp 8080
	check "UDP too" from_the_address udp 8053
	check "and echo requests, and errors" eval "pings_from_the_address && is_refused"
fi
check "what is sent on a connection stays on it" both_serve on2 tcp 80 8 1000000
check "a node that goes down there is no target" leaves
check "and one again when it is up" returns
check "connections go on when their entry starts anew" entry_starts_anew
check "what no node has is refused" strays_are_refused
