#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Who has nobody to talk to has no carrier: not before a peer's interface is up, not after it went
# down, nor after its driver left; and has it again each time when the peer comes.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs ping
two_nodes

alone() {
	! has_carrier "$ns0" "$if0"
}

stays_alone() { # for longer than a tick takes to see a peer
	alone && sleep 0.5 && alone
}

works() {
	until_true 20 connected && on0 ping -q -c 3 -i 0.1 -W 10 "$address1"
}

goes_down() {
	ip -n "$ns1" link set "$if1" down && until_true 20 alone && stays_alone
}

comes_up() {
	ip -n "$ns1" link set "$if1" up && works
}

leaves() {
	echo "$pci1" >$driver/unbind && until_true 20 alone && stays_alone
}

returns() {
	echo "$pci1" >$driver/bind || return
	if1=$(interface_of "$pci1")
	rescues[1]=0
	# Its driver is there, its interface is not up yet.
	stays_alone && attach 1 && works
}

# Both start at once, neither has seen the other before.
start_together() {
	ip -n "$ns0" link set "$if0" down && ip -n "$ns1" link set "$if1" down || return
	ip -n "$ns0" link set "$if0" up &
	ip -n "$ns1" link set "$if1" up
	wait $!
	works
}

check "the carrier goes when the peer goes down" goes_down
check "it comes when the peer comes up" comes_up
check "it goes when the peer's driver leaves" leaves
check "it comes back with the peer, not with its driver" returns
check "two that start at once find each other" start_together
