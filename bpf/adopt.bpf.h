/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * adopt.bpf.h - threads that ran before us, taken into the account when first seen.
 */
#ifndef TW_ADOPT_BPF_H
#define TW_ADOPT_BPF_H

#include "bpf/emit.bpf.h"

/* All that the task itself tells; the caller may learn a start function after it. */
static __always_inline void adopt_fill(
	struct wire_thread *thread, const struct wire_process *process, struct task_struct *task)
{
	thread->process = *process;
	thread->start_ns = task->start_boottime;
	thread->tid = task->pid;
	thread->flags = WIRE_THREAD_ADOPTED;
	thread->source = WIRE_SOURCE_COMM;
	thread->origin_stack = WIRE_STACK_NONE;
	if (task->flags & PF_KTHREAD) {
		thread->flags |= WIRE_THREAD_KERNEL;
	} else {
		thread->pthread = task->thread.fsbase;
		if (task->pid == task->tgid) {
			thread->flags |= WIRE_THREAD_MAIN;
			thread->source = WIRE_SOURCE_SYMBOL;
		}
	}
	if (thread->source == WIRE_SOURCE_COMM)
		BPF_CORE_READ_STR_INTO(&thread->name, task, comm);
}

/* callable: of a thread behind a trampoline, else NULL. */
static __always_inline void adopt_count(
	struct thread_state *thread, struct task_struct *task, const struct wire_callable *callable)
{
	struct wire_routine_key key = thread_key(&thread->wire);
	bool created;
	struct wire_routine_stats *stats = stats_of_birth(thread, &key, &created);

	if (!stats)
		return;
	__sync_fetch_and_add(&stats->adopted, 1);
	stats_name_process(stats, thread, task);
	if (callable && (created || thread->wire.trampoline == WIRE_TRAMPOLINE_PYTHON))
		emit_routine(&key, &thread->wire, task, callable);
}

#endif
