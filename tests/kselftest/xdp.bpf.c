// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* XDP programs of xdp.sh. clang and the kernel's own headers are all that they need. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#define PROGRAM(name)	__attribute__((section(name), used))
#define FROM_NET(value)	__builtin_bswap16(value)

#define ECHO_PORT	7

static long (*const redirect)(__u32 ifindex, __u64 flags) = (void *)BPF_FUNC_redirect;

struct datagram {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

/* The frame, if it is UDP over IPv4 without options. */
static __always_inline struct datagram *datagram_of(struct xdp_md *context)
{
	struct datagram *datagram = (void *)(long)context->data;

	if ((void *)(datagram + 1) > (void *)(long)context->data_end ||
	    datagram->eth.h_proto != FROM_NET(ETH_P_IP) || datagram->ip.ihl != 5 ||
	    datagram->ip.protocol != IPPROTO_UDP)
		return 0;
	return datagram;
}

/* Makes a datagram to the port of echoes its own answer. */
static __always_inline int turn_round(struct datagram *datagram)
{
	__u8 address[ETH_ALEN];
	__be32 source;
	__be16 port;

	if (!datagram || datagram->udp.dest != FROM_NET(ECHO_PORT))
		return 0;
	__builtin_memcpy(address, datagram->eth.h_source, ETH_ALEN);
	__builtin_memcpy(datagram->eth.h_source, datagram->eth.h_dest, ETH_ALEN);
	__builtin_memcpy(datagram->eth.h_dest, address, ETH_ALEN);
	source = datagram->ip.saddr;
	datagram->ip.saddr = datagram->ip.daddr;
	datagram->ip.daddr = source;
	port = datagram->udp.source;
	datagram->udp.source = datagram->udp.dest;
	datagram->udp.dest = port;
	return 1;
}

PROGRAM("xdp") int pass(struct xdp_md *context)
{
	return XDP_PASS;
}

PROGRAM("xdp.frags") int pass_pieces(struct xdp_md *context)
{
	return XDP_PASS;
}

PROGRAM("xdp") int drop_echoes(struct xdp_md *context)
{
	struct datagram *datagram = datagram_of(context);

	return datagram && datagram->udp.dest == FROM_NET(ECHO_PORT) ? XDP_DROP : XDP_PASS;
}

PROGRAM("xdp") int drop_broadcasts(struct xdp_md *context)
{
	const __u8 *destination = (void *)(long)context->data;

	return destination + 1 <= (__u8 *)(long)context->data_end && *destination == 0xff ?
		       XDP_DROP : XDP_PASS;
}

PROGRAM("xdp.frags") int send_echoes(struct xdp_md *context)
{
	return turn_round(datagram_of(context)) ? XDP_TX : XDP_PASS;
}

PROGRAM("xdp.frags") int redirect_echoes(struct xdp_md *context)
{
	return turn_round(datagram_of(context)) ? redirect(context->ingress_ifindex, 0) : XDP_PASS;
}

/* To the interface whose index is the datagram's port. */
PROGRAM("xdp") int redirect_by_port(struct xdp_md *context)
{
	struct datagram *datagram = datagram_of(context);

	return datagram ? redirect(FROM_NET(datagram->udp.dest), 0) : XDP_PASS;
}

char terms[] PROGRAM("license") = "GPL";
