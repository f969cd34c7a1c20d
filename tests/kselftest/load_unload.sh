#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# The module is unloaded and loaded fifty times, interfaces being up; each time the two nodes find
# each other again, with the same names and addresses, and nothing is to be complained of.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs ping rmmod insmod
find_devices
times=50
mac0=$(<"/sys/class/net/$if0/address") mac1=$(<"/sys/class/net/$if1/address")
name0=$if0 name1=$if1

both_have_carrier() {
	[ "$(<"/sys/class/net/$if0/carrier")" = 1 ] && [ "$(<"/sys/class/net/$if1/carrier")" = 1 ]
} 2>/dev/null

# Both stay in one namespace here: a carrier says that the way to the other is open.
reload() {
	local turn
	for ((turn = 1; turn <= times; turn++)); do
		rmmod shmnet && [ ! -e $driver ] && load_module && find_interfaces || {
			echo "in turn $turn"
			return 1
		}
		equal "$if0 $(<"/sys/class/net/$if0/address")" "$name0 $mac0" &&
			equal "$if1 $(<"/sys/class/net/$if1/address")" "$name1 $mac1" &&
			ip link set "$if0" up && ip link set "$if1" up || return
		until_true 20 both_have_carrier || {
			echo "no carrier in turn $turn"
			return 1
		}
	done
}

works() {
	two_nodes && on0 ping -q -c 3 -i 0.1 -W 10 "$address1"
}

# Its name in front: others may warn of what they like. That it is not from the tree says the kernel.
says_nothing_worse_than_info() {
	! dmesg --level=emerg,alert,crit,err,warn | sed -n "/$mark/,\$p" |
		grep shmnet | grep -vE "$mark|out-of-tree|verification failed"
}

check "it is unloaded and loaded $times times" reload
check "the two nodes talk" works
check "no warning was in the kernel's log" says_nothing_worse_than_info
