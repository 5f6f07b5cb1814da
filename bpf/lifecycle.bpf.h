/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lifecycle.bpf.h - births, renames, execs and ends of threads: what is done at each. The
 * programs that call it are in lifecycle.bpf.c and lifecycle_second.bpf.c.
 *
 * task_newtask       in copy_process, on the creator, before the child can run. The creator
 *                    and a new thread share the address space, so the child's control block
 *                    can be read. The child is already in the task list: an iterator may see
 *                    it first, in state TASK_NEW, and leaves it alone.
 * task_rename        comm changed, perhaps by another thread (/proc/PID/task/TID/comm).
 * sched_process_exec after the point of no return, on the thread that survives. All others
 *                    have left through sched_process_exit, the old leader too; a caller that
 *                    was not the leader has taken over its pid and start time.
 * sched_process_exit in do_exit, PF_EXITING set. User memory must not be relied on (only
 *                    since 6.16 is it still there).
 * sched_process_free an RCU grace period after the task was reaped; its pid may already
 *                    belong to another process, hence the comparison of start times.
 */
#ifndef TW_LIFECYCLE_BPF_H
#define TW_LIFECYCLE_BPF_H

#include "bpf/adopt.bpf.h"
#include "bpf/birth.bpf.h"
#include "bpf/call_site.bpf.h"
#include "bpf/emit.bpf.h"
#include "bpf/origin.bpf.h"
#include "bpf/span.bpf.h"

/* User space looks at the process while it lives. */
static __always_inline void tell_routine(
	const struct wire_routine_key *key, const struct thread_state *thread, bool created)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct creator_state *creator = NULL;

	if (!created && thread->wire.trampoline != WIRE_TRAMPOLINE_PYTHON)
		return;
	if (thread->wire.callable)
		creator = bpf_task_storage_get(&creators, current, NULL, 0);
	emit_routine(key, &thread->wire, current, creator ? &creator->callable : NULL);
}

static __always_inline void thread_started(
	struct thread_state *thread, struct task_struct *task, __u64 now)
{
	struct wire_routine_key key = thread_key(&thread->wire);
	bool created;

	stats_start(stats_of_birth(thread, &key, &created), thread, task);
	if (source_is_address(key.source) && key.id)
		tell_routine(&key, thread, created);
	emit_thread(WIRE_EVENT_STARTED, thread, task, now);
}

static __always_inline void thread_finished(
	struct thread_state *thread, struct task_struct *task, __u64 now)
{
	const struct wire_thread *wire = &thread->wire;
	__u64 duration = now > wire->start_ns ? now - wire->start_ns : 0;
	struct wire_routine_stats *stats;
	struct wire_routine_key key;

	if (wire->flags & WIRE_THREAD_OTHER) {
		stats = stats_other();
	} else {
		key = thread_key(wire);
		stats = bpf_map_lookup_elem(&routine_stats, &key);
	}
	stats_finish(stats, thread, task, duration);
	emit_thread(WIRE_EVENT_FINISHED, thread, task, now);
}

/* ---- birth ---- */

/* musl keeps the start function on top of the stack of a thread that has not run yet. */
static __always_inline void birth_read_musl(struct wire_thread *thread, struct task_struct *task)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct musl_start_args args = {};
	__u32 detached;
	__u64 slot = 0;

	if (bpf_probe_read_user(&slot, sizeof(slot), (void *)regs->sp) ||
		bpf_probe_read_user(&args, sizeof(args), (void *)slot))
		return count(WIRE_COUNTER_START_UNREADABLE);
	thread->start_fn = args.start_func;
	thread->start_arg = args.start_arg;
	if (!bpf_probe_read_user(
		    &detached, sizeof(detached), (void *)thread->pthread + MUSL_DETACH_STATE))
		birth_take_musl_state(thread, detached);
}

/*
 * Takes what the uprobe on pthread_create left. A create that failed (EAGAIN) leaves it behind
 * for good, so it counts only while the call is still on the creator's stack: the stack
 * pointer is below the slot of the return address, and the slot still holds it.
 */
static __always_inline void birth_take_call(
	struct wire_thread *thread, struct creator_state *creator, struct task_struct *current)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(current);
	__u64 return_address = 0;

	if (!(creator->flags & CREATOR_CALL))
		return;
	creator->flags &= ~CREATOR_CALL;
	if (regs->sp >= creator->stack_pointer ||
		bpf_probe_read_user(
			&return_address, sizeof(return_address), (void *)creator->stack_pointer) ||
		return_address != creator->call_site)
		return;
	if (thread->start_fn && thread->start_fn != creator->start_fn)
		count(WIRE_COUNTER_START_DISAGREES);
	thread->start_fn = creator->start_fn;
	thread->start_arg = creator->start_arg;
	thread->call_site = creator->call_site;
	thread->origin_stack = creator->origin_stack;
	thread->flags |= WIRE_THREAD_UPROBE;
}

static __always_inline void birth_of_thread(
	struct wire_thread *thread, struct task_struct *task, struct task_struct *current)
{
	struct creator_state *creator = bpf_task_storage_get(&creators, current, NULL, 0);

	/* A raw clone without CLONE_SETTLS goes on with its creator's control block. */
	if (task->thread.fsbase != current->thread.fsbase)
		thread->pthread = task->thread.fsbase;
	/* A new thread of this process: its memory is ours to read. */
	if (birth_read_own(thread, 0) == PTHREAD_MUSL)
		birth_read_musl(thread, task);
	if (creator)
		birth_take_call(thread, creator, current);
	callable_of_current(thread, current);
	if (creator && thread->trampoline != WIRE_TRAMPOLINE_NONE &&
		(thread->flags & WIRE_THREAD_UPROBE))
		thread->call_site = call_site_outwards(creator, current);
	if (creator && (creator->flags & CREATOR_SPAWN)) {
		creator->flags &= ~CREATOR_SPAWN;
		thread->source = WIRE_SOURCE_SPAWN;
		__builtin_memcpy(thread->name, creator->spawn_name, sizeof(thread->name));
	} else {
		source_from_start(thread);
	}
}

/* The only thread of a new process goes on with what the forking thread was doing. */
static __always_inline void birth_of_process(
	struct wire_thread *thread, struct task_struct *current)
{
	struct thread_state *parent = thread_get(current);

	thread->flags |= WIRE_THREAD_MAIN;
	thread->source = WIRE_SOURCE_SYMBOL;
	if (!parent || parent->phase != PHASE_LIVE || (parent->wire.flags & WIRE_THREAD_KERNEL))
		return;
	thread->flags &= ~WIRE_THREAD_MAIN;
	thread->flags |= WIRE_THREAD_FORKED | (parent->wire.flags & WIRE_THREAD_MAIN);
	thread->source = parent->wire.source;
	thread->start_fn = parent->wire.start_fn;
	thread->start_arg = parent->wire.start_arg;
	thread->callable = parent->wire.callable;
	thread->trampoline = parent->wire.trampoline;
	thread->pthread = parent->wire.pthread;
	__builtin_memcpy(thread->name, parent->wire.name, sizeof(thread->name));
}

static long span_inherit(__u32 index, void *context)
{
	struct span_walk *walk = context;
	struct wire_span *span = &walk->state->slots[index & (WIRE_SPANS_MAX - 1)];

	span->begin_ns = walk->now;
	span_started(walk->thread, span, walk->task, walk->now);
	walk->state->depth = index + 1;
	return 0;
}

/* Spans that were open around fork() are open in the child too: it will end them. */
static __always_inline void inherit_spans(struct thread_state *thread, struct task_struct *task,
	struct task_struct *current, __u64 now)
{
	struct span_state *from = bpf_task_storage_get(&spans, current, NULL, 0);
	struct span_state *to;
	struct span_walk walk;

	if (!from || !from->depth)
		return;
	to = bpf_task_storage_get(&spans, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!to)
		return count(WIRE_COUNTER_SPAN_STORAGE_FAILED);
	bpf_probe_read_kernel(to->slots, sizeof(to->slots), from->slots);
	walk = (struct span_walk){.state = to, .thread = thread, .task = task, .now = now};
	bpf_loop(from->depth < WIRE_SPANS_MAX ? from->depth : WIRE_SPANS_MAX, span_inherit, &walk,
		0);
}

static __always_inline void watch_child(
	struct task_struct *current, const struct wire_process *child)
{
	struct wire_process parent = process_of(current);
	struct wire_watch *watch = watch_of(&parent);
	struct wire_watch own = {.start_ns = child->start_ns, .flags = WIRE_WATCH_FOLLOW};

	if (!watch || !(watch->flags & WIRE_WATCH_FOLLOW) || (watch->flags & WIRE_WATCH_ON_EXEC))
		return;
	if (bpf_map_update_elem(&watched, &child->tgid, &own, BPF_ANY))
		count(WIRE_COUNTER_WATCHED_FULL);
}

static __always_inline int newtask(struct task_struct *task, __u64 clone_flags)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct wire_process process = process_of(task);
	struct thread_state *thread;
	__u64 now;

	if (!(clone_flags & CLONE_THREAD) && !cfg_whole_system)
		watch_child(current, &process);
	if (!process_watched(&process, task))
		return 0;
	thread = thread_get_or_create(task);
	if (!thread || thread->phase != PHASE_UNKNOWN)
		return 0;
	thread->wire.process = process;
	thread->wire.start_ns = task->start_boottime;
	thread->wire.tid = task->pid;
	thread->wire.creator_tid = current->pid;
	thread->wire.source = WIRE_SOURCE_COMM;
	thread->wire.flags = WIRE_THREAD_BORN;
	origin_note_creator(&thread->wire, current);
	if (task->flags & PF_KTHREAD)
		thread->wire.flags |= WIRE_THREAD_KERNEL;
	else if (clone_flags & CLONE_THREAD)
		birth_of_thread(&thread->wire, task, current);
	else
		birth_of_process(&thread->wire, current);
	if (thread->wire.source == WIRE_SOURCE_COMM)
		BPF_CORE_READ_STR_INTO(&thread->wire.name, task, comm);
	if (__sync_val_compare_and_swap(&thread->phase, PHASE_UNKNOWN, PHASE_LIVE) != PHASE_UNKNOWN)
		return 0;
	if (thread->wire.flags & WIRE_THREAD_FORKED) {
		struct wire_process origin = process_of(current);

		emit_fork(&process, task, &origin);
	}
	now = bpf_ktime_get_boot_ns();
	thread_started(thread, task, now);
	/* A vfork child borrows its parent's stack until it execs: the spans stay the parent's. */
	if (!(clone_flags & (CLONE_THREAD | CLONE_VFORK | CLONE_VM)))
		inherit_spans(thread, task, current, now);
	return 0;
}

/* ---- rename, exec ---- */

/* Both padded with NULs. */
static __always_inline bool same_comm(const char *a, const char *b)
{
	const __u64 *x = (const void *)a, *y = (const void *)b;

	return x[0] == y[0] && x[1] == y[1];
}
_Static_assert(WIRE_COMM_BYTES == 2 * sizeof(__u64), "same_comm compares two words");

static __always_inline int renamed(struct task_struct *task, const char *comm)
{
	struct thread_state *thread = thread_get(task);
	char name[WIRE_COMM_BYTES] __attribute__((aligned(8))) = {};

	if (!thread || thread->phase != PHASE_LIVE)
		return 0;
	/* execve renames too, on its way to sched_process_exec, which tells it. */
	if (bpf_core_field_exists(task->in_execve) && BPF_CORE_READ_BITFIELD(task, in_execve)) {
		BPF_CORE_READ_STR_INTO(&thread->exec_comm, task, comm);
		return 0;
	}
	bpf_probe_read_kernel_str(name, sizeof(name), comm);
	if (same_comm(thread->told_comm, name))
		return 0;
	__builtin_memcpy(thread->told_comm, name, sizeof(name));
	thread->wire.flags |= WIRE_THREAD_RENAMED;
	emit_thread_as(WIRE_EVENT_NAMED, thread, task, bpf_ktime_get_boot_ns(), comm);
	return 0;
}

static __always_inline int executed(struct task_struct *task)
{
	struct wire_process process = process_of(task);
	struct wire_watch *watch = watch_of(&process);
	struct thread_state *thread;
	__u64 now;

	if (watch)
		watch->flags &= ~WIRE_WATCH_ON_EXEC;
	if (!process_watched(&process, task))
		return 0;
	thread = thread_get_or_create(task);
	if (!thread)
		return 0;
	/* execve has counted the image up: this one is known already. */
	if (thread->phase == PHASE_LIVE && thread->wire.process.image == process.image)
		return 0;
	bpf_map_delete_elem(&layouts, &process.tgid);
	emit_exec(&process, task);
	now = bpf_ktime_get_boot_ns();
	if (thread->phase == PHASE_LIVE) {
		/* Still under the tid it had in the old image, which gets no other end. */
		spans_close_all(task, thread, now);
		thread_finished(thread, task, now);
	}
	thread->exec_comm[0] = '\0';
	__builtin_memset(thread->told_comm, 0, sizeof(thread->told_comm));
	thread->wire.process = process;
	thread->wire.start_ns = now;
	thread->wire.start_fn = 0;
	thread->wire.start_arg = 0;
	thread->wire.callable = 0;
	thread->wire.trampoline = WIRE_TRAMPOLINE_NONE;
	thread->wire.pthread = 0;
	thread->wire.call_site = 0;
	origin_forget_image(&thread->wire);
	thread->wire.tid = task->pid;
	thread->wire.source = WIRE_SOURCE_SYMBOL;
	thread->wire.flags = WIRE_THREAD_MAIN;
	thread->phase = PHASE_LIVE;
	thread_started(thread, task, now);
	return 0;
}

/* ---- end ---- */

/* do_exit has counted this thread out of signal->live already. Two that leave at once may both
 * find it at 0, so it is only noted; the entry goes with the process. */
static __always_inline void watch_note_end(
	struct task_struct *task, const struct wire_process *process)
{
	struct wire_watch *watch = task->signal->live.counter ? NULL : watch_of(process);

	if (watch)
		watch->flags |= WIRE_WATCH_ENDED;
}

/* It ran before us and ends before an iterator came to it; or its birth was missed. */
static __always_inline void end_of_unknown(struct thread_state *thread, struct task_struct *task,
	const struct wire_process *process, __u64 now)
{
	adopt_fill(&thread->wire, process, task);
	/* Only where its memory is still there (since 6.16), as on all kernels that miss births. */
	birth_of_current(&thread->wire, task);
	if (task->start_boottime < attached_ns || cfg_cgroup_count) {
		adopt_count(thread, task, NULL);
		return emit_adopted(thread, task, now);
	}
	count(WIRE_COUNTER_BIRTHS_LATE);
	thread->wire.flags &= ~WIRE_THREAD_ADOPTED;
	thread_started(thread, task, now);
}

static __always_inline int exited(struct task_struct *task)
{
	struct wire_process process = process_of(task);
	struct thread_state *thread;
	__u32 phase;
	__u64 now;

	if (!process_watched(&process, task))
		return 0;
	thread = thread_get_or_create(task);
	if (!thread)
		return 0;
	now = bpf_ktime_get_boot_ns();
	phase = __sync_lock_test_and_set(&thread->phase, PHASE_EXITED);
	if (phase == PHASE_EXITED)
		return 0;
	if (phase == PHASE_UNKNOWN)
		end_of_unknown(thread, task, &process, now);
	else if (thread->wire.process.image != process.image)
		count(WIRE_COUNTER_EXECS_MISSED);
	spans_close_all(task, thread, now);
	thread_finished(thread, task, now);
	watch_note_end(task, &process);
	return 0;
}

static __always_inline int freed(struct task_struct *task)
{
	struct thread_state *thread = thread_get(task);
	struct wire_process process = {};
	struct fallback_key fallback;

	/* The task's storage is still there: an end that was missed is made good. */
	if (thread && __sync_val_compare_and_swap(&thread->phase, PHASE_LIVE, PHASE_EXITED) ==
			      PHASE_LIVE) {
		count(WIRE_COUNTER_ENDS_LATE);
		spans_close_all(task, thread, bpf_ktime_get_boot_ns());
		thread_finished(thread, task, bpf_ktime_get_boot_ns());
	}
	if (READ_ONCE(fallback_used)) {
		fallback =
			(struct fallback_key){.start_ns = task->start_boottime, .tid = task->pid};
		bpf_map_delete_elem(&threads_fallback, &fallback);
	}
	if (task->pid != task->tgid)
		return 0;
	process.tgid = task->tgid;
	process.start_ns = task->start_boottime;
	if (watch_of(&process)) {
		bpf_map_delete_elem(&watched, &process.tgid);
		bpf_map_delete_elem(&layouts, &process.tgid);
	}
	return 0;
}

#endif
