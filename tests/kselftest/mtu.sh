#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# The MTU changes while the interface is up and used: from 68 to 65,535, at either end. It limits
# what a node sends; it receives whatever the network allows.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs ping tcp_stream
two_nodes

set_mtu() { # set_mtu NODE MTU
	if [ "$1" -eq 0 ]; then
		ip -n "$ns0" link set "$if0" mtu "$2"
	else
		ip -n "$ns1" link set "$if1" mtu "$2"
	fi
}

# fits MTU: the largest packet goes there and back, one byte more is not sent.
fits() {
	set_mtu 0 "$1" && set_mtu 1 "$1" &&
		on0 ping -q -c 1 -W 10 -M 'do' -s $(($1 - 28)) "$address1" || return
	[ "$1" -eq 65535 ] || expect_failure 'too long' on0 ping -c 1 -W 1 -M 'do' -s $(($1 - 27)) "$address1"
}

# Neither the largest frame of the other nor an answer in pieces is lost.
differs() {
	set_mtu 0 1500 && set_mtu 1 65535 &&
		on1 ping -q -c 3 -i 0.1 -W 10 -M 'do' -s 65507 "$address0" &&
		on0 ping -q -c 3 -i 0.1 -W 10 -s 65507 "$address1"
}

changes_under_traffic() {
	local mtu before
	for mtu in 1280 65535 1500 9000 4096 2000 65535 576 40000 1500 65535; do
		set_mtu 0 $mtu && sleep 0.1 && set_mtu 1 $mtu && sleep 0.1 || return
		# The stream goes on at each size; it may have to find the path's MTU out first.
		before=$(counter 1 rx_bytes)
		until_true 30 progressed "$before" || return
	done
}

progressed() { # progressed BYTES: node 1 has received 100 KB more
	[ "$(counter 1 rx_bytes)" -gt $(($1 + 100000)) ]
}

refused() { # refused MTU TEXT
	expect_failure "$2" set_mtu 0 "$1" && [ "$(on0 cat "/sys/class/net/$if0/mtu")" -eq 65535 ]
}

for mtu in 65535 68 576 1280 1500 4074 4082 9000 16384 65534 65535; do
	check "packets of up to $mtu bytes cross" fits $mtu
done
check "ends with different MTUs understand each other" differs
set_mtu 0 65535
check "67 is refused" refused 67 'mtu less than device minimum'
check "65536 is refused" refused 65536 'mtu greater than device maximum'
stream forth "$ns0" "$ns1" "$address1" tcp
stream back "$ns1" "$ns0" "$address0" tcp
check "it changes under traffic, which goes on" changes_under_traffic
check "the bytes from node 0 are as they were sent" stream_end forth
check "the bytes from node 1 are as they were sent" stream_end back
