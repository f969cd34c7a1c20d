// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Reads and writes a device's memory through sysfs, which the kernel allows while no driver has it.
 *
 *   region read RESOURCE OFFSET LENGTH >FILE
 *   region write RESOURCE OFFSET <FILE
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "content.h"

int main(int argc, char **argv)
{
	bool writes = argc > 1 && !strcmp(argv[1], "write");
	struct stat status;
	size_t offset, len;
	char *memory;
	int fd;

	if (argc != (writes ? 4 : 5))
		errx(2, "usage: region read|write RESOURCE OFFSET [LENGTH]");
	fd = open(argv[2], O_RDWR);
	if (fd < 0 || fstat(fd, &status))
		err(1, "%s", argv[2]);
	memory = mmap(NULL, status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		err(1, "mapping %s", argv[2]);
	offset = number(argv[3]);
	len = writes ? 0 : number(argv[4]);
	if (offset > (size_t)status.st_size || len > (size_t)status.st_size - offset)
		errx(2, "%s has %zu bytes", argv[2], (size_t)status.st_size);
	if (writes)
		fread(memory + offset, 1, status.st_size - offset, stdin);
	else
		fwrite(memory + offset, 1, len, stdout);
	if (ferror(stdin) || fflush(stdout))
		err(1, "input or output");
	return 0;
}
