/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * snapshot.h - all live threads at one moment, and the groups that people read.
 *
 * Pure. A snapshot owns copies of its strings (snapshot_free). Built by adding threads one by
 * one, then grouped; grouping is deterministic: by pid, then threads descending, then name.
 */
#ifndef TW_MODEL_SNAPSHOT_H
#define TW_MODEL_SNAPSHOT_H

#include "model/event.h"

struct snapshot_span {
	const char *name;
	uint64_t begin_ns;
	uint64_t timebox_ns;
	size_t data_count;
	struct data_item data[WIRE_DATA_MAX];
};

/* One thread as added; snapshot_add copies everything. */
struct snapshot_thread {
	uint32_t pid, tid, ns_pid, ns_tid;
	const char *process;
	const char *comm;
	struct routine_name birth;
	uint64_t start_ns;
	uint64_t cpu_ns;
	uint32_t state; /* WIRE_STATE_* */
	struct origin origin;
	struct confinement confinement;
	bool detached, joinable; /* as its control block says; neither: not known */
	const char *wait;	 /* kernel function it is blocked in; NULL: not known */
	size_t span_count;	 /* outermost first */
	struct snapshot_span spans[WIRE_SPANS_MAX];
};

/* The current routine: the innermost span, else the birth name. */
struct routine_name snapshot_thread_routine(const struct snapshot_thread *thread);

/* Threads under one (pid, current routine). oldest_ns is the age of the oldest instance. */
struct routine_group {
	uint32_t pid;
	const char *process;
	struct routine_name routine;
	uint64_t threads;
	uint64_t oldest_ns;
	uint64_t states[WIRE_STATE_COUNT];
};

/* Open spans under one (pid, name), nested ones included. */
struct span_group {
	uint32_t pid;
	const char *process;
	const char *name;
	uint64_t instances;
	uint64_t oldest_ns;
};

struct drop_count {
	const char *name;
	uint64_t count;
};

struct snapshot {
	uint64_t boot_ns;
	bool fold_numbers; /* of routine and span groups, see fold.h; set it before grouping */
	size_t thread_count;
	struct snapshot_thread *threads; /* by pid, then tid, after snapshot_group */
	size_t routine_count;
	struct routine_group *routines;
	size_t span_group_count;
	struct span_group *span_groups;
	size_t drop_count;
	struct drop_count *drops; /* names are static; the array is the snapshot's */
	void *arena;		  /* owns the strings */
};

/* An empty snapshot taken at boot_ns; NULL without memory. */
struct snapshot *snapshot_new(uint64_t boot_ns);
/* 0, -ENOMEM, or -EINVAL when a state or a count is beyond the limits of bpf/wire.h. */
int snapshot_add(struct snapshot *snapshot, const struct snapshot_thread *thread);
/* A copy of a text that lives as long as the snapshot; NULL without memory. */
const char *snapshot_keep(struct snapshot *snapshot, const char *text);
int snapshot_set_drops(struct snapshot *snapshot, const struct drop_count *drops, size_t count);
/* Fills routines and span_groups, sorts threads. Call once, after the last add. 0 or -ENOMEM. */
int snapshot_group(struct snapshot *snapshot);
void snapshot_free(struct snapshot *snapshot);

/* How long something that began at since_ns had lasted when the snapshot was taken. */
static inline uint64_t snapshot_age_ns(const struct snapshot *snapshot, uint64_t since_ns)
{
	return snapshot->boot_ns > since_ns ? snapshot->boot_ns - since_ns : 0;
}

/* The age of a thread's current routine. */
static inline uint64_t snapshot_routine_age_ns(
	const struct snapshot *snapshot, const struct snapshot_thread *thread)
{
	return snapshot_age_ns(snapshot, thread->span_count
						 ? thread->spans[thread->span_count - 1].begin_ns
						 : thread->start_ns);
}

/* "running", "sleeping", ... as the contracts write them; never NULL. */
const char *thread_state_name(uint32_t state);

#endif
