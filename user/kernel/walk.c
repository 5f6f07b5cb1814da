/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * walk.c - running the task iterators: snapshot, watch request, timebox scan.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "kernel/internal.h"

/* The kernel fills at most one seq buffer (8 pages) a read. */
#define READ_BYTES (64u << 10)

/* The kernel cannot tell while our own address space is locked, which lasts microseconds. */
#define IDENTIFY_TRIES 8

/* Returns an iterator's fd; one process only when pidfd is not negative. */
static int iterator_open(struct bpf_program *program, int pidfd)
{
	union bpf_iter_link_info info = {.task.pid_fd = pidfd < 0 ? 0 : pidfd};
	LIBBPF_OPTS(
		bpf_iter_attach_opts, options, .link_info = &info, .link_info_len = sizeof(info));
	struct bpf_link *link = bpf_program__attach_iter(program, pidfd < 0 ? NULL : &options);
	int fd;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		fd = -errno;
	bpf_link__destroy(link);
	return fd;
}

struct walk_buffer {
	char *bytes;
	size_t used, room;
};

/* The bytes of one more record at the front of the buffer, or 0 when it is not whole. */
static size_t whole_record(const char *bytes, size_t used)
{
	const struct wire_thread_record *record = (const void *)bytes;
	size_t wanted = sizeof(*record);

	if (used < wanted)
		return 0;
	wanted += record->span_count * sizeof(struct wire_span);
	return used < wanted ? 0 : wanted;
}

static void hand_out(struct walk_buffer *buffer,
	void (*visit)(void *context, const void *record, size_t bytes), void *context)
{
	size_t done = 0, bytes;

	while ((bytes = whole_record(buffer->bytes + done, buffer->used - done))) {
		visit(context, buffer->bytes + done, bytes);
		done += bytes;
	}
	memmove(buffer->bytes, buffer->bytes + done, buffer->used - done);
	buffer->used -= done;
}

int kernel_walk(struct kernel *kernel, bool with_wait,
	void (*visit)(void *context, const void *record, size_t bytes), void *context)
{
	SCOPED_FD fd = iterator_open(kernel->skel->progs.on_snapshot, -1);
	struct walk_buffer buffer = {.room = 2 * READ_BYTES};
	ssize_t got;
	int err = 0;

	if (fd < 0)
		return fd;
	buffer.bytes = malloc(buffer.room);
	if (!buffer.bytes)
		return -ENOMEM;
	kernel->skel->bss->want_wait = with_wait;
	while ((got = read(fd, buffer.bytes + buffer.used, buffer.room - buffer.used))) {
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got < 0) {
			err = -errno;
			break;
		}
		buffer.used += got;
		hand_out(&buffer, visit, context);
	}
	kernel->records_refused += buffer.used != 0;
	free(buffer.bytes);
	return err;
}

/* One record of an iterator that is narrowed to a process: its bytes, 0 when there is none. */
static ssize_t read_one(struct bpf_program *program, int pidfd, void *record, size_t bytes)
{
	SCOPED_FD fd = iterator_open(program, pidfd);
	ssize_t got;

	if (fd < 0)
		return fd;
	do
		got = read(fd, record, bytes);
	while (got < 0 && (errno == EINTR || errno == EAGAIN));
	return got < 0 ? -errno : got;
}

int walk_identify(struct kernel *kernel, const void *mapped, struct wire_place *out)
{
	SCOPED_FD pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	struct wire_place file;
	ssize_t got = 0;

	if (pidfd < 0)
		return -errno;
	kernel->skel->bss->identify_address = (uintptr_t)mapped;
	for (int tries = 0; !got && tries < IDENTIFY_TRIES; tries++)
		got = read_one(kernel->skel->progs.on_identify, pidfd, &file, sizeof(file));
	if (got < (ssize_t)sizeof(file))
		return got < 0 ? (int)got : -EBUSY;
	*out = file;
	return 0;
}

/* Watches the process behind the pidfd and says who it is. */
static int watch_pidfd(struct kernel *kernel, int pidfd, uint32_t flags, struct wire_process *out)
{
	struct wire_watch_record record;
	ssize_t got;

	kernel->skel->bss->watch_flags = flags;
	got = read_one(kernel->skel->progs.on_watch, pidfd, &record, sizeof(record));
	if (got < 0)
		return (int)got;
	if (got < (ssize_t)sizeof(record))
		return -ESRCH;
	if (out)
		*out = record.process;
	return 0;
}

static int watch_pid(struct kernel *kernel, pid_t pid, uint32_t flags, struct wire_process *out)
{
	/* Held open during the walk, it keeps the number from naming another process. */
	SCOPED_FD pidfd = syscall(SYS_pidfd_open, pid, 0);
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};
	int err;

	if (pidfd < 0)
		return errno == EINVAL ? -ESRCH : -errno;
	err = watch_pidfd(kernel, pidfd, flags, out);
	/* The walk did not come to a process that lives: some hardened kernels hide a few. */
	return err == -ESRCH && !poll(&ended, 1, 0) ? -EACCES : err;
}

int kernel_watch(struct kernel *kernel, pid_t pid, bool follow, struct wire_process *out)
{
	return watch_pid(kernel, pid, follow ? WIRE_WATCH_FOLLOW : 0, out);
}

int kernel_watch_exec(struct kernel *kernel, pid_t pid, bool follow)
{
	return watch_pid(kernel, pid, WIRE_WATCH_ON_EXEC | (follow ? WIRE_WATCH_FOLLOW : 0), NULL);
}

bool kernel_watches_any(struct kernel *kernel)
{
	int fd = bpf_map__fd(kernel->skel->maps.watched);
	uint32_t key, *previous = NULL;
	struct wire_watch watch;

	while (!bpf_map_get_next_key(fd, previous, &key)) {
		previous = &key;
		if (!bpf_map_lookup_elem(fd, &key, &watch) && !(watch.flags & WIRE_WATCH_ENDED))
			return true;
	}
	return false;
}

bool kernel_watches(struct kernel *kernel, uint32_t tgid)
{
	struct wire_watch watch;

	return !bpf_map_lookup_elem(bpf_map__fd(kernel->skel->maps.watched), &tgid, &watch);
}

void kernel_each_watched(
	struct kernel *kernel, void (*visit)(void *context, uint32_t tgid), void *context)
{
	int fd = bpf_map__fd(kernel->skel->maps.watched);
	uint32_t key, *previous = NULL;

	while (!bpf_map_get_next_key(fd, previous, &key)) {
		previous = &key;
		visit(context, key);
	}
}

void kernel_announce_adopted(struct kernel *kernel)
{
	kernel->skel->bss->announce_adopted = 1;
}

bool kernel_timeboxes_in_use(const struct kernel *kernel)
{
	return kernel->skel->bss->timeboxes_begun > 0;
}

int kernel_scan_timeboxes(struct kernel *kernel, uint64_t *next_deadline_ns)
{
	SCOPED_FD fd = iterator_open(kernel->skel->progs.on_timebox_scan, -1);
	char nothing[64];
	ssize_t got;

	if (fd < 0)
		return fd;
	kernel->skel->bss->next_deadline_ns = 0;
	do
		got = read(fd, nothing, sizeof(nothing));
	while (got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN)));
	if (got < 0)
		return -errno;
	*next_deadline_ns = kernel->skel->bss->next_deadline_ns;
	return 0;
}
