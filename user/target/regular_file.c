/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * regular_file.c - opens regular files only, without blocking; see regular_file.h.
 */
#include "target/regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FD_PATH_BYTES 32 /* "/proc/self/fd/" and an int */

/* Turns a descriptor of O_PATH, which it closes, into one for reading. */
static int reopen_regular(int place, struct stat *status)
{
	char path[FD_PATH_BYTES];
	struct stat st;
	int fd;

	if (fstat(place, &st)) {
		int err = -errno;

		close(place);
		return err;
	}
	if (!S_ISREG(st.st_mode)) {
		close(place);
		return -EINVAL;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", place);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		fd = -errno;
	close(place);
	if (fd >= 0 && status)
		*status = st;
	return fd;
}

int regular_file_open(int directory, const char *path, struct stat *status)
{
	int place = openat(directory, path, O_PATH | O_CLOEXEC);

	return place < 0 ? -errno : reopen_regular(place, status);
}

static int open_below(int root, const char *path, uint64_t more_flags, struct stat *status)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | more_flags,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long place = syscall(SYS_openat2, root, path, &how, sizeof(how));

	return place < 0 ? -errno : reopen_regular((int)place, status);
}

int regular_file_open_in_root(int root, const char *path, struct stat *status)
{
	return open_below(root, path, 0, status);
}

int regular_file_open_no_link(int root, const char *path, struct stat *status)
{
	return open_below(root, path, O_NOFOLLOW, status);
}

int regular_file_keep_if(int fd, bool same)
{
	if (fd < 0 || same)
		return fd;
	close(fd);
	return -ESTALE;
}
