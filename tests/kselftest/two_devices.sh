#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Several devices in one kernel are nodes of their own, and do not disturb each other.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs ping
two_nodes

last_bytes() { # last_bytes NODE: of its address, the slot
	local mac
	mac=$("on$1" cat "/sys/class/net/$2/address")
	echo "${mac: -5}"
}

differ() {
	local slot0 slot1
	slot0=$(last_bytes 0 "$if0") slot1=$(last_bytes 1 "$if1")
	echo "slots $slot0 and $slot1, names $if0 and $if1"
	[ "$slot0" != "$slot1" ] && [ "$if0" != "$if1" ]
}

says_where() { # says_where NODE INTERFACE PCI
	"on$1" ethtool -i "$2" | grep -q "^bus-info: $3$"
}

# One of the two can come and go, and the other is there all the time.
one_leaves() {
	local ifindex
	ifindex=$(on0 cat "/sys/class/net/$if0/ifindex")
	echo "$pci1" >$driver/unbind && until_true 20 lost_carrier &&
		on0 ping -q -c 1 -W 5 "$address0" &&
		equal "$(on0 cat "/sys/class/net/$if0/ifindex")" "$ifindex"
}

lost_carrier() {
	! has_carrier "$ns0" "$if0"
}

comes_back() {
	echo "$pci1" >$driver/bind && find_second && attach 1 && until_true 20 connected &&
		on0 ping -q -c 3 -i 0.1 -W 10 "$address1"
}

find_second() {
	if1=$(interface_of "$pci1")
	rescues[1]=0
	[ -n "$if1" ]
}

check "they have names and slots of their own" differ
check "ethtool says which is node 0's" says_where 0 "$if0" "$pci0"
check "ethtool says which is node 1's" says_where 1 "$if1" "$pci1"
check "one is unbound, the other stays" one_leaves
check "and sees it come back" comes_back
