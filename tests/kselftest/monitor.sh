#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# What can be seen of a node while it works: events when a peer comes and goes, rings and tapes that
# agree with the counters of ethtool -S, tracepoints. Needs shmnetctl: SHMNETCTL names it, if it is
# neither in PATH nor where this tree builds it.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

find_shmnetctl() {
	local path
	for path in "${SHMNETCTL:-}" "$(command -v shmnetctl)" "$here/../bin/shmnetctl" \
		"$here/../../build/bin/shmnetctl"; do
		[ -x "$path" ] && echo "$path" && return
	done
}

ctl=$(find_shmnetctl) || skip "shmnetctl is missing: name it with SHMNETCTL"
needs awk ping python3 timeout frame
two_nodes
tracing=/sys/kernel/tracing trace='' mounted=''

undo_more() {
	[ -z "$trace" ] || { echo 0 >"$trace/events/enable" && rmdir "$trace"; }
	[ -z "$mounted" ] || umount "$mounted"
}

node_of() { # node_of PCI-ADDRESS: its slot
	"$ctl" device "$1" | awk 'NR == 2 { print $2 }'
}

node0=$(node_of "$pci0") node1=$(node_of "$pci1")

# ---- Events ---------------------------------------------------------------------------------

# The program listens: its netlink socket is in a multicast group.
listens() { # listens PID
	local inode
	for inode in $(find "/proc/$1/fd" -lname 'socket:*' -printf '%l\n' | tr -dc '0-9\n'); do
		awk -v inode="$inode" '$NF == inode && $4 !~ /^0*$/ { found = 1 } END { exit !found }' \
			"/proc/$1/net/netlink" && return
	done
	return 1
}

tells() { # tells FILE TEXT: a line of the file has the text
	grep -qF -- "$2" "$work/$1"
}

works() {
	until_true 20 connected && on0 ping -q -c 3 -i 0.1 -W 10 "$address1"
}

start() { # start NAME PROGRAM...: sets $!
	(exec "${@:2}" >"$work/$1" 2>"$work/$1.errors") &
}

start_monitors() {
	start events "$ctl" monitor
	text=$!
	start json "$ctl" monitor --json
	json=$!
	start inside ip netns exec "$ns1" "$ctl" monitor
	inside=$!
	until_true 20 listens $text && until_true 20 listens $json && until_true 20 listens $inside
}

tells_down() {
	ip -n "$ns1" link set "$if1" down
	until_true 20 tells events "$pci0 ring-ended network=0 interface=$if0 node=$node1"
}

tells_up() {
	ip -n "$ns1" link set "$if1" up && works &&
		until_true 20 tells events "$pci0 ring-connected network=0 interface=$if0 node=$node1"
}

tells_unbind() {
	echo "$pci1" >$driver/unbind
	until_true 20 tells events "$pci0 node-left node=$node1"
}

tells_bind() {
	echo "$pci1" >$driver/bind || return
	if1=$(interface_of "$pci1")
	rescues[1]=0
	until_true 20 tells events "$pci0 node-came node=$node1" && attach 1 && works
}

# A namespace hears of devices that have an interface there.
tells_inside() {
	cat "$work/inside"
	grep -q "^[^ ]* $pci1 " "$work/inside" && ! grep -q "^[^ ]* $pci0 " "$work/inside"
}

ends_on() { # ends_on SIGNAL PID: with exit code 0
	kill "-$1" "$2" && wait "$2"
}

json_agrees() {
	python3 - "$work/json" "$work/events" <<-'END'
		import json, sys
		events = [json.loads(line) for line in open(sys.argv[1])]
		lines = [line.split() for line in open(sys.argv[2])]
		for event, line in zip(events, lines, strict=True):
		    found = [event.pop(name) for name in ("time", "device", "event")]
		    assert found[1:] == line[1:3], (found, line)
		    assert [f"{name}={value}" for name, value in event.items()] == line[3:], line
	END
}

# ---- Rings and tapes ------------------------------------------------------------------------

# sum_of NODE DIRECTION: frames of its interface's rings in that direction
sum_of() {
	local pci=$pci0 interface=$if0
	[ "$1" -eq 0 ] || { pci=$pci1 interface=$if1; }
	"$ctl" ring "$pci" | awk -v interface="$interface" -v direction="$2" '
		$2 == interface && $5 == direction { sum += $14 } END { print sum + 0 }'
}

# What is not on a ring is on a tape.
rings_count() { # rings_count NODE
	equal "$(sum_of "$1" send)" $(($(counter "$1" tx_frames) - $(counter "$1" tx_casts))) &&
		equal "$(sum_of "$1" receive)" $(($(counter "$1" rx_frames) - $(counter "$1" rx_casts)))
}

rings_agree() {
	on0 ping -q -f -c 500 "$address1" && until_true 10 rings_count 0 && until_true 10 rings_count 1
}

# Both directions connected, nothing on the way, all buffers with the sender.
rings_rest() {
	"$ctl" ring "$pci0" | awk -v interface="$if0" -v node="$node1" '
		$2 == interface && $3 == node && $6 == "connected" && $10 == 0 && $11 == $12 { found++ }
		END { exit found != 2 }'
}

closed() {
	"$ctl" ring "$pci0" | awk -v interface="$if0" -v node="$node1" '
		$2 == interface && $3 == node && $6 == "closed" && $7 == "-" { found++ } END { exit found != 2 }'
}

rings_close() {
	ip -n "$ns1" link set "$if1" down && until_true 20 closed && "$ctl" ring "$pci0" &&
		ip -n "$ns1" link set "$if1" up && works
}

# tape_reads NODE: the broadcast tape is read to its end, and what was missed was counted
tape_reads() {
	local pci=$pci0
	[ "$1" -eq 0 ] || pci=$pci1
	"$ctl" tape --json "$pci" | python3 -c '
import json, sys
tapes = [tape for tape in json.load(sys.stdin) if tape["network"] == 0]
assert tapes[0]["group"] is None and tapes[0]["reading"], tapes
assert tapes[0]["position"] == tapes[0]["head"] > 0, tapes
assert sum(tape["missed"] for tape in tapes) == int(sys.argv[1]), tapes
' "$(counter "$1" rx_cast_missed)"
}

tapes_agree() {
	until_true 10 tape_reads 0 && until_true 10 tape_reads 1
}

is_json() {
	local command
	for command in node ring tape device counters; do
		"$ctl" $command --json | python3 -m json.tool >/dev/null || return
	done
}

watches() { # watches COMMAND: again and again, a document a line in JSON, and ends well
	timeout --preserve-status 4 "$ctl" "$1" --watch >"$work/watch" &&
		at_least "$(grep -c '^DEVICE' "$work/watch")" 2 "headers" &&
		timeout --preserve-status 4 "$ctl" "$1" --watch --json >"$work/watch" &&
		at_least "$(wc -l <"$work/watch")" 2 "lines" &&
		python3 -m json.tool --json-lines "$work/watch" >/dev/null
}

# ---- Tracepoints ----------------------------------------------------------------------------

prepare_tracing() {
	if [ ! -d $tracing/events ]; then
		mount -t tracefs tracefs $tracing || return
		mounted=$tracing
	fi
	[ -d $tracing/events ] && mkdir "$tracing/instances/shmnet-$$" || return
	trace=$tracing/instances/shmnet-$$
}

are_there() {
	local name
	for name in node_came node_gone node_died ring_connect ring_end cast_lapped drop; do
		[ -f "$trace/events/shmnet/$name/format" ] || {
			echo "there is no $name"
			return 1
		}
	done
	echo 1 >"$trace/events/shmnet/enable"
}

traced() { # traced TEXT
	grep -F -- "$1" "$trace/trace"
}

trace_peers() {
	ip -n "$ns1" link set "$if1" down && until_true 20 traced "ring_end: dev=$if0 node=$node1" &&
		ip -n "$ns1" link set "$if1" up && works &&
		traced "ring_connect: dev=$if0 node=$node1" || return
	echo "$pci1" >$driver/unbind
	until_true 20 traced "node_gone: device=$pci0 node=$node1" || return
	echo "$pci1" >$driver/bind
	if1=$(interface_of "$pci1")
	attach 1 && works && traced "node_came: device=$pci0 node=$node1"
}

trace_drop() {
	local before mac
	mac=$(on1 cat "/sys/class/net/$if1/address")
	before=$(counter 0 tx_drop_forged)
	on0 "$here/frame" send -s "$mac" -d "$mac" "$if0" 123 &&
		equal $(($(counter 0 tx_drop_forged) - before)) 1 &&
		traced "drop: dev=$if0 direction=tx reason=forged len=123"
}

check "monitors listen" start_monitors
check "a peer that goes down ends the ring" tells_down
check "one that comes up connects it" tells_up
check "a driver that leaves is a node that left" tells_unbind
check "one that comes is a node that came" tells_bind
check "a namespace hears only of its devices" tells_inside
check "a monitor ends well on SIGTERM" ends_on TERM "$text"
check "a monitor ends well on SIGINT" ends_on INT "$json"
check "a monitor in a namespace ends well" ends_on TERM "$inside"
check "events are the same as JSON and as text" json_agrees
check "rings have counted what ethtool shows" rings_agree
check "rings at rest are empty" until_true 10 rings_rest
check "rings of a peer that is down are closed" rings_close
check "tapes are read to the end" tapes_agree
check "all answers are JSON" is_json
for command in node ring tape; do
	check "$command --watch goes on" watches $command
done
if prepare_tracing; then
	check "tracepoints are there" are_there
	check "they fire for peers" trace_peers
	check "they fire for a dropped frame" trace_drop
else
	check "tracepoints # SKIP this kernel has no tracefs" true
fi
echo "# node $node0 of $pci0, node $node1 of $pci1"
