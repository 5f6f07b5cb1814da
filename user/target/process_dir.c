/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * process_dir.c - reads the maps of a process and opens what it maps; see process_dir.h.
 *
 * A file is opened by the link that the kernel keeps for the mapping, else by its path or the
 * process' exe link, but then only if the inode is that of the mapping: a path may lead to
 * another file by now. Of a process that is gone, a path is good only in our own mount
 * namespace, for the same device and inode, and unchanged since the maps were read, because a
 * free inode number is soon used again.
 */
#include "target/process_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/proc_text.h"
#include "target/regular_file.h"

#define PROC_PATH_BYTES	 64
#define MAPS_BYTES_FIRST (16u << 10)
#define MAPS_BYTES_MAX	 (16u << 20)
#define TASKS_TRIED_MAX	 64
#define STATUS_BYTES	 2048 /* its first dozen lines */
#define NS_TID_LABEL	 "\nNSpid:\t"

int process_dir_open(pid_t pid, struct process_dir *out)
{
	char path[PROC_PATH_BYTES];
	int fd;

	if (pid <= 0)
		return -EINVAL;
	snprintf(path, sizeof(path), "/proc/%d", pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	*out = (struct process_dir){.leader = fd, .task = -1};
	return 0;
}

static void close_task(struct process_dir *dir)
{
	if (dir->task >= 0)
		close(dir->task);
	dir->task = -1;
}

void process_dir_close(struct process_dir *dir)
{
	close_task(dir);
	if (dir->leader >= 0)
		close(dir->leader);
	dir->leader = -1;
}

/* Reads to the end or to MAPS_BYTES_MAX; what is above stays unknown. */
static int read_all(int fd, char **text, size_t *bytes)
{
	size_t capacity = MAPS_BYTES_FIRST, used = 0;
	char *buffer = malloc(capacity);

	while (buffer) {
		ssize_t n = read(fd, buffer + used, capacity - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int err = -errno;

			free(buffer);
			return err;
		}
		used += n;
		if (!n || used == MAPS_BYTES_MAX) {
			*text = buffer;
			*bytes = used;
			return 0;
		}
		if (used == capacity) {
			char *more = realloc(buffer, capacity *= 2);

			if (!more)
				free(buffer);
			buffer = more;
		}
	}
	return -ENOMEM;
}

static int read_maps_below(int directory, char **text, size_t *bytes)
{
	int fd = openat(directory, "maps", O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	err = read_all(fd, text, bytes);
	close(fd);
	if (!err && !*bytes) {
		free(*text);
		return -ESRCH;
	}
	return err;
}

/* The leader has ended, and with it its view of the memory: any other thread will do. */
static int read_maps_of_a_task(struct process_dir *dir, char **text, size_t *bytes)
{
	int fd = openat(dir->leader, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = -ESRCH;
	DIR *tasks = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!tasks) {
		if (fd >= 0)
			close(fd);
		return -ESRCH;
	}
	for (int tried = 0; err && tried < TASKS_TRIED_MAX && (entry = readdir(tasks));) {
		int task;

		if (entry->d_name[0] == '.')
			continue;
		tried++;
		task = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (task < 0)
			continue;
		err = read_maps_below(task, text, bytes);
		if (err) {
			close(task);
			continue;
		}
		close_task(dir);
		dir->task = task;
	}
	closedir(tasks);
	return err;
}

int process_dir_read_maps(
	struct process_dir *dir, char **text, size_t *bytes, struct timespec *read_at)
{
	struct timespec now;
	int err;

	/* The clock that the kernel stamps files with. */
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	err = read_maps_below(dir->leader, text, bytes);
	if (err == -ESRCH)
		err = read_maps_of_a_task(dir, text, bytes);
	if (!err)
		*read_at = now;
	return err;
}

int process_dir_read_memory(
	const struct process_dir *dir, uint64_t address, void *out, size_t bytes)
{
	int view = dir->task >= 0 ? dir->task : dir->leader;
	int fd = openat(view, "mem", O_RDONLY | O_CLOEXEC), err = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	got = pread(fd, out, bytes, (off_t)address);
	if (got < 0)
		err = -errno;
	close(fd);
	return got == (ssize_t)bytes ? 0 : err ? err : -EFAULT;
}

int process_dir_open_memory(const struct process_dir *dir)
{
	int fd = openat(dir->task >= 0 ? dir->task : dir->leader, "mem", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int process_dir_ns_tid(const struct process_dir *dir, pid_t tid, pid_t *out)
{
	char path[PROC_PATH_BYTES], text[STATUS_BYTES], *line, *end;

	snprintf(path, sizeof(path), "task/%d/status", tid);
	if (!proc_text_read(dir->leader, path, text, sizeof(text)))
		return -ESRCH;
	/* Its first line is the comm, with newlines escaped. */
	line = strstr(text, NS_TID_LABEL);
	if (!line)
		return -ESRCH;
	line += sizeof(NS_TID_LABEL) - 1;
	line[strcspn(line, "\n")] = '\0';
	end = strrchr(line, '\t');
	*out = atoi(end ? end + 1 : line);
	return 0;
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static int open_in_root(int view, const char *path, ino_t inode)
{
	int root = openat(view, "root", O_PATH | O_DIRECTORY | O_CLOEXEC), fd;
	struct stat status = {0};

	if (root < 0)
		return -errno;
	fd = regular_file_open_in_root(root, path, &status);
	close(root);
	return regular_file_keep_if(fd, status.st_ino == inode);
}

int process_dir_open_path(const struct process_dir *dir, const char *path, ino_t inode)
{
	return open_in_root(dir->task >= 0 ? dir->task : dir->leader, path, inode);
}

int process_dir_open_file(const struct process_dir *dir, const struct maps_entry *entry,
	const struct timespec *read_at)
{
	int view = dir->task >= 0 ? dir->task : dir->leader, fd;
	char link[PROC_PATH_BYTES];
	struct stat status = {0};

	snprintf(link, sizeof(link), "map_files/%llx-%llx",
		(unsigned long long)entry->mapping.start, (unsigned long long)entry->mapping.end);
	fd = regular_file_open(dir->leader, link, NULL);
	if (fd < 0)
		fd = open_in_root(view, entry->mapping.path, entry->inode);
	if (fd < 0) {
		fd = regular_file_open(view, "exe", &status);
		fd = regular_file_keep_if(fd, status.st_ino == entry->inode);
	}
	if (fd < 0) {
		fd = regular_file_open(AT_FDCWD, entry->mapping.path, &status);
		fd = regular_file_keep_if(fd, status.st_ino == entry->inode &&
						      status.st_dev == entry->device &&
						      is_before(&status.st_ctim, read_at));
	}
	return fd;
}
