/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * process_dir.h - the folder of one process below /proc, held open. Private to user/target.
 *
 * A descriptor of /proc/PID stays bound to that very process: when it is gone and its number
 * is used again, reads fail instead of telling of the other process.
 */
#ifndef TW_TARGET_PROCESS_DIR_H
#define TW_TARGET_PROCESS_DIR_H

#include <sys/types.h>
#include <time.h>

#include "target/maps.h"

struct process_dir {
	int leader; /* /proc/PID */
	int task;   /* /proc/PID/task/TID where the leader has ended before others; else -1 */
};

/* 0 or negative errno. */
int process_dir_open(pid_t pid, struct process_dir *out);
void process_dir_close(struct process_dir *dir);

/* The text of maps (free with free()), never empty, and the time just before it was read.
 * 0, -ESRCH when the process has no memory (any more), or another negative errno. */
int process_dir_read_maps(
	struct process_dir *dir, char **text, size_t *bytes, struct timespec *read_at);

/* Bytes of the memory of the process. 0 or negative errno, `out` is then undefined. */
int process_dir_read_memory(
	const struct process_dir *dir, uint64_t address, void *out, size_t bytes);

/* The memory of the process, for reading, or negative errno. It is that of the program that it
 * executes now: after its end or an execve nothing can be read. */
int process_dir_open_memory(const struct process_dir *dir);

/* The number that a thread (by its number in our own PID namespace) has in its innermost one.
 * 0, or negative errno: it has ended. */
int process_dir_ns_tid(const struct process_dir *dir, pid_t tid, pid_t *out);

/* The very file that a mapping maps, for reading, or negative errno. `read_at`: when the
 * mapping was seen; works for some time after the process has ended. */
int process_dir_open_file(const struct process_dir *dir, const struct maps_entry *entry,
	const struct timespec *read_at);

/* A path as the process sees it, when it leads to this inode number. */
int process_dir_open_path(const struct process_dir *dir, const char *path, ino_t inode);

#endif
