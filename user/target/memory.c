/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * memory.c - bytes of an image, from the process or, when it is gone, from its files.
 *
 * Refuses long reads, and what only the process could tell once it has ended.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "target/target_internal.h"

#define PAGE_BYTES 4096u

static int read_live(struct target *target, uint64_t address, void *out, size_t bytes)
{
	int fd = target_memory(target);

	if (fd < 0)
		return fd;
	for (size_t done = 0; done < bytes;) {
		ssize_t n = pread(fd, (char *)out + done, bytes - done, (off_t)(address + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EFAULT;
		done += n;
	}
	return 0;
}

int target_read(struct target *target, uint64_t address, void *out, size_t bytes)
{
	struct target_place place;

	if (bytes > TARGET_READ_BYTES_MAX || bytes > UINT64_MAX - address)
		return -EINVAL;
	if (!read_live(target, address, out, bytes))
		return 0;
	if (target_place_of(target, address, &place))
		return -EFAULT;
	return module_read_relocated(place.module, place.bias, place.vaddr, out, bytes);
}

int target_read_text(struct target *target, uint64_t address, char *out, size_t bytes)
{
	for (size_t done = 0; done < bytes;) {
		size_t in_page = PAGE_BYTES - (address + done) % PAGE_BYTES;
		size_t take = in_page < bytes - done ? in_page : bytes - done;

		/* What follows the text's page may not be there. */
		if (target_read(target, address + done, out + done, take))
			return -EFAULT;
		if (memchr(out + done, '\0', take))
			return 0;
		done += take;
	}
	return -ENAMETOOLONG;
}
