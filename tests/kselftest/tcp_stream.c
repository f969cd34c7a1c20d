// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A stream of bytes over TCP.
 *
 *   tcp_stream receive ADDRESS PORT
 *   tcp_stream send ADDRESS PORT [-n BYTES]	without BYTES: until SIGTERM
 *
 * Each end prints how many bytes it were, and their SHA-256.
 */
#include <time.h>

#include "content.h"

static uint8_t buffer[1 << 17];

static void send_stream(int fd, uint64_t bytes, struct content *content)
{
	while (content->bytes < bytes && !content_stop) {
		uint64_t left = bytes - content->bytes;
		size_t len = left < sizeof(buffer) ? left : sizeof(buffer);
		size_t sent = 0;

		content_make(content, buffer, len);
		while (sent < len) {
			ssize_t n = send(fd, buffer + sent, len - sent, MSG_NOSIGNAL);

			if (n < 0 && errno == EINTR)
				continue;
			if (n < 0)
				err(1, "send, after %llu bytes", (unsigned long long)content->bytes);
			sent += n;
		}
	}
	/* The other end has all of it when it closes too. */
	if (shutdown(fd, SHUT_WR))
		err(1, "shutdown");
	while (recv(fd, buffer, sizeof(buffer), 0) < 0)
		if (errno != EINTR)
			err(1, "the receiver does not end");
}

static void receive_stream(int fd, struct content *content)
{
	for (;;) {
		ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

		if (n == 0)
			return;
		if (n > 0)
			content_add(content, buffer, n);
		else if (errno != EINTR)
			err(1, "receive, after %llu bytes", (unsigned long long)content->bytes);
	}
}

int main(int argc, char **argv)
{
	uint64_t bytes = UINT64_MAX;
	struct content content;
	int option;

	while ((option = getopt(argc, argv, "n:")) != -1) {
		if (option != 'n')
			return 2;
		bytes = number(optarg);
	}
	if (argc - optind != 3)
		errx(2, "usage: tcp_stream send|receive ADDRESS PORT [-n BYTES]");
	argv += optind;
	content_start(&content);
	if (!strcmp(argv[0], "send"))
		send_stream(open_socket(SOCK_STREAM, argv[1], argv[2], false), bytes, &content);
	else
		receive_stream(accept_one(argv[1], argv[2]), &content);
	content_print(&content);
	return 0;
}
