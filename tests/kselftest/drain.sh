#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# A node that drains is given nothing new and keeps what it has; and shmnetctl explains, before a
# packet comes, to whom it will go.
# shellcheck source-path=SCRIPTDIR source=global_lib.sh
. "$(dirname "$0")/global_lib.sh"
[ -x "${SHMNETCTL:-}" ] || skip "name shmnetctl with SHMNETCTL"
needs python3 serve ask hold
two_global_nodes

serve_both() {
	start_server tcp 0 80 && start_server tcp 1 80 && equal "$(who_serves 40)" "node0 node1 "
}

# explained WANTED SOURCE DESTINATION: step and nodes that shmnetctl on the entry tells.
explained() {
	equal "$(on0 "$SHMNETCTL" explain --json tcp "$2" "$3" | python3 -c '
import json, sys
told = json.load(sys.stdin)
print(told["step"], *([told["node"]] if told["node"] is not None else told["nodes"]))')" "$1"
}

state_of() { # state_of NODE: of its global network, as node 0 sees it
	on0 "$SHMNETCTL" node --json | python3 -c '
import json, sys
print(*(network["state"] for node in json.load(sys.stdin) if node["node"] == int(sys.argv[1])
        for network in node["networks"] if network["kind"] == "global"))' "$(slot_of "$1")"
}

state_is() { # state_is NODE WANTED
	equal "$(state_of "$1")" "$2"
}

any_is_explained() {
	slot0=$(slot_of 0) slot1=$(slot_of 1)
	explained "any $slot0 $slot1" 198.51.100.9:1000 $global:80
}

hold_some() {
	hold_connections 30 && grep -q '^node0' "$work/held" && grep -q '^node1' "$work/held"
}

# Of the client's connections, where the kernel's table has them.
known_are_explained() {
	local slot port
	read -r slot port < <(on0 "$SHMNETCTL" flow --json | python3 -c '
import json, sys
print(*next((flow["node"], flow["source_port"]) for flow in json.load(sys.stdin)
            if flow["state"] == "established"))') &&
		explained "known $slot" "$client:$port" $global:80
}

answers_are_explained() {
	local port
	port=$(on1 "$SHMNETCTL" device --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["ports"][0])')
	explained "answer $slot1" 198.51.100.9:80 "$global:$port"
}

drains() {
	on1 "$SHMNETCTL" drain "$glob1" && until_true 5 state_is 1 draining && equal "$(who_serves 40)" "node0 " &&
		explained "any $slot0" 198.51.100.9:1000 $global:80
}

waits_in_vain() {
	expect_failure 'the deadline has passed' on1 "$SHMNETCTL" drain --deadline 1 && still_hold
}

down_and_up() {
	ip -n "$ns1" link set "$glob1" down && until_true 5 state_is 1 down && ip -n "$ns1" -batch - <<-END &&
		link set $glob1 up
		route add $global dev $glob1 src $address1 table 100
	END
		until_true 5 state_is 1 draining && until_true 20 have_carrier && equal "$(who_serves 40)" "node0 "
}

waits_for_the_end() {
	pkill -f "hold $global 80" && on1 "$SHMNETCTL" drain --wait --deadline 60
}

comes_back() {
	on1 "$SHMNETCTL" undrain && until_true 5 state_is 1 up && equal "$(who_serves 40)" "node0 node1 "
}

# Its own programs are served by others, too.
alone() {
	on0 "$SHMNETCTL" drain && on1 "$SHMNETCTL" drain && until_true 5 state_is 1 draining &&
		explained "nobody" 198.51.100.9:1000 $global:80 && on0 "$SHMNETCTL" undrain &&
		on1 "$SHMNETCTL" undrain
}

refusals() {
	expect_failure "$if0 is no global interface" on0 "$SHMNETCTL" drain "$if0" &&
		expect_failure 'is no address with a port' on0 "$SHMNETCTL" explain tcp 1.2.3.4 $global:80 &&
		expect_failure 'no protocol with ports' on0 "$SHMNETCTL" explain icmp 1.2.3.4:1 $global:80 &&
		expect_failure 'of IPv6' on0 "$SHMNETCTL" explain tcp '[::1]:1' $global:80 &&
		expect_failure 'CAP_NET_ADMIN' on0 setpriv --bounding-set=-net_admin --inh-caps=-net_admin \
			--reuid 65534 "$SHMNETCTL" drain
}

check "both nodes take the address" eval "join 0 && join 1"
check "a client is there" add_client
check "the global adapters have a carrier" until_true 20 have_carrier
check "a server on each, and both are chosen" serve_both
check "a new flow is explained" any_is_explained
check "a port of a node's is explained" answers_are_explained
check "connections that last" hold_some
check "they are explained" known_are_explained
check "a node drains: nothing new comes" drains
check "what it has goes on, and a deadline passes" waits_in_vain
check "it drains still behind a pause" down_and_up
check "its last connection ends" waits_for_the_end
check "it is given new ones again" comes_back
check "where all drain nobody is chosen" alone
check "what cannot be is refused" refusals
