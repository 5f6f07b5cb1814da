/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * proc_text.c - see proc_text.h.
 */
#include "target/proc_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STARTTIME_NO 22 /* field of /proc/PID/stat */

bool proc_text_read(int folder, const char *path, char *out, size_t bytes)
{
	int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t got = fd < 0 ? -1 : 1;

	while (got > 0 && used < bytes - 1) {
		got = read(fd, out + used, bytes - 1 - used);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got > 0)
			used += got;
	}
	if (fd >= 0)
		close(fd);
	/* A process that ends meanwhile leaves no part of a file to be believed. */
	if (got < 0)
		used = 0;
	out[used] = '\0';
	return used;
}

bool proc_text_start_ticks(const char *stat, uint64_t *ticks)
{
	/* comm may hold spaces and parentheses: fields are counted from its last ')'. */
	const char *field = strrchr(stat, ')');
	unsigned long long value;

	for (int number = 2; field && number < STARTTIME_NO; number++)
		field = strchr(field + 1, ' ');
	if (!field || sscanf(field, " %llu", &value) != 1)
		return false;
	*ticks = value;
	return true;
}
