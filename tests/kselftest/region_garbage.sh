#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# A device's memory holds something that is not a region, or not one that this driver understands:
# it is declined, the log says why, and not a byte of it changes. With the region back, all is well.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs region ping sha256sum od
find_devices
! hardened || skip "in a hardened region nobody but the hub writes there (tests/lab/hardened_test)"
memory=/sys/bus/pci/devices/$pci0/resource2
size=$(stat -c %s "$memory")
# All that a driver looks at before it decides, and more: superblock, networks, areas.
head=8192
declined='shmnet .*: not used: '

undo_more() {
	"$here/region" write "$memory" 0 <"$work/region"
	echo "$pci0" >$driver/bind
	echo "$pci1" >$driver/bind
}

content() { # of the whole memory
	"$here/region" read "$memory" 0 "$size" | sha256sum
}

# put OFFSET HEX...: over the region as it was
put() {
	local offset=$1 byte
	shift
	"$here/region" write "$memory" 0 <"$work/region" &&
		for byte; do
			printf '%b' "\\x$byte"
		done | "$here/region" write "$memory" "$offset"
}

refused() { # refused TEXT
	local before after lines device
	lines=$(dmesg | grep -c "$declined")
	before=$(content)
	for device in "$pci0" "$pci1"; do
		# A driver that declines a device is not an error, but then the device is not bound.
		echo "$device" >$driver/bind
		[ ! -e "$driver/$device" ] && [ -z "$(interface_of "$device")" ] || {
			echo "$device was taken"
			return 1
		}
	done 2>/dev/null
	after=$(content)
	equal "$after" "$before" && equal "$(($(dmesg | grep -c "$declined") - lines))" 2 &&
		dmesg | grep "$declined" | tail -1 | tee -a /dev/stderr | grep -qF -- "$1"
}

garbage() { # garbage TEXT OFFSET HEX...
	put "${@:2}" && refused "$1"
}

zeroes() {
	head -c $head /dev/zero | "$here/region" write "$memory" 0 && refused 'is not formatted'
}

random() {
	for _ in 1 2 3; do
		head -c $head /dev/urandom | "$here/region" write "$memory" 0 &&
			refused "not shmnet's" || return
	done
}

comes_back() {
	"$here/region" write "$memory" 0 <"$work/region" && echo "$pci0" >$driver/bind &&
		echo "$pci1" >$driver/bind && until_true 10 find_interfaces && two_nodes &&
		on0 ping -q -c 3 -i 0.1 -W 10 "$address1"
}

echo "$pci0" >$driver/unbind
echo "$pci1" >$driver/unbind
"$here/region" read "$memory" 0 $head >"$work/region"

# Offsets are those of struct shmnet_superblock.
check "memory of zeroes is declined" zeroes
check "memory of random bytes is declined" random
check "so is another magic number" garbage "not shmnet's" 0 41
check "another version" garbage 'another format version' 8 02
check "a feature that is not known" garbage 'features that this version lacks' 24 00 00 00 80
check "a formatting that was not finished" garbage 'was not finished' 0 00 00 00 00 00 00 00 00
check "a region that is larger than the memory" \
	garbage "larger than the device's memory" 32 00 00 00 00 00 00 00 40
check "more nodes than there may be" garbage 'contradict themselves' 12 ff ff ff ff
check "no node" garbage 'contradict themselves' 12 00 00 00 00
check "parts of no size" garbage 'contradict themselves' 64 00 00 00 00 00 00 00 00
check "parts that overflow" garbage 'contradict themselves' 64 00 00 00 00 00 00 00 80
check "parts beyond the end" garbage 'contradict themselves' 56 00 00 00 00 00 00 f0 ff
check "too many networks" garbage 'contradict themselves' 72 09 00 00 00
check "too many areas" garbage 'contradict themselves' 76 ff ff 00 00
check "an MTU beyond what there is" garbage 'contradict themselves' 1028 00 00 01 00
check "a ring that is no power of two" garbage 'contradict themselves' 1040 03 00 00 00
check "an area beyond the region" garbage 'contradict themselves' 2064 00 00 00 00 00 00 00 7f
check "an area of another stride" garbage 'contradict themselves' 2072 00 00 00 00 00 00 00 00
check "with the region as it was, the two nodes talk" comes_back
