#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# A DHCP client on node 0 gets its address from a server on node 1: broadcasts, and datagrams that go
# through packet sockets at both ends, where partial checksums have misled many a client.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs ping busybox
busybox --list | grep -qx udhcpd || skip "busybox has no udhcpd"
two_nodes
ip -n "$ns0" address flush dev "$if0"

cat >"$work/server.conf" <<-END
	start 192.0.2.100
	end 192.0.2.110
	interface $if1
	lease_file $work/leases
	pidfile $work/server.pid
	option subnet 255.255.255.0
	option router $address1
END
touch "$work/leases"
cat >"$work/client" <<-END
	#!/bin/sh
	[ "\$1" = bound ] || exit 0
	ip address add "\$ip/24" dev "\$interface" && echo "\$ip" >"$work/leased"
END
chmod +x "$work/client"

leases() {
	(exec ip netns exec "$ns1" busybox udhcpd -f "$work/server.conf") &
	on0 busybox udhcpc -f -n -q -t 10 -T 2 -i "$if0" -s "$work/client" &&
		grep -q '^192\.0\.2\.1' "$work/leased"
}

check "the client is given an address" leases
check "it works" on0 ping -q -c 3 -i 0.1 -W 10 "$address1"
