/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mmap_events.c - one perf ring a CPU; see mmap_events.h.
 *
 * The kernel writes whole records of at most 64 KiB behind data_head, we move data_tail. What
 * is in a record is checked against its size; a ring that makes no sense is skipped to its end.
 * PERF_RECORD_LOST would come only with the next record that fits; the event's own count
 * (PERF_FORMAT_LOST, 6.0) is there at once, and is read when a ring was found more than half full.
 */
#include "kernel/mmap_events.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* A path takes up to 4 KiB; most records are of 100 bytes. A power of two. */
#define RING_BYTES   (64u << 10)
#define RECORD_MAX   (64u << 10) /* size is 16 bits */
#define MEMFD_PREFIX "/memfd:"

/* Debian 12's header has it, older ones do not. */
#define PERF_FORMAT_LOST_6_0 (1u << 4)

struct cpu_ring {
	int fd;
	uint64_t lost;			   /* as last read */
	struct perf_event_mmap_page *page; /* RING_BYTES of data follow it */
};

struct mmap_events {
	int epoll_fd;
	size_t page_bytes;
	size_t count;
	struct cpu_ring *rings;
	char record[RECORD_MAX + 1] __attribute__((aligned(8)));
};

/* include/uapi/linux/perf_event.h, in a comment there. */
struct mmap2_record {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t start, length, file_offset;
	uint32_t major, minor;
	uint64_t inode, generation;
	uint32_t protection, flags;
	char path[];
};

/* What read() gives with PERF_FORMAT_LOST alone. */
struct lost_value {
	uint64_t value, lost;
};

static int open_cpu(int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.read_format = PERF_FORMAT_LOST_6_0,
		.mmap = 1,
		.mmap2 = 1,
		.watermark = 1,
		.wakeup_watermark = 1,
	};
	long fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

static int add_cpu(struct mmap_events *events, int cpu)
{
	struct epoll_event ready = {.events = EPOLLIN};
	struct cpu_ring *ring = &events->rings[events->count];
	void *page;

	ring->fd = open_cpu(cpu);
	if (ring->fd < 0)
		return ring->fd;
	page = mmap(NULL, events->page_bytes + RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		ring->fd, 0);
	if (page == MAP_FAILED || epoll_ctl(events->epoll_fd, EPOLL_CTL_ADD, ring->fd, &ready)) {
		int err = -errno;

		if (page != MAP_FAILED)
			munmap(page, events->page_bytes + RING_BYTES);
		close(ring->fd);
		return err;
	}
	ring->page = page;
	events->count++;
	return 0;
}

int mmap_events_open(struct mmap_events **out)
{
	struct mmap_events *events = calloc(1, sizeof(*events));
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	int err = -ENOMEM;

	if (!events)
		return err;
	events->page_bytes = sysconf(_SC_PAGESIZE);
	events->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	events->rings = calloc(cpus, sizeof(*events->rings));
	if (events->epoll_fd >= 0 && events->rings)
		err = 0;
	for (int cpu = 0; !err && cpu < cpus; cpu++) {
		err = add_cpu(events, cpu);
		if (err == -ENODEV) /* offline */
			err = 0;
	}
	if (err) {
		mmap_events_close(events);
		return err;
	}
	*out = events;
	return 0;
}

void mmap_events_close(struct mmap_events *events)
{
	if (!events)
		return;
	for (size_t i = 0; i < events->count; i++) {
		munmap(events->rings[i].page, events->page_bytes + RING_BYTES);
		close(events->rings[i].fd);
	}
	if (events->epoll_fd >= 0)
		close(events->epoll_fd);
	free(events->rings);
	free(events);
}

int mmap_events_fd(const struct mmap_events *events)
{
	return events->epoll_fd;
}

bool mmap_events_wait(const struct mmap_events *events)
{
	for (size_t i = 0; i < events->count; i++) {
		const struct perf_event_mmap_page *page = events->rings[i].page;

		if (__atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE) != page->data_tail)
			return true;
	}
	return false;
}

static void visit_mmap(struct mmap_events *events, size_t bytes,
	void (*visit)(void *context, const struct mmap_event *event), void *context)
{
	const struct mmap2_record *record = (const void *)events->record;
	struct mmap_event event;

	if (bytes <= sizeof(*record))
		return;
	if (!record->inode || !strncmp(record->path, MEMFD_PREFIX, strlen(MEMFD_PREFIX)))
		return;
	event = (struct mmap_event){
		.pid = (pid_t)record->pid,
		.start = record->start,
		.end = record->start + record->length,
		.device = makedev(record->major, record->minor),
		.inode = record->inode,
		.generation = (uint32_t)record->generation,
		.path = record->path,
	};
	visit(context, &event);
}

/* The bytes at a position of the ring, which may lie around its end. */
static void copy_out(const struct mmap_events *events, const struct cpu_ring *ring,
	uint64_t position, void *out, size_t bytes)
{
	const char *data = (const char *)ring->page + events->page_bytes;
	size_t at = position & (RING_BYTES - 1), first = RING_BYTES - at;

	if (first > bytes)
		first = bytes;
	memcpy(out, data + at, first);
	memcpy((char *)out + first, data, bytes - first);
}

static uint64_t newly_lost(struct cpu_ring *ring)
{
	struct lost_value now;
	uint64_t lost;

	if (read(ring->fd, &now, sizeof(now)) != sizeof(now))
		return 0;
	lost = now.lost - ring->lost;
	ring->lost = now.lost;
	return lost;
}

static uint64_t consume_ring(struct mmap_events *events, struct cpu_ring *ring,
	void (*visit)(void *context, const struct mmap_event *event), void *context)
{
	uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = ring->page->data_tail;
	bool was_full = head - tail > RING_BYTES / 2;
	struct perf_event_header header;

	while (head - tail >= sizeof(header)) {
		copy_out(events, ring, tail, &header, sizeof(header));
		if (header.size < sizeof(header) || header.size > head - tail)
			break;
		copy_out(events, ring, tail, events->record, header.size);
		events->record[header.size] = '\0';
		tail += header.size;
		/* Given back at once: the visit may take a while, and records go on coming. */
		__atomic_store_n(&ring->page->data_tail, tail, __ATOMIC_RELEASE);
		if (header.type == PERF_RECORD_MMAP2)
			visit_mmap(events, header.size, visit, context);
	}
	__atomic_store_n(&ring->page->data_tail, head, __ATOMIC_RELEASE);
	return was_full ? newly_lost(ring) : 0;
}

uint64_t mmap_events_consume(struct mmap_events *events,
	void (*visit)(void *context, const struct mmap_event *event), void *context)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < events->count; i++)
		lost += consume_ring(events, &events->rings[i], visit, context);
	return lost;
}
