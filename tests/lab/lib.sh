# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# What tests of labs share. A test sets `lab`, and sources this.

# shellcheck source-path=SCRIPTDIR source=../support/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../support/tap.sh"
lab=${lab:?}
shmlab=$root/tools/lab/shmlab

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

shmlab_refuses() { # shmlab_refuses CODE TEXT ARGUMENTS...: shmlab does
	local wanted=$1 text=$2
	shift 2
	expect "$wanted" "$shmlab" "$@" 2>"$scratch/message" || return 1
	grep -qF -e "$text" "$scratch/message" || {
		echo "$*: says: $(cat "$scratch/message")"
		return 1
	}
}

nothing_left_of() { # nothing_left_of LAB
	local left
	left=$(pgrep -fa "shmlab-$1"
		ip netns | grep -F "shmlab-$1"
		ls -d "/run/shmlab/$1" "/dev/shm/shmlab-$1.region" 2>/dev/null)
	[ -z "$left" ] || {
		echo "left behind: $left"
		return 1
	}
}
