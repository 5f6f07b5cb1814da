/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ring.c - reading the event ring and the control ring.
 */
#include "kernel/ring.h"

#include <errno.h>
#include <sys/epoll.h>

#include "kernel/internal.h"

/* Where the kernel side wakes nobody: shorter than the short lives that are to be named, 100
 * looks a second at nothing cost 0.1% of a CPU. */
#define LOOK_ANYWAY_NS 10000000ull

static int on_event(void *context, void *record, size_t bytes)
{
	struct kernel *kernel = context;

	/* What the kernel said of a process before this event is known before it: events go on
	 * coming while the ring is read. */
	ring_buffer__consume(kernel->control);
	kernel->reader->event(kernel->reader->context, record, bytes);
	return 0;
}

static int on_control(void *context, void *record, size_t bytes)
{
	struct kernel *kernel = context;

	if (bytes >= sizeof(struct wire_control))
		kernel->reader->control(kernel->reader->context, record);
	else
		kernel->records_refused++;
	return 0;
}

static int poll_add(int poll_fd, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int ring_open(struct kernel *kernel)
{
	int err;

	kernel->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (kernel->poll_fd < 0)
		return -errno;
	kernel->events =
		ring_buffer__new(bpf_map__fd(kernel->skel->maps.events), on_event, kernel, NULL);
	if (!kernel->events)
		return -errno;
	kernel->control =
		ring_buffer__new(bpf_map__fd(kernel->skel->maps.control), on_control, kernel, NULL);
	if (!kernel->control)
		return -errno;
	err = poll_add(kernel->poll_fd, ring_buffer__epoll_fd(kernel->events));
	return err ? err : poll_add(kernel->poll_fd, ring_buffer__epoll_fd(kernel->control));
}

void ring_close(struct kernel *kernel)
{
	ring_buffer__free(kernel->events);
	ring_buffer__free(kernel->control);
	if (kernel->poll_fd >= 0)
		close(kernel->poll_fd);
}

uint64_t kernel_look_interval_ns(const struct kernel *kernel, uint64_t wanted_ns)
{
	return kernel->skel->rodata->cfg_wake || wanted_ns < LOOK_ANYWAY_NS ? wanted_ns
									    : LOOK_ANYWAY_NS;
}

int kernel_poll_fd(const struct kernel *kernel)
{
	return kernel->poll_fd;
}

int kernel_consume_control(struct kernel *kernel, const struct kernel_reader *reader)
{
	int count;

	kernel->reader = reader;
	count = ring_buffer__consume(kernel->control);
	return count < 0 ? count : 0;
}

uint64_t kernel_records_refused(const struct kernel *kernel)
{
	return kernel->records_refused;
}

int kernel_consume(struct kernel *kernel, const struct kernel_reader *reader)
{
	int err = kernel_consume_control(kernel, reader);
	int count;

	if (err)
		return err;
	count = ring_buffer__consume(kernel->events);
	return count < 0 ? count : 0;
}
