#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# A shared address is known to all nodes: who has it, whom it is for, as one node defines it for all, and who takes no
# new flows of it.
# shellcheck source-path=SCRIPTDIR source=global_lib.sh
. "$(dirname "$0")/global_lib.sh"
needs_helpers
needs python3 serve ask
two_global_nodes

# known NODE NODES BALANCE GENERATION JOINED DRAINING: of the address, as that node shows it; nodes as "0 2", or "all".
known() {
	equal "$("on$1" "$SHMNETCTL" address --json | python3 -c '
import json, sys
for one in json.load(sys.stdin):
    if one["address"] == sys.argv[1]:
        print("all" if one["for_all"] else " ".join(map(str, one["nodes"])), one["balance"], one["generation"],
              " ".join(map(str, one["joined"])), " ".join(map(str, one["draining"])), sep="|")' "$global")" \
		"$(IFS='|' && echo "${*:2}")"
}

both_know() { # both_know NODES BALANCE GENERATION JOINED DRAINING
	until_true 20 known 0 "$@" && until_true 20 known 1 "$@"
}

# Nothing but an address on the adapter: it joins, for all.
joined() {
	slot0=$(slot_of 0) slot1=$(slot_of 1)
	both="$slot0 $slot1"
	[ "$slot0" -lt "$slot1" ] || both="$slot1 $slot0"
	start_helpers && both_know all None 0 "$both" ""
}

serve_both() {
	start_server tcp 0 80 && start_server tcp 1 80 && until_true 20 are_both && equal "$(who_serves 10)" "node0 node1 "
}

are_both() {
	[ "$(on0 "$SHMNETCTL" service --json | grep -c '"port": 80')" -eq 2 ]
}

# By the other node than the one that it is for.
defined() {
	configure_helper 1 "[address.\"$global\"]" "nodes = [$slot0]" 'balance = "source"' &&
		both_know "$slot0" source 1 "$both" "" && equal "$(who_serves 10)" "node0 " &&
		until_true 20 balance_is source
}

is_explained() {
	on0 "$SHMNETCTL" explain tcp 198.51.100.9:1000 $global:80 | tee -a /dev/stderr |
		grep -q 'the address is not for it'
}

# What was said stays, though nobody is left who says it again.
survives_its_program() {
	kill -9 "${helper[1]}" && both_know "$slot0" source 1 "$both" "" && equal "$(who_serves 10)" "node0 " && start_helper 1
}

# A newer one, by the other node; and then the older one goes.
defined_anew() {
	configure_helper 0 "[address.\"$global\"]" "nodes = [$slot1]" 'generation = 2' &&
		both_know "$slot1" None 2 "$both" "" && equal "$(who_serves 10)" "node1 " &&
		configure_helper 1 'services = []' && both_know "$slot1" None 2 "$both" ""
}

drained() {
	configure_helper 0 'services = []' && configure_helper 1 "[address.\"$global\"]" 'drain = true' &&
		both_know all None 0 "$both" "$slot1" && equal "$(who_serves 10)" "node0 " &&
		on0 "$SHMNETCTL" explain tcp 198.51.100.9:1000 $global:80 | grep -q 'draining, of this address'
}

left() {
	configure_helper 1 'services = []' && ip -n "$ns1" address del $global/32 dev "$glob1" &&
		both_know all None 0 "$slot0" ""
}

check "both nodes take the address" eval "join 0 && join 1"
check "a client is there" add_client
check "the global adapters have a carrier" until_true 20 have_carrier
check "both know that both have it" joined
check "a server on each, and both are chosen" serve_both
check "one defines whom it is for, and how it is balanced" defined
check "which is explained" is_explained
check "its helper is killed: it stays defined" survives_its_program
check "the other defines it anew" defined_anew
check "one takes no new flows of it" drained
check "one has it no more" left
