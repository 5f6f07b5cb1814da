/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mapped_file.c - opens a file by what the kernel told of its mapping, while the process lives
 * and after.
 *
 * A process may live for a millisecond, and its file be seen by no path of our own mount
 * namespace. Ways, the best first: the link of the mapping below /proc/PID, the path in the
 * process' root, the path in our own, then the inode itself by a file handle. All but the last
 * resort are taken only when they lead to the inode that was told; a handle also carries the
 * generation, which tells a reused inode number from the one before.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "target/module_internal.h"
#include "target/process_dir.h"
#include "target/regular_file.h"

#define LINK_BYTES	    64
#define MOUNT_PATH_BYTES    4096
#define FILEID_INO32_GEN    1 /* include/linux/exportfs.h: what ext4, xfs and others use */
#define FILEID_INO32_GEN_BY 8

struct inode_handle {
	struct file_handle head;
	uint32_t inode, generation;
};

/* *other: what is mapped there now, when that has another inode number; else untouched. */
static int open_in_process(const struct mapped_file *file, int *other)
{
	struct process_dir dir;
	struct stat status = {0};
	char link[LINK_BYTES];
	int fd = process_dir_open(file->pid, &dir);

	if (fd)
		return fd;
	snprintf(link, sizeof(link), "map_files/%" PRIx64 "-%" PRIx64, file->start, file->end);
	fd = regular_file_open(dir.leader, link, &status);
	if (fd >= 0 && status.st_ino != file->inode) {
		*other = fd;
		fd = -ESTALE;
	}
	if (fd < 0)
		fd = process_dir_open_path(&dir, file->path, file->inode);
	process_dir_close(&dir);
	return fd;
}

static int open_in_our_root(const struct mapped_file *file)
{
	struct stat status = {0};
	int fd = regular_file_open(AT_FDCWD, file->path, &status);

	return regular_file_keep_if(
		fd, status.st_ino == file->inode && status.st_dev == file->device);
}

/* A folder of ours on that file system, or negative errno. */
static int open_mount_of(dev_t device)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char line[2 * MOUNT_PATH_BYTES], path[MOUNT_PATH_BYTES];
	unsigned int major, minor;
	int fd = -ENOENT;

	while (mounts && fd < 0 && fgets(line, sizeof(line), mounts)) {
		if (sscanf(line, "%*d %*d %u:%u %*s %4095s", &major, &minor, path) != 3 ||
			makedev(major, minor) != device)
			continue;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		fd = fd < 0 ? -errno : fd;
	}
	if (mounts)
		fclose(mounts);
	return fd;
}

static int open_by_inode(const struct mapped_file *file)
{
	struct inode_handle handle = {
		.head = {.handle_bytes = FILEID_INO32_GEN_BY, .handle_type = FILEID_INO32_GEN},
		.inode = (uint32_t)file->inode,
		.generation = file->generation,
	};
	int mount = file->inode > UINT32_MAX ? -EOVERFLOW : open_mount_of(file->device);
	struct stat status = {0};
	char path[LINK_BYTES];
	int bare, fd;

	if (mount < 0)
		return mount;
	bare = open_by_handle_at(mount, &handle.head, O_PATH | O_CLOEXEC);
	fd = bare < 0 ? -errno : 0;
	close(mount);
	if (bare < 0)
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", bare);
	fd = regular_file_open(AT_FDCWD, path, &status);
	close(bare);
	return regular_file_keep_if(
		fd, status.st_ino == file->inode && status.st_dev == file->device);
}

struct module *module_open_mapped(struct module_cache *cache, const struct mapped_file *file)
{
	struct module *module;
	int other = -1, fd = open_in_process(file, &other);

	if (fd < 0)
		fd = open_in_our_root(file);
	if (fd < 0)
		fd = open_by_inode(file);
	/* The numbers of an overlay's file differ between the two on some kernels. */
	if (fd < 0 && other >= 0) {
		fd = other;
		other = -1;
	}
	if (other >= 0)
		close(other);
	if (fd < 0) {
		errno = ESRCH;
		return NULL;
	}
	module = module_open(cache, fd, file->path);
	close(fd);
	return module;
}
