#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# A macvlan on node 0 has an address of its own on the network, and is reached there.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs ping tcp_stream
two_nodes
make_namespaces "$ns2"
modprobe -q macvlan
ip -n "$ns0" link add link "$if0" name mac0 netns "$ns2" type macvlan mode bridge ||
	skip "this kernel has no macvlan"
ip -n "$ns2" address add 192.0.2.3/24 dev mac0
ip -n "$ns2" link set mac0 up

check "node 1 is reached from it" on2 ping -q -c 3 -i 0.1 -W 10 "$address1"
check "it is reached from node 1" on1 ping -q -c 3 -i 0.1 -W 10 192.0.2.3
check "node 0 itself is reached as well" on1 ping -q -c 3 -i 0.1 -W 10 "$address0"
left=$ns2
check "streams cross" both_ways tcp 192.0.2.3 "$address1" -n 2000000
