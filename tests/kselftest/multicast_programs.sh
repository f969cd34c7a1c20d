#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Ordinary programs that live of multicast: iperf, a responder of multicast DNS, OSPF routers, and a
# host behind a bridge that snoops IGMP.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs iperf avahi-daemon python3 bridge
two_nodes

# What routes have them send: all groups by the interface.
on0 ip route add 224.0.0.0/4 dev "$if0"
on1 ip route add 224.0.0.0/4 dev "$if1"

# iperf's server ends with its report when the client's time is over.
iperf_loses_nothing() {
	local pid
	(exec ip netns exec "$ns1" iperf -s -u -B "239.255.1.3%$if1" -t 10 -i 0 -y C) >"$work/server" 2>&1 &
	pid=$!
	until_true 10 is_joined "$ns1" "$if1" 239.255.1.3 &&
		on0 iperf -c 239.255.1.3 -u -T 1 -b 2m -l 1000 -t 3 && wait $pid
	cat "$work/server"
	# time,...,bytes,bits/s,jitter,lost,datagrams,percent,out of order
	awk -F, 'NF == 14 && $11 == 0 && $12 > 500 { good = 1 } END { exit !good }' "$work/server"
}

is_joined() { # is_joined NAMESPACE INTERFACE GROUP
	ip -n "$1" maddress show dev "$2" | grep -qF "$3"
}

# A name that node 1 has, asked for by a socket that knows nobody's address.
name_is_found() {
	cat >"$work/avahi.conf" <<-END
		[server]
		host-name=shmnet-node
		allow-interfaces=$if1
		use-ipv6=no
		enable-dbus=no
	END
	(exec ip netns exec "$ns1" avahi-daemon -f "$work/avahi.conf" --no-drop-root --no-chroot \
		--no-rlimits) >"$work/avahi" 2>&1 &
	until_true 20 grep -q 'Server startup complete' "$work/avahi" && on0 python3 - "$address0" "$address1" <<-'END'
		import socket, struct, sys
		own, wanted = sys.argv[1:]
		asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		asked.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
		asked.settimeout(1)
		name = b"\x0bshmnet-node\x05local\x00"
		query = struct.pack(">6H", 1, 0, 1, 0, 0, 0) + name + struct.pack(">2H", 1, 1)
		for _ in range(10):
		    asked.sendto(query, ("224.0.0.251", 5353))
		    try:
		        answer, sender = asked.recvfrom(1500)
		    except TimeoutError:
		        continue
		    assert sender[0] == wanted and socket.inet_aton(wanted) in answer, (sender, answer)
		    sys.exit(0)
		sys.exit("nobody answers")
	END
}

# router NODE: zebra and ospfd in its namespace, with files of their own.
router() {
	local node=$1 home=$work/router$1 interface=$if0 namespace=$ns0
	[ "$node" -eq 0 ] || { interface=$if1 namespace=$ns1; }
	mkdir "$home" && chmod 755 "$work" && chown frr "$home" || return
	cat >"$home/ospfd.conf" <<-END
		interface $interface
		 ip ospf area 0
		 ip ospf hello-interval 1
		 ip ospf dead-interval 4
		router ospf
		 ospf router-id 192.0.2.$((node + 1))
	END
	local program
	for program in zebra ospfd; do
		touch "$home/$program.conf"
		(exec ip netns exec "$namespace" "/usr/lib/frr/$program" -f "$home/$program.conf" \
			-i "$home/$program.pid" -z "$home/zserv" --vty_socket "$home" -P 0) >>"$home/log" 2>&1 &
	done
}

neighbour_is_full() { # neighbour_is_full NODE
	on"$1" vtysh --vty_socket "$work/router$1" -c 'show ip ospf neighbor' 2>/dev/null |
		tee "$work/neighbour" | grep -q 'Full/'
}

routers_meet() {
	router 0 && router 1 && until_true 40 neighbour_is_full 0 && until_true 10 neighbour_is_full 1 ||
		{ cat "$work/neighbour" "$work"/router?/log; return 1; }
}

# A host behind node 1's bridge joins a group: the bridge and node 0 see its report, and it hears.
bridge_set_up() {
	make_namespaces "$ns2" && ip -n "$ns1" link add br0 type bridge mcast_snooping 1 mcast_querier 1 \
		mcast_startup_query_interval 50 && ip -n "$ns1" link set "$if1" master br0 &&
		ip -n "$ns1" link set br0 up && ip -n "$ns1" link add port type veth peer name eth0 netns "$ns2" &&
		ip -n "$ns1" link set port master br0 up && ip -n "$ns2" address add 192.0.2.9/24 dev eth0 &&
		ip -n "$ns2" link set eth0 up && ip -n "$ns2" route add 224.0.0.0/4 dev eth0
}

snoops() {
	ip netns exec "$ns1" bridge mdb show dev br0 | tee -a /dev/stderr | grep -q 'port port grp 239.255.7.7'
}

host_hears() {
	local pid
	(exec ip netns exec "$ns2" python3 -c '
import socket
heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
heard.bind(("", 5007))
member = socket.inet_aton("239.255.7.7") + socket.inet_aton("192.0.2.9")
heard.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
heard.settimeout(30)
assert heard.recv(100) == b"to all of you"') &
	pid=$!
	until_true 20 snoops && on0 python3 -c '
import socket, time
said = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
said.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("192.0.2.1"))
for _ in range(20):
    said.sendto(b"to all of you", ("239.255.7.7", 5007))
    time.sleep(0.1)' && wait $pid
}

check "iperf's multicast arrives whole" iperf_loses_nothing
check "a name is found by multicast DNS" name_is_found
if [ -x /usr/lib/frr/ospfd ]; then
	check "two OSPF routers hear each other's hellos and become neighbours" routers_meet
else
	number=$((number + 1))
	echo "ok $number - two OSPF routers become neighbours # SKIP there is no FRR"
fi
check "a bridge at node 1 is set up" bridge_set_up
check "a host behind it joins by IGMP, and hears node 0" host_hears
