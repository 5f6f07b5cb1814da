/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * regular_file.h - opens a file that someone else named, only when it is a regular one.
 *
 * Private to user/target. A name that comes from a watched process may lead to a FIFO (its
 * open would block) or to a device (its open may act). The file is therefore first opened by
 * O_PATH, which asks no driver and waits for nobody, and only then for reading.
 */
#ifndef TW_TARGET_REGULAR_FILE_H
#define TW_TARGET_REGULAR_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

/* A descriptor for reading, or -EINVAL when it is no regular file, or another negative errno.
 * `status` (NULL is fine) is the file's. Follows links, those of /proc too. */
int regular_file_open(int directory, const char *path, struct stat *status);

/* The descriptor when it is the `same` file, else closes it: -ESTALE. Negative stays. */
int regular_file_keep_if(int fd, bool same);
/* The same below a root folder, which no link and no ".." leads out of. */
int regular_file_open_in_root(int root, const char *path, struct stat *status);
/* The same; a link at the end of the path is refused (-EINVAL). */
int regular_file_open_no_link(int root, const char *path, struct stat *status);

#endif
