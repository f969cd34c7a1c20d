#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# An interface goes down and up again and again under traffic: the carrier of the other follows, and
# the traffic goes on by itself.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs ping tcp_stream
two_nodes

lost_carrier() { # lost_carrier NAMESPACE INTERFACE
	! has_carrier "$@"
}

loops() { # loops NODE: that goes down and up
	local turn namespace=$ns0 interface=$if0 other=("$ns1" "$if1")
	[ "$1" -eq 0 ] || { namespace=$ns1 interface=$if1 other=("$ns0" "$if0"); }
	for turn in 1 2 3 4 5; do
		echo "turn $turn"
		ip -n "$namespace" link set "$interface" down && until_true 20 lost_carrier "${other[@]}" &&
			ip -n "$namespace" link set "$interface" up && until_true 20 connected || return
	done
}

quick_loops() { # without waiting for anybody
	local turn
	for turn in 1 2 3 4 5 6 7 8 9 10; do
		echo "turn $turn"
		ip -n "$ns0" -batch - <<-END || return
			link set $if0 down
			link set $if0 up
		END
	done
	until_true 20 connected
}

resumes() {
	local before
	before=$(counter 1 rx_bytes)
	until_true 60 progressed "$before"
}

progressed() { # progressed BYTES: node 1 has received 1 MB more
	[ "$(counter 1 rx_bytes)" -gt $(($1 + 1000000)) ]
}

stream forth "$ns0" "$ns1" "$address1" tcp
stream back "$ns1" "$ns0" "$address0" tcp
check "node 0 goes down and up, the carrier of node 1 follows" loops 0
check "node 1 goes down and up, the carrier of node 0 follows" loops 1
check "node 0 goes down and up at once" quick_loops
check "the traffic goes on" resumes
check "the bytes from node 0 are as they were sent" stream_end forth
check "the bytes from node 1 are as they were sent" stream_end back
