#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# How much waits in a socket whose program does not read: what small segments take of its buffer is
# theirs, not that of a large buffer that they came in. About as much as over veth.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
needs python3
two_nodes

undo_more() {
	ip -n "$ns0" link del window0
}

ip -n "$ns0" link add window0 mtu 9000 type veth peer name window1 netns "$ns1"
ip -n "$ns0" address add 198.51.100.1/24 dev window0 && ip -n "$ns0" link set window0 up
ip -n "$ns1" address add 198.51.100.2/24 dev window1 && ip -n "$ns1" link set window1 up

# waits FROM TO ADDRESS SIZE: bytes that wait there when messages of SIZE bytes, each a segment of
# its own, are taken no more. The sender leaves time for each to be acknowledged as it comes.
waits() {
	ip netns exec "$2" python3 - "$3" >"$work/waits" <<-'END' &
		import fcntl, socket, struct, sys, termios, time
		listener = socket.socket()
		listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
		listener.bind((sys.argv[1], 7999))
		listener.listen()
		receiver, _ = listener.accept()
		last = -1
		while True:
		    time.sleep(1)
		    now = struct.unpack("i", fcntl.ioctl(receiver, termios.FIONREAD, bytes(4)))[0]
		    if now == last and now > 0:
		        print(now)
		        break
		    last = now
	END
	local receiver=$!
	ip netns exec "$1" python3 - "$3" "$4" <<-'END' &
		import socket, sys, time
		sender = socket.socket()
		for _ in range(100):
		    try:
		        sender.connect((sys.argv[1], 7999))
		        break
		    except OSError:
		        time.sleep(0.1)
		sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		while True:
		    sender.send(bytes(int(sys.argv[2])))
		    time.sleep(0.0002)
	END
	local sender=$!
	wait $receiver
	kill $sender
	wait $sender 2>/dev/null
	cat "$work/waits"
}

as_much() { # as_much FROM TO ADDRESS VETH-ADDRESS SIZE
	local ours veth
	veth=$(waits "$1" "$2" "$4" "$5") && ours=$(waits "$1" "$2" "$3" "$5") || return
	echo "$ours bytes over shmnet, $veth over veth"
	at_least "$ours" $((veth * 4 / 10)) "bytes that wait"
}

for size in 100 1000; do
	check "segments of $size bytes fill a socket as over veth" \
		as_much "$ns0" "$ns1" "$address1" 198.51.100.2 $size
	sed 's/^/# /' "$work/check.log"
	check "and the other way" as_much "$ns1" "$ns0" "$address0" 198.51.100.1 $size
done
