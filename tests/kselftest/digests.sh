#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Streams of random bytes arrive as they were sent: both ends compute the same digest.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs tcp_stream udp_stream
two_nodes

bytes=4000000
v4=("$address0" "$address1") v6=("$address0_6" "$address1_6")

check "TCP over IPv4, both ways at once" both_ways tcp "${v4[@]}" -n "$bytes"
check "TCP over IPv6, both ways at once" both_ways tcp "${v6[@]}" -n "$bytes"
check "UDP over IPv4, both ways at once" both_ways udp "${v4[@]}" -n "$bytes" -d 60000
check "UDP over IPv6, both ways at once" both_ways udp "${v6[@]}" -n "$bytes" -d 60000
check "UDP in small datagrams" both_ways udp "${v4[@]}" -n 1000000 -d 1000
check "UDP segmented late, taken whole" both_ways udp "${v4[@]}" -n "$bytes" -d 1400 -g
check "UDP over IPv6 segmented late, taken whole" both_ways udp "${v6[@]}" -n "$bytes" -d 1400 -g
