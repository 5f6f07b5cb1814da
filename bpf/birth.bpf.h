/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * birth.bpf.h - what a thread was created for, read from its own control block.
 *
 * The thread pointer (fsbase) of a pthread is its struct pthread, on glibc and on musl. Both
 * store it in its own first word, glibc again in the third (tcbhead_t.tcb and .self); a raw
 * clone or another runtime fails this test and stays unnamed. glibc keeps the start function
 * at an offset that its libc.so exports (_thread_db_pthread_start_routine), its argument right
 * behind it, and 24 bytes before it joinid, which points to the thread itself when it was
 * created detached. musl keeps both in a struct start_args whose address lies on top of the
 * new thread's stack, readable at birth only.
 */
#ifndef TW_BIRTH_BPF_H
#define TW_BIRTH_BPF_H

#include "bpf/callable.bpf.h"

#define GLIBC_SELF_WORD	    2
#define GLIBC_JOINID_BEFORE 24
#define MUSL_DETACH_STATE   0x38
#define MUSL_STATE_JOINABLE 2
#define MUSL_STATE_DETACHED 3

struct control_block_head {
	__u64 words[3];
};

/* struct pthread from joinid on: joinid, flags and padding, start_routine, arg. */
struct glibc_tail {
	__u64 joinid;
	__u64 between[2];
	__u64 start_routine;
	__u64 arg;
};

struct musl_start_args {
	__u64 start_func;
	__u64 start_arg;
};

static __always_inline struct wire_layout layout_of(__u32 tgid)
{
	struct wire_layout *own = bpf_map_lookup_elem(&layouts, &tgid);
	struct wire_layout layout = {cfg_layout.start_routine, cfg_layout.tid};

	return own ? *own : layout;
}

#define PTHREAD_NONE  0
#define PTHREAD_GLIBC 1
#define PTHREAD_MUSL  2

static __always_inline int pthread_kind(const struct control_block_head *head, __u64 pthread)
{
	if (!pthread || head->words[0] != pthread)
		return PTHREAD_NONE;
	return head->words[GLIBC_SELF_WORD] == pthread ? PTHREAD_GLIBC : PTHREAD_MUSL;
}

static __always_inline void birth_take_glibc(
	struct wire_thread *thread, const struct glibc_tail *tail)
{
	thread->start_fn = tail->start_routine;
	thread->start_arg = tail->arg;
	thread->flags |=
		tail->joinid == thread->pthread ? WIRE_THREAD_DETACHED : WIRE_THREAD_JOINABLE;
}

/*
 * Reads the control block of a thread of the current process; says what kind it is. tid: its
 * number in its own namespace once it runs, 0 before (glibc has not written it yet); a raw
 * clone that shares its creator's control block has another.
 */
static __always_inline int birth_read_own(struct wire_thread *thread, __u32 tid)
{
	struct wire_layout layout = layout_of(thread->process.tgid);
	struct control_block_head head = {};
	struct glibc_tail tail = {};
	__u32 its_tid = 0;
	int kind;

	if (!thread->pthread || bpf_probe_read_user(&head, sizeof(head), (void *)thread->pthread))
		return PTHREAD_NONE;
	kind = pthread_kind(&head, thread->pthread);
	if (kind != PTHREAD_GLIBC || layout.start_routine < GLIBC_JOINID_BEFORE)
		return kind;
	if (tid && layout.tid &&
		(bpf_probe_read_user(
			 &its_tid, sizeof(its_tid), (void *)thread->pthread + layout.tid) ||
			its_tid != tid))
		return PTHREAD_NONE;
	if (bpf_probe_read_user(&tail, sizeof(tail),
		    (void *)thread->pthread + layout.start_routine - GLIBC_JOINID_BEFORE))
		count(WIRE_COUNTER_START_UNREADABLE);
	else
		birth_take_glibc(thread, &tail);
	return kind;
}

static __always_inline void birth_take_musl_state(struct wire_thread *thread, __u32 state)
{
	if (state == MUSL_STATE_DETACHED)
		thread->flags |= WIRE_THREAD_DETACHED;
	else if (state == MUSL_STATE_JOINABLE)
		thread->flags |= WIRE_THREAD_JOINABLE;
}

/* Sees through the trampoline of a thread of the current process. */
static __always_inline void callable_of_current(
	struct wire_thread *thread, struct task_struct *current)
{
	struct creator_state *creator;

	if (!thread->start_fn)
		return;
	thread->trampoline = trampoline_of(thread, current, false);
	if (thread->trampoline == WIRE_TRAMPOLINE_NONE)
		return;
	creator = bpf_task_storage_get(&creators, current, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (creator)
		callable_read(thread, &creator->callable, current, false);
	else
		count(WIRE_COUNTER_CALLABLE_UNREADABLE);
}

/* A start function for a thread that was adopted on itself, by a probe or at its end. */
static __always_inline void birth_of_current(struct wire_thread *thread, struct task_struct *task)
{
	__u32 ns_tgid, ns_tid;

	if (thread->source != WIRE_SOURCE_COMM)
		return;
	namespace_ids(task, &ns_tgid, &ns_tid);
	birth_read_own(thread, ns_tid);
	callable_of_current(thread, task);
	source_from_start(thread);
}

#endif
