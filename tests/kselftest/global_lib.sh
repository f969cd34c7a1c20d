# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# What tests of a shared address have in common: two nodes with it, and a client behind node 0.

# shellcheck source-path=SCRIPTDIR source=../kselftest/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
global=203.0.113.1 client=198.51.100.2

# As two_nodes, and with the global adapters' names.
two_global_nodes() {
	two_nodes
	glob0=$(interface_of "$pci0" 1) glob1=$(interface_of "$pci1" 1)
	[ -n "$glob0" ] && [ -n "$glob1" ] || skip "the region has no global network"
}

# What each node needs: packets to the address that another node sent here are for this node, and all
# others for the global adapter (docs/global.md).
join() { # join NODE
	local -n interface=glob$1 namespace=ns$1
	take_address "$1" && ip netns exec "$namespace" sysctl -qw net.ipv4.ip_forward=1 \
		net.ipv4.ip_early_demux=0 net.ipv4.conf.all.rp_filter=0 &&
		ip -n "$namespace" -batch - <<-END
			rule add pref 10 iif $interface lookup local
			rule add pref 20 to $global lookup 100
			rule add pref 30 lookup local
			rule del pref 0
		END
}

# take_address NODE: what goes with the interfaces.
take_address() {
	local -n interface=glob$1 namespace=ns$1 own=address$1 local_interface=if$1
	ip link set "$interface" netns "$namespace" && ip netns exec "$namespace" sysctl -qw \
		"net.ipv4.conf.$interface.accept_local=1" "net.ipv4.conf.$interface.rp_filter=0" \
		"net.ipv4.conf.$local_interface.rp_filter=0" &&
		ip -n "$namespace" -batch - <<-END
			link set $interface up
			address add $global/32 dev $interface
			route add $global dev $interface src $own table 100
		END
}

# A client on a card of node 0; node 1 answers it by way of node 0.
add_client() {
	make_namespaces "$ns2" && ip -n "$ns2" link add eth0 type veth peer name card netns "$ns0" &&
		ip -n "$ns0" address add 198.51.100.1/24 dev card && ip -n "$ns0" link set card up &&
		ip -n "$ns2" address add $client/24 dev eth0 && ip -n "$ns2" link set eth0 up &&
		ip -n "$ns2" route add default via 198.51.100.1 &&
		ip -n "$ns1" route add 198.51.100.0/24 via "$address0"
}

# The client's second way, for what has mark 1, is a card of node 1.
add_second_way() {
	ip -n "$ns2" link add eth1 type veth peer name card netns "$ns1" &&
		ip -n "$ns1" address add 198.51.101.1/24 dev card && ip -n "$ns1" link set card up &&
		ip -n "$ns2" address add 198.51.101.2/24 dev eth1 && ip -n "$ns2" link set eth1 up &&
		ip -n "$ns2" route add default via 198.51.101.1 table 101 &&
		ip -n "$ns2" rule add fwmark 1 lookup 101 && ip netns exec "$ns2" sysctl -qw \
			net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0 \
			net.ipv4.conf.eth1.rp_filter=0 && ip netns exec "$ns1" sysctl -qw \
			net.ipv4.conf.card.rp_filter=0 net.ipv4.conf.card.forwarding=1
}

have_carrier() {
	has_carrier "$ns0" "$glob0" && has_carrier "$ns1" "$glob1"
}

# hold_connections COUNT: of the client's to port 80, until the test ends.
hold_connections() {
	mkfifo "$work/say" && : >"$work/held" || return
	(exec ip netns exec "$ns2" "$here/hold" $global 80 "$1") <>"$work/say" >"$work/held" 2>&1 &
	until_true 30 held_times 1
}

# All of them go on.
still_hold() {
	echo >"$work/say"
	until_true 40 held_times 2 || {
		cat "$work/held"
		return 1
	}
}

held_times() {
	[ "$(grep -c '^held' "$work/held")" -eq "$1" ]
}

# start_server PROTOCOL NODE PORT
start_server() {
	local -n namespace=ns$2
	(exec ip netns exec "$namespace" "$here/serve" "$1" "node$2" "$global" "$3") \
		>"$work/$1$2.server" 2>&1 &
	until_true 30 grep -q ready "$work/$1$2.server"
}

# slot_of NODE
slot_of() {
	"on$1" "$SHMNETCTL" device --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["node"])'
}

# new_ports COUNT: the first of so many that no connection had since the machine began: a flow is remembered
# behind its end, and the next one of its ports goes to the same node.
new_ports() {
	local last=/run/shmnet-test-port first
	first=$(cat $last 2>/dev/null || echo 10000)
	echo $((first + $1 < 32000 ? first + $1 : 10000)) >$last
	echo "$first"
}

# ask_anew COUNT: so many connections of the client's to port 80, from new ports
ask_anew() {
	on2 "$here/ask" tcp $global 80 "$1" 0 "" "$(new_ports "$1")"
}

# who_serves COUNT: the names of those who serve so many of them
who_serves() {
	ask_anew "$1" | cut -d ' ' -f 1 | tr '\n' ' '
}

# ---- shmnetd of each node ------------------------------------------------------------------------

needs_helpers() {
	shmnetd=$(dirname "${SHMNETCTL:-/nowhere/shmnetctl}")/shmnetd
	[ -x "$shmnetd" ] || skip "there is no shmnetd beside shmnetctl"
	declare -ga helper=()
}

# start_helper NODE: with what $work/NODE.toml says.
start_helper() {
	local -n namespace=ns$1
	(exec ip netns exec "$namespace" "$shmnetd" --config "$work/$1.toml") >"$work/helper$1" 2>&1 &
	helper[$1]=$!
}

configure_helper() { # configure_helper NODE LINE...
	printf '%s\n' "${@:2}" >"$work/$1.toml"
	[ -z "${helper[$1]:-}" ] || kill -HUP "${helper[$1]}"
}

# On both nodes; they publish what is bound to the shared address.
start_helpers() {
	local node
	for node in 0 1; do
		configure_helper "$node" 'services = []'
		start_helper "$node"
	done
}

balance_is() { # balance_is NAME: of what both nodes offer
	[ "$(on0 "$SHMNETCTL" service | grep -c " $1")" -eq 2 ]
}
