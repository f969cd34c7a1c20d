#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Fragments of a packet to the shared address come in any order, and by two nodes: all go to the node that serves
# the packet's flow.
# shellcheck source-path=SCRIPTDIR source=global_lib.sh
. "$(dirname "$0")/global_lib.sh"
needs ping python3 serve ask both_ways
two_global_nodes

servers() {
	start_server udp 0 53 && start_server udp 1 53
}

# Enough for both to be chosen.
in_any_order() {
	local answers
	answers=$(on2 "$here/both_ways" fragments $global 53 1 $client) && echo "$answers" &&
		[[ $answers == *node0*node1* ]]
}

# Each datagram has another identification, and a flow of its own.
large_datagrams() { # large_datagrams WHOSE
	local answers
	answers=$("$1" "$here/ask" udp $global 53 40 20000) && echo "$answers" && [[ $answers == *node0*node1* ]]
}

check "both nodes take the address" eval "join 0 && join 1"
check "a client is there" add_client
check "it has a second way" add_second_way
check "the global adapters have a carrier" until_true 20 have_carrier
check "servers" servers
check "fragments in each order, by either way, reach one server" in_any_order
check "large datagrams of a client" large_datagrams on2
check "and of an entry's own programs" large_datagrams on0
check "a large echo request is answered" on2 ping -q -c 3 -i 0.2 -W 5 -s 5000 $global
