/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * emit.bpf.h - puts records into the rings.
 *
 * `events` is never woken per record: a wake-up costs more than ten records. User space polls
 * it a few dozen times a second and is woken early only when cfg_wake_bytes wait. `control`
 * is rare and woken at once, because its reader looks at processes that may end any moment.
 * Without cfg_wake neither is woken, and both are polled more often.
 */
#ifndef TW_EMIT_BPF_H
#define TW_EMIT_BPF_H

#include "bpf/callable.bpf.h"
#include "bpf/stats.bpf.h"

struct event_named {
	struct wire_event header;
	struct wire_name name;
};

struct event_full {
	struct wire_event header;
	struct wire_name name;
	struct wire_data data[WIRE_DATA_MAX];
};

static __always_inline __u64 wake_flags(void)
{
	return wake_when(&events, cfg_wake_bytes);
}

static __always_inline void count_dropped(__u32 kind)
{
	switch (kind) {
	case WIRE_EVENT_STARTED:
		return count(WIRE_COUNTER_EVENTS_STARTED_DROPPED);
	case WIRE_EVENT_NAMED:
		return count(WIRE_COUNTER_EVENTS_NAMED_DROPPED);
	case WIRE_EVENT_FINISHED:
		return count(WIRE_COUNTER_EVENTS_FINISHED_DROPPED);
	default:
		return count(WIRE_COUNTER_EVENTS_TIMEBOX_DROPPED);
	}
}

/* What every event of a thread has in common. A function of its own: three copies of it would
 * cost the callers the little stack that they have. */
static __noinline void event_fill(struct wire_event *event, const struct thread_state *state,
	struct task_struct *task, __u64 now)
{
	const struct wire_thread *thread = &state->wire;

	__builtin_memset(event, 0, sizeof(*event));
	event->time_ns = now;
	event->process = thread->process;
	event->start_fn = thread->start_fn;
	event->start_arg = thread->start_arg;
	event->call_site = thread->call_site;
	event->callable = thread->callable;
	event->creator_id = thread->creator_id;
	event->creator_source = thread->creator_source;
	event->trampoline = thread->trampoline;
	event->origin_stack = thread->origin_stack;
	event->tid = thread->tid;
	event->creator_tid = thread->creator_tid;
	event->flags = thread->flags;
	namespace_ids(task, &event->ns_tgid, &event->ns_tid);
	if (state->exec_comm[0]) {
		__builtin_memcpy(event->comm, state->exec_comm, WIRE_COMM_BYTES);
		__builtin_memcpy(event->process_comm, state->exec_comm, WIRE_COMM_BYTES);
		return;
	}
	BPF_CORE_READ_STR_INTO(&event->comm, task, comm);
	BPF_CORE_READ_STR_INTO(&event->process_comm, task, group_leader, comm);
}

static __always_inline void event_fill_thread(struct wire_event *event, __u32 kind,
	const struct thread_state *state, struct task_struct *task, __u64 now, const char *comm)
{
	event_fill(event, state, task, now);
	event->kind = kind;
	event->instance = WIRE_INSTANCE_THREAD;
	event->start_ns = state->wire.start_ns;
	event->source = state->wire.source;
	if (comm)
		bpf_probe_read_kernel_str(event->comm, sizeof(event->comm), comm);
}

/* comm: the new one of a rename, else NULL. */
static __always_inline void emit_thread_as(__u32 kind, const struct thread_state *state,
	struct task_struct *task, __u64 now, const char *comm)
{
	struct event_named *named;
	struct wire_event *bare;

	if (!cfg_events)
		return;
	if (source_is_address(state->wire.source)) {
		bare = bpf_ringbuf_reserve(&events, sizeof(*bare), 0);
		if (!bare)
			return count_dropped(kind);
		event_fill_thread(bare, kind, state, task, now, comm);
		bare->body = WIRE_BODY_NONE;
		return bpf_ringbuf_submit(bare, wake_flags());
	}
	named = bpf_ringbuf_reserve(&events, sizeof(*named), 0);
	if (!named)
		return count_dropped(kind);
	event_fill_thread(&named->header, kind, state, task, now, comm);
	named->header.body = WIRE_BODY_NAME;
	__builtin_memcpy(named->name.text, state->wire.name, WIRE_NAME_BYTES);
	bpf_ringbuf_submit(named, wake_flags());
}

static __always_inline void emit_thread(
	__u32 kind, const struct thread_state *state, struct task_struct *task, __u64 now)
{
	emit_thread_as(kind, state, task, now, NULL);
}

/* Those that ran before us are listed by our first walk; threads that came into view later, with
 * a process that was moved into a watched cgroup, are told here. */
static __always_inline void emit_adopted(
	struct thread_state *state, struct task_struct *task, __u64 now)
{
	if (!READ_ONCE(announce_adopted))
		return;
	emit_thread(WIRE_EVENT_STARTED, state, task, now);
	/* A walk that comes by now must not list it again. */
	state->wire.flags &= ~WIRE_THREAD_ADOPTED;
}

static __always_inline void event_fill_span(struct wire_event *event, __u32 kind,
	const struct thread_state *state, const struct wire_span *span, struct task_struct *task,
	__u64 now)
{
	event_fill(event, state, task, now);
	event->kind = kind;
	event->instance = WIRE_INSTANCE_SPAN;
	event->start_ns = span->begin_ns;
	event->timebox_ns = span->timebox_ns;
	event->source = WIRE_SOURCE_SPAN;
}

static __always_inline void emit_span(__u32 kind, const struct thread_state *state,
	const struct wire_span *span, struct task_struct *task, __u64 now)
{
	struct event_named *named;
	struct event_full *full;

	if (!cfg_events)
		return;
	if (!span->data_count) {
		named = bpf_ringbuf_reserve(&events, sizeof(*named), 0);
		if (!named)
			return count_dropped(kind);
		event_fill_span(&named->header, kind, state, span, task, now);
		named->header.body = WIRE_BODY_NAME;
		__builtin_memcpy(named->name.text, span->name, WIRE_NAME_BYTES);
		return bpf_ringbuf_submit(named, wake_flags());
	}
	full = bpf_ringbuf_reserve(&events, sizeof(*full), 0);
	if (!full)
		return count_dropped(kind);
	event_fill_span(&full->header, kind, state, span, task, now);
	full->header.body = WIRE_BODY_DATA;
	full->header.data_count = span->data_count;
	__builtin_memcpy(full->name.text, span->name, WIRE_NAME_BYTES);
	__builtin_memcpy(full->data, span->data, sizeof(full->data));
	bpf_ringbuf_submit(full, wake_flags());
}

/* task: any of the process. */
static __always_inline struct wire_control *control_reserve(
	__u32 kind, const struct wire_process *process, struct task_struct *task)
{
	struct wire_control *record = bpf_ringbuf_reserve(&control, sizeof(*record), 0);

	if (!record) {
		count(WIRE_COUNTER_CONTROL_DROPPED);
		return NULL;
	}
	__builtin_memset(record, 0, sizeof(*record));
	record->kind = kind;
	record->time_ns = bpf_ktime_get_boot_ns();
	record->key.process = *process;
	record->cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	return record;
}

static __always_inline __u64 control_wake_flags(void)
{
	return cfg_wake ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

static __always_inline void emit_exec(const struct wire_process *process, struct task_struct *task)
{
	struct wire_control *record = control_reserve(WIRE_CONTROL_EXEC, process, task);

	if (record)
		bpf_ringbuf_submit(record, control_wake_flags());
}

/*
 * The first sight of a routine. task is of the same process as the thread. callable may be
 * NULL; read while it was sure to be there.
 */
static __always_inline void emit_routine(const struct wire_routine_key *key,
	const struct wire_thread *thread, struct task_struct *task,
	const struct wire_callable *callable)
{
	struct mapping_at at = {.address = thread->start_fn};
	struct wire_control *record;

	bpf_find_vma(task, at.address, note_mapping, &at, 0);
	record = control_reserve(WIRE_CONTROL_ROUTINE, &key->process, task);
	if (!record)
		return;
	record->tid = thread->tid;
	record->key = *key;
	record->call_site = thread->call_site;
	record->file = at.place;
	record->start_ns = thread->start_ns;
	record->start_fn = thread->start_fn;
	record->start_arg = thread->start_arg;
	if (callable && thread->callable) {
		record->number = thread->callable;
		record->callable = *callable;
	}
	bpf_ringbuf_submit(record, control_wake_flags());
}

/* Read before the first routine of the new process, in the same ring; no hurry by itself. */
static __always_inline void emit_fork(const struct wire_process *child, struct task_struct *task,
	const struct wire_process *origin)
{
	struct wire_control *record = control_reserve(WIRE_CONTROL_FORK, child, task);

	if (!record)
		return;
	record->origin = *origin;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

#endif
