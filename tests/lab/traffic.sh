# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# For tests whose labs have shmnet loaded: a lab, traffic in it, and what its nodes see of each
# other. A test sets `lab`, and sources this in place of lib.sh.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
programs=$root/build/kselftest
ctl=$root/build/bin/shmnetctl
complaints='WARNING:|BUG:|Call Trace:|refcount_t:|UBSAN:|NETDEV WATCHDOG|blocked for more|stalls? on CPU'
declare -A pids
ports=0 nodes=0

# The logs of guests in which something failed are kept.
cleanup() {
	local node
	for ((node = 0; failed > 0 && node < nodes; node++)); do
		mkdir -p "$root/build/check"
		"$shmlab" logs --name "$lab" $node >"$root/build/check/${0##*/}-node$node.log"
	done
	"$shmlab" down --name "$lab"
	rm -rf "$scratch"
} 2>/dev/null
trap cleanup EXIT
trap 'exit 130' INT TERM

begin_lab() { # begin_lab --nodes N [OPTION...]
	nodes=$2
	[ -x "$programs/tcp_stream" ] || bail_out "build the programs: make kselftest"
	"$shmlab" up --name "$lab" "$@" >"$scratch/up" 2>&1 || bail_out "$(tail -20 "$scratch/up")"
}

at() { # at PLACE COMMAND...: a node's number, or "outside", behind node 0's virtio-net card
	if [ "$1" = outside ]; then
		shift
		"$shmlab" outside --name "$lab" lan -- "$@"
	else
		on "$@"
	fi
}

# on_each "NODE..." FUNCTION: FUNCTION NODE for all at once; each in a guest of its own
on_each() {
	local node job code=0
	local -a begun=()
	for node in $1; do
		"$2" "$node" &
		begun+=($!)
	done
	for job in "${begun[@]}"; do
		wait "$job" || code=1
	done
	return $code
}

# stream NAME FROM TO ADDRESS PROTOCOL [OPTION...]: starts one; without -n, until `end_stream`.
stream() {
	local name=$1 from=$2 to=$3 address=$4 program=$programs/$5_stream options=() port
	shift 5
	port=$((7000 + ports++))
	[[ " $* " != *' -g '* ]] || options=(-g)
	at "$to" "$program" receive "$address" $port "${options[@]}" \
		>"$scratch/$name.received" 2>"$scratch/$name.receiver" &
	pids[$name]=$!
	at "$from" "$program" send "$address" $port "$@" \
		>"$scratch/$name.sent" 2>"$scratch/$name.sender" &
	pids[$name]+=" $!"
}

# result NAME: waits for its end; both ends must have computed the same digest.
result() {
	local pid code=0
	for pid in ${pids[$1]}; do
		wait "$pid" || code=1
	done
	[ $code -eq 0 ] && [ -s "$scratch/$1.sent" ] &&
		cmp "$scratch/$1.sent" "$scratch/$1.received" || {
		tail -n 5 "$scratch/$1".{sent,sender,received,receiver}
		return 1
	}
}

end_stream() { # end_stream NAME FROM
	on "$2" pkill -TERM -f 'tcp_stream send' && result "$1"
}

crosses() { # crosses FROM TO ADDRESS PROTOCOL OPTION...
	stream crossing "$@" && result crossing
}

pings() { # pings FROM TO [SECONDS]: an answer within so long
	on "$1" ping -q -c 1 -w "${3:-20}" 192.0.2.$(($2 + 1))
}

counter() { # counter NODE NAME [INTERFACE]
	on "$1" ethtool -S "${3:-shml0}" | sed -n "s/^ *$2: //p"
}

# What a node sees of another: its state, whether connected, its incarnation, its slot. Guests take
# slots in the order in which they load the module.
sees() { # sees NODE OTHER
	on "$1" "$ctl" node --json | python3 -c '
import json, sys
for node in json.load(sys.stdin):
    if node.get("name") == "node" + sys.argv[1]:
        local = next(n for n in node["networks"] if n["kind"] == "local")
        print(node["state"], local["connected"], node["incarnation"], node["node"])' "$2"
}

slot_of() { # of another than node 0
	sees 0 "$1" | cut -d' ' -f4
}

# watch_events NODE: what happens there from now on is known to `tells`
watch_events() {
	start_on "$1" "$ctl" monitor --json >"$scratch/events$1"
	until_true 20 listens "$1"
}

# shellcheck disable=SC2016 # awk's
listens() { # a generic netlink socket of the node is in a group
	on "$1" awk '$2 == 16 && $4 !~ /^0*$/ { found = 1 } END { exit !found }' /proc/net/netlink
}

tells() { # tells NODE EVENT
	grep -q "\"event\":\"$2\"" "$scratch/events$1"
}

no_complaints() { # no_complaints NODE...
	local node code=0
	for node; do
		"$shmlab" logs --name "$lab" "$node" | grep -E "$complaints" && code=1
	done
	return $code
}
