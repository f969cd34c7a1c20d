# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# What the tests of documents share.

# shellcheck source-path=SCRIPTDIR source=../support/tap.sh
. "${BASH_SOURCE[0]%/*}/../support/tap.sh"

# marked NAME FILE: the fenced block behind the line "<!-- test: NAME -->".
marked() {
	awk -v mark="<!-- test: $1 -->" '
		$0 == mark { wanted = 1; next }
		wanted && /^```/ { if (inside) exit; inside = 1; next }
		inside { print }' "$2"
}
