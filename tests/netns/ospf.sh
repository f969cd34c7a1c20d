# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Border routers in network namespaces, with FRR's daemons in each, for tests of `shmnetctl ospf`. Four nodes share a
# local network; two of them have a card, each toward a router outside (tests/support/routers.sh):
#
#                shml0 (area 0)
#          inner other left right
#                       |card|card
#                      frr  bird
#
# Needs the programs (make userspace), no module and no guests.

# shellcheck source-path=SCRIPTDIR source=../support/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../support/tap.sh"
# shellcheck source-path=SCRIPTDIR source=../support/routers.sh
. "$root/tests/support/routers.sh"
[ "$(id -u)" -eq 0 ] || {
	echo "1..0 # SKIP needs root"
	exit 0
}
# For remarks that a check would keep to itself.
exec 3>&1
program=$root/build/bin/shmnetctl
[ -x "$program" ] || bail_out "there is no build/bin/shmnetctl: make userspace"
[ -x /usr/lib/frr/ospfd ] && command -v bird >/dev/null || bail_out "frr and bird2 are needed: make deps"
nodes=(left right inner other)
namespaces=("${nodes[@]}" frr bird clienta clientb wires)
prefix=shmnet-$$
for name in "${namespaces[@]}"; do
	place[$name]=$prefix-$name
done
# Shared addresses, and of a node without a card.
frr_daemons=(zebra bfdd ospfd ospf6d)
shared4=203.0.113.1 shared6=2001:db8:1::1
inner4=192.0.2.3 inner6=2001:db8:2::3

# shellcheck disable=SC2317 # a trap
cleanup() {
	local name
	for name in "${namespaces[@]}"; do
		ip netns pids "$prefix-$name" 2>/dev/null | xargs -r kill -9
		ip netns del "$prefix-$name" 2>/dev/null
		rm -rf "/run/frr/$prefix-$name"
	done
	rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# ---- The network -------------------------------------------------------------------------------

# plug WHO INTERFACE ADDRESS4 ADDRESS6 [WIRE]: to others on the wire
plug() {
	local wire=${5:-shared}
	ip -n "$prefix-wires" link add "$1-$wire" type veth peer name "$2" netns "$prefix-$1" &&
		ip -n "$prefix-wires" link set "$1-$wire" up master "$wire" && has "$1" "$2" "$3" "$4"
}

make_network() {
	local name number=0
	for name in "${namespaces[@]}"; do
		ip netns add "$prefix-$name" && ip -n "$prefix-$name" link set lo up &&
			in_place "$name" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
				net.ipv6.conf.default.accept_dad=0 net.ipv4.conf.all.rp_filter=0 || return
	done
	ip -n "$prefix-wires" link add shared up type bridge || return
	for name in "${nodes[@]}"; do
		number=$((number + 1))
		plug "$name" shml0 192.0.2.$number/24 2001:db8:2::$number/64 &&
			configured "$name" <<-END || return
				link add shmg0 type veth peer name unused
				link set shmg0 up addrgenmode none
				link set unused up
				address add $shared4/32 dev shmg0
				address add $shared6/128 dev shmg0
			END
	done
	pair left card 198.51.100.1/30 2001:db8:3::1/64 frr eth0 198.51.100.2/30 2001:db8:3::2/64 &&
		pair right card 198.51.100.5/30 2001:db8:4::1/64 bird eth0 198.51.100.6/30 2001:db8:4::2/64 &&
		wire_outside
}

# ---- Ours --------------------------------------------------------------------------------------

write_configs() {
	printf 'local = "shml0"\nglobal = "shmg0"\n' | tee "$scratch/inner.toml" >"$scratch/other.toml"
	printf 'local = "shml0"\nglobal = "shmg0"\n[card.card]\npoint-to-point = true\n' |
		tee "$scratch/left.toml" >"$scratch/right.toml"
}

ospf() { # ospf NODE COMMAND...
	ospf_by "$scratch/$1.toml" "$@"
}

ospf_by() { # ospf_by CONFIGURATION NODE COMMAND...
	in_place "$2" "$program" ospf --config "$1" --state "$scratch/$2.json" --vty-socket "/run/frr/${place[$2]}" \
		"${@:3}"
}

# Applied again whenever something changes.
follow() { # follow NODE
	# The program itself, so that it can be told to end.
	ip netns exec "${place[$1]}" "$program" ospf --config "$scratch/$1.toml" --state "$scratch/$1.json" \
		--vty-socket "/run/frr/${place[$1]}" follow >"$scratch/follow-$1" 2>&1 &
	follows+=($!)
}
follows=()

end_follows() {
	kill "${follows[@]}" && wait "${follows[@]}" && follows=()
}

each() { # each COMMAND...: on every node
	local name
	for name in "${nodes[@]}"; do
		ospf "$name" "$@" || return
	done
}

running() { # running NODE: FRR's configuration
	vty "$1" 'show running-config no-header'
}

reaches() { # reaches WHO ADDRESS...
	local address
	for address in "${@:2}"; do
		in_place "$1" ping -q -c 1 -W 1 "$address" || return
	done
}

all_reach_all() {
	reaches inner "${client4[@]}" "${client6[@]}" && reaches clienta $inner4 $inner6 &&
		reaches clienta "${client4[1]}" "${client6[1]}" && reaches clientb $inner4 $inner6
}

# Neighbours of IPv4 or IPv6 that are there in full, and watched by BFD.
watched=up
adjacent() { # adjacent NODE IP COUNT
	[ "$(ospf "$1" show --json | python3 -c 'import json, sys
print(sum(one["ip"] == int(sys.argv[1]) and one["state"] == "full" and one["bfd"] == sys.argv[2]
          for one in json.load(sys.stdin)["neighbours"]))' "$2" "$watched")" = "$3" ]
}

all_are_adjacent() {
	adjacent left 4 4 && adjacent right 4 4 && adjacent inner 4 3
}

# The way of a router outside to an address: by its neighbour, by the other router, or none.
way() { # way WHO ADDRESS: the interface
	in_place "$1" ip route get "$2" 2>/dev/null | sed -n 's/.* dev \([^ ]*\) .*/\1/p'
}

goes_by() { # goes_by WHO INTERFACE ADDRESS...
	local address
	for address in "${@:3}"; do
		[ "$(way "$1" "$address")" = "$2" ] || return
	done
}

# The left border router is the way again, and the right one would be. IPv6 has an election on shml0, which may last for a
# dead interval (40 s) and a hello.
is_back() {
	until_true 60 all_are_adjacent && until_true 60 goes_left "${client4[0]}" &&
		in_the_end goes_left "${client6[0]}" && in_the_end hears_right "${client6[0]%:*}:/64" || {
		ospf inner show
		return 1
	}
}

# in_the_end COMMAND...: it is true within half a minute, or when border routers have announced anew. What ospf6d of FRR 8.4
# withdraws within a minute of another withdrawal, and announces again within a minute, it may announce under a number that
# others still have of the withdrawal, and so do not take (docs/routing.md). With another cost it counts on.
in_the_end() {
	until_true 30 "$@" || {
		echo "# not so in half a minute: $*. IPv6 is announced anew, as ospf6d may announce what others do not take" |
			tee -a /dev/stderr >&3
		announces_anew left && announces_anew right && until_true 60 "$@"
	}
}
announces_anew() { # announces_anew ROUTER
	local interface cost
	while read -r interface cost; do
		has_cost6 "$1" "$interface" $((cost + 1)) && sleep 1 && has_cost6 "$1" "$interface" "$cost" || return
	done < <(vty "$1" 'show running-config' | awk '/^interface / { name = $2 } /ipv6 ospf6 cost/ { print name, $4 }')
}
has_cost6() { # has_cost6 ROUTER INTERFACE COST
	vty "$1" 'configure terminal' "interface $2" "ipv6 ospf6 cost $3"
}

# Of two border routers, the one that is nearer.
goes_left() { # goes_left ADDRESS
	local link
	link=$(ip -n "$prefix-left" -6 -o address show dev shml0 scope link | sed 's/.* inet6 \([^/]*\).*/\1/')
	in_place inner ip route get "$1" | grep -qE " via (192\.0\.2\.1|$link) "
}

# hears_right PREFIX6: the inner node has what the right border router announces of it, should the left one fail.
hears_right() {
	vty inner 'show ipv6 ospf6 database inter-prefix json' | python3 -c 'import json, sys
sys.exit(not any((told["advRouter"], told["payload"]) == ("192.0.2.2", sys.argv[1]) and told["age"] < 3600
                 for area in json.load(sys.stdin)["areaScopedLinkStateDb"] for told in area["lsa"]))' "$1"
}

# All daemons in place, and nothing configured.
begin_routing() {
	local name
	make_network || bail_out "there is no network to try it in"
	write_configs
	for name in "${nodes[@]}"; do
		start_frr "$name" "${frr_daemons[@]}" || bail_out "FRR does not start"
		running "$name" >"$scratch/begin-$name"
	done
	start_outside || bail_out "the routers outside do not start"
}
