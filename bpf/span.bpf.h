/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * span.bpf.h - beginning and ending spans of a thread; its account of each.
 *
 * All of it runs on the thread itself (a probe, exec, exit) or before it first runs (fork).
 */
#ifndef TW_SPAN_BPF_H
#define TW_SPAN_BPF_H

#include "bpf/emit.bpf.h"

static __always_inline void spans_write_begin(struct span_state *state)
{
	WRITE_ONCE(state->seq, state->seq + 1);
	barrier();
}

static __always_inline void spans_write_end(struct span_state *state)
{
	barrier();
	WRITE_ONCE(state->seq, state->seq + 1);
}

static __always_inline struct wire_routine_key span_key(
	const struct thread_state *thread, const struct wire_span *span)
{
	struct wire_routine_key key = {
		.process = thread->wire.process,
		.id = span->name_id,
		.source = WIRE_SOURCE_SPAN,
	};

	return key;
}

/* Where the span is counted; the same entry from its begin to its end. */
static __always_inline struct wire_routine_stats *span_stats(
	const struct thread_state *thread, const struct wire_span *span)
{
	struct wire_routine_key key = span_key(thread, span);

	return span->name_id == WIRE_NAME_ID_OTHER ? stats_other()
						   : bpf_map_lookup_elem(&routine_stats, &key);
}

/* Counts and tells the begin of a span whose name, token, begin and timebox are filled in. */
static __always_inline void span_started(const struct thread_state *thread, struct wire_span *span,
	struct task_struct *task, __u64 now)
{
	struct wire_routine_stats *stats = NULL;
	struct wire_routine_key key;
	bool created;

	span->name_id = name_intern(span->name);
	if (span->name_id != WIRE_NAME_ID_OTHER) {
		key = span_key(thread, span);
		stats = stats_get(&key, &created);
	}
	if (!stats) {
		span->name_id = WIRE_NAME_ID_OTHER;
		stats = stats_other();
	}
	stats_start(stats, thread, task);
	if (span->timebox_ns)
		__sync_fetch_and_add(&timeboxes_begun, 1);
	emit_span(WIRE_EVENT_STARTED, thread, span, task, now);
}

/* Counts an overrun once for each instance, whoever sees it first: its end or a scan. `slot` may
 * be another instance's any moment, `span` is this one. */
static __always_inline bool span_claim_overrun(
	const struct thread_state *thread, struct wire_span *slot, const struct wire_span *span)
{
	__u64 told = READ_ONCE(slot->told_ns);
	struct wire_routine_stats *stats;

	if (told == span->begin_ns ||
		__sync_val_compare_and_swap(&slot->told_ns, told, span->begin_ns) != told)
		return false;
	stats = span_stats(thread, span);
	if (stats)
		__sync_fetch_and_add(&stats->timebox_exceeded, 1);
	return true;
}

static __always_inline void span_finished(const struct thread_state *thread, struct wire_span *span,
	struct task_struct *task, __u64 now)
{
	__u64 duration = now > span->begin_ns ? now - span->begin_ns : 0;

	stats_finish(span_stats(thread, span), thread, task, duration);
	if (span->timebox_ns && duration > span->timebox_ns &&
		span_claim_overrun(thread, span, span))
		emit_span(WIRE_EVENT_TIMEBOX, thread, span, task, now);
	emit_span(WIRE_EVENT_FINISHED, thread, span, task, now);
}

/* Loops over spans are bpf_loop calls: unrolled in the verifier, eight bodies of this size
 * would exceed its limit. */
struct span_walk {
	struct span_state *state;
	struct thread_state *thread;
	struct task_struct *task;
	__u64 now;
	__u32 keep;
};

static long span_close_top(__u32 index, void *context)
{
	struct span_walk *walk = context;
	struct span_state *state = walk->state;
	__u32 top = state->depth - 1;

	if (state->depth <= walk->keep || top >= WIRE_SPANS_MAX)
		return 1;
	span_finished(walk->thread, &state->slots[top], walk->task, walk->now);
	spans_write_begin(state);
	state->depth = top;
	spans_write_end(state);
	return 0;
}

/* Closes spans from the innermost outwards until `keep` are left. */
static __always_inline void spans_close_to(struct span_state *state, struct thread_state *thread,
	struct task_struct *task, __u32 keep, __u64 now)
{
	struct span_walk walk = {
		.state = state, .thread = thread, .task = task, .now = now, .keep = keep};

	bpf_loop(WIRE_SPANS_MAX, span_close_top, &walk, 0);
}

/* At the end of the thread or of its image. */
static __always_inline void spans_close_all(
	struct task_struct *task, struct thread_state *thread, __u64 now)
{
	struct span_state *state = bpf_task_storage_get(&spans, task, NULL, 0);

	if (!state || !state->depth)
		return;
	if (state->depth > WIRE_SPANS_MAX)
		state->depth = WIRE_SPANS_MAX;
	spans_close_to(state, thread, task, 0, now);
}

#endif
