#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# A device is taken from its driver and given back, ten times, while both nodes send; each time the
# node comes back as the one that it was.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs ping
two_nodes
mac=$(on0 cat "/sys/class/net/$if0/address")

# Traffic for as long as the test lasts, whether or not anybody is there.
flood() { # flood NAMESPACE ADDRESS
	while [ -e "/run/netns/$1" ]; do
		ip netns exec "$1" ping -q -i 0.002 -s 5000 -c 1000 "$2"
	done >/dev/null 2>&1
}

rebind() { # rebind NODE
	local pci=$pci0
	[ "$1" -eq 0 ] || pci=$pci1
	echo "$pci" >$driver/unbind && [ -z "$(interface_of "$pci")" ] && echo "$pci" >$driver/bind ||
		return
	if [ "$1" -eq 0 ]; then
		if0=$(interface_of "$pci")
	else
		if1=$(interface_of "$pci")
	fi
	rescues[$1]=0
	attach "$1" && resumes
}

rebinds() { # rebinds NODE
	local turn
	for turn in 1 2 3 4 5; do
		echo "turn $turn"
		rebind "$1" || return
	done
}

check_mac() {
	equal "$(on0 cat "/sys/class/net/$if0/address")" "$mac"
}

flood "$ns1" "$address0" &
flood "$ns0" "$address1" &
check "node 0 is unbound and bound under traffic" rebinds 0
check "node 1 is unbound and bound under traffic" rebinds 1
check "its address is the one that it was" check_mac
