// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Carries frames between two interfaces through packet sockets with virtio headers, as a virtual
 * machine monitor does, until SIGTERM: unsegmented frames and partial checksums stay what they
 * are. Prints "ready", and at the end how many of them there were.
 *
 *   relay INTERFACE INTERFACE
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>

#include "content.h"

static unsigned long frames, unsegmented, partial;

static int open_interface(const char *name)
{
	struct packet_mreq promiscuous = {
		.mr_ifindex = if_nametoindex(name),
		.mr_type = PACKET_MR_PROMISC,
	};
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = promiscuous.mr_ifindex,
	};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0 || !address.sll_ifindex)
		err(1, "%s", name);
	set_option(fd, SOL_PACKET, PACKET_VNET_HDR, 1);
	set_option(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
	set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20);
	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)))
		err(1, "promiscuous mode of %s", name);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		err(1, "bind to %s", name);
	return fd;
}

static void pass_on(int from, int to)
{
	static struct {
		struct virtio_net_hdr header;
		uint8_t frame[ETH_HLEN + 8 + 65536];
	} __attribute__((packed)) buffer;
	ssize_t n;

	while ((n = recv(from, &buffer, sizeof(buffer), MSG_DONTWAIT)) > 0) {
		frames++;
		unsegmented += buffer.header.gso_type != VIRTIO_NET_HDR_GSO_NONE;
		partial += !!(buffer.header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
		/* A full queue is a loss, which the ends of a connection make good. */
		if (send(to, &buffer, n, 0) < 0 && errno != ENOBUFS && errno != EINTR)
			err(1, "send of %zd bytes", n);
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = content_on_stop };
	struct pollfd fds[2];

	if (argc != 3)
		errx(2, "usage: relay INTERFACE INTERFACE");
	sigaction(SIGTERM, &action, NULL);
	fds[0] = (struct pollfd){ .fd = open_interface(argv[1]), .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = open_interface(argv[2]), .events = POLLIN };
	puts("ready");
	fflush(stdout);
	while (!content_stop) {
		if (poll(fds, 2, -1) < 0)
			continue;
		pass_on(fds[0].fd, fds[1].fd);
		pass_on(fds[1].fd, fds[0].fd);
	}
	printf("%lu frames, %lu unsegmented, %lu with partial checksums\n", frames, unsegmented,
	       partial);
	return 0;
}
