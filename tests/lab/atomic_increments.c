// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Increments a word in memory that several guests share, with a locked instruction, together with
 * the others: atomic_increments FILE GUESTS TIMES. The memory must be zero before the first starts.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define START_TIMEOUT_SECONDS 60

struct shared {
	uint64_t count;
	uint64_t pad[7]; /* the word that is waited on must not slow down the one that is counted */
	uint64_t present;
};

static void increment(uint64_t *word)
{
	__asm__ volatile("lock incq %0" : "+m"(*word) : : "memory", "cc");
}

int main(int argc, char **argv)
{
	struct shared *shared;
	uint64_t guests, times, i;
	time_t deadline;
	int file;

	if (argc != 4) {
		fprintf(stderr, "usage: atomic_increments FILE GUESTS TIMES\n");
		return 2;
	}
	guests = strtoull(argv[2], NULL, 10);
	times = strtoull(argv[3], NULL, 10);
	file = open(argv[1], O_RDWR);
	if (file < 0) {
		perror(argv[1]);
		return 1;
	}
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (shared == MAP_FAILED) {
		perror("mmap");
		return 1;
	}

	/* Increments that do not overlap in time prove nothing: all start together. */
	increment(&shared->present);
	deadline = time(NULL) + START_TIMEOUT_SECONDS;
	while (__atomic_load_n(&shared->present, __ATOMIC_ACQUIRE) % guests) {
		if (time(NULL) > deadline) {
			fprintf(stderr, "the other guests did not come\n");
			return 1;
		}
	}
	for (i = 0; i < times; i++)
		increment(&shared->count);
	return 0;
}
