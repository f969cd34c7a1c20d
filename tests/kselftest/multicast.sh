#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# A node hears the groups that it has joined, all of what is sent to them while they are given tapes
# of their own, and nothing of others: not a word of those on other tapes, and those that share the
# broadcast tape are dropped there and counted. In a hardened region no group has a tape of its own.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs frame
two_nodes
without_ipv6
mac0=$(on0 cat "/sys/class/net/$if0/address")

# Others in each run: a group keeps its tape for a minute.
group() { # group NUMBER: an address
	printf '01:00:5e:%02x:%02x:%02x' $(($$ % 128)) $(($$ / 128 % 256)) "$1"
}

join() {
	ip -n "$ns1" maddress add "$(group "$1")" dev "$if1"
}

leave() {
	ip -n "$ns1" maddress del "$(group "$1")" dev "$if1"
}

# sends GROUP COUNT
sends() {
	on0 "$here/frame" send -s "$mac0" -d "$(group "$1")" -n "$2" "$if0" 200
}

# arrive GROUP COUNT SECONDS: all that node 0 sends is seen at node 1, in time
arrive() {
	local pid
	(exec ip netns exec "$ns1" "$here/frame" expect -d "$(group "$1")" -n "$2" -w "$3" "$if1" 200) \
		>"$work/ready-$1" &
	pid=$!
	until_true 10 grep -q ready "$work/ready-$1" && sends "$1" "$2"
	wait $pid
}

# not_mine_after COMMAND...: frames at node 1 that were for others
not_mine_after() {
	local before
	before=$(counter 1 rx_cast_not_mine)
	"$@" >&2 || return
	sleep 0.5
	echo $(($(counter 1 rx_cast_not_mine) - before))
}

# unheard GROUP COUNT: so many frames to a group that is not joined are not even read, if they can be
unheard() {
	local count wanted=0
	! hardened || wanted=$2
	count=$(not_mine_after sends "$1" "$2") && equal "$count" "$wanted"
}

# The first frames share the broadcast tape; then the group has one of its own.
heard_whole() {
	join 1 && arrive 1 200 30 && leave 1
}

# If an earlier run's groups have all tapes, one is free in a minute.
dropped_then_not_read() {
	local count
	count=$(not_mine_after sends 2 3) && equal "$count" 3 && sends 2 20 && until_true 90 unheard 2 100
}

heard_from_then_on() {
	not_mine_after sends 3 100 || return
	join 3 && arrive 3 50 20 && leave 3 && unheard 3 50
}

all_groups() {
	ip -n "$ns1" link set "$if1" allmulticast on && arrive 2 50 20 && arrive 4 50 20
	local result=$?
	ip -n "$ns1" link set "$if1" allmulticast off
	return $result
}

# More groups than there are tapes.
many() {
	local i
	for ((i = 100; i < 130; i++)); do
		join $i && arrive $i 20 20 || return
	done
	for ((i = 100; i < 130; i++)); do
		leave $i
	done
}

# While groups come and go at node 1, the one that stays is heard whole.
undisturbed() {
	local i pid
	join 5 || return
	(exec ip netns exec "$ns1" "$here/frame" expect -d "$(group 5)" -n 300 -w 40 "$if1" 200) \
		>"$work/ready" &
	pid=$!
	until_true 10 grep -q ready "$work/ready" || return
	for ((i = 0; i < 30; i++)); do
		sends 5 10 && join $((200 + i)) && leave $((200 + i)) || return
	done
	wait $pid && leave 5
}

missed_nothing() {
	equal "$(counter 0 rx_cast_missed) $(counter 1 rx_cast_missed)" "0 0"
}

check "a group that was not joined is dropped, and then not even read" dropped_then_not_read
check "one that is joined is heard whole, also while it is given a tape" heard_whole
check "one that is joined later is heard from then on" heard_from_then_on
check "all groups are heard with allmulti" all_groups
check "thirty groups are heard, some on tapes of their own" many
check "others come and go, and one is heard whole" undisturbed
check "no cast was missed" missed_nothing
