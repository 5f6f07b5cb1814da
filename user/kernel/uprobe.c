/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uprobe.c - many probe sites of one file at once.
 *
 * Where the kernel has uprobe_multi links (6.6), a file is one link: 400 sites attach in 5 ms
 * and detach in 23 ms, where single perf events take 100 ms each to detach, at every exit of
 * ours. libbpf 1.1 has no call for it, so it is the plain bpf() system call here.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/array.h"
#include "kernel/internal.h"

/* include/uapi/linux/bpf.h of 6.6; Debian 12's header is older. */
#define ATTACH_TRACE_UPROBE_MULTI 48

struct uprobe_multi_link_attr {
	uint32_t program_fd;
	uint32_t target_fd;
	uint32_t attach_type;
	uint32_t flags;
	uint64_t path;
	uint64_t offsets;
	uint64_t ref_ctr_offsets;
	uint64_t cookies;
	uint32_t count;
	uint32_t multi_flags;
	uint32_t pid;
	uint32_t pad;
};

static int link_create(struct uprobe_multi_link_attr *attr)
{
	long fd = syscall(SYS_bpf, BPF_LINK_CREATE, attr, sizeof(*attr));

	return fd < 0 ? -errno : (int)fd;
}

bool uprobe_multi_supported(void)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = ATTACH_TRACE_UPROBE_MULTI);
	SCOPED_FD program = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "tw_probe", "GPL", nothing,
		sizeof(nothing) / sizeof(*nothing), &options);
	unsigned long offset = 0;
	struct uprobe_multi_link_attr attr = {
		.program_fd = program,
		.attach_type = ATTACH_TRACE_UPROBE_MULTI,
		.path = (uintptr_t) "/",
		.offsets = (uintptr_t)&offset,
		.count = 1,
	};

	/* A kernel that knows the link gets as far as finding that "/" is not a file. */
	return program >= 0 && link_create(&attr) == -EBADF;
}

void uprobe_multi_prepare(struct bpf_program *program)
{
	bpf_program__set_expected_attach_type(program, ATTACH_TRACE_UPROBE_MULTI);
}

static int attach_multi(struct kernel *kernel, struct bpf_program *program, const char *path,
	const unsigned long *offsets, const uint64_t *cookies, size_t count)
{
	struct uprobe_multi_link_attr attr = {
		.program_fd = bpf_program__fd(program),
		.attach_type = ATTACH_TRACE_UPROBE_MULTI,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)offsets,
		.cookies = (uintptr_t)cookies,
		.count = count,
	};
	int *links = array_grow(
		kernel->multi_links, &kernel->multi_room, kernel->multi_count + 1, sizeof(*links));
	int fd;

	if (!links)
		return -ENOMEM;
	kernel->multi_links = links;
	fd = link_create(&attr);
	if (fd < 0)
		return fd;
	kernel->multi_links[kernel->multi_count++] = fd;
	return 0;
}

static void detach_links(struct kernel *kernel, size_t keep)
{
	while (kernel->link_count > keep)
		bpf_link__destroy(kernel->links[--kernel->link_count]);
}

static int attach_each(struct kernel *kernel, struct bpf_program *program, const char *path,
	const unsigned long *offsets, const uint64_t *cookies, size_t count)
{
	size_t before = kernel->link_count;
	struct bpf_link **links = array_grow(kernel->links, &kernel->link_room,
		kernel->link_count + count, sizeof(struct bpf_link *));

	if (!links)
		return -ENOMEM;
	kernel->links = links;
	for (size_t i = 0; i < count; i++) {
		LIBBPF_OPTS(bpf_uprobe_opts, options, .bpf_cookie = cookies ? cookies[i] : 0);
		struct bpf_link *link =
			bpf_program__attach_uprobe_opts(program, -1, path, offsets[i], &options);

		if (!link) {
			int err = -errno;

			detach_links(kernel, before);
			return err;
		}
		kernel->links[kernel->link_count++] = link;
	}
	return 0;
}

int uprobe_attach(struct kernel *kernel, struct bpf_program *program, const char *path,
	const unsigned long *offsets, const uint64_t *cookies, size_t count)
{
	return kernel->multi ? attach_multi(kernel, program, path, offsets, cookies, count)
			     : attach_each(kernel, program, path, offsets, cookies, count);
}

struct attached_links uprobe_links_begin(const struct kernel *kernel)
{
	return (struct attached_links){.link = kernel->link_count, .multi = kernel->multi_count};
}

void uprobe_links_end(const struct kernel *kernel, struct attached_links *links)
{
	links->link_count = kernel->link_count - links->link;
	links->multi_count = kernel->multi_count - links->multi;
}

static void close_multi(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The places stay, empty: those of other files must not move. */
void uprobe_detach(struct kernel *kernel, const struct attached_links *links)
{
	for (size_t i = 0; i < links->link_count; i++) {
		bpf_link__destroy(kernel->links[links->link + i]);
		kernel->links[links->link + i] = NULL;
	}
	for (size_t i = 0; i < links->multi_count; i++)
		close_multi(&kernel->multi_links[links->multi + i]);
}

void uprobe_detach_all(struct kernel *kernel)
{
	detach_links(kernel, 0);
	while (kernel->multi_count)
		close_multi(&kernel->multi_links[--kernel->multi_count]);
}
