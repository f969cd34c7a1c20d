# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# What tests on debug kernels share: one guest with two devices, two nodes in one kernel, that may
# neither complain nor leak. A test sets `lab`, and sources this.

# shellcheck source-path=SCRIPTDIR source=../lab/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lab/lib.sh"
cd "$root" || exit 1

# Not what a kernel says of an allocation that was made to fail.
complaints='WARNING:|BUG:|KASAN:|UBSAN:|refcount_t:|general protection|possible .* (locking|deadlock)'
complaints+='|INFO: task|ODEBUG|blocked for more|stalls? on CPU|NETDEV WATCHDOG'
# What a test does not mind.
excused='nothing is excused'
# A kernel that does so much more is slow.
patience="shmlab.doubt=60 rcupdate.rcu_cpu_stall_timeout=120 watchdog_thresh=60"
directory='' release='' module='' processors=1
# By which UBSan's checks are in a module, where the kernel has them.
export UBSAN_SANITIZE=y

cleanup() {
	"$shmlab" down --name "$lab" 2>/dev/null
	rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# prepare NAME|DIRECTORY [VARIABLE=VALUE]: the kernel, a debug kernel or any other, and the module for
# it; with a variable also the module that this makes.
prepare() {
	directory=$1
	[ -d "$directory/boot" ] ||
		directory=$(tools/kernels/debug "$1" tests/debug/base.config "tests/debug/$1.config") ||
		bail_out "there is no debug kernel $1"
	release=$(basename "$directory"/lib/modules/*)
	build_module && { [ $# -eq 1 ] || build_module "$2"; } || bail_out "$(tail -20 "$scratch/build")"
	# Without the compiler's notes, of which a guest would read seven megabytes at each load.
	module=$root/build/modules/$release/stripped.ko
	objcopy --strip-debug "${module%/*}/shmnet.ko" "$module" || bail_out "the module cannot be stripped"
	echo "# $release"
}

# A kernel's tree alone does not say its release: a part of it was given when it was built.
build_module() {
	make -s module KDIR="$directory/lib/modules/$release/build" RELEASE="$release" "$@" >"$scratch/build" 2>&1
}

begin() {
	"$shmlab" up --name "$lab" --nodes 1 --devices-per-guest 2 --kernel "$directory" --guest-memory 2G \
		--smp "$processors" --append "$patience" 2>"$scratch/up" || bail_out "$(tail -20 "$scratch/up")"
	on 0 "$root/tests/lab/to_memory" || bail_out "programs cannot be copied"
	# Likewise: what is read from the host while an allocation fails may stay unreadable.
	on 0 touch "$module" "$root"/tests/debug/{fail_*,disturb.py} || bail_out "the module cannot be copied"
}

in_guest() {
	"$shmlab" exec --name "$lab" --timeout 14400 0 -- env SHMNET_MODULE="$module" \
		KSELFTEST_TIMEOUT=1500 KSELFTEST_PATIENCE=6 SHMNET_SYNS=300 SHMNETCTL="$root/build/bin/shmnetctl" "$@" </dev/null
}

end() { # end WHAT
	clean "$1"
	"$shmlab" down --name "$lab" 2>/dev/null
}

clean() { # clean WHAT: so far
	check "$1: the kernel has nothing to say" log_is_clean
	if on 0 test -e /sys/kernel/debug/kmemleak; then
		check "$1: nothing leaked" no_leak
	else
		skip "$1: nothing leaked" "the kernel has no kmemleak"
	fi
}

guest_log() {
	"$shmlab" logs --name "$lab" 0 | tr -d '\0'
}

log_is_clean() {
	local found
	found=$(guest_log | grep -vE "$excused" |
		grep -E -B 2 -A 20 "$complaints" | head -n 100)
	[ -z "$found" ] || {
		echo "$found"
		return 1
	}
}

no_leak() { # what nobody points to any more; twice, because it waits for what is young
	local found
	on 0 sh -c 'for i in 1 2; do echo scan >/sys/kernel/debug/kmemleak || exit; sleep 6; done' || {
		echo "kmemleak is off"
		return 1
	}
	found=$(on 0 cat /sys/kernel/debug/kmemleak) && [ -z "$found" ] || {
		echo "$found"
		return 1
	}
}

# relay PREFIX COMMAND...: its lines of TAP as ours. It must have some, and end as they say.
relay() {
	local prefix=$1 tests=$number failures=$failed line code
	shift
	: >"$scratch/relayed"
	while read -r line; do
		echo "$line" >>"$scratch/relayed"
		relay_line "$prefix" "$line"
	done < <("$@" 2>&1)
	wait $!
	code=$?
	check "$prefix: it has tests, and ends as they say" \
		ends_as_told $code $((number - tests)) $((failed - failures))
}

ends_as_told() { # ends_as_told CODE TESTS FAILURES
	[ "$2" -gt 0 ] && { [ "$1" -eq 0 ] || [ "$3" -gt 0 ]; } || {
		echo "it ended with $1, after $2 tests, of which $3 failed, and said last:"
		tail -n 20 "$scratch/relayed"
		return 1
	}
}

relay_line() { # relay_line PREFIX LINE
	case $2 in
	"ok "* | "not ok "*)
		number=$((number + 1))
		[[ $2 == ok* ]] || failed=$((failed + 1))
		echo "${2%%ok *}ok $number - $1: ${2#*ok * - }"
		;;
	"# "* | "1..0 # SKIP "*) echo "# ${2#*# }" ;;
	esac
}
