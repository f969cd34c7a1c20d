# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# How nodes of a lab come to share an address, where node 0 has a card on the segment `lan`, and a client
# is there: what a user types, for the demo and for tests/lab/global_test.

# shellcheck disable=SC2034 # for them
shared=203.0.113.1 client=198.51.100.9

# A line for each command: node 0 is the entry, and the others answer clients by way of it.
joining() { # joining NODE
	if [ "$1" -eq 0 ]; then
		echo "ip address add 198.51.100.1/24 dev eth0; ip link set eth0 up"
		echo "shmnetctl global add $shared --card eth0"
	else
		echo "ip route add 198.51.100.0/24 via 192.0.2.1"
		echo "shmnetctl global add $shared --no-card"
	fi
}

client_joining() {
	echo "ip address add $client/24 dev eth0; ip route add $shared via 198.51.100.1"
}

# A node tells the others of its server at port 80.
publishing() {
	echo "mkdir -p /etc/shmnet; echo 'services = [\"tcp/80\"]' >/etc/shmnet/shmnetd.toml"
	echo "shmnetd >/run/shmnetd.log 2>&1 &"
}
