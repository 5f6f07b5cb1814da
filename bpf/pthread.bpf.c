/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pthread.bpf.c - the call of pthread_create, in every libc that user space could attach to.
 *
 * Runs on the creator at the function's entry: arguments in registers, return address on top
 * of the stack. Leaves them for task_newtask, which follows in the same thread.
 */
#include "bpf/origin.bpf.h"
#include "bpf/state.bpf.h"
#include "bpf/uprobe.bpf.h"

SEC("uprobe")
int on_pthread_create(struct pt_regs *ctx)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct wire_process process = process_of(current);
	struct creator_state *creator;

	if (!process_watched(&process, current))
		return 0;
	creator = bpf_task_storage_get(&creators, current, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!creator) {
		use_kernel_stack(ctx);
		return 0;
	}
	creator->start_fn = ctx->dx;
	creator->start_arg = ctx->cx;
	creator->stack_pointer = ctx->sp;
	creator->frame_pointer = ctx->bp;
	creator->flags &= ~CREATOR_CALL;
	if (bpf_probe_read_user(&creator->call_site, sizeof(creator->call_site), (void *)ctx->sp))
		return 0;
	creator->origin_stack = origin_take_stack(ctx, &process, creator->call_site);
	creator->flags |= CREATOR_CALL;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
