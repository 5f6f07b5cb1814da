/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * emit.bpf.h - puts records into the rings.
 *
 * `events` is never woken per record: a wake-up costs more than ten records. User space polls
 * it a few dozen times a second and is woken early only when cfg_wake_bytes wait. `control`
 * is rare and woken at once, because its reader looks at processes that may end any moment.
 */
#ifndef TW_EMIT_BPF_H
#define TW_EMIT_BPF_H

#include "bpf/state.bpf.h"

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
	return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) >= cfg_wake_bytes ? BPF_RB_FORCE_WAKEUP
									       : BPF_RB_NO_WAKEUP;
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

/* name and data are read only as far as header->body says. */
static __always_inline void event_send(
	struct wire_event *header, const char *name, const struct wire_data *data)
{
	if (header->body == WIRE_BODY_NONE) {
		if (bpf_ringbuf_output(&events, header, sizeof(*header), wake_flags()))
			count_dropped(header->kind);
		return;
	}
	/* The verifier does not know that data comes with WIRE_BODY_DATA. */
	if (header->body == WIRE_BODY_NAME || !data) {
		struct event_named *record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);

		if (!record)
			return count_dropped(header->kind);
		record->header = *header;
		__builtin_memcpy(record->name.text, name, WIRE_NAME_BYTES);
		return bpf_ringbuf_submit(record, wake_flags());
	}
	struct event_full *record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);

	if (!record)
		return count_dropped(header->kind);
	record->header = *header;
	__builtin_memcpy(record->name.text, name, WIRE_NAME_BYTES);
	__builtin_memcpy(record->data, data, sizeof(record->data));
	bpf_ringbuf_submit(record, wake_flags());
}

/* What every event of a thread has in common. */
static __always_inline void event_fill(struct wire_event *event, __u32 kind,
	const struct thread_state *state, struct task_struct *task, __u64 now)
{
	const struct wire_thread *thread = &state->wire;
	struct task_struct *leader = task->group_leader;

	__builtin_memset(event, 0, sizeof(*event));
	event->kind = kind;
	event->time_ns = now;
	event->process = thread->process;
	event->start_fn = thread->start_fn;
	event->start_arg = thread->start_arg;
	event->call_site = thread->call_site;
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
	BPF_CORE_READ_STR_INTO(&event->process_comm, leader, comm);
}

static __always_inline void emit_thread(
	__u32 kind, const struct thread_state *state, struct task_struct *task, __u64 now)
{
	const struct wire_thread *thread = &state->wire;
	struct wire_event event;

	if (!cfg_events)
		return;
	event_fill(&event, kind, state, task, now);
	event.instance = WIRE_INSTANCE_THREAD;
	event.start_ns = thread->start_ns;
	event.source = thread->source;
	event.body = thread->source == WIRE_SOURCE_SYMBOL ? WIRE_BODY_NONE : WIRE_BODY_NAME;
	event_send(&event, thread->name, NULL);
}

static __always_inline void emit_span(__u32 kind, const struct thread_state *state,
	const struct wire_span *span, struct task_struct *task, __u64 now)
{
	struct wire_event event;

	if (!cfg_events)
		return;
	event_fill(&event, kind, state, task, now);
	event.instance = WIRE_INSTANCE_SPAN;
	event.start_ns = span->begin_ns;
	event.timebox_ns = span->timebox_ns;
	event.source = WIRE_SOURCE_SPAN;
	event.data_count = span->data_count;
	event.body = span->data_count ? WIRE_BODY_DATA : WIRE_BODY_NAME;
	event_send(&event, span->name, span->data);
}

static __always_inline void emit_control(__u32 kind, const struct wire_routine_key *key,
	const struct wire_thread *thread, struct task_struct *task)
{
	struct wire_control *record = bpf_ringbuf_reserve(&control, sizeof(*record), 0);

	if (!record)
		return count(WIRE_COUNTER_CONTROL_DROPPED);
	record->kind = kind;
	record->pad = 0;
	record->time_ns = bpf_ktime_get_boot_ns();
	record->key = *key;
	record->start_arg = thread ? thread->start_arg : 0;
	record->call_site = thread ? thread->call_site : 0;
	BPF_CORE_READ_STR_INTO(&record->process_comm, task, group_leader, comm);
	bpf_ringbuf_submit(record, BPF_RB_FORCE_WAKEUP);
}

#endif
