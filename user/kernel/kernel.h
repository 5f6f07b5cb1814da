/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel.h - the one owner of the BPF skeleton: load, attach, watch, walk, read.
 *
 * Order for a view without holes: kernel_open, kernel_watch*, kernel_attach (probes first),
 * then kernel_walk (threads that were there before). Functions return 0 or a negative errno
 * and print nothing. Not thread safe: one thread owns a struct kernel.
 */
#ifndef TW_KERNEL_KERNEL_H
#define TW_KERNEL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/wire.h"

struct kernel;
struct module;

struct kernel_options {
	bool whole_system;	   /* every process; kernel_watch is then not needed */
	bool events;		   /* somebody will read the event ring */
	bool lifecycle;		   /* births and ends are counted from now on (not for one walk) */
	bool uprobes;		   /* pthread_create too: call sites */
	uint32_t origin_stacks;	   /* WIRE_ORIGIN_*: which user stacks are taken */
	size_t ring_bytes;	   /* of the event ring, a power of two of pages; 0: default */
	struct wire_layout layout; /* of our own libc */
	/* Every process in these or below, instead of kernel_watch: see cgroup_find. */
	const uint64_t *cgroups;
	size_t cgroup_count; /* at most WIRE_CGROUPS_MAX */
};

/* What this kernel lacks that we cannot do without, as a phrase ("BPF task storage"), or NULL
 * when it has all. Needs the same privileges as kernel_open. */
const char *kernel_lacks(void);

/* Opens and loads. -EPERM: no privilege; -ENOENT: no BTF; else what libbpf says. */
int kernel_open(const struct kernel_options *options, struct kernel **out);
/* Detaches everything. NULL is fine. */
void kernel_close(struct kernel *kernel);
/* Attaches the lifecycle programs. */
int kernel_attach(struct kernel *kernel);
/* Detaches all probes; maps and rings stay readable. */
void kernel_detach(struct kernel *kernel);

/* ---- filters ---- */

/* Watches a process given by its number in our own PID namespace. *out (may be NULL) says who
 * it is. -ESRCH: no such process, or it ended; -EACCES: the kernel hides it from BPF. */
int kernel_watch(struct kernel *kernel, pid_t pid, bool follow, struct wire_process *out);
/* The same, asleep until the process' next execve. */
int kernel_watch_exec(struct kernel *kernel, pid_t pid, bool follow);
/* Has this process been watched by number, or as a child of such, and not been freed yet? */
bool kernel_watches(struct kernel *kernel, uint32_t tgid);
/* Visits the numbers of those processes. */
void kernel_each_watched(
	struct kernel *kernel, void (*visit)(void *context, uint32_t tgid), void *context);
/* Is any watched process (or followed child) still there? */
bool kernel_watches_any(struct kernel *kernel);

/* ---- files that carry probes ---- */

/* What kernel_attach_module did with one file. */
struct module_attachment {
	size_t usdt_sites;	   /* attached */
	size_t usdt_rejected;	   /* notes of ours in a form that cannot be used */
	size_t usdt_over_limit;	   /* not attached: there are too many */
	size_t call_sites_left;	   /* calls in C++ or Rust libraries that are not seen through */
	struct wire_layout layout; /* of a glibc; 0: none or not known */
	bool pthread_create;	   /* its pthread_create is probed */
	bool first;		   /* this call did it; else it is what an earlier one did */
	/* Which file it is in records of the kernel (wire_control): its own inode, where stat may
	 * tell of an overlay's. */
	dev_t device;
	ino_t inode;
};

/*
 * Tells the kernel side of the trampolines in a file and of the ways out of them; when lifecycle
 * programs run, attaches to its probe sites and its pthread_create too. Once per file however often
 * it is called and through whatever mounts it is seen; again when the file has changed. `path`
 * opens it (it may be a /proc/PID/map_files path; only used during the call). *out tells about the
 * file also when it was attached before; a failure is remembered too, unless the path itself was
 * gone (-ENOENT, -ESRCH).
 */
int kernel_attach_module(struct kernel *kernel, struct module *module, const char *path,
	struct module_attachment *out);
/* Tells that a start function is a trampoline (WIRE_TRAMPOLINE_*), wherever it is mapped, and
 * that it is one in this image, which may have used it before. */
int kernel_set_trampoline(struct kernel *kernel, const struct wire_place *place, uint32_t kind);
int kernel_set_start(
	struct kernel *kernel, const struct wire_process *image, uint64_t start_fn, uint32_t kind);
/* Tells the layout of this process' struct pthread, where it is not that of our own libc. */
int kernel_set_layout(struct kernel *kernel, uint32_t tgid, const struct wire_layout *layout);

/* ---- rings ---- */

/* Readable (epoll) when something waits in a ring: at once for control records; for events
 * only when many wait, so poll those a few dozen times a second. */
int kernel_poll_fd(const struct kernel *kernel);

/* After how long to look at the rings although nothing woke us: `wanted_ns`, or less on kernels
 * where waking from a tracepoint does harm. */
uint64_t kernel_look_interval_ns(const struct kernel *kernel, uint64_t wanted_ns);

struct kernel_reader {
	/* record points into the ring and is valid during the call. */
	void (*event)(void *context, const void *record, size_t bytes);
	void (*control)(void *context, const struct wire_control *record);
	void *context;
};
/* Consumes what waits in the control ring, then in the event ring; each event after all control
 * records that came before it. */
int kernel_consume(struct kernel *kernel, const struct kernel_reader *reader);
/* Only the control ring. */
int kernel_consume_control(struct kernel *kernel, const struct kernel_reader *reader);
/* Control records, stack copies and ends of walks that had not the size they should. */
uint64_t kernel_records_refused(const struct kernel *kernel);

/* ---- user stacks at the creation of threads ---- */

/* Of the kind that was asked for one is called; the record is valid during the call. */
struct kernel_stack_visitor {
	void (*walked)(void *context, const struct wire_stack_walk *walk);
	void (*copied)(void *context, const struct wire_stack_copy *copy);
	void *context;
};
/* Consumes the stacks that wait. One is there before the first event of its thread is. */
int kernel_consume_stacks(struct kernel *kernel, const struct kernel_stack_visitor *visitor);

/* ---- walks ---- */

/* Visits every thread of watched processes: one wire_thread_record with its spans behind it,
 * valid during the call. with_wait also fills wait_ips. */
int kernel_walk(struct kernel *kernel, bool with_wait,
	void (*visit)(void *context, const void *record, size_t bytes), void *context);
/* From now on the walk tells threads that it comes to first as events too: of processes that
 * were moved into a watched cgroup. */
void kernel_announce_adopted(struct kernel *kernel);
/* Tells overdue spans as events. *next_deadline_ns: the earliest one ahead, or 0. */
int kernel_scan_timeboxes(struct kernel *kernel, uint64_t *next_deadline_ns);
/* Has any span with a timebox begun so far? */
bool kernel_timeboxes_in_use(const struct kernel *kernel);

/* ---- counters ---- */

uint64_t kernel_counter(const struct kernel *kernel, enum wire_counter which);
const char *kernel_counter_name(enum wire_counter which);
/* Renames of which nothing was told, at most: the kernel runs a program once at a time on a CPU.
 * What else is missed that way is made good and has counters (births_late, ends_late). */
uint64_t kernel_missed_renames(const struct kernel *kernel);

/* Visits all routine counters; the entries stay. Entries made during the call may be missed. */
int kernel_each_routine(struct kernel *kernel,
	int (*visit)(void *context, const struct wire_routine_key *key,
		const struct wire_routine_stats *stats),
	void *context);
/* Takes an entry out of the kernel with its last values. -ENOENT: not there. */
int kernel_take_routine(
	struct kernel *kernel, const struct wire_routine_key *key, struct wire_routine_stats *out);
/* What did not fit into the table of routines. */
int kernel_other_routine(struct kernel *kernel, struct wire_routine_stats *out);
/* The interned name with this number, or NULL. Valid until kernel_close. */
const char *kernel_name(struct kernel *kernel, uint32_t id);

#endif
