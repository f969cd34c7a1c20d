/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the traffic programs send: pseudo-random bytes of which both ends print the length and the
 * digest, and the sockets that they go through.
 */
#ifndef CONTENT_H
#define CONTENT_H

#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "sha256.h"

/* Without any progress for so long a program gives up: much longer than any outage of a test. */
#define PATIENCE_S 60

struct content {
	uint64_t random;
	struct sha256 sha;
	uint64_t bytes;
};

/* Set by SIGTERM: a sender then ends its stream in order. */
static volatile sig_atomic_t content_stop;

static inline void content_on_stop(int signal)
{
	(void)signal;
	content_stop = 1;
}

static inline void content_start(struct content *content)
{
	struct sigaction action = { .sa_handler = content_on_stop };

	sigaction(SIGTERM, &action, NULL);
	/* Each stream has bytes of its own. */
	content->random = 0x9e3779b97f4a7c15ULL ^ ((uint64_t)getpid() << 32 | (uint64_t)time(NULL));
	content->bytes = 0;
	sha256_start(&content->sha);
}

static inline void content_add(struct content *content, const void *data, size_t len)
{
	sha256_add(&content->sha, data, len);
	content->bytes += len;
}

/* Fills @data with the next bytes to be sent, and notes them. */
static inline void content_make(struct content *content, void *data, size_t len)
{
	uint8_t *to = data;
	size_t i;

	for (i = 0; i < len; i += sizeof(content->random)) {
		size_t part = len - i < sizeof(content->random) ? len - i : sizeof(content->random);

		/* xorshift64 */
		content->random ^= content->random << 13;
		content->random ^= content->random >> 7;
		content->random ^= content->random << 17;
		memcpy(to + i, &content->random, part);
	}
	content_add(content, data, len);
}

static inline void content_print(struct content *content)
{
	char digest[65];

	sha256_end(&content->sha, digest);
	printf("%llu bytes, sha256 %s\n", (unsigned long long)content->bytes, digest);
}

/* The number of an option's argument. */
static inline unsigned long long number(const char *text)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 0);

	if (!*text || *end)
		errx(2, "'%s' is no number", text);
	return value;
}

static inline void set_option(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)))
		err(1, "socket option %d", option);
}

static inline void set_patience(int fd, int seconds)
{
	struct timeval time = { .tv_sec = seconds };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)))
		err(1, "socket timeouts");
}

/* A socket of SOCK_STREAM or SOCK_DGRAM: connected to the address, or bound to it. */
static inline int open_socket(int type, const char *address, const char *port, bool to_bind)
{
	struct addrinfo hints = {
		.ai_socktype = type,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	struct addrinfo *info;
	int fd, tries, code = getaddrinfo(address, port, &hints, &info);

	if (code)
		errx(2, "%s port %s: %s", address, port, gai_strerror(code));
	/* The other end may not be there yet, nor the route. */
	for (tries = 0;; tries++) {
		fd = socket(info->ai_family, type, 0);
		if (fd < 0)
			err(1, "socket");
		set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
		if (!(to_bind ? bind : connect)(fd, info->ai_addr, info->ai_addrlen))
			break;
		if (to_bind || tries == PATIENCE_S * 20)
			err(1, "%s port %s", address, port);
		close(fd);
		usleep(50000);
	}
	freeaddrinfo(info);
	set_patience(fd, PATIENCE_S);
	return fd;
}

/* Waits for the one that connects. */
static inline int accept_one(const char *address, const char *port)
{
	int listener = open_socket(SOCK_STREAM, address, port, true);
	int fd;

	if (listen(listener, 1))
		err(1, "listen");
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		err(1, "nobody connects");
	close(listener);
	set_patience(fd, PATIENCE_S);
	return fd;
}

#endif
