// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Messages of given sizes there and back, every byte compared.
 *
 *   echo serve tcp|udp ADDRESS PORT		sends back what comes, until killed
 *   echo check tcp|udp ADDRESS PORT <SIZES	a size a line, each another one
 *
 * The bytes of a message follow from its size, so that no byte of another message fits.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <time.h>

#include "content.h"

#define MOST 65535
/* Datagrams may be lost; a new one is sent after so long, and so often. */
#define REPEAT_S 1
#define REPEATS PATIENCE_S

static uint8_t sent[MOST + sizeof(uint64_t)], back[MOST + 1];

static void make(size_t size)
{
	uint64_t word = (size + 1) * 0x9e3779b97f4a7c15ULL;
	size_t i;

	for (i = 0; i < size; i += sizeof(word)) {
		word = word * 6364136223846793005ULL + 1442695040888963407ULL;
		memcpy(sent + i, &word, sizeof(word));
	}
}

static void compare(size_t size)
{
	size_t i;

	if (!memcmp(back, sent, size))
		return;
	for (i = 0; i < size; i++)
		if (back[i] != sent[i])
			errx(1, "of %zu bytes byte %zu is %#x, not %#x", size, i, back[i], sent[i]);
}

static void send_all(int fd, const void *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = send(fd, (const char *)data + done, size - done, MSG_NOSIGNAL);

		if (n < 0)
			err(1, "send of %zu bytes", size);
		done += n;
	}
}

static void echo_tcp(int fd, size_t size)
{
	size_t done = 0;

	send_all(fd, sent, size);
	while (done < size) {
		ssize_t n = recv(fd, back + done, size - done, 0);

		if (n <= 0)
			err(1, "of %zu bytes %zu came back", size, done);
		done += n;
	}
}

/* How often it was sent again. */
static unsigned int echo_udp(int fd, size_t size)
{
	static bool repeated;
	unsigned int tries;

	for (tries = 0; tries <= REPEATS; tries++) {
		ssize_t n;

		repeated |= tries > 0;
		if (send(fd, sent, size, 0) < 0 && errno != ECONNREFUSED)
			err(1, "send of %zu bytes", size);
		while ((n = recv(fd, back, sizeof(back), 0)) >= 0) {
			if ((size_t)n == size)
				return tries;
			/* A late answer to what was sent twice; nothing else may have another size. */
			if (!repeated)
				errx(1, "of %zu bytes %zd came back", size, n);
		}
		if (errno == ECONNREFUSED)
			usleep(100000);
	}
	errx(1, "%zu bytes do not come back", size);
}

static void check(bool tcp, const char *address, const char *port)
{
	int fd = open_socket(tcp ? SOCK_STREAM : SOCK_DGRAM, address, port, false);
	unsigned int sizes = 0, repeats = 0;
	char line[32];

	if (tcp)
		set_option(fd, SOL_TCP, TCP_NODELAY, 1);
	else
		set_patience(fd, REPEAT_S);
	while (fgets(line, sizeof(line), stdin)) {
		size_t size;

		line[strcspn(line, "\n")] = '\0';
		size = number(line);
		if (size > MOST)
			errx(2, "%zu bytes are too many", size);
		make(size);
		memset(back, 0, size);
		if (tcp)
			echo_tcp(fd, size);
		else
			repeats += echo_udp(fd, size);
		compare(size);
		sizes++;
	}
	printf("%u sizes, %u sent again\n", sizes, repeats);
}

static void serve_tcp(int fd)
{
	ssize_t n;

	set_option(fd, SOL_TCP, TCP_NODELAY, 1);
	while ((n = recv(fd, back, sizeof(back), 0)) > 0)
		send_all(fd, back, n);
}

static void serve_udp(int fd)
{
	struct sockaddr_in6 from;

	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, back, sizeof(back), 0, (struct sockaddr *)&from, &len);

		if (n >= 0)
			sendto(fd, back, n, 0, (struct sockaddr *)&from, len);
		else if (errno != EAGAIN)
			err(1, "receive");
	}
}

int main(int argc, char **argv)
{
	bool tcp = argc > 2 && !strcmp(argv[2], "tcp");

	if (argc != 5)
		errx(2, "usage: echo serve|check tcp|udp ADDRESS PORT");
	if (!strcmp(argv[1], "check"))
		check(tcp, argv[3], argv[4]);
	else if (tcp)
		serve_tcp(accept_one(argv[3], argv[4]));
	else
		serve_udp(open_socket(SOCK_DGRAM, argv[3], argv[4], true));
	return 0;
}
