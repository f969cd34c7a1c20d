#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# What ethtool and ip show is right, and what they ask for and cannot have is refused with a reason.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs ping python3 tcp_stream
two_nodes
# Its solicitations are for routers, which no node is: sent, and received by nobody.
without_ipv6

shows() { # shows TEXT OPTION: a regular expression, of a line
	on0 ethtool ${2:+"$2"} "$if0" | tee -a /dev/stderr | grep -qE "^$1$"
}

refuses() { # refuses TEXT OPTION ARGUMENT...
	local text=$1 option=$2
	shift 2
	expect_failure "$text" on0 ethtool "$option" "$if0" "$@"
}

statistic() { # statistic NODE NAME: as ip -s link shows it
	local interface=$if0
	[ "$1" -eq 0 ] || interface=$if1
	"on$1" cat "/sys/class/net/$interface/statistics/$2"
}

agree() { # agree NODE: nothing is on the way at this moment, or this is asked again
	equal "$(statistic "$1" rx_packets)" "$(counter "$1" rx_frames)" &&
		equal "$(statistic "$1" rx_bytes)" "$(counter "$1" rx_bytes)" &&
		equal "$(statistic "$1" tx_packets)" "$(counter "$1" tx_frames)" &&
		equal "$(statistic "$1" tx_bytes)" "$(counter "$1" tx_bytes)" &&
		equal "$(statistic "$1" multicast)" "$(counter "$1" rx_casts)"
}

snapshot() { # snapshot: frames and bytes that each sent and the other received, since the interfaces were made
	sent0=$(counter 0 tx_frames) got1=$(counter 1 rx_frames)
	sent1=$(counter 1 tx_frames) got0=$(counter 0 rx_frames)
	bytes0=$(counter 0 tx_bytes) received1=$(counter 1 rx_bytes)
}

all_arrived() {
	local before=($((sent0 - got1)) $((sent1 - got0)) $((bytes0 - received1)))
	snapshot
	equal "$((sent0 - got1)) $((sent1 - got0)) $((bytes0 - received1))" "${before[*]}"
}

adds_up() {
	snapshot
	local first=$sent0
	both_ways tcp "$address0" "$address1" -n 1000000 && on0 ping -q -c 20 -i 0.01 "$address1" &&
		until_true 10 all_arrived && at_least $((sent0 - first)) 20 "frames from node 0"
}

doorbells_for_200() { # that node 0 hears
	local before
	before=$(counter 0 doorbells_received)
	on1 python3 -c '
import socket, sys, time
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
    for _ in range(200):
        sending.sendto(b"!", (sys.argv[1], 9))
        time.sleep(0.0003)' "$address0" || return
	echo $(($(counter 0 doorbells_received) - before))
}

# With a millisecond it hears one for many frames; without, for most.
defers() {
	local with without
	without=$(doorbells_for_200) && on0 ethtool -C "$if0" rx-usecs 1000 && shows 'rx-usecs:[[:space:]]+1000' -c &&
		with=$(doorbells_for_200) && on0 ethtool -C "$if0" rx-usecs 0 && shows 'rx-usecs:[[:space:]]+0' -c || return
	echo "doorbells for 200 frames: $without, and $with with rx-usecs"
	[ "$without" -gt 100 ] && [ "$with" -lt 50 ]
}

check "-i shows the driver" shows 'driver: shmnet' -i
check "-i shows the device" shows "bus-info: $pci0" -i
check "-i shows the region's format" shows 'firmware-version: region format [0-9]+' -i
check "-S shows counters" shows ' +timer_rescue: [0-9]+' -S
check "-g shows a ring" shows 'RX:[[:space:]]+[1-9][0-9]*' -g
check "-g shows what a buffer holds" shows 'RX Buf Len:[[:space:]]+[1-9][0-9]*' -g
check "-l shows the channel" shows 'Combined:[[:space:]]+1' -l
check "-k shows what can be switched" shows 'rx-gro-hw: on' -k
check "-T shows software time stamps" shows '[[:space:]]+software-transmit.*' -T
check "the link is shown" shows '[[:space:]]*Link detected: yes' ''
check "-G is refused" refuses 'as the region was formatted' -G rx 64
check "-G of too much is refused" refuses 'exceeds maximum' -G rx 100000
check "-C lets frames wait for others" defers
check "-C of too much is refused" refuses 'at most 1000' -C rx-usecs 1001
check "-C of something else is refused" refuses 'unsupported parameter' -C tx-usecs 10
check "-L is refused" refuses 'not supported' -L combined 2
check "ip -s link of node 0 says what ethtool -S says" until_true 10 agree 0
check "and of node 1" until_true 10 agree 1
check "what one sent the other received" adds_up
