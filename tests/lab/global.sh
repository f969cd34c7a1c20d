# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# For labs whose nodes share an address, set up as a user does it, and have a client on the segment `lan`. A test sets
# `lab`, and sources this in place of traffic.sh.

# shellcheck source-path=SCRIPTDIR source=traffic.sh
. "$(dirname "${BASH_SOURCE[0]}")/traffic.sh"
# shellcheck source-path=SCRIPTDIR source=../../tools/demo/global.sh
. "$root/tools/demo/global.sh"
holder=''
# Seconds that it may take to hold connections, and to hear from all of them again.
holding=30 hearing=40

types() { # types PLACE TEXT: to a shell there
	at "$1" sh -ec "$2"
}

# Node 3 has a card on the same segment, and can be an entry as well.
joining_here() { # joining_here NODE
	if [ "$1" -eq 3 ]; then
		joining 0 | sed 's/198.51.100.1/198.51.100.3/'
	else
		joining "$1"
	fi
}

prepare() { # prepare NODE: all but the shared address
	types "$1" "ln -s $ctl $root/build/bin/shmnetd /usr/local/bin; $(joining_here "$1" | head -1)"
}

take() { # take NODE: the address
	types "$1" "$(joining_here "$1" | tail -1)"
}

is_right() { # is_right NODE
	on "$1" shmnetctl global check
}

publish() { # publish NODE
	types "$1" "$(publishing)"
}

# On all addresses, so that shmnetd has to be told that it may publish it.
serve() { # serve NODE
	types "$1" "setsid -f $programs/serve tcp node$1 0.0.0.0 80 >/run/serve.log 2>&1"
}

offer() { # offer NODE: it is known at the entry in the end
	publish "$1" && serve "$1" && until_true 30 offers "$1"
}

offers() { # offers NODE
	on 0 shmnetctl service | grep -E " $shared:80 +$1 "
}

# asks PLACE COUNT: names of those who served, and how often
asks() {
	at "$1" "$programs/ask" tcp $shared 80 "$2"
}

# answer NODES COUNT: these, and no other node, served so many of the client's requests in all
answer() {
	local answers
	answers=$(asks outside "$2") || return
	echo "$answers"
	equal "$(cut -d ' ' -f 1 <<<"$answers" | paste -s -d ' ')" "$1"
}

# ---- Connections that are held -----------------------------------------------------------------

hold() { # hold COUNT: connections of the client's; each line to `say` has them asked again
	mkfifo "$scratch/say" && : >"$scratch/held" || return
	"$shmlab" outside --name "$lab" lan -- "$programs/hold" $shared 80 "$1" \
		<>"$scratch/say" >"$scratch/held" 2>&1 &
	# shellcheck disable=SC2034 # for tests
	holder=$!
	until_true $holding held_times 1 && cat "$scratch/held" && equal "$(grep -c '^node' "$scratch/held")" 3
}

held_times() {
	[ "$(grep -c '^held' "$scratch/held")" -eq "$1" ]
}

still_hold() { # still_hold TIMES: they were asked so often then
	echo >"$scratch/say"
	until_true $hearing held_times "$1" || {
		cat "$scratch/held"
		return 1
	}
}
