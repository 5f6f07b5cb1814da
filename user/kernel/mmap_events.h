/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mmap_events.h - the kernel's word on every executable mapping that is made on this machine.
 *
 * PERF_RECORD_MMAP2 of a dummy software event on each CPU: no program of ours runs in the
 * process that maps, and a program that has just been executed or a library just opened by
 * dlopen is known of at once. Only of the CPUs that are online when it is opened.
 */
#ifndef TW_KERNEL_MMAP_EVENTS_H
#define TW_KERNEL_MMAP_EVENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct mmap_events;

/* One mapping of a file. `path` is hostile, as the process sees it, and lives during the call.
 * The numbers of the file are those that the kernel shows people: an overlay's, on new ones. */
struct mmap_event {
	pid_t pid; /* in our own PID namespace */
	uint64_t start, end;
	dev_t device;
	ino_t inode;
	uint32_t generation;
	const char *path;
};

/* -EACCES, -EPERM, -ENOSYS, ...: not to be had here. */
int mmap_events_open(struct mmap_events **out);
void mmap_events_close(struct mmap_events *events); /* NULL is fine */
/* Readable (epoll) as soon as something waits. */
int mmap_events_fd(const struct mmap_events *events);
/* Does anything wait? To be asked after arming a wake-up: a poll takes the mark of what came
 * before it away. */
bool mmap_events_wait(const struct mmap_events *events);
/* Visits what waits; anonymous memory and memfds are left out. Returns how many records the
 * kernel says that it could not store. */
uint64_t mmap_events_consume(struct mmap_events *events,
	void (*visit)(void *context, const struct mmap_event *event), void *context);

#endif
