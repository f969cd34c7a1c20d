#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Two nodes find each other by ARP and neighbour discovery, and ping, also by broadcast and
# multicast.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs ping
two_nodes
mac1=$(on1 cat "/sys/class/net/$if1/address")

resolves() { # resolves ADDRESS
	on0 ip neigh flush dev "$if0"
	on0 ping -q -c 1 -W 5 "$1" || return
	on0 ip neigh show to "$1" dev "$if0" | tee -a /dev/stderr | grep -q "lladdr $mac1 .*REACHABLE"
}

pings() { # pings PREFIX ADDRESS [OPTION...]: all of ten come back
	local on=$1 address=$2
	shift 2
	"$on" ping -q -c 10 -i 0.02 -W 5 "$@" "$address" | tee -a /dev/stderr | grep -q ' 0% packet loss'
}

answers() { # answers ADDRESS WHO [OPTION...]
	local address=$1 who=$2
	shift 2
	on0 ping -c 2 -W 5 "$@" "$address" | tee -a /dev/stderr | grep -q "from $who"
}

on1 sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0
check "ARP finds the other's address" resolves "$address1"
check "neighbour discovery finds the other's address" resolves "$address1_6"
check "IPv4 pings from node 0 come back" pings on0 "$address1"
check "IPv4 pings from node 1 come back" pings on1 "$address0"
check "IPv6 pings from node 0 come back" pings on0 "$address1_6"
check "IPv6 pings from node 1 come back" pings on1 "$address0_6"
check "the largest pings come back" pings on0 "$address1" -s 65507
check "unfragmented pings of a full MTU come back" pings on0 "$address1" -M 'do' -s 65507
check "a broadcast is answered" answers 192.0.2.255 "$address1" -b
check "a multicast to all nodes is answered" answers "ff02::1%$if0" fe80:
