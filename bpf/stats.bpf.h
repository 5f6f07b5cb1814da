/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stats.bpf.h - names and exact counters of routines.
 *
 * Counters are atomic adds in `routine_stats`, done before anything is told of an instance.
 * What finds a table full counts as `other`, and that it did is counted too.
 */
#ifndef TW_STATS_BPF_H
#define TW_STATS_BPF_H

#include "bpf/state.bpf.h"

/* ---- names and keys ---- */

static __always_inline __u32 name_intern(const char *name)
{
	__u32 *known = bpf_map_lookup_elem(&names, name);
	__u32 id;

	if (known)
		return *known;
	id = __sync_fetch_and_add(&name_count, 1) + 1;
	bpf_map_update_elem(&names, name, &id, BPF_NOEXIST);
	/* Another CPU may have been first: the map's number counts. */
	known = bpf_map_lookup_elem(&names, name);
	if (known)
		return *known;
	count(WIRE_COUNTER_NAMES_FULL);
	return WIRE_NAME_ID_OTHER;
}

/* Is the id of such a routine made from an address, not the number of a name? */
static __always_inline bool source_is_address(__u32 source)
{
	return source == WIRE_SOURCE_SYMBOL || source == WIRE_SOURCE_TYPE;
}

static __always_inline struct wire_routine_key thread_key(const struct wire_thread *thread)
{
	struct wire_routine_key key = {
		.process = thread->process,
		.source = thread->source,
		.trampoline = thread->trampoline,
	};

	if (thread->source == WIRE_SOURCE_SYMBOL)
		key.id = thread->start_fn;
	else if (thread->source == WIRE_SOURCE_TYPE)
		key.id = thread->callable;
	else
		key.id = name_intern(thread->name);
	return key;
}

/* ---- counters ---- */

static __always_inline struct wire_routine_stats *stats_other(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&routine_other, &zero);
}

static const struct wire_routine_stats stats_zero;

/* *created tells whether this call made the entry. NULL: full. */
static __always_inline struct wire_routine_stats *stats_get(
	const struct wire_routine_key *key, bool *created)
{
	struct wire_routine_stats *stats = bpf_map_lookup_elem(&routine_stats, key);

	*created = false;
	if (stats)
		return stats;
	*created = !bpf_map_update_elem(&routine_stats, key, &stats_zero, BPF_NOEXIST);
	stats = bpf_map_lookup_elem(&routine_stats, key);
	if (!stats)
		count(WIRE_COUNTER_ROUTINES_FULL);
	return stats;
}

static __always_inline __u32 duration_bucket(__u64 duration_ns)
{
	__u64 us = duration_ns / 1000;
	__u32 bucket = 0;

	for (int shift = 16; shift; shift >>= 1)
		if (us >> shift) {
			us >>= shift;
			bucket += shift;
		}
	bucket += us ? 1 : 0;
	return bucket < WIRE_DURATION_BUCKETS ? bucket : WIRE_DURATION_BUCKETS - 1;
}

/* Two threads of one process may write this at once: the same text, unless it changes. What
 * execve ends was counted under the name before. */
static __always_inline void stats_name_process(struct wire_routine_stats *stats,
	const struct thread_state *thread, struct task_struct *task)
{
	if (!thread->exec_comm[0])
		BPF_CORE_READ_STR_INTO(&stats->process_comm, task, group_leader, comm);
}

static __always_inline void stats_start(struct wire_routine_stats *stats,
	const struct thread_state *thread, struct task_struct *task)
{
	if (!stats)
		return;
	__sync_fetch_and_add(&stats->started, 1);
	stats_name_process(stats, thread, task);
}

static __always_inline void stats_finish(struct wire_routine_stats *stats,
	const struct thread_state *thread, struct task_struct *task, __u64 duration_ns)
{
	if (!stats)
		return;
	stats_name_process(stats, thread, task);
	__sync_fetch_and_add(&stats->finished, 1);
	__sync_fetch_and_add(&stats->duration_sum_ns, duration_ns);
	__sync_fetch_and_add(&stats->duration_log2_us[duration_bucket(duration_ns) &
						      (WIRE_DURATION_BUCKETS - 1)],
		1);
}

/* The counters that a thread begins in, which are `other` where its own did not fit. *created
 * tells whether it is the first of its routine. NULL: there are none at all. */
static __always_inline struct wire_routine_stats *stats_of_birth(
	struct thread_state *thread, const struct wire_routine_key *key, bool *created)
{
	struct wire_routine_stats *stats = NULL;

	*created = false;
	if (key->id != WIRE_NAME_ID_OTHER || source_is_address(key->source))
		stats = stats_get(key, created);
	if (stats)
		return stats;
	thread->wire.flags |= WIRE_THREAD_OTHER;
	return stats_other();
}

#endif
