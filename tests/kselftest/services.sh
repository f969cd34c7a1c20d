#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# New connections go to the nodes whose programs listen, as shmnetd of each node has it: listeners that
# come and go, ways to balance, a node that takes no new ones, a helper that dies.
# shellcheck source-path=SCRIPTDIR source=global_lib.sh
. "$(dirname "$0")/global_lib.sh"
needs_helpers
needs python3 serve ask hold
two_global_nodes

# offered NODE...: who offers TCP port 80, as node 0 sees it.
offered() {
	local nodes
	nodes=$(on0 "$SHMNETCTL" service --json | python3 -c '
import json, sys
print(*sorted(one["node"] for one in json.load(sys.stdin)
              if (one["protocol"], one["port"], one["weight"] > 0) == ("tcp", 80, True)))')
	equal "$nodes" "$*"
}

are_offered() { # are_offered NODE...: within a second and a half, where the kernel does not tell
	local slots=() node
	for node; do
		slots+=("$(slot_of "$node")")
	done
	until_true 20 offered "${slots[@]}" >/dev/null || offered "${slots[@]}"
}

served() { # served COUNT ANSWER...: by whom so many connections of the client's are served
	local answers
	answers=$(ask_anew "$1") || return
	equal "$(tr '\n' ' ' <<<"$answers")" "${*:2} "
}

begins() {
	start_helpers && start_server tcp 1 80 && are_offered 1
}

nobody_listens() {
	expect_failure 'refused' on2 "$here/ask" tcp $global 81 1
}

# In turn, to one more or less.
both() {
	start_server tcp 0 80 && are_offered 0 1 && served 20 node0 10 node1 10
}

by_weight() {
	configure_helper 0 'weight = 3' && until_true 20 weight_is 3 && served 20 node0 15 node1 5
}

weight_is() {
	on0 "$SHMNETCTL" service | grep -qE " $(slot_of 0) +$1 "
}

# All of a client's connections to one node, whichever port they come from.
by_source() {
	local answers
	configure_helper 0 'balance = "source"' && configure_helper 1 'balance = "source"' &&
		until_true 20 balance_is source &&
		answers=$(ask_anew 10) && echo "$answers" && [[ $answers == node?" 10" ]]
}

# Held connections stay where they are; new ones go elsewhere.
takes_no_new_ones() {
	configure_helper 0 'balance = "round-robin"' && configure_helper 1 'weight = 1' &&
		until_true 20 balance_is round-robin && hold_connections 10 && configure_helper 1 'weight = 0' &&
		are_offered 0 && served 10 node0 10 && still_hold && grep node1 "$work/held"
}

# What was published stays; its program is gone all the same, and is known to be when it starts again.
helper_dies() {
	configure_helper 1 'weight = 1' && are_offered 0 1 && kill -9 "${helper[1]}" && served 10 node0 5 node1 5 &&
		pkill -f "serve tcp node1 $global 80" && start_helper 1 && are_offered 0 && served 10 node0 10
}

# What Prometheus asks for is what the other tools show.
tells_metrics() {
	configure_helper 0 '[metrics]' 'listen = "127.0.0.1:9877"' &&
		until_true 20 on0 bash -c 'exec 3<>/dev/tcp/127.0.0.1/9877' &&
		on0 python3 - "$glob0" "$(counter_of "$glob0" tx_frames)" "$(slot_of 0)" <<-'END'
			import sys
			import urllib.request

			interface, frames, slot = sys.argv[1:]
			text = urllib.request.urlopen("http://127.0.0.1:9877/metrics", timeout=20).read().decode()
			lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
			told = float(lines[f'shmnet_tx_frames_total{{interface="{interface}"}}'])
			offers = [line for line in lines if line.startswith("shmnet_service_weight") and f'node="{slot}"' in line]
			print(text if told < float(frames) or not offers or lines["shmnetd_module_up"] != "1" else "as shown")
			sys.exit(told < float(frames) or not offers or lines["shmnetd_module_up"] != "1")
		END
}

counter_of() { # counter_of INTERFACE NAME: of node 0
	on0 ethtool -S "$1" | awk -v name="$2:" '$1 == name { print $2 }'
}

wrong_file() {
	configure_helper 0 'weight = 1000' && until_true 20 grep -q 'weight' "$work/helper0" && sleep 1 &&
		are_offered 0 && served 5 node0 5
}

# of_three_ports FIRST: who serves each; the servers close first, and have TIME_WAIT.
of_three_ports() {
	local port
	for port in "$1" $(($1 + 1)) $(($1 + 2)); do
		on2 env ASK_WAITS=1 "$here/ask" tcp $global 80 1 0 "" "$port" || return
	done | tr '\n' ' '
}

# In turn they would go to others each time: they go to the nodes that have TIME_WAIT, as long as those listen.
ports_come_again() {
	local first before
	pkill -f "serve tcp node0 $global 80"
	configure_helper 0 'services = []' && SERVE_CLOSES=1 start_server tcp 0 80 && SERVE_CLOSES=1 start_server tcp 1 80 &&
		are_offered 0 1 && first=$(new_ports 3) && before=$(of_three_ports "$first") &&
		echo "$before" && [[ $before == *node0*node1* || $before == *node1*node0* ]] &&
		equal "$(of_three_ports "$first")" "$before" && equal "$(of_three_ports "$first")" "$before" &&
		pkill -f "serve tcp node1 $global 80" && are_offered 0 &&
		equal "$(of_three_ports "$first")" "node0 1 node0 1 node0 1 " &&
		equal "$(of_three_ports "$first")" "node0 1 node0 1 node0 1 "
}

check "both nodes take the address" eval "join 0 && join 1"
check "a client is there" add_client
check "the global adapters have a carrier" until_true 20 have_carrier
check "a program listens on node 1, and node 0 knows" begins
check "all connections go there" served 20 node1 20
check "what nobody offers is refused" nobody_listens
check "a program on node 0 too: in turn" both
check "as the weights are" by_weight
check "by the client's address" by_source
check "a node that takes no new ones keeps those that it has" takes_no_new_ones
check "a helper is killed, its program ends, the helper comes back" helper_dies
check "metrics are told" tells_metrics
check "a file that is wrong changes nothing" wrong_file
check "ports come again while their last connection is in TIME_WAIT" ports_come_again
