# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# What is outside, for tests of routing: two routers that are not ours, one FRR and one BIRD, that know each other, a
# client behind each, and what is measured.
#
#          eth0 |          | eth0        to nodes with a card
#              frr ------ bird           area 1
#               |          |
#            clienta    clientb
#
# A test sets `place` for each of these, and for others of whom it speaks: the network namespace. Routers have the
# sockets of their daemons in /run/frr/PLACE, with dashes for dots.

declare -A place=()
client4=(198.51.100.66 198.51.100.130) client6=(2001:db8:5::2 2001:db8:6::2)

in_place() { # in_place WHO COMMAND...
	ip netns exec "${place[$1]}" "${@:2}"
}

configured() { # configured WHO: ip's commands
	ip -n "${place[$1]}" -batch -
}

# ---- Wires -------------------------------------------------------------------------------------

# pair WHO INTERFACE ADDRESS4 ADDRESS6 OTHER INTERFACE ADDRESS4 ADDRESS6
pair() {
	ip -n "${place[$1]}" link add "$2" type veth peer name "$6" netns "${place[$5]}" &&
		has "${@:1:4}" && has "${@:5:4}"
}

has() { # has WHO INTERFACE ADDRESS4 ADDRESS6
	configured "$1" <<-END
		link set $2 up
		address add $3 dev $2
		address add $4 dev $2 nodad
	END
}

# All but eth0 of the routers.
wire_outside() {
	pair frr eth2 198.51.100.9/30 2001:db8:7::1/64 bird eth2 198.51.100.10/30 2001:db8:7::2/64 &&
		pair frr eth1 198.51.100.65/26 2001:db8:5::1/64 clienta eth0 "${client4[0]}/26" "${client6[0]}/64" &&
		pair bird eth1 198.51.100.129/26 2001:db8:6::1/64 clientb eth0 "${client4[1]}/26" "${client6[1]}/64" &&
		configured clienta <<-END && configured clientb <<-END
			route add default via 198.51.100.65
			route add default via 2001:db8:5::1
		END
			route add default via 198.51.100.129
			route add default via 2001:db8:6::1
		END
}

# What comes in by an interface and what goes out is lost, and its other end stays up.
# silence WHO INTERFACE, or other than one: != INTERFACE
silence() {
	in_place "$1" nft -f - <<-END
		table inet silence {
			chain in { type filter hook prerouting priority -300; iif ${*:2} drop; }
			chain out { type filter hook output priority -300; oif ${*:2} drop; }
			chain on { type filter hook postrouting priority 300; oif ${*:2} drop; }
		}
	END
}

is_heard() { # is_heard WHO: again
	in_place "$1" nft delete table inet silence
}

# Of `ping -D -O -i 0.01`'s output: the longest time without an answer, in milliseconds, up to the last that was asked for.
longest_silence() { # longest_silence FILE
	awk '/^\[/ { now = substr($1, 2) + 0; if (last && now - last > gap) gap = now - last }
		/ bytes from / { last = now }
		END { printf "%d", gap * 1000; exit !last }' "$1"
}

# ---- Routers -----------------------------------------------------------------------------------

pathspace() { # pathspace WHO: the place, as FRR takes it
	echo "${place[$1]//./-}"
}

start_daemon() { # start_daemon WHO DAEMON: with nothing configured
	in_place "$1" "/usr/lib/frr/$2" -d -N "$(pathspace "$1")" -f /dev/null -A 127.0.0.1 >/dev/null 2>&1
}

start_frr() { # start_frr WHO DAEMON...
	local name=$1 daemon
	shift
	install -d -o frr -g frr "/run/frr/$(pathspace "$name")" || return
	for daemon; do
		start_daemon "$name" "$daemon" || return
	done
}

stop_daemon() { # stop_daemon WHO DAEMON
	local pid
	pid=$(daemon_pid "$1" "$2") && kill -9 "$pid" && until_true 5 gone "$pid"
}

daemon_pid() { # daemon_pid WHO DAEMON
	cat "/run/frr/$(pathspace "$1")/$2.pid"
}

# Starts again what dies, as Debian's service of FRR does; with nothing configured, as all here.
watch_frr() { # watch_frr WHO DAEMON...
	# shellcheck disable=SC2154 # of tap.sh
	local name=$1 sockets restart=$scratch/restart-$1
	sockets=/run/frr/$(pathspace "$1")
	shift
	cat >"$restart" <<-END && chmod +x "$restart" || return
		#!/bin/sh
		# One of them, or all.
		[ "\$1" = all ] && set -- $*
		for daemon; do
			kill -9 "\$(cat $sockets/\$daemon.pid)" 2>/dev/null
			/usr/lib/frr/\$daemon -d -N $(pathspace "$name") -f /dev/null -A 127.0.0.1
		done
	END
	in_place "$name" /usr/lib/frr/watchfrr -d -N "$(pathspace "$name")" -p "$sockets/watchfrr.pid" --interval 1 \
		--start-command "$restart %s" --restart "$restart %s" --kill-command "kill -9 \$(cat $sockets/%s.pid)" "$@"
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

vty() { # vty WHO COMMAND...
	local name=$1 command words=()
	shift
	for command; do
		words+=(-c "$command")
	done
	vtysh --vty_socket "/run/frr/$(pathspace "$name")" "${words[@]}"
}

# As any router would have it, and other than ours: nothing of it is made by our tool.
start_outside() {
	start_frr frr zebra ospfd ospf6d bfdd &&
		vty frr 'configure terminal' 'bfd' 'profile quick' 'transmit-interval 100' \
			'receive-interval 100' 'detect-multiplier 4' exit exit \
			'router ospf' 'ospf router-id 198.51.100.2' exit \
			'router ospf6' 'ospf6 router-id 198.51.100.2' exit || return
	local interface
	for interface in eth0 eth2; do
		vty frr 'configure terminal' "interface $interface" 'ip ospf area 1' 'ip ospf network point-to-point' \
			'ip ospf bfd' 'ip ospf bfd profile quick' 'ipv6 ospf6 area 1' \
			'ipv6 ospf6 network point-to-point' 'ipv6 ospf6 bfd profile quick' || return
	done
	vty frr 'configure terminal' 'interface eth1' 'ip ospf area 1' 'ip ospf passive' \
		'ipv6 ospf6 area 1' 'ipv6 ospf6 passive' && start_bird
}

start_bird() {
	# shellcheck disable=SC2154 # of tap.sh
	cat >"$scratch/bird.conf" <<-'END'
		router id 198.51.100.6;
		protocol device { scan time 1; }
		protocol bfd { interface "eth*" { interval 100 ms; multiplier 4; }; }
		protocol kernel k4 { ipv4 { export where source ~ [ RTS_OSPF, RTS_OSPF_IA ]; }; }
		protocol kernel k6 { ipv6 { export where source ~ [ RTS_OSPF, RTS_OSPF_IA ]; }; }
		protocol ospf v2 o4 { ipv4 {}; area 1 {
			interface "eth0", "eth2" { type ptp; bfd yes; };
			interface "eth1" { stub yes; };
		}; }
		protocol ospf v3 o6 { ipv6 {}; area 1 {
			interface "eth0", "eth2" { type ptp; bfd yes; };
			interface "eth1" { stub yes; };
		}; }
	END
	in_place bird bird -c "$scratch/bird.conf" -s "$scratch/bird.ctl" -P "$scratch/bird.pid"
}

