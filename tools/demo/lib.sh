# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# What the demos share: a lab that goes away however the demo ends, steps with headings, and commands
# that are shown with their output. A demo sets `demo`, `nodes` and `kernel`, and sources this.

demo=${demo:?} nodes=${nodes:?} kernel=${kernel:?}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
shmlab=$root/tools/lab/shmlab
build=$root/build
lab=$demo-$$
log=$build/$demo.log
scratch=$(mktemp -d)
output=$scratch/output
step='' ticker=''
bold='' typed='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
	bold=$'\e[1m' typed=$'\e[36m' plain=$'\e[0m'
fi

mkdir -p "$build"
: >"$log"

# Nothing may stop it, or guests would stay.
cleanup() {
	trap '' INT TERM HUP
	stop_ticker
	"$shmlab" down --name "$lab" >>"$log" 2>&1
	rm -rf "$scratch"
}

interrupted() {
	stop_ticker
	echo "$demo: interrupted; taking the guests down" >&2
	exit 130
}
trap cleanup EXIT
trap interrupted INT TERM HUP

fail() { # fail [WHY]
	local node
	echo "$demo: failed at: $step" >&2
	[ $# -eq 0 ] || echo "$demo: $*" >&2
	for ((node = 0; node < nodes; node++)); do
		"$shmlab" logs --name "$lab" $node >"$build/$demo-node$node.log" 2>/dev/null
	done
	echo "$demo: see $log, and the guests' kernel logs, $build/$demo-nodeN.log" >&2
	exit 1
}

begin() { # begin STEP
	step=$1
	echo
	echo "$bold== $step$plain"
	echo "== $step" >>"$log"
}

# Boots the guests with the module, and puts the programs where `make install` would.
boot() { # boot [OPTION...]: of `shmlab up`
	"$shmlab" up --name "$lab" --nodes "$nodes" --kernel "$kernel" --load "$@" \
		2> >(tee -a "$log" >&2) || fail
	show 0-$((nodes - 1)) "ln -s $build/bin/shmnetctl $build/bin/shmnetd /usr/local/bin"
}

on() { # on NODE COMMAND...
	local node=$1
	shift
	"$shmlab" exec --name "$lab" "$node" -- "$@"
}

# Where commands are typed: a node, by its number; a demo with others has an `at` of its own.
at() { # at PLACE COMMAND...
	on "$@"
}

type_at() { # type_at PLACES COMMAND: further lines under the first
	local prompt=$1
	[[ $1 != [0-9]* ]] || prompt=node$1
	echo "    $typed$prompt# ${2//$'\n'/$'\n'        }$plain"
}

indent() {
	sed 's/^/        /'
}

result() { # result TEXT: of what was begun before
	echo "$1" | tee -a "$log" | indent
}

# Runs something that may take a while: on a terminal the seconds are shown.
busy() { # busy COMMAND...
	local code=0
	if [ -t 1 ]; then
		{
			seconds=0
			while sleep 1; do
				seconds=$((seconds + 1))
				[ $seconds -lt 2 ] || printf '\r        %d s ' $seconds
			done
		} &
		ticker=$!
	fi
	"$@" || code=$?
	stop_ticker
	return $code
}

# Not by SIGTERM, for which a subshell that has just begun has this shell's trap.
stop_ticker() {
	[ -n "$ticker" ] || return 0
	kill -KILL "$ticker" && wait "$ticker"
	ticker=
	printf '\r\e[K'
} 2>/dev/null

# Runs it at once in all of PLACES, and shows it with what FILTER leaves of its output; all of that is in
# the log, and the output of the last command in $output. It may fail.
try() { # try PLACES COMMAND [FILTER]: the last two for a shell
	local place pids=() code=0
	type_at "$1" "$2"
	for place in $(places "$1"); do
		at "$place" sh -c "$2" >"$scratch/at-$place" 2>&1 </dev/null &
		pids+=($!)
	done
	busy all_end "${pids[@]}" || code=$?
	for place in $(places "$1"); do
		if [[ $1 == *-* ]]; then
			sed "s/^/node$place: /" "$scratch/at-$place"
		else
			cat "$scratch/at-$place"
		fi
	done >"$output"
	{
		echo "$1# $2"
		cat "$output"
	} >>"$log"
	sh -c "${3:-cat}" <"$output" | indent
	return $code
}

places() { # places 1-3: what that means
	case $1 in
	*-*) seq "${1%-*}" "${1#*-}" ;;
	*) echo "$1" ;;
	esac
}

all_end() { # all_end PID...
	local pid code=0
	for pid; do
		wait "$pid" || code=$?
	done
	return $code
}

show() { # show PLACES COMMAND [FILTER]: it must not fail
	try "$@" || fail "'$2' failed: $(tail -5 "$output")"
}

# wait_for SECONDS WHAT COMMAND...: until it is true
wait_for() {
	echo "    (waiting until $2)"
	busy until_true "$1" "${@:3}" || fail "in $1 s it was not so that $2"
}

until_true() { # until_true SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@" >>"$log" 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.2
	done
}

take_down() {
	begin "stopping the guests"
	"$shmlab" down --name "$lab" 2>>"$log" || fail
	rm -rf "$scratch"
	trap - EXIT
	echo "done; all output is in $log"
}
