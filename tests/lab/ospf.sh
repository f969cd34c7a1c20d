# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# For labs whose nodes route with OSPF, and share addresses. A test sets `lab`, sources this in place of traffic.sh, and
# says what is other than here.

# shellcheck source-path=SCRIPTDIR source=traffic.sh
. "$(dirname "${BASH_SOURCE[0]}")/traffic.sh"
shared4=203.0.113.1 shared6=2001:db8:1::1
# Of shml0, without the node's part.
inside4=192.0.2 inside6=2001:db8:2:
# Of the cards, eth0, of nodes that have one, by number.
cards4=() cards6=()
# Guests without a processor of their own are silent for a tenth of a second without being dead.
bfd_interval=300 bfd_multiplier=5

# All but what a user types for a shared address and for OSPF.
prepare() { # prepare NODE
	on "$1" sh -ec "ln -s $ctl $root/build/bin/shmnetd /usr/local/bin
		sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
		ip -4 address flush dev shml0
		ip address add $inside4.$(($1 + 1))/24 dev shml0
		ip address add $inside6:$(($1 + 1))/64 dev shml0 nodad
		mkdir -p /etc/shmnet
		printf '[bfd]\ninterval = $bfd_interval\nmultiplier = $bfd_multiplier\n' >/etc/shmnet/ospf.toml
		install -d -o frr -g frr /run/frr
		for daemon in zebra ospfd ospf6d bfdd; do
			/usr/lib/frr/\$daemon -d -f /dev/null -A 127.0.0.1 >/dev/null 2>&1
		done" && { ! has_card "$1" || takes_card "$1"; }
}

has_card() { # has_card NODE
	[ -n "${cards4[$1]:-}" ]
}

takes_card() { # takes_card NODE
	on "$1" sh -ec "ip address add ${cards4[$1]} dev eth0
		ip address add ${cards6[$1]} dev eth0 nodad
		ip link set eth0 up
		printf '[card]\npoint-to-point = true\n' >>/etc/shmnet/ospf.toml"
}

takes_addresses() { # takes_addresses NODE
	local card=--no-card
	! has_card "$1" || card="--card eth0"
	on "$1" sh -ec "shmnetctl global add $shared4 $card && shmnetctl global add $shared6 $card"
}

routes() { # routes NODE
	on "$1" sh -ec 'shmnetctl ospf apply && setsid -f shmnetctl ospf follow >/run/ospf.log 2>&1'
}

adjacent() { # adjacent NODE COUNT: neighbours of IPv4 that are there in full, and watched
	[ "$(on "$1" shmnetctl ospf show --json | python3 -c 'import json, sys
print(sum(one["ip"] == 4 and one["state"] == "full" and one["bfd"] == "up"
          for one in json.load(sys.stdin)["neighbours"]))')" = "$2" ]
}

offers_service() { # offers_service NODE: a `serve` by TCP at port 80
	on "$1" sh -ec "echo 'services = [\"tcp/80\"]' >/etc/shmnet/shmnetd.toml
		setsid -f shmnetd >/run/shmnetd.log 2>&1
		setsid -f $programs/serve tcp node$1 :: 80 >/run/serve.log 2>&1"
}
