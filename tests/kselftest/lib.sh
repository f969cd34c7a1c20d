# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# What all tests here share; a test sources it first, and calls `check` for each thing that must
# hold. A test needs two shmnet interfaces in this kernel, two nodes of one region; each gets a
# network namespace of its own. SHMNET_MODULE names the module, if modprobe does not find it.
#
# However a test ends, what it changed is undone; then the kernel's log since its start must be
# free of complaints, and no frame may have waited for a timer because a doorbell was lost.
set -u
shopt -s inherit_errexit

# A program that is started costs much in an emulated guest: builtins where they do.
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd -P)
test_name=${0##*/}
work=$(mktemp -d)
driver=/sys/bus/pci/drivers/shmnet
ns0=shmnet0-$$ ns1=shmnet1-$$
# Namespaces between which `both_ways` works.
left=$ns0 right=$ns1
# shellcheck disable=SC2034 # used by tests
address0=192.0.2.1 address1=192.0.2.2
# shellcheck disable=SC2034
address0_6=2001:db8::1 address1_6=2001:db8::2
number=0 failed=0 ports=0
# Of the two nodes: PCI addresses, interfaces.
pci0='' pci1='' if0='' if1=''
declare -A features streams
mtus=() names=''
# Of each node's interface when the test starts: frames that a timer had to find. A test that makes
# the interfaces anew sets them to 0.
rescues=()
mark="shmnet selftest $test_name $$"

complaints='WARNING:|BUG:|Call Trace:|refcount_t:|UBSAN:|KASAN:|KFENCE:|KCSAN:|general protection'
complaints+='|blocked for more than|self-detected stall|detected stalls|possible .* (locking|deadlock)'
complaints+='|lockdep|waiting for .* to become free|stalled pool shutdown|NETDEV WATCHDOG'

skip() {
	echo "1..0 # SKIP $*"
	trap - EXIT
	undo
	exit 4
}

needs() { # needs PROGRAM...
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null || [ -x "$here/$program" ] || skip "$program is missing"
	done
}

# check DESCRIPTION COMMAND...: the command's output is shown if it fails.
check() {
	local description=$1
	shift
	number=$((number + 1))
	# Written behind what is there, as does who opens it again (tee -a /dev/stderr).
	: >"$work/check.log"
	if "$@" >>"$work/check.log" 2>&1; then
		echo "ok $number - $description"
	else
		echo "not ok $number - $description"
		sed 's/^/# /' "$work/check.log"
		failed=$((failed + 1))
	fi
}

# until_true SECONDS COMMAND...; so many times as long where everything is slow
until_true() {
	local end=$((SECONDS + $1 * ${KSELFTEST_PATIENCE:-1}))
	shift
	until "$@"; do
		[ $SECONDS -le $end ] || {
			echo "never true: $*"
			return 1
		}
		sleep 0.05
	done
}

expect_failure() { # expect_failure TEXT COMMAND...: it fails, and says so
	local text=$1 output
	shift
	if output=$("$@" 2>&1); then
		echo "succeeded: $*"
		return 1
	fi
	grep -qF -- "$text" <<<"$output" || {
		echo "'$*' says '$output', and nothing of '$text'"
		return 1
	}
}

equal() { # equal GOT WANTED
	[ "$1" = "$2" ] || {
		echo "got '$1', not '$2'"
		return 1
	}
}

at_least() { # at_least NUMBER LEAST WHAT
	[ "$1" -ge "$2" ] || {
		echo "$3: $1, less than $2"
		return 1
	}
}

# A third namespace: a container's, or a guest's in a guest.
# shellcheck disable=SC2034 # used by tests
ns2=shmnet2-$$
on2() { ip netns exec "$ns2" "$@"; }
on0() { ip netns exec "$ns0" "$@"; }
on1() { ip netns exec "$ns1" "$@"; }

load_module() {
	[ -e $driver ] && return
	if [ -n "${SHMNET_MODULE:-}" ]; then
		insmod "$SHMNET_MODULE"
	else
		modprobe shmnet
	fi
}

# The interface of a PCI device and of a network, the first one, as it is called now, in this namespace.
interface_of() { # interface_of DEVICE [NETWORK]
	local path
	for path in "/sys/bus/pci/devices/$1/net/"*; do
		[ ! -e "$path" ] || [ "$(<"$path/dev_port")" -ne "${2:-0}" ] || echo "${path##*/}"
	done
}

find_devices() {
	local path found=()
	load_module >/dev/null 2>&1 || skip "the module cannot be loaded: name it with SHMNET_MODULE"
	for path in "$driver"/0000:*; do
		[ -n "$(interface_of "${path##*/}")" ] && found+=("${path##*/}")
	done
	[ ${#found[@]} -ge 2 ] || skip "two shmnet interfaces are needed; there are ${#found[@]}"
	pci0=${found[0]} pci1=${found[1]}
	find_interfaces
}

find_interfaces() {
	if0=$(interface_of "$pci0") if1=$(interface_of "$pci1")
	[ -n "$if0" ] && [ -n "$if1" ]
}

# attach NODE: puts its interface into its namespace and starts it there.
attach() {
	local interface=$if0 namespace=$ns0
	[ "$1" -eq 0 ] || { interface=$if1 namespace=$ns1; }
	ip link set "$interface" netns "$namespace" && configure "$1"
}

# configure NODE: addresses, and up.
configure() {
	local interface=$if0 namespace=$ns0
	[ "$1" -eq 0 ] || { interface=$if1 namespace=$ns1; }
	ip -n "$namespace" -batch - <<-END
		address add 192.0.2.$(($1 + 1))/24 dev $interface
		address add 2001:db8::$(($1 + 1))/64 dev $interface nodad
		link set $interface up
	END
}

has_carrier() { # has_carrier NAMESPACE INTERFACE
	[[ $(ip -n "$1" -o link show dev "$2") == *LOWER_UP* ]]
}

# Nothing of neighbour discovery among what a test counts.
without_ipv6() {
	local namespace
	for namespace in "$ns0" "$ns1"; do
		ip netns exec "$namespace" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	done
}

# Under a flood of other pings: an answer that the kernel finds no room for is not made.
resumes() { # within 20 s
	until_true 20 connected && until_true 20 on0 ping -q -c 3 -i 0.1 -W 1 "$address1"
}

connected() {
	has_carrier "$ns0" "$if0" && has_carrier "$ns1" "$if1"
}

# Pings get sockets that take only what is theirs: a raw one takes the answers to all of them, and
# under traffic its buffer is full before the first that matters.
make_namespaces() { # make_namespaces NAMESPACE...
	local namespace
	for namespace; do
		ip netns add "$namespace" && ip -n "$namespace" link set lo up &&
			ip netns exec "$namespace" sysctl -qw net.ipv4.ping_group_range='0 2147483647' ||
			return
	done
}

# What most tests start with: both nodes addressed, up, and connected.
two_nodes() {
	find_devices
	names="$if0 $if1"
	mtus=("$(<"/sys/class/net/$if0/mtu")" "$(<"/sys/class/net/$if1/mtu")")
	rescues=("$(counter_of "$if0" timer_rescue)" "$(counter_of "$if1" timer_rescue)")
	if ! { make_namespaces "$ns0" "$ns1" && attach 0 && attach 1 && until_true 20 connected; }; then
		echo "Bail out! the two interfaces do not connect"
		exit 1
	fi
}

counter_of() { # counter_of INTERFACE NAME [PREFIX...]
	local interface=$1 name=$2 text
	shift 2
	text=$("$@" ethtool -S "$interface") && [[ $text =~ [[:space:]]$name:\ ([0-9]+) ]] &&
		echo "${BASH_REMATCH[1]}"
}

counter() { # counter NODE NAME
	if [ "$1" -eq 0 ]; then
		counter_of "$if0" "$2" ip netns exec "$ns0"
	else
		counter_of "$if1" "$2" ip netns exec "$ns1"
	fi
}

# ---- Traffic --------------------------------------------------------------------------------

# stream NAME FROM TO ADDRESS PROTOCOL [OPTION...]: starts one from namespace FROM to the address
# in namespace TO; options are those of the program. Without -n it goes on until `stream_end`.
stream() {
	local name=$1 from=$2 to=$3 address=$4 program=$here/$5_stream port options=()
	shift 5
	port=$((7000 + ports++))
	[[ " $* " != *' -g '* ]] || options=(-g)
	(exec ip netns exec "$to" "$program" receive "$address" $port "${options[@]}") \
		>"$work/$name.received" 2>"$work/$name.receiver" &
	streams[$name]=$!
	(exec ip netns exec "$from" "$program" send "$address" $port "$@") \
		>"$work/$name.sent" 2>"$work/$name.sender" &
	streams[$name]+=" $!"
}

# stream_result NAME: waits for its end; both ends must agree.
stream_result() {
	local pid code=0
	for pid in ${streams[$1]}; do
		wait "$pid" || code=1
	done
	if [ $code -ne 0 ] || ! [ -s "$work/$1.sent" ] ||
		! cmp "$work/$1.sent" "$work/$1.received"; then
		echo "stream $1, sent: $(cat "$work/$1.sent" "$work/$1.sender")"
		echo "stream $1, received: $(cat "$work/$1.received" "$work/$1.receiver")"
		return 1
	fi
}

stream_bytes() { # of one that has ended
	cut -d' ' -f1 "$work/$1.received"
}

# stream_end NAME: ends one that has no length.
stream_end() {
	kill -TERM "${streams[$1]#* }"
	stream_result "$1"
}

# both_ways PROTOCOL LEFT RIGHT [OPTION...]: at the same time from each end to the other's address.
both_ways() {
	local protocol=$1 to_left=$2 to_right=$3 code=0
	shift 3
	stream forth "$left" "$right" "$to_right" "$protocol" "$@"
	stream back "$right" "$left" "$to_left" "$protocol" "$@"
	stream_result forth || code=1
	stream_result back || code=1
	return $code
}

# ---- The end --------------------------------------------------------------------------------

# Whether node 0's region is: its bit in the superblock.
hardened() {
	local byte
	byte=$(od -An -j 24 -N 1 -t u1 "/sys/kernel/debug/shmnet/$pci0/region" 2>/dev/null)
	[ $((${byte:-0} & 1)) -eq 1 ]
}

# save_features: for a test that changes them, in the interfaces' namespaces.
save_features() {
	features[$if0]=$(feature_settings "$if0") features[$if1]=$(feature_settings "$if1")
}

feature_settings() { # those that can be changed, as ethtool -K takes them
	ethtool -k "$1" | awk -F'[: ]+' 'NR > 1 && !/fixed/ && $1 != "" { print $1, $2 }'
}

# Interfaces come home when their namespaces go, with what was set.
restore_interface() { # restore_interface INTERFACE MTU
	ip link set dev "$1" down mtu "$2" promisc off
	# shellcheck disable=SC2086 # a list
	[ -z "${features[$1]:-}" ] || ethtool -K "$1" ${features[$1]}
}

# An interface that was made while the other was elsewhere may have taken its name.
probe_again() {
	echo "$pci0" >$driver/unbind
	echo "$pci1" >$driver/unbind
	echo "$pci0" >$driver/bind
	echo "$pci1" >$driver/bind
}

undo() {
	local pid namespace
	for pid in $(jobs -p); do
		kill -9 "$pid"
	done
	if declare -F undo_more >/dev/null; then
		undo_more
	fi
	for namespace in "/run/netns/shmnet"*"-$$"; do
		[ -e "$namespace" ] || continue
		namespace=${namespace##*/}
		for pid in $(ip netns pids "$namespace"); do
			kill -9 "$pid"
		done
		ip netns delete "$namespace"
	done
	if [ ${#mtus[@]} -eq 2 ] && until_true 10 find_interfaces; then
		if [ "$if0 $if1" = "$names" ]; then
			restore_interface "$if0" "${mtus[0]}"
			restore_interface "$if1" "${mtus[1]}"
		else
			probe_again
		fi
	fi
	rm -rf "$work"
} >/dev/null 2>&1

no_complaints() {
	dmesg >"$work/dmesg"
	grep -qF "$mark" "$work/dmesg" || {
		echo "the kernel's log is too long to hold this test"
		return 1
	}
	! sed -n "/$mark/,\$p" "$work/dmesg" | grep -nE "$complaints"
}

no_rescues() {
	local node count code=0
	for node in 0 1; do
		count=$(($(counter $node timer_rescue) - rescues[node]))
		[ $count -eq 0 ] && continue
		echo "node $node: timer_rescue $count"
		"on$node" ethtool -S "$([ $node -eq 0 ] && echo "$if0" || echo "$if1")" | grep -v ': 0$'
		code=1
	done
	return $code
}

finish() {
	local code=$?
	trap '' INT TERM
	[ ${#rescues[@]} -eq 0 ] || check "no frame waited for a timer" no_rescues
	check "the kernel has not complained" no_complaints
	echo "1..$number"
	[ $failed -eq 0 ] || code=1
	undo
	exit $code
}

[ "$(id -u)" -eq 0 ] || skip "root is needed"
command -v ip >/dev/null || skip "ip is missing"
command -v ethtool >/dev/null || skip "ethtool is missing"
echo "$mark" >/dev/kmsg
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
echo "TAP version 13"
