/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uprobe.bpf.h - keeps programs on uprobes off the per-CPU private stack.
 *
 * Since 6.13 a tracing program whose frame takes 64 bytes or more runs on a private stack, one
 * for each program and CPU (kernel/bpf/verifier.c, bpf_enable_priv_stack). That is sound where
 * a program cannot be entered again on the same CPU. On a uprobe it can: the task is only kept
 * from migrating, not from being preempted or, when the program is sleepable, from waiting for
 * a page, and the next task that hits the probe on this CPU writes over the first one's stack.
 * On 7.3 with preemption this panicked the kernel within a second.
 *
 * A program that contains a tail call keeps the kernel stack (check_max_stack_depth). Sleepable
 * programs may not have one, so ours on uprobes are not sleepable.
 */
#ifndef TW_UPROBE_BPF_H
#define TW_UPROBE_BPF_H

#include "bpf/state.bpf.h"

/* Stays empty: a tail call into it does nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} no_programs SEC(".maps") __weak;

/* Must appear somewhere in each program on a uprobe; best on a path that is rarely taken. */
static __always_inline void use_kernel_stack(struct pt_regs *ctx)
{
	bpf_tail_call(ctx, &no_programs, 0);
}

#endif
