// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Single Ethernet frames, every byte compared.
 *
 *   frame send [OPTIONS] INTERFACE SIZE
 *   frame expect [OPTIONS] INTERFACE SIZE	prints "ready" when it listens; 1 if none comes
 *
 *   -d MAC	destination; of expect: other frames do not count
 *   -s MAC	source; the same
 *   -t TYPE	EtherType (default 0x88b5), or below 0x600 the length field of an LLC frame
 *   -n COUNT	so many frames (default 1)
 *   -w SECONDS	how long to wait (default 10)
 *
 * SIZE counts the header, and no FCS. The bytes behind the header follow from the size; those of
 * an LLC frame start with an LLC header.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>

#include "content.h"

#define MOST (ETH_HLEN + 65535)

struct request {
	const struct ether_addr *destination;
	const struct ether_addr *source;
	unsigned int type;
	unsigned int count;
	unsigned int seconds;
	unsigned int size;
};

static struct ether_addr addresses[2];

static const struct ether_addr *parse_mac(const char *text, struct ether_addr *mac)
{
	if (!ether_aton_r(text, mac))
		errx(2, "'%s' is no address", text);
	return mac;
}

/* The frame; addresses that were not given stay zero. */
static void make(const struct request *request, uint8_t *frame)
{
	struct ethhdr *header = (struct ethhdr *)frame;
	unsigned int i;

	memset(frame, 0, ETH_HLEN);
	if (request->destination)
		memcpy(header->h_dest, request->destination, ETH_ALEN);
	if (request->source)
		memcpy(header->h_source, request->source, ETH_ALEN);
	header->h_proto = htons(request->type);
	for (i = ETH_HLEN; i < request->size; i++)
		frame[i] = i * 7 + request->size;
	/* Null SAPs, unnumbered information: no protocol of the kernel takes it. */
	if (request->type < ETH_P_802_3_MIN)
		memcpy(frame + ETH_HLEN, "\x04\x04\x03", 3);
}

static int open_packet(unsigned int ifindex)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = ifindex,
	};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	/* All frames of a test fit in, however late this program runs. */
	int room = 16 << 20;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		err(1, "packet socket");
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		err(1, "bind");
	return fd;
}

static int send_frames(int fd, const struct request *request)
{
	static uint8_t frame[MOST];
	unsigned int i;

	make(request, frame);
	for (i = 0; i < request->count; i++)
		if (send(fd, frame, request->size, 0) != (ssize_t)request->size)
			err(1, "send of %u bytes", request->size);
	return 0;
}

/* Whether it is one that was asked for, whatever is behind its header. */
static bool is_wanted(const struct request *request, const uint8_t *frame, ssize_t size)
{
	const struct ethhdr *header = (const struct ethhdr *)frame;

	return size >= ETH_HLEN && ntohs(header->h_proto) == request->type &&
	       (!request->destination ||
		!memcmp(header->h_dest, request->destination, ETH_ALEN)) &&
	       (!request->source || !memcmp(header->h_source, request->source, ETH_ALEN));
}

static int expect_frames(int fd, const struct request *request)
{
	static uint8_t wanted[MOST], frame[MOST + 1];
	/* On a slow kernel so many times longer. */
	const char *patience = getenv("KSELFTEST_PATIENCE");
	time_t end = time(NULL) + request->seconds * (patience ? number(patience) : 1);
	unsigned int found = 0, i;

	make(request, wanted);
	puts("ready");
	fflush(stdout);
	while (found < request->count) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		struct sockaddr_ll from;
		socklen_t len = sizeof(from);
		ssize_t n;

		if (time(NULL) > end)
			errx(1, "%u frames of %u came", found, request->count);
		if (poll(&poll_fd, 1, 100) <= 0)
			continue;
		n = recvfrom(fd, frame, sizeof(frame), 0, (struct sockaddr *)&from, &len);
		if (n < 0 || from.sll_pkttype == PACKET_OUTGOING || !is_wanted(request, frame, n))
			continue;
		if (n != request->size)
			errx(1, "a frame of %zd bytes came, not %u", n, request->size);
		for (i = ETH_HLEN; i < request->size; i++)
			if (frame[i] != wanted[i])
				errx(1, "of %u bytes byte %u is %#x, not %#x", request->size, i,
				     frame[i], wanted[i]);
		found++;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct request request = { .type = 0x88b5, .count = 1, .seconds = 10 };
	unsigned int ifindex;
	bool sends;
	int option;

	while ((option = getopt(argc, argv, "d:s:t:n:w:")) != -1) {
		if (option == 'd')
			request.destination = parse_mac(optarg, &addresses[0]);
		else if (option == 's')
			request.source = parse_mac(optarg, &addresses[1]);
		else if (option == 't')
			request.type = number(optarg);
		else if (option == 'n')
			request.count = number(optarg);
		else if (option == 'w')
			request.seconds = number(optarg);
		else
			return 2;
	}
	if (argc - optind != 3)
		errx(2, "usage: frame send|expect [OPTIONS] INTERFACE SIZE");
	sends = !strcmp(argv[optind], "send");
	ifindex = if_nametoindex(argv[optind + 1]);
	if (!ifindex)
		err(1, "%s", argv[optind + 1]);
	request.size = number(argv[optind + 2]);
	if (request.size < ETH_HLEN + 3 || request.size > MOST)
		errx(2, "a frame has %d to %d bytes", ETH_HLEN + 3, MOST);
	if (sends && (!request.source || !request.destination))
		errx(2, "name both addresses");
	return sends ? send_frames(open_packet(ifindex), &request)
		     : expect_frames(open_packet(ifindex), &request);
}
