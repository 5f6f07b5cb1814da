/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stacks.c - the user stacks that the kernel side took when threads were created.
 *
 * Input: the ring `origin_stacks`, with records of the kind that was asked for; when none was,
 * it takes one page.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "kernel/internal.h"

/* A thousand stacks: as many as come while the reader is away. Once used, a ring stays in memory,
 * mapped twice. */
#define FRAMES_RING_BYTES (512u << 10)

struct stack_reader {
	struct ring_buffer *ring;
	uint32_t kind;				    /* WIRE_ORIGIN_* */
	const struct kernel_stack_visitor *visitor; /* during a call */
};

int stacks_configure(struct kernel *kernel, uint32_t origin_stacks)
{
	struct threadwatch_bpf *skel = kernel->skel;

	uint32_t ring = bpf_map__max_entries(skel->maps.origin_stacks);

	skel->rodata->cfg_origin_stacks = origin_stacks;
	if (origin_stacks == WIRE_ORIGIN_NONE)
		ring = sysconf(_SC_PAGESIZE);
	else if (origin_stacks == WIRE_ORIGIN_FRAMES)
		ring = FRAMES_RING_BYTES;
	skel->rodata->cfg_origin_wake_bytes = ring / 4;
	return bpf_map__set_max_entries(skel->maps.origin_stacks, ring);
}

static int on_stack(void *context, void *record, size_t bytes)
{
	const struct wire_stack_copy *copy = record;
	const struct wire_stack_walk *walk = record;
	struct kernel *kernel = context;
	const struct kernel_stack_visitor *visitor = kernel->stacks->visitor;

	if (kernel->stacks->kind == WIRE_ORIGIN_FRAMES && bytes >= sizeof(*walk) &&
		walk->count <= WIRE_STACK_FRAMES)
		visitor->walked(visitor->context, walk);
	else if (kernel->stacks->kind == WIRE_ORIGIN_COPIES && bytes >= sizeof(*copy) &&
		 copy->bytes <= sizeof(copy->stack))
		visitor->copied(visitor->context, copy);
	else
		kernel->records_refused++;
	return 0;
}

int stacks_open(struct kernel *kernel)
{
	int fd = bpf_map__fd(kernel->skel->maps.origin_stacks);
	struct epoll_event event = {.events = EPOLLIN};

	kernel->stacks = calloc(1, sizeof(*kernel->stacks));
	if (!kernel->stacks)
		return -ENOMEM;
	kernel->stacks->kind = kernel->skel->rodata->cfg_origin_stacks;
	kernel->stacks->ring = ring_buffer__new(fd, on_stack, kernel, NULL);
	if (!kernel->stacks->ring)
		return -errno;
	event.data.fd = ring_buffer__epoll_fd(kernel->stacks->ring);
	return epoll_ctl(kernel->poll_fd, EPOLL_CTL_ADD, event.data.fd, &event) ? -errno : 0;
}

void stacks_close(struct kernel *kernel)
{
	if (!kernel->stacks)
		return;
	ring_buffer__free(kernel->stacks->ring);
	free(kernel->stacks);
	kernel->stacks = NULL;
}

int kernel_consume_stacks(struct kernel *kernel, const struct kernel_stack_visitor *visitor)
{
	int count;

	kernel->stacks->visitor = visitor;
	count = ring_buffer__consume(kernel->stacks->ring);
	return count < 0 ? count : 0;
}
