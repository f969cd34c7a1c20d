# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# What tests of labs share. A test sets `lab`, sources this, and calls test_case for each thing.

lab=${lab:?}
# shellcheck disable=SC2034 # for tests
root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)
shmlab=$root/tools/lab/shmlab
scratch=$(mktemp -d)
number=0 failed=0

# test_case DESCRIPTION FUNCTION [ARGUMENT...]: its messages appear only when it fails.
test_case() {
	local description=$1
	shift
	number=$((number + 1))
	if "$@" >"$scratch/log" 2>&1; then
		echo "ok $number - $description"
	else
		echo "not ok $number - $description"
		sed 's/^/# /' "$scratch/log"
		failed=$((failed + 1))
	fi
}

skip() {
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

# The end of a test: the plan, and its exit code.
plan() {
	echo "1..$number"
	[ $failed -eq 0 ]
}

bail_out() {
	echo "Bail out! $*"
	exit 1
}

needs_root() {
	[ "$(id -u)" -eq 0 ] || {
		echo "1..0 # SKIP needs root"
		exit 4
	}
}

on() { # on NODE COMMAND...
	local node=$1
	shift
	"$shmlab" exec --name "$lab" "$node" -- "$@"
}

start_on() { # the same in the background, so that $! is the client itself
	local node=$1
	shift
	"$shmlab" exec --name "$lab" "$node" -- "$@" &
}

# expect CODE COMMAND...
expect() {
	local wanted=$1 code=0
	shift
	"$@" || code=$?
	[ "$code" -eq "$wanted" ] || {
		echo "exit code $code, not $wanted: $*"
		return 1
	}
}

equal() {
	[ "$1" = "$2" ] || {
		echo "got '$1', wanted '$2'"
		return 1
	}
}

# until_true SECONDS COMMAND...
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || {
			echo "never true: $*"
			return 1
		}
		sleep 0.1
	done
}
