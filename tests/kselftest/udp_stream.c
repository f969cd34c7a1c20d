// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A stream of bytes over UDP, which may lose, with the digests of both ends.
 *
 *   udp_stream receive ADDRESS PORT [-g]
 *   udp_stream send ADDRESS PORT [-n BYTES] [-d SIZE] [-g]
 *
 *   -n	bytes in all; without it until SIGTERM
 *   -d	size of a datagram (default 1400)
 *   -g	many datagrams in one system call, which the kernel or the device segments (UDP_SEGMENT);
 *	of a receiver: takes them unsegmented (UDP_GRO)
 *
 * Go-back-N: a datagram bears a number, the receiver takes them in order and acknowledges the
 * next that it wants; without an acknowledgement for a while the sender repeats its window. An
 * empty datagram ends the stream.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <time.h>

#include "content.h"

#define WINDOW		32
#define REPEAT_MS	200
#define REPEAT_MAX_MS	2000
#define LEAST_DATAGRAM	8
#define MOST_BYTES	65000	/* of one system call with -g */
#define BUFFER		(4 << 20)

struct datagram_head {
	uint32_t number;
	uint32_t len;		/* of what follows; 0: the end */
};

static uint8_t window[WINDOW][65536];	/* by number */
static size_t length[WINDOW];
static uint32_t first, next;		/* those in the window; of a receiver: next */
static unsigned long repeats;

static void fill(struct content *content, uint64_t bytes, size_t size)
{
	uint64_t left = bytes - content->bytes;
	struct datagram_head head = {
		.number = next,
		.len = size - sizeof(head) < left ? size - sizeof(head) : left,
	};
	uint8_t *to = window[next % WINDOW];

	if (content_stop)
		head.len = 0;
	memcpy(to, &head, sizeof(head));
	content_make(content, to + sizeof(head), head.len);
	length[next++ % WINDOW] = sizeof(head) + head.len;
}

static bool is_end(uint32_t number)
{
	return length[number % WINDOW] == sizeof(struct datagram_head);
}

/* Sends those from @from on; with @segment several at once, of which only the last may be short. */
static void transmit(int fd, uint32_t from, bool segment)
{
	static uint8_t joined[MOST_BYTES];

	while (from != next) {
		size_t size = length[from % WINDOW], all = 0;

		do {
			size_t len = length[from % WINDOW];

			if (all && (!segment || all % size || len > size || all + len > MOST_BYTES))
				break;
			if (segment && len <= MOST_BYTES)
				memcpy(joined + all, window[from % WINDOW], len);
			all += len;
			from++;
		} while (from != next);
		if (segment)
			set_option(fd, SOL_UDP, UDP_SEGMENT, size);
		/* A full queue, or no route while an interface is down: repeated later. */
		if (send(fd, segment ? joined : window[(from - 1) % WINDOW], all, MSG_NOSIGNAL) < 0 &&
		    (errno == EMSGSIZE || errno == EINVAL))
			err(1, "send of %zu bytes in datagrams of %zu", all, size);
	}
}

/* Waits for acknowledgements: false if none comes for @wait milliseconds. */
static bool acknowledged(int fd, int wait)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	uint32_t number, before = first;

	if (poll(&poll_fd, 1, wait) == 0)
		return false;
	while (recv(fd, &number, sizeof(number), MSG_DONTWAIT) == sizeof(number))
		if (number - first <= next - first)
			first = number;
	/* Nobody listens yet, or there is no way there. */
	if (errno != EAGAIN)
		usleep(REPEAT_MS * 100);
	return first != before;
}

static void send_stream(int fd, uint64_t bytes, size_t size, bool segment, struct content *content)
{
	time_t progress = time(NULL);
	int wait = REPEAT_MS;
	bool ended = false;

	while (!ended || first != next) {
		uint32_t from = next;

		while (!ended && next - first < WINDOW) {
			fill(content, bytes, size);
			ended = is_end(next - 1);
		}
		transmit(fd, from, segment);
		if (acknowledged(fd, wait)) {
			progress = time(NULL);
			wait = REPEAT_MS;
			continue;
		}
		/* On a slow way repeats must not be all that is on it. */
		if (wait < REPEAT_MAX_MS)
			wait *= 2;
		if (time(NULL) - progress > PATIENCE_S)
			errx(1, "no acknowledgement, after %llu bytes", (unsigned long long)content->bytes);
		/* An interrupted wait repeats too, which does no harm. */
		repeats++;
		transmit(fd, first, segment);
	}
}

/* Receives; @segment: how long each datagram is in what was received at once. */
static ssize_t receive_some(int fd, void *buffer, size_t size, struct sockaddr_in6 *from,
			    socklen_t *from_len, int *segment)
{
	uint8_t control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { .iov_base = buffer, .iov_len = size };
	struct msghdr message = {
		.msg_name = from,
		.msg_namelen = sizeof(*from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(fd, &message, 0);
	struct cmsghdr *cmsg;

	*segment = n;
	*from_len = message.msg_namelen;
	for (cmsg = CMSG_FIRSTHDR(&message); n > 0 && cmsg; cmsg = CMSG_NXTHDR(&message, cmsg))
		if (cmsg->cmsg_level == SOL_UDP && cmsg->cmsg_type == UDP_GRO)
			memcpy(segment, CMSG_DATA(cmsg), sizeof(*segment));
	return n;
}

static void receive_stream(int fd, struct content *content)
{
	static uint8_t buffer[1 << 16];
	struct sockaddr_in6 from;
	socklen_t from_len;
	bool ended = false;

	for (;;) {
		int segment, n = receive_some(fd, buffer, sizeof(buffer), &from, &from_len, &segment);
		int at;

		if (n < 0 && ended)
			return;
		if (n < 0)
			err(1, "receive, after %llu bytes", (unsigned long long)content->bytes);
		for (at = 0; at < n; at += segment) {
			int len = n - at < segment ? n - at : segment;
			struct datagram_head head;

			memcpy(&head, buffer + at, sizeof(head));
			if (len < LEAST_DATAGRAM || head.len != len - sizeof(head))
				errx(1, "a datagram of %d bytes says %u", len, head.len);
			if (head.number != next)
				continue;
			content_add(content, buffer + at + sizeof(head), head.len);
			next++;
			ended = head.len == 0;
		}
		sendto(fd, &next, sizeof(next), MSG_NOSIGNAL, (struct sockaddr *)&from, from_len);
		/* The last acknowledgement may be lost: stays a while to repeat it. */
		if (ended)
			set_patience(fd, 1);
	}
}

int main(int argc, char **argv)
{
	uint64_t bytes = UINT64_MAX;
	bool sends, segment = false;
	struct content content;
	size_t size = 1400;
	int fd, option;

	while ((option = getopt(argc, argv, "n:d:g")) != -1) {
		if (option == 'n')
			bytes = number(optarg);
		else if (option == 'd')
			size = number(optarg);
		else if (option == 'g')
			segment = true;
		else
			return 2;
	}
	if (argc - optind != 3 || size <= LEAST_DATAGRAM || size > 65507)
		errx(2, "usage: udp_stream send|receive ADDRESS PORT [-n BYTES] [-d SIZE] [-g]");
	sends = !strcmp(argv[optind], "send");
	content_start(&content);
	fd = open_socket(SOCK_DGRAM, argv[optind + 1], argv[optind + 2], !sends);
	/* Room for a whole window of the largest; beyond the system's limit, as root. */
	set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER);
	set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER);
	if (sends) {
		send_stream(fd, bytes, size, segment, &content);
		fprintf(stderr, "the window was repeated %lu times\n", repeats);
	} else {
		if (segment)
			set_option(fd, SOL_UDP, UDP_GRO, 1);
		receive_stream(fd, &content);
	}
	content_print(&content);
	return 0;
}
