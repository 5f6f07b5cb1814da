/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stacks.c - the user stacks that the kernel side took when threads were created.
 *
 * Input: the map `origin_stacks` (frames) or the ring `origin_copies` (registers and bytes),
 * whichever was asked for; the other takes no memory worth mention.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "kernel/internal.h"

struct stack_reader {
	struct ring_buffer *copies;
	void (*visit)(void *context, const struct wire_stack_copy *copy); /* during a call */
	void *context;
};

int stacks_configure(struct kernel *kernel, uint32_t origin_stacks)
{
	struct threadwatch_bpf *skel = kernel->skel;
	int err = 0;

	skel->rodata->cfg_origin_stacks = origin_stacks;
	if (origin_stacks != WIRE_ORIGIN_FRAMES)
		err = bpf_map__set_max_entries(skel->maps.origin_stacks, 1);
	if (!err && origin_stacks != WIRE_ORIGIN_COPIES)
		err = bpf_map__set_max_entries(skel->maps.origin_copies, sysconf(_SC_PAGESIZE));
	return err;
}

static int on_copy(void *context, void *record, size_t bytes)
{
	const struct wire_stack_copy *copy = record;
	struct stack_reader *reader = context;

	if (bytes >= sizeof(*copy) && copy->bytes <= sizeof(copy->stack))
		reader->visit(reader->context, copy);
	return 0;
}

int stacks_open(struct kernel *kernel)
{
	int fd = bpf_map__fd(kernel->skel->maps.origin_copies);
	struct epoll_event event = {.events = EPOLLIN};

	kernel->stacks = calloc(1, sizeof(*kernel->stacks));
	if (!kernel->stacks)
		return -ENOMEM;
	kernel->stacks->copies = ring_buffer__new(fd, on_copy, kernel->stacks, NULL);
	if (!kernel->stacks->copies)
		return -errno;
	event.data.fd = ring_buffer__epoll_fd(kernel->stacks->copies);
	return epoll_ctl(kernel->poll_fd, EPOLL_CTL_ADD, event.data.fd, &event) ? -errno : 0;
}

void stacks_close(struct kernel *kernel)
{
	if (!kernel->stacks)
		return;
	ring_buffer__free(kernel->stacks->copies);
	free(kernel->stacks);
	kernel->stacks = NULL;
}

size_t kernel_origin_frames(
	const struct kernel *kernel, int32_t id, uint64_t frames[static WIRE_STACK_FRAMES])
{
	int fd = bpf_map__fd(kernel->skel->maps.origin_stacks);
	size_t count = 0;
	uint32_t key = id;

	if (id < 0 || bpf_map_lookup_elem(fd, &key, frames))
		return 0;
	while (count < WIRE_STACK_FRAMES && frames[count])
		count++;
	return count;
}

int kernel_consume_copies(struct kernel *kernel,
	void (*visit)(void *context, const struct wire_stack_copy *copy), void *context)
{
	int count;

	kernel->stacks->visit = visit;
	kernel->stacks->context = context;
	count = ring_buffer__consume(kernel->stacks->copies);
	return count < 0 ? count : 0;
}
