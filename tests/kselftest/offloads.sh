#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Each offload is switched off and on again at either end under traffic, whose bytes arrive as they
# were sent; and an offload that is on is one that is used: frames cross unsegmented, and are
# segmented before where the receiver does not take them.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs tcp_stream udp_stream
find_devices
save_features
two_nodes

mtu=1500
ip -n "$ns0" link set "$if0" mtu $mtu
ip -n "$ns1" link set "$if1" mtu $mtu

# Names that ethtool -K takes.
offloads=(tx sg tso gso gro rx rx-gro-hw tx-tcp-segmentation tx-tcp6-segmentation
	tx-tcp-ecn-segmentation tx-udp-segmentation rx-gro-list rx-udp-gro-forwarding)


# Bytes a frame, of a stream from node 0, as node 1 received them.
mean_frame() {
	local frames bytes
	frames=$(counter 1 rx_frames) bytes=$(counter 1 rx_bytes)
	stream mean "$ns0" "$ns1" "$1" "$2" -n 1000000 "${@:3}" && stream_result mean >&2 || return
	frames=$(($(counter 1 rx_frames) - frames)) bytes=$(($(counter 1 rx_bytes) - bytes))
	echo $((bytes / frames))
}

unsegmented() { # unsegmented ADDRESS PROTOCOL [OPTION...]
	local mean
	# A slow sender has not always much to send at once.
	mean=$(mean_frame "$@") && at_least "$mean" $((3 * mtu / 2)) "bytes a frame"
}

segmented() {
	local mean
	mean=$(mean_frame "$@") && at_least $((mtu + 14)) "$mean" "MTU and header"
}

segmented_without() { # segmented_without NODE FEATURE ADDRESS PROTOCOL [OPTION...]
	local interface=$if0 code=0
	[ "$1" -eq 0 ] || interface=$if1
	"on$1" ethtool -K "$interface" "$2" off || return
	segmented "${@:3}" || code=1
	"on$1" ethtool -K "$interface" "$2" on && unsegmented "${@:3}" && return $code
}

is_set() { # is_set NODE FEATURE on|off
	local interface=$if0
	[ "$1" -eq 0 ] || interface=$if1
	"on$1" ethtool -k "$interface" | grep -q "^	*$2: $3"
}

# What a receiver of unsegmented frames is said to do needs its checksumming.
checksum_takes_gro_hw_along() {
	on1 ethtool -K "$if1" rx off && is_set 1 rx-gro-hw off && on1 ethtool -K "$if1" rx on &&
		is_set 1 rx-gro-hw on
}

toggled() { # toggled FEATURE: off at one end, at both, at the other, at none
	on0 ethtool -K "$if0" "$1" off && on1 ethtool -K "$if1" "$1" off &&
		on0 ethtool -K "$if0" "$1" on && on1 ethtool -K "$if1" "$1" on
}

check "TCP over IPv4 crosses unsegmented" unsegmented "$address1" tcp
check "TCP over IPv6 crosses unsegmented" unsegmented "$address1_6" tcp
check "it is segmented without tso at the sender" segmented_without 0 tso "$address1" tcp
check "and without tx, checksums being needed" segmented_without 0 tx "$address1" tcp
check "and without rx-gro-hw at the receiver" segmented_without 1 rx-gro-hw "$address1_6" tcp
check "and without rx at the receiver" segmented_without 1 rx "$address1" tcp
check "rx and rx-gro-hw go together" checksum_takes_gro_hw_along

stream tcp4 "$ns0" "$ns1" "$address1" tcp
stream tcp6 "$ns1" "$ns0" "$address0_6" tcp
stream udp4 "$ns1" "$ns0" "$address0" udp -g -d 1400
stream udp6 "$ns0" "$ns1" "$address1_6" udp -d 1000
for offload in "${offloads[@]}"; do
	check "$offload is switched under traffic" toggled "$offload"
done
for name in tcp4 tcp6 udp4 udp6; do
	check "the bytes of $name are as they were sent" stream_end $name
done
