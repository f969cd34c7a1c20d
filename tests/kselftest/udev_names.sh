#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# With systemd-udevd at work the interfaces keep their names and addresses, with its own policy and
# with ours, when they are probed again and when they come home from a namespace.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs udevadm ping
daemon=/lib/systemd/systemd-udevd
[ -x $daemon ] || skip "$daemon is missing"
find_devices
name0=$if0 name1=$if1
mac0=$(<"/sys/class/net/$if0/address") mac1=$(<"/sys/class/net/$if1/address")
links=/run/systemd/network
policy=$here/73-shmnet.link
[ -e "$policy" ] || policy=$here/../../userspace/udev/73-shmnet.link
started=

undo_more() {
	rm -f "$links/73-shmnet.link"
	if [ -n "$started" ]; then
		udevadm control --exit
	fi
}

if ! pgrep -x systemd-udevd >/dev/null; then
	mkdir -p /run/udev && $daemon --daemon && until_true 20 udevadm control --ping || skip "no udevd"
	started=1
fi

names() { # those that are there once udev has done its work
	udevadm settle --timeout=60 && find_interfaces && equal "$if0 $if1" "$name0 $name1" &&
		equal "$(<"/sys/class/net/$if0/address")" "$mac0" &&
		equal "$(<"/sys/class/net/$if1/address")" "$mac1"
}

triggered() {
	udevadm trigger --action=add --subsystem-match=net && names
}

probed_again() {
	echo "$pci0" >$driver/unbind && echo "$pci1" >$driver/unbind && echo "$pci0" >$driver/bind &&
		echo "$pci1" >$driver/bind && until_true 10 find_interfaces && names
}

ours_is_read() {
	local property
	property=$(udevadm info --query=property --property=ID_NET_LINK_FILE --value "/sys/class/net/$if0")
	equal "$property" "$links/73-shmnet.link"
}

work() {
	two_nodes && on0 ping -q -c 3 -i 0.1 -W 10 "$address1"
}

check "names and addresses stay when udev sees the interfaces" triggered
check "and when they are probed again" probed_again
if [ -e "$policy" ]; then
	mkdir -p $links && cp "$policy" "$links/73-shmnet.link" && udevadm control --reload
	check "and with our policy" probed_again
	check "which is the one that applies" ours_is_read
fi
check "and the two nodes talk" work
