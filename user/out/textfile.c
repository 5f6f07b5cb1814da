// SPDX-License-Identifier: GPL-2.0-only
/*
 * textfile.c - replaces a file so that a reader sees the old one or the new one, whole.
 *
 * Input: a path and a function that writes the contents. The temporary file is in the same
 * folder (rename must not cross file systems), hidden, and its name does not end in .prom, so
 * that node_exporter never reads it. After a failure the old file is untouched and the
 * temporary one is gone; after a kill -9 only a temporary one may be left.
 * Refuses to replace anything that is not a regular file: rename would put a file in the place
 * of a device, a FIFO or a symbolic link.
 */
#include "out/out.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXTFILE_MODE 0644
#define TEMP_SUFFIX   ".XXXXXX"
/* Leaves room for the dot and the suffix within NAME_MAX. */
#define TEMP_NAME_MAX (NAME_MAX - 1 - ((int)sizeof(TEMP_SUFFIX) - 1))

/* A temporary file; path is "" once there is nothing to remove. */
struct temp_file {
	char path[PATH_MAX];
	FILE *stream;
};

static void temp_file_discard(struct temp_file *temp)
{
	if (temp->stream)
		fclose(temp->stream);
	if (temp->path[0])
		unlink(temp->path);
}

static int check_target(const char *path)
{
	struct stat info;

	if (lstat(path, &info) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISREG(info.st_mode))
		return 0;
	if (S_ISDIR(info.st_mode))
		return -EISDIR;
	return S_ISLNK(info.st_mode) ? -ELOOP : -EINVAL;
}

/* Length of the folder in a path, with its '/'; 0: the current one. */
static size_t folder_bytes(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) + 1 : 0;
}

static int temp_file_open(struct temp_file *temp, const char *path)
{
	size_t folder = folder_bytes(path);
	const char *name = path + folder;
	if (*name == '\0')
		return *path ? -EISDIR : -ENOENT;
	if (strlen(name) > NAME_MAX)
		return -ENAMETOOLONG;

	char temp_path[PATH_MAX];
	int length = snprintf(temp_path, sizeof(temp_path), "%.*s.%.*s" TEMP_SUFFIX, (int)folder,
		path, TEMP_NAME_MAX, name);
	if (length < 0 || (size_t)length >= sizeof(temp_path))
		return -ENAMETOOLONG;

	int fd = mkostemp(temp_path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	memcpy(temp->path, temp_path, (size_t)length + 1);
	temp->stream = fdopen(fd, "w");
	if (!temp->stream) {
		int err = -errno;
		close(fd);
		return err;
	}
	return 0;
}

/* Everything written, with its mode, on the disk. */
static int temp_file_finish(struct temp_file *temp)
{
	int fd = fileno(temp->stream);

	errno = 0;
	if (fflush(temp->stream) || ferror(temp->stream))
		return errno ? -errno : -EIO;
	if (fchmod(fd, TEXTFILE_MODE) < 0 || fsync(fd) < 0)
		return -errno;

	FILE *stream = temp->stream;
	temp->stream = NULL;
	return fclose(stream) ? -errno : 0;
}

/* Makes the rename last. Best effort: the file is already in place for every reader. */
static void sync_folder(const char *path)
{
	char folder[PATH_MAX];
	size_t bytes = folder_bytes(path);

	snprintf(folder, sizeof(folder), "%.*s", (int)(bytes ? bytes : 1), bytes ? path : ".");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

int textfile_replace(
	const char *path, int (*fill)(FILE *out, const void *context), const void *context)
{
	__attribute__((cleanup(temp_file_discard))) struct temp_file temp = {.path = ""};

	int err = check_target(path);
	if (!err)
		err = temp_file_open(&temp, path);
	if (err)
		return err;

	err = fill(temp.stream, context);
	if (err)
		return err < 0 ? err : -EIO;
	err = temp_file_finish(&temp);
	if (err)
		return err;
	if (rename(temp.path, path) < 0)
		return -errno;
	temp.path[0] = '\0';
	sync_folder(path);
	return 0;
}
