#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# NAPI in a thread of its own, switched under traffic, and busy polling.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs ping tcp_stream pgrep
two_nodes
on0 test -w "/sys/class/net/$if0/threaded" || skip "this kernel has no threaded NAPI"

set_threaded() { # set_threaded 0|1
	on0 sh -c "echo $1 >/sys/class/net/$if0/threaded" &&
		on1 sh -c "echo $1 >/sys/class/net/$if1/threaded"
}

switches() {
	for _ in 1 2 3 4 5; do
		set_threaded 1 && sleep 0.2 && set_threaded 0 && sleep 0.2 || return
	done
}

in_thread() {
	set_threaded 1 && pgrep "^napi/$if0" && both_ways tcp "$address0" "$address1" -n 2000000 &&
		on0 ping -q -c 10 -i 0.02 -W 10 "$address1" && set_threaded 0
}

busy() {
	local code=0
	sysctl -qw net.core.busy_poll=50 net.core.busy_read=50 || return
	{ on0 ping -q -c 10 -i 0.02 -W 10 "$address1" &&
		both_ways tcp "$address0" "$address1" -n 2000000; } || code=1
	sysctl -qw net.core.busy_poll=0 net.core.busy_read=0
	return $code
}

stream forth "$ns0" "$ns1" "$address1" tcp
check "threaded mode is switched under traffic" switches
check "the bytes are as they were sent" stream_end forth
check "traffic crosses in threaded mode" in_thread
check "traffic crosses with busy polling" busy
