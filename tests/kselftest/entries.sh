#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# The same flow comes in by two nodes, as where routes are shared: it has one server all the same.
# shellcheck source-path=SCRIPTDIR source=global_lib.sh
. "$(dirname "$0")/global_lib.sh"
needs python3 serve both_ways ss
two_global_nodes
# SHMNET_SYNS=10000: so many, where there is time.
syns=${SHMNET_SYNS:-2000} nobody=198.51.100.77

came_in_by() { # came_in_by NODE LEAST: packets from the client
	at_least "$("on$1" cat /sys/class/net/card/statistics/rx_packets)" "$2" "packets by node $1"
}

# Enough for both to be chosen.
datagrams() {
	local answers
	start_server udp 0 53 && start_server udp 1 53 &&
		answers=$(on2 "$here/both_ways" udp $global 53 100 $client) && echo "$answers" &&
		[[ $answers == *node0*node1* ]] && came_in_by 0 100 && came_in_by 1 100
}

# And answer to somebody who is silent, and not unreachable.
take_many() {
	local node
	ip -n "$ns0" neigh add $nobody lladdr 02:00:00:00:00:77 dev card nud permanent || return
	for node in 0 1; do
		# A kernel that has no cookies needs none of this.
		"on$node" sysctl -qew net.ipv4.tcp_syncookies=0 &&
			"on$node" sysctl -qw net.ipv4.tcp_max_syn_backlog=65536 net.core.somaxconn=65536 &&
			start_server tcp "$node" 80 || return
	done
}

half_open() { # half_open NODE: the client's ports
	"on$1" ss -Htn state syn-recv | awk '{ sub(".*:", "", $4); print $4 }' | sort
}

all_are_half_open() {
	equal "$({ half_open 0 && half_open 1; } | sort -u | wc -l)" "$syns"
}

# A half-open connection holds its namespace, and so the interfaces, until its next timer.
undo_more() {
	until_true 40 none_is_half_open
}

none_is_half_open() {
	[ -z "$(half_open 0)$(half_open 1)" ]
}

one_owner_each() {
	local of0 of1
	on2 "$here/both_ways" syn $global 80 "$syns" $nobody && until_true 20 all_are_half_open &&
		of0=$(half_open 0) && of1=$(half_open 1) &&
		equal "$(comm -12 <(echo "$of0") <(echo "$of1") | wc -l)" 0 &&
		at_least "$(wc -l <<<"$of0")" 1 "connections of node 0" &&
		at_least "$(wc -l <<<"$of1")" 1 "connections of node 1"
}

check "both nodes take the address" eval "join 0 && join 1"
check "a client is there" add_client
check "it has a second way" add_second_way
check "the global adapters have a carrier" until_true 20 have_carrier
check "datagrams of a flow come by both ways, and are served by one node" datagrams
check "servers for many" take_many
check "each SYN comes by both ways, and has one owner" one_owner_each
