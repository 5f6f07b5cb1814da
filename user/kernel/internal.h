/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * internal.h - what the files of user/kernel share. Nobody else includes it.
 */
#ifndef TW_KERNEL_INTERNAL_H
#define TW_KERNEL_INTERNAL_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <time.h>
#include <unistd.h>

#include "kernel/kernel.h"

struct thread_state; /* only the kernel side looks inside */
#include "bpf/threadwatch.skel.h"

/* What was attached to one file: ranges in kernel->links and kernel->multi_links. */
struct attached_links {
	size_t link, link_count;
	size_t multi, multi_count;
};

/* One view of a file that was looked at, found again by what stat says of it. Two views are of
 * one file when the kernel says so (result.device, result.inode). */
struct attached_file {
	dev_t device;
	ino_t inode;
	struct timespec mtime;
	off_t size;
	struct module_attachment result;
	struct attached_links links; /* of the view that attached */
	int err;
	struct attached_file *next;
};

struct kernel {
	struct threadwatch_bpf *skel;
	struct ring_buffer *events;
	struct ring_buffer *control;
	struct stack_reader *stacks;
	const struct kernel_reader *reader; /* during a consume call */
	uint64_t records_refused;
	int poll_fd;
	bool multi;	/* uprobe_multi links instead of one perf event a site */
	bool lifecycle; /* options->lifecycle */
	bool uprobes;
	bool preemptible;	 /* tasks can be, within the tracepoints that we are on */
	struct bpf_link **links; /* perf event uprobes */
	size_t link_count, link_room;
	int *multi_links; /* uprobe_multi link fds */
	size_t multi_count, multi_room;
	struct attached_file *files;
	uint32_t site_count; /* used entries of usdt_sites */
	char **names;	     /* by id, filled on demand */
	size_t name_room;
};

/* Closes the fd at scope end: __attribute__((cleanup(close_fd))). */
static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define SCOPED_FD __attribute__((cleanup(close_fd))) int

/* ---- lifecycle.c ---- */

/* Can tasks be preempted within tracepoints? */
bool tracepoints_preemptible(void);
/* Chooses which lifecycle programs will be loaded. */
void lifecycle_choose(struct kernel *kernel, bool wanted);
int lifecycle_attach(struct kernel *kernel);
/* At most this many renames were missed. */
uint64_t lifecycle_missed_renames(const struct kernel *kernel);

/* ---- stacks.c ---- */

/* Sizes the maps for what will be taken; before load. */
int stacks_configure(struct kernel *kernel, uint32_t origin_stacks);
int stacks_open(struct kernel *kernel); /* after load */
void stacks_close(struct kernel *kernel);

/* ---- uprobe.c ---- */

/* Does the kernel have uprobe_multi links (6.6)? */
bool uprobe_multi_supported(void);
/* Must be called before load when uprobe_multi links will be used. */
void uprobe_multi_prepare(struct bpf_program *program);
/* Attaches `program` to `count` offsets of the file, one cookie each. All or nothing. */
int uprobe_attach(struct kernel *kernel, struct bpf_program *program, const char *path,
	const unsigned long *offsets, const uint64_t *cookies, size_t count);
/* Where the links of the next file begin; uprobe_links_end fills in how many there are. */
struct attached_links uprobe_links_begin(const struct kernel *kernel);
void uprobe_links_end(const struct kernel *kernel, struct attached_links *links);
void uprobe_detach(struct kernel *kernel, const struct attached_links *links);
void uprobe_detach_all(struct kernel *kernel);

/* ---- walk.c ---- */

/* Which file is mapped at an address of our own. 0 or negative errno. */
int walk_identify(struct kernel *kernel, const void *mapped, struct wire_place *out);

#endif
