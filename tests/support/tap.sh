# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# What the tests that run on the host share, of labs and of documents. A test sources it, calls check
# for each thing that must hold, and plan at its end.

# shellcheck disable=SC2034 # for tests
root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)
scratch=$(mktemp -d)
number=0 failed=0

# check DESCRIPTION COMMAND...: its output appears only when it fails.
check() {
	local description=$1
	shift
	number=$((number + 1))
	# Written behind what is there, as does who opens it again (tee -a /dev/stderr).
	: >"$scratch/check.log"
	if "$@" >>"$scratch/check.log" 2>&1; then
		echo "ok $number - $description"
	else
		echo "not ok $number - $description"
		sed 's/^/# /' "$scratch/check.log" | head -100
		failed=$((failed + 1))
	fi
}

skip() { # skip DESCRIPTION REASON
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

# The plan, and the test's exit code.
plan() {
	echo "1..$number"
	[ $failed -eq 0 ]
}

bail_out() {
	echo "Bail out! $*"
	exit 1
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
