/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * snapshot.bpf.c - walks over all tasks: the snapshot, the watch request, the timebox scan.
 *
 * The kernel calls each program once per task, and again for the same task when its output
 * did not fit in the reader's buffer: nothing here may depend on being called once.
 */
#include "bpf/adopt.bpf.h"
#include "bpf/birth.bpf.h"
#include "bpf/span.bpf.h"

#define TORN_RETRIES 4

extern __u32 want_wait;
extern __u64 next_deadline_ns;
extern __u64 identify_address;

struct snapshot_scratch {
	struct wire_thread_record record;
	struct wire_callable callable;
	struct wire_span spans[WIRE_SPANS_MAX];
};

/* One walk at a time: the reader is our own single thread. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct snapshot_scratch);
} snapshot_scratch SEC(".maps");

/* include/linux/sched.h */
#define STATE_INTERRUPTIBLE   0x1
#define STATE_UNINTERRUPTIBLE 0x2
#define STATE_STOPPED	      0x4
#define STATE_TRACED	      0x8
#define STATE_PARKED	      0x40
#define STATE_DEAD	      0x80
#define STATE_NOLOAD	      0x400
#define EXIT_STATE_DEAD	      0x10
#define EXIT_STATE_ZOMBIE     0x20

static __always_inline __u32 state_of(struct task_struct *task)
{
	__u32 state = task->__state;

	if (task->exit_state & EXIT_STATE_ZOMBIE)
		return WIRE_STATE_ZOMBIE;
	if (task->exit_state & EXIT_STATE_DEAD)
		return WIRE_STATE_DEAD;
	if (state & TASK_NEW)
		return WIRE_STATE_NEW;
	if (state & STATE_STOPPED)
		return WIRE_STATE_STOPPED;
	if (state & STATE_TRACED)
		return WIRE_STATE_TRACED;
	if (state & STATE_PARKED)
		return WIRE_STATE_PARKED;
	if (state & STATE_DEAD)
		return WIRE_STATE_DEAD;
	if (state & STATE_UNINTERRUPTIBLE)
		return state & STATE_NOLOAD ? WIRE_STATE_IDLE : WIRE_STATE_DISK;
	return state & STATE_INTERRUPTIBLE ? WIRE_STATE_SLEEPING : WIRE_STATE_RUNNING;
}

/* Of a thread that has been running for a while. A raw clone may share its creator's control
 * block, which then has another tid. */
static __always_inline void adopt_read_glibc(
	struct wire_thread *thread, struct task_struct *task, __u32 ns_tid)
{
	struct wire_layout layout = layout_of(thread->process.tgid);
	struct glibc_tail tail = {};
	__u32 tid = 0;

	if (layout.start_routine < GLIBC_JOINID_BEFORE)
		return;
	if (layout.tid && (bpf_copy_from_user_task(&tid, sizeof(tid),
				   (void *)thread->pthread + layout.tid, task, 0) ||
				  tid != ns_tid))
		return;
	if (bpf_copy_from_user_task(&tail, sizeof(tail),
		    (void *)thread->pthread + layout.start_routine - GLIBC_JOINID_BEFORE, task, 0))
		return count(WIRE_COUNTER_START_UNREADABLE);
	birth_take_glibc(thread, &tail);
}

/* musl since 1.2: struct pthread tells where the stack ends, and the start_args stay there, on
 * top of it, for as long as the thread runs. */
struct musl_pthread {
	__u64 before[6];
	__u32 tid;
	__u32 errno_value;
	__u32 detach_state;
	__u32 cancel;
	__u64 cancel_flags;
	__u64 map_base;
	__u64 map_size;
	__u64 stack;
	__u64 stack_size;
};

#define MUSL_START_ARGS_BYTES 32
#define MUSL_STACK_ALIGNMENT  8

static __always_inline void adopt_read_musl(
	struct wire_thread *thread, struct task_struct *task, __u32 ns_tid)
{
	struct musl_pthread own = {};
	struct musl_start_args args = {};
	__u64 top;

	if (bpf_copy_from_user_task(&own, sizeof(own), (void *)thread->pthread, task, 0) ||
		own.tid != ns_tid || own.stack_size > own.stack)
		return;
	birth_take_musl_state(thread, own.detach_state);
	top = own.stack & ~(__u64)(MUSL_STACK_ALIGNMENT - 1);
	if (bpf_copy_from_user_task(
		    &args, sizeof(args), (void *)top - MUSL_START_ARGS_BYTES, task, 0) ||
		!is_code(task, args.start_func))
		return;
	thread->start_fn = args.start_func;
	thread->start_arg = args.start_arg;
}

static __always_inline void adopt_read_control_block(
	struct wire_thread *thread, struct task_struct *task)
{
	struct control_block_head head = {};
	__u32 ns_tgid, ns_tid;

	if (thread->source != WIRE_SOURCE_COMM || (thread->flags & WIRE_THREAD_KERNEL) ||
		!thread->pthread ||
		bpf_copy_from_user_task(&head, sizeof(head), (void *)thread->pthread, task, 0))
		return;
	namespace_ids(task, &ns_tgid, &ns_tid);
	switch (pthread_kind(&head, thread->pthread)) {
	case PTHREAD_GLIBC:
		return adopt_read_glibc(thread, task, ns_tid);
	case PTHREAD_MUSL:
		return adopt_read_musl(thread, task, ns_tid);
	}
}

/* Its birth name, as far as the thread's own memory still tells it. */
static __always_inline void adopt_read_birth(
	struct wire_thread *thread, struct wire_callable *callable, struct task_struct *task)
{
	adopt_read_control_block(thread, task);
	if (thread->start_fn)
		thread->trampoline = trampoline_of(thread, task, true);
	if (thread->trampoline != WIRE_TRAMPOLINE_NONE)
		callable_read(thread, callable, task, true);
	if (thread->source == WIRE_SOURCE_COMM)
		source_from_start(thread);
}

/*
 * Takes a thread that ran before us into the account. Not one on its way out, nor one that
 * task_newtask has not yet announced: its own exit or its creator does that.
 */
static __always_inline bool adopt(struct snapshot_scratch *scratch, struct task_struct *task)
{
	struct wire_callable *callable = NULL;
	struct thread_state *thread;

	if (!cfg_attached || (task->flags & PF_EXITING) || (task->__state & TASK_NEW))
		return false;
	thread = thread_get_or_create(task);
	if (!thread || thread->phase != PHASE_UNKNOWN)
		return false;
	thread->wire = scratch->record.thread;
	if (thread->wire.trampoline != WIRE_TRAMPOLINE_NONE)
		callable = &scratch->callable;
	if (__sync_val_compare_and_swap(&thread->phase, PHASE_UNKNOWN, PHASE_LIVE) != PHASE_UNKNOWN)
		return false;
	adopt_count(thread, task, callable);
	emit_adopted(thread, task, bpf_ktime_get_boot_ns());
	return true;
}

/* Reads what is known of the task into the record, taking it into the account when it is new. */
static __always_inline void thread_read(struct snapshot_scratch *scratch, struct task_struct *task,
	const struct wire_process *process)
{
	struct wire_thread_record *out = &scratch->record;
	struct thread_state *thread = thread_get(task);

	if (thread && thread->phase != PHASE_UNKNOWN) {
		out->thread = thread->wire;
		return;
	}
	adopt_fill(&out->thread, process, task);
	adopt_read_birth(&out->thread, &scratch->callable, task);
	if (!adopt(scratch, task))
		out->thread.flags &= ~WIRE_THREAD_ADOPTED;
}

/* Copies the open spans as they stood at one moment, or says that none was found. */
static __always_inline void spans_read(struct snapshot_scratch *scratch, struct task_struct *task)
{
	struct span_state *state = bpf_task_storage_get(&spans, task, NULL, 0);

	if (!state || !state->depth)
		return;
	for (int i = 0; i < TORN_RETRIES; i++) {
		__u32 seq = READ_ONCE(state->seq);
		__u32 depth = READ_ONCE(state->depth);

		bpf_probe_read_kernel(scratch->spans, sizeof(scratch->spans), state->slots);
		barrier();
		if (!(seq & 1) && READ_ONCE(state->seq) == seq) {
			scratch->record.span_count =
				depth < WIRE_SPANS_MAX ? depth : WIRE_SPANS_MAX;
			return;
		}
	}
	scratch->record.torn = 1;
	count(WIRE_COUNTER_SNAPSHOT_TORN);
}

SEC("iter.s/task")
int on_snapshot(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct snapshot_scratch *scratch;
	struct wire_thread_record *record;
	struct wire_process process;
	__u32 zero = 0;

	if (!task)
		return 0;
	process = process_of(task);
	scratch = bpf_map_lookup_elem(&snapshot_scratch, &zero);
	if (!scratch || !process_watched(&process, task))
		return 0;
	record = &scratch->record;
	__builtin_memset(record, 0, sizeof(*record));
	thread_read(scratch, task, &process);
	record->time_ns = bpf_ktime_get_boot_ns();
	record->cpu_ns = task->se.sum_exec_runtime;
	record->state = state_of(task);
	namespace_ids(task, &record->ns_tgid, &record->ns_tid);
	BPF_CORE_READ_STR_INTO(&record->comm, task, comm);
	BPF_CORE_READ_STR_INTO(&record->process_comm, task, group_leader, comm);
	if (want_wait && record->state != WIRE_STATE_RUNNING)
		bpf_get_task_stack(task, record->wait_ips, sizeof(record->wait_ips), 0);
	spans_read(scratch, task);
	bpf_seq_write(ctx->meta->seq, record, sizeof(*record));
	for (__u32 i = 0; i < WIRE_SPANS_MAX && i < record->span_count; i++)
		bpf_seq_write(ctx->meta->seq, &scratch->spans[i], sizeof(scratch->spans[i]));
	return 0;
}

/* Narrowed by user space to one process: starts to watch it and says who it is. */
extern __u32 watch_flags;

SEC("iter/task")
int on_watch(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct wire_watch_record record;
	struct wire_watch watch = {};

	if (!task || task->pid != task->tgid)
		return 0;
	record.process = process_of(task);
	watch.start_ns = record.process.start_ns;
	watch.flags = watch_flags;
	if (bpf_map_update_elem(&watched, &record.process.tgid, &watch, BPF_ANY)) {
		count(WIRE_COUNTER_WATCHED_FULL);
		return 0;
	}
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

/*
 * Tells each span that has outlived its timebox, once, and leaves the earliest deadline ahead
 * in next_deadline_ns (the reader sets it to 0 before). The thread may end the span while we
 * look: the claim on told_ns decides who tells it, and a slot that was reused has another
 * begin_ns by then.
 */
SEC("iter/task")
int on_timebox_scan(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct snapshot_scratch *scratch;
	struct thread_state *thread;
	struct span_state *state;
	struct wire_span *copy;
	__u64 now, deadline;
	__u32 zero = 0;

	scratch = bpf_map_lookup_elem(&snapshot_scratch, &zero);
	if (!task || !scratch)
		return 0;
	copy = &scratch->spans[0];
	state = bpf_task_storage_get(&spans, task, NULL, 0);
	thread = state ? thread_get(task) : NULL;
	if (!state || !thread || thread->phase != PHASE_LIVE)
		return 0;
	now = bpf_ktime_get_boot_ns();
	for (__u32 i = 0; i < WIRE_SPANS_MAX; i++) {
		struct wire_span *span = &state->slots[i];
		__u64 begin_ns = READ_ONCE(span->begin_ns);
		__u64 timebox_ns = READ_ONCE(span->timebox_ns);
		__u32 seq = READ_ONCE(state->seq);

		if (i >= READ_ONCE(state->depth) || (seq & 1))
			break;
		if (!timebox_ns || READ_ONCE(span->told_ns) == begin_ns)
			continue;
		deadline = begin_ns + timebox_ns;
		if (deadline > now) {
			if (!next_deadline_ns || deadline < next_deadline_ns)
				next_deadline_ns = deadline;
			continue;
		}
		/* The slot may be the next span's by the time that this one is told. */
		bpf_probe_read_kernel(copy, sizeof(*copy), span);
		if (READ_ONCE(state->seq) != seq || copy->begin_ns != begin_ns)
			next_deadline_ns = now; /* it may still be open: look again at once */
		else if (span_claim_overrun(thread, span, copy))
			emit_span(WIRE_EVENT_TIMEBOX, thread, copy, task, now);
	}
	return 0;
}

/* Narrowed by user space to itself: whose file is mapped at identify_address. Nothing is written
 * when that cannot be told now (the address space is locked). */
SEC("iter/task")
int on_identify(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct mapping_at at = {.address = identify_address};

	if (!task || task->pid != task->tgid ||
		bpf_find_vma(task, at.address, note_mapping, &at, 0) || !at.place.inode)
		return 0;
	bpf_seq_write(ctx->meta->seq, &at.place, sizeof(at.place));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
