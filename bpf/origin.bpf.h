/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * origin.bpf.h - who created a thread, in the middle of what, and from where.
 *
 * The creator's routine is noted at task_newtask, as a key that user space can name. The user
 * stack is taken one step earlier, on entry of pthread_create, and goes into a ring of its own;
 * its number waits in the creator's storage. It is walked by frame pointers, or copied with the
 * registers for user space to unwind. Nothing is taken unless somebody will read it
 * (cfg_origin_stacks). Not a BPF_MAP_TYPE_STACK_TRACE: its hash has no chains, so that stacks
 * that collide are lost, and processes come and go with ever new ones.
 */
#ifndef TW_ORIGIN_BPF_H
#define TW_ORIGIN_BPF_H

#include "bpf/stats.bpf.h"

#define ORIGIN_RING	 (16u << 20)
#define USER_PAGE_BYTES	 4096u
#define COPY_WHOLE_PAGES (WIRE_COPY_BYTES / USER_PAGE_BYTES - 1)

/* include/uapi/linux/bpf.h */
#define STACK_OF_USER (1ull << 8) /* BPF_F_USER_STACK */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, ORIGIN_RING);
} origin_stacks SEC(".maps") __weak;

extern const volatile __u32 cfg_origin_stacks; /* WIRE_ORIGIN_* */
extern const volatile __u32 cfg_origin_wake_bytes;
extern __u32 origin_stack_count;

/* The innermost routine of the creator that has a name. */
static __always_inline void origin_note_creator(
	struct wire_thread *thread, struct task_struct *creator)
{
	struct thread_state *state = thread_get(creator);
	struct span_state *open = bpf_task_storage_get(&spans, creator, NULL, 0);
	struct wire_routine_key key;
	__u32 depth;

	thread->origin_stack = WIRE_STACK_NONE;
	thread->creator_id = 0;
	thread->creator_source = 0;
	if (!cfg_events || !state || state->phase != PHASE_LIVE)
		return;
	if (open && open->depth) {
		depth = open->depth < WIRE_SPANS_MAX ? open->depth : WIRE_SPANS_MAX;
		thread->creator_id = open->slots[(depth - 1) & (WIRE_SPANS_MAX - 1)].name_id;
		thread->creator_source = WIRE_SOURCE_SPAN;
		return;
	}
	key = thread_key(&state->wire);
	thread->creator_id = key.id;
	thread->creator_source = key.source;
}

/* After execve an address or a callable of the creator's image means nothing any more; the
 * number of a name still does, and 0 is every image's main. */
static __always_inline void origin_forget_image(struct wire_thread *thread)
{
	thread->origin_stack = WIRE_STACK_NONE;
	if (thread->creator_source == WIRE_SOURCE_TYPE ||
		(thread->creator_source == WIRE_SOURCE_SYMBOL && thread->creator_id)) {
		thread->creator_id = 0;
		thread->creator_source = 0;
	}
}

/* Copies from the stack pointer on; the last page that is there ends it. A read is all or
 * nothing, hence page by page. Returns the bytes copied. */
static __always_inline __u32 origin_copy_stack(struct wire_stack_copy *copy, __u64 from)
{
	__u32 first = USER_PAGE_BYTES - (from & (USER_PAGE_BYTES - 1));
	__u32 done = first;

	if (bpf_probe_read_user(copy->stack, first, (void *)from))
		return 0;
	for (__u32 i = 0; i < COPY_WHOLE_PAGES; i++) {
		if (bpf_probe_read_user(copy->stack + first + i * USER_PAGE_BYTES, USER_PAGE_BYTES,
			    (void *)(from + first + i * USER_PAGE_BYTES)))
			break;
		done += USER_PAGE_BYTES;
	}
	return done;
}

/* Registers in DWARF's order, the return address as the last. */
static __always_inline void origin_copy_registers(
	struct wire_stack_copy *copy, const struct pt_regs *ctx, __u64 call_site)
{
	__u64 *registers = copy->registers;

	registers[0] = ctx->ax;
	registers[1] = ctx->dx;
	registers[2] = ctx->cx;
	registers[3] = ctx->bx;
	registers[4] = ctx->si;
	registers[5] = ctx->di;
	registers[6] = ctx->bp;
	registers[7] = ctx->sp;
	registers[8] = ctx->r8;
	registers[9] = ctx->r9;
	registers[10] = ctx->r10;
	registers[11] = ctx->r11;
	registers[12] = ctx->r12;
	registers[13] = ctx->r13;
	registers[14] = ctx->r14;
	registers[15] = ctx->r15;
	registers[16] = call_site;
}

/* Readers look a few dozen times a second; a burst must not fill the ring until then. */
static __always_inline __u64 origin_wake_flags(void)
{
	return wake_when(&origin_stacks, cfg_origin_wake_bytes);
}

static __always_inline __s32 origin_next_id(void)
{
	return __sync_fetch_and_add(&origin_stack_count, 1) & WIRE_STACK_ID_MASK;
}

static __always_inline __s32 origin_take_copy(
	struct pt_regs *ctx, const struct wire_process *process, __u64 call_site)
{
	struct wire_stack_copy *copy = bpf_ringbuf_reserve(&origin_stacks, sizeof(*copy), 0);
	__s32 id;

	if (!copy) {
		count(WIRE_COUNTER_ORIGIN_STACKS_LOST);
		return WIRE_STACK_NONE;
	}
	copy->process = *process;
	copy->pad = 0;
	origin_copy_registers(copy, ctx, call_site);
	copy->bytes = origin_copy_stack(copy, ctx->sp);
	if (!copy->bytes) {
		count(WIRE_COUNTER_ORIGIN_STACKS_LOST);
		bpf_ringbuf_discard(copy, BPF_RB_NO_WAKEUP);
		return WIRE_STACK_NONE;
	}
	id = origin_next_id();
	copy->id = id;
	bpf_ringbuf_submit(copy, origin_wake_flags());
	return id;
}

static __always_inline __s32 origin_take_walk(
	struct pt_regs *ctx, const struct wire_process *process, __u64 call_site)
{
	struct wire_stack_walk *walk = bpf_ringbuf_reserve(&origin_stacks, sizeof(*walk), 0);
	long bytes;
	__s32 id;

	if (!walk) {
		count(WIRE_COUNTER_ORIGIN_STACKS_LOST);
		return WIRE_STACK_NONE;
	}
	walk->process = *process;
	walk->call_site = call_site;
	bytes = bpf_get_stack(ctx, walk->frames, sizeof(walk->frames), STACK_OF_USER);
	walk->count = bytes > 0 ? bytes / sizeof(__u64) : 0;
	id = origin_next_id();
	walk->id = id;
	bpf_ringbuf_submit(walk, origin_wake_flags());
	return id;
}

/* On entry of pthread_create. */
static __always_inline __s32 origin_take_stack(
	struct pt_regs *ctx, const struct wire_process *process, __u64 call_site)
{
	switch (cfg_origin_stacks) {
	case WIRE_ORIGIN_COPIES:
		return origin_take_copy(ctx, process, call_site);
	case WIRE_ORIGIN_FRAMES:
		return origin_take_walk(ctx, process, call_site);
	default:
		return WIRE_STACK_NONE;
	}
}

#endif
