/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * state.bpf.h - the kernel side's truth: maps, configuration, counters, and the primitives
 * that every program uses on them.
 *
 * Ownership. `threads` and `spans` live in the task's own storage and end with the task. Only
 * the thread itself (its probes, its exec and exit) and its creator (before it first runs)
 * write them; iterators read them, but for two words written by compare-and-swap: `phase`
 * (adoption) and told_ns (timebox). Weak definitions: each object that is linked into the
 * skeleton sees the same map.
 */
#ifndef TW_STATE_BPF_H
#define TW_STATE_BPF_H

#include <stdbool.h>

#include "vmlinux/vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/wire.h"

#define READ_ONCE(x)	 (*(volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))

/* include/linux/sched.h; stable for as long as BPF has had CO-RE. */
#define PF_EXITING   0x00000004
#define PF_KTHREAD   0x00200000
#define CLONE_VM     0x00000100
#define CLONE_VFORK  0x00004000
#define CLONE_THREAD 0x00010000

#define TASK_NEW 0x800

/* Limits of the hash maps. They allocate per entry, so an unused limit costs nothing. */
#define WATCHED_MAX  65536
#define ROUTINES_MAX 65536
#define NAMES_MAX    65536
#define FALLBACK_MAX 4096
#define SITES_MAX    16384
#define RING_DEFAULT (4u << 20)
#define RING_CONTROL (256u << 10)

/* A thread's account: counted at most once as a beginning and once as an end, whoever comes
 * first among its creator, an adopting iterator and its own exit. */
#define PHASE_UNKNOWN 0u
#define PHASE_LIVE    1u
#define PHASE_EXITED  2u

struct thread_state {
	struct wire_thread wire;
	__u32 phase;
	__u32 pad;
	char exec_comm[WIRE_COMM_BYTES]; /* within execve, once renamed: the name before */
	char told_comm[WIRE_COMM_BYTES]; /* of the last rename */
};

/* Written by its thread only. Odd seq: being written. depth may exceed WIRE_SPANS_MAX; the
 * slots beyond it do not exist. */
struct span_state {
	__u32 seq;
	__u32 depth;
	struct wire_span slots[WIRE_SPANS_MAX];
};

#define CREATOR_CALL  (1u << 0) /* inside pthread_create, as far as we know */
#define CREATOR_SPAWN (1u << 1) /* a name waits for the next thread */

/* What a thread has said of the next thread that it will create. */
struct creator_state {
	__u64 start_fn;
	__u64 start_arg;
	__u64 call_site;
	__u64 stack_pointer; /* where call_site is stored */
	__u64 frame_pointer; /* rbp, perhaps no frame pointer at all */
	__u32 flags;
	__s32 origin_stack; /* of the call; negative: none */
	char spawn_name[WIRE_NAME_BYTES];
	struct wire_callable callable; /* of the thread that is being created */
};

struct fallback_key {
	__u64 start_ns;
	__u32 tid;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct thread_state);
} threads SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct span_state);
} spans SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct creator_state);
} creators SEC(".maps") __weak;

/* Threads whose storage could not be allocated in the tracepoint (seen about once in 50,000
 * creates: the allocator may not sleep there). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, FALLBACK_MAX);
	__type(key, struct fallback_key);
	__type(value, struct thread_state);
} threads_fallback SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, WATCHED_MAX);
	__type(key, __u32); /* tgid */
	__type(value, struct wire_watch);
} watched SEC(".maps") __weak;

/* For processes whose libc is not ours. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, WATCHED_MAX);
	__type(key, __u32); /* tgid */
	__type(value, struct wire_layout);
} layouts SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ROUTINES_MAX);
	__type(key, struct wire_routine_key);
	__type(value, struct wire_routine_stats);
} routine_stats SEC(".maps") __weak;

/* Instances that found routine_stats or names full. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wire_routine_stats);
} routine_other SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, NAMES_MAX);
	__type(key, struct wire_name);
	__type(value, __u32);
} names SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SITES_MAX);
	__type(key, __u32); /* the attach cookie */
	__type(value, struct wire_site);
} usdt_sites SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_DEFAULT);
} events SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_CONTROL);
} control SEC(".maps") __weak;

/* ---- configuration, set before load ---- */

extern const volatile __u32 cfg_whole_system;
extern const volatile __u32 cfg_events;		     /* somebody reads `events` */
extern const volatile __u32 cfg_attached;	     /* lifecycle programs will run */
extern const volatile struct wire_layout cfg_layout; /* our own libc's */
extern const volatile __u32 cfg_cgroup_count;
extern const volatile __u64 cfg_cgroups[WIRE_CGROUPS_MAX]; /* ids in the unified hierarchy */
extern const volatile __u32 cfg_wake_bytes;
/* 0: readers look by themselves. Where tracepoints can be preempted, the reader that a program
 * wakes may take its CPU there and then, and the program is left out for all other tasks there
 * until the reader is done (lifecycle_second.bpf.c). */
extern const volatile __u32 cfg_wake;

/* Flags for a record's submission: its ring's reader is woken once so many bytes wait. */
static __always_inline __u64 wake_when(void *ring, __u32 bytes)
{
	return cfg_wake && bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) >= bytes ? BPF_RB_FORCE_WAKEUP
									       : BPF_RB_NO_WAKEUP;
}

/* ---- counters and run-time words, mapped by user space ---- */

extern __u64 counters[WIRE_COUNTER_COUNT];
extern __u32 name_count;
extern __u32 fallback_used;
extern __u64 timeboxes_begun;
extern __u32 announce_adopted; /* threads that are adopted from now on are told as started */
extern __u64 attached_ns;      /* threads that began later must have been seen to begin */

static __always_inline void count(enum wire_counter which)
{
	__sync_fetch_and_add(&counters[which], 1);
}

/* ---- processes ---- */

static __always_inline struct wire_process process_of(struct task_struct *task)
{
	struct wire_process process = {
		.start_ns = task->group_leader->start_boottime,
		.tgid = task->tgid,
		.image = task->self_exec_id,
	};
	return process;
}

static __always_inline struct wire_watch *watch_of(const struct wire_process *process)
{
	struct wire_watch *watch = bpf_map_lookup_elem(&watched, &process->tgid);

	return watch && watch->start_ns == process->start_ns ? watch : NULL;
}

/* As deep as we look for a watched cgroup above a task's; the root is the first. */
#define CGROUP_LEVELS_MAX 64

/* In one of the watched cgroups or below, at this moment: a process may be moved. */
static __noinline bool cgroup_watched(struct task_struct *task)
{
	struct cgroup *cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp);
	int level = BPF_CORE_READ(cgroup, level);

	for (int i = 0; i < CGROUP_LEVELS_MAX && i <= level; i++) {
		struct cgroup *above = NULL;
		__u64 id;

		bpf_probe_read_kernel(&above, sizeof(above),
			(void *)cgroup + bpf_core_field_offset(struct cgroup, ancestors) +
				i * sizeof(above));
		id = BPF_CORE_READ(above, kn, id);
		for (__u32 j = 0; j < WIRE_CGROUPS_MAX; j++)
			if (j < cfg_cgroup_count && cfg_cgroups[j] == id)
				return true;
	}
	return false;
}

/* task: any of the process. */
static __always_inline bool process_watched(
	const struct wire_process *process, struct task_struct *task)
{
	struct wire_watch *watch;

	if (cfg_whole_system)
		return true;
	if (cfg_cgroup_count)
		return cgroup_watched(task);
	watch = watch_of(process);
	return watch && !(watch->flags & WIRE_WATCH_ON_EXEC);
}

/* The number of a task in its own PID namespace. */
static __always_inline __u32 pid_at_level(struct pid *pid, __u32 level)
{
	struct upid upid = {};

	bpf_probe_read_kernel(&upid.nr, sizeof(upid.nr),
		(void *)pid + bpf_core_field_offset(struct pid, numbers) +
			level * bpf_core_type_size(struct upid) +
			bpf_core_field_offset(struct upid, nr));
	return upid.nr;
}

static __always_inline void namespace_ids(struct task_struct *task, __u32 *ns_tgid, __u32 *ns_tid)
{
	/* Read by helper: 6.1 allows no variable offset on a pointer that it tracks. */
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	struct pid *leader = BPF_CORE_READ(task, group_leader, thread_pid);
	__u32 level;

	*ns_tgid = task->tgid;
	*ns_tid = task->pid;
	/* NULL once released: a zombie that is being reaped while an iterator looks at it. */
	if (!pid || !leader)
		return;
	level = BPF_CORE_READ(pid, level);
	if (!level)
		return;
	*ns_tid = pid_at_level(pid, level);
	*ns_tgid = pid_at_level(leader, level);
}

/* ---- threads ---- */

static __always_inline struct thread_state *thread_get(struct task_struct *task)
{
	struct thread_state *thread = bpf_task_storage_get(&threads, task, NULL, 0);
	struct fallback_key key;

	if (thread || !READ_ONCE(fallback_used))
		return thread;
	key = (struct fallback_key){.start_ns = task->start_boottime, .tid = task->pid};
	return bpf_map_lookup_elem(&threads_fallback, &key);
}

static const struct thread_state thread_zero;

/* NULL only when storage and fallback both failed; that is counted. */
static __always_inline struct thread_state *thread_get_or_create(struct task_struct *task)
{
	struct thread_state *thread = thread_get(task);
	struct fallback_key key;

	if (thread)
		return thread;
	thread = bpf_task_storage_get(&threads, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (thread)
		return thread;
	count(WIRE_COUNTER_THREAD_STORAGE_FAILED);
	key = (struct fallback_key){.start_ns = task->start_boottime, .tid = task->pid};
	WRITE_ONCE(fallback_used, 1);
	bpf_map_update_elem(&threads_fallback, &key, &thread_zero, BPF_NOEXIST);
	thread = bpf_map_lookup_elem(&threads_fallback, &key);
	if (!thread)
		count(WIRE_COUNTER_THREAD_FALLBACK_FULL);
	return thread;
}

#endif
