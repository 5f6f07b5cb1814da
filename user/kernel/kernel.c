/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel.c - opening, loading, attaching and closing the BPF side.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "kernel/internal.h"
#include "kernel/ring.h"

#define NS_PER_S 1000000000ull

static void choose_programs(struct kernel *kernel, const struct kernel_options *options)
{
	struct threadwatch_bpf *skel = kernel->skel;

	lifecycle_choose(kernel, options->lifecycle);
	bpf_program__set_autoload(skel->progs.on_usdt, options->lifecycle);
	bpf_program__set_autoload(
		skel->progs.on_pthread_create, options->lifecycle && options->uprobes);
	if (!options->lifecycle)
		return;
	kernel->multi = uprobe_multi_supported();
	if (kernel->multi) {
		uprobe_multi_prepare(skel->progs.on_usdt);
		uprobe_multi_prepare(skel->progs.on_pthread_create);
	}
}

static int configure(struct kernel *kernel, const struct kernel_options *options)
{
	struct threadwatch_bpf *skel = kernel->skel;
	size_t ring = options->ring_bytes;
	int err;

	if (options->cgroup_count > WIRE_CGROUPS_MAX)
		return -E2BIG;
	skel->rodata->cfg_whole_system = options->whole_system;
	skel->rodata->cfg_events = options->events;
	skel->rodata->cfg_attached = options->lifecycle;
	skel->rodata->cfg_layout = options->layout;
	skel->rodata->cfg_cgroup_count = options->cgroup_count;
	for (size_t i = 0; i < options->cgroup_count; i++)
		skel->rodata->cfg_cgroups[i] = options->cgroups[i];
	/* A ring that nobody reads costs one page. */
	if (!options->events)
		ring = sysconf(_SC_PAGESIZE);
	if (!ring)
		ring = bpf_map__max_entries(skel->maps.events);
	err = bpf_map__set_max_entries(skel->maps.events, ring);
	if (err)
		return err;
	/* Woken at a quarter, so that there is time to drain it before it is full. */
	skel->rodata->cfg_wake_bytes = ring / 4;
	skel->rodata->cfg_wake = !kernel->preemptible;
	return stacks_configure(kernel, options->origin_stacks);
}

int kernel_open(const struct kernel_options *options, struct kernel **out)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));
	int err;

	if (!kernel)
		return -ENOMEM;
	kernel->poll_fd = -1;
	kernel->lifecycle = options->lifecycle;
	kernel->preemptible = options->lifecycle && tracepoints_preemptible();
	kernel->uprobes = options->uprobes && options->lifecycle;
	kernel->skel = threadwatch_bpf__open();
	if (!kernel->skel) {
		err = -errno;
		kernel_close(kernel);
		return err;
	}
	choose_programs(kernel, options);
	err = configure(kernel, options);
	if (!err)
		err = threadwatch_bpf__load(kernel->skel);
	if (!err)
		err = ring_open(kernel);
	if (!err)
		err = stacks_open(kernel);
	if (err) {
		kernel_close(kernel);
		return err;
	}
	*out = kernel;
	return 0;
}

int kernel_attach(struct kernel *kernel)
{
	int err = lifecycle_attach(kernel);
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	kernel->skel->bss->attached_ns = now.tv_sec * NS_PER_S + now.tv_nsec;
	return err;
}

void kernel_detach(struct kernel *kernel)
{
	uprobe_detach_all(kernel);
	threadwatch_bpf__detach(kernel->skel);
}

void kernel_close(struct kernel *kernel)
{
	if (!kernel)
		return;
	if (kernel->skel)
		kernel_detach(kernel);
	ring_close(kernel);
	stacks_close(kernel);
	threadwatch_bpf__destroy(kernel->skel);
	while (kernel->files) {
		struct attached_file *next = kernel->files->next;

		free(kernel->files);
		kernel->files = next;
	}
	for (size_t i = 0; i < kernel->name_room; i++)
		free(kernel->names[i]);
	free(kernel->names);
	free(kernel->links);
	free(kernel->multi_links);
	free(kernel);
}
