/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * routine.bpf.c - the probes of include/threadwatch.h (provider `threadwatch`).
 *
 * One program serves all sites. A site's cookie is its index in usdt_sites, which says which
 * probe it is and where its arguments are.
 *
 * It cannot fault pages in, which is why the client header touches both ends of a string
 * before the probe. A sleepable program could, but see uprobe.bpf.h.
 */
#include "bpf/adopt.bpf.h"
#include "bpf/birth.bpf.h"
#include "bpf/span.bpf.h"
#include "bpf/uprobe.bpf.h"

#define ARG_SIZE_MAX 8

static __always_inline __u64 register_at(struct pt_regs *ctx, __u16 offset)
{
	__u64 value = 0;

	/* A variable offset into the context is not allowed; a read by address is. */
	bpf_probe_read_kernel(&value, sizeof(value), (void *)ctx + offset);
	return value;
}

static __always_inline __u64 sized(__u64 value, __s8 size)
{
	__u32 bytes = size < 0 ? -size : size;
	__u32 shift;

	if (!bytes || bytes >= ARG_SIZE_MAX)
		return value;
	shift = 64 - 8 * bytes;
	return size < 0 ? (__u64)((__s64)(value << shift) >> shift) : value << shift >> shift;
}

static __always_inline __u64 argument(struct pt_regs *ctx, const struct wire_arg *arg)
{
	__u64 address, value = 0;

	switch (arg->kind) {
	case WIRE_ARG_CONST:
		return arg->value;
	case WIRE_ARG_REG:
		return sized(register_at(ctx, arg->reg_offset), arg->size);
	case WIRE_ARG_MEMORY:
		address = arg->value;
		if (arg->reg_offset != WIRE_NO_REG)
			address += register_at(ctx, arg->reg_offset);
		if (arg->index_offset != WIRE_NO_REG)
			address += register_at(ctx, arg->index_offset) * arg->scale;
		bpf_probe_read_user(&value, sizeof(value), (void *)address);
		return sized(value, arg->size);
	default:
		return 0;
	}
}

/* The result of reading a string of the traced program. */
#define TEXT_WHOLE	0
#define TEXT_CUT	1
#define TEXT_UNREADABLE 2

static __always_inline int read_text(char *out, __u32 bytes, __u64 address)
{
	long length = bpf_probe_read_user_str(out, bytes, (void *)address);
	char next = 0;

	if (length < 0) {
		out[0] = '\0';
		return TEXT_UNREADABLE;
	}
	if (length < bytes)
		return TEXT_WHOLE;
	/* Full to the last byte: cut, unless the program's string ends just here. */
	bpf_probe_read_user(&next, sizeof(next), (void *)address + bytes - 1);
	return next ? TEXT_CUT : TEXT_WHOLE;
}

/* bpf_probe_read_user_str leaves what is behind the NUL as it was; names are map keys. */
static __always_inline void read_name(char *name, __u64 address)
{
	__builtin_memset(name, 0, WIRE_NAME_BYTES);
	switch (read_text(name, WIRE_NAME_BYTES, address)) {
	case TEXT_CUT:
		return count(WIRE_COUNTER_NAME_TRUNCATED);
	case TEXT_UNREADABLE:
		__builtin_memcpy(name, "?", 2);
		return count(WIRE_COUNTER_NAME_UNREADABLE);
	}
}

/* A watched process' thread that no iterator has come to yet is adopted on the spot. */
static __always_inline struct thread_state *own_thread(struct task_struct *task)
{
	struct wire_process process = process_of(task);
	struct thread_state *thread;

	if (!process_watched(&process, task))
		return NULL;
	thread = thread_get_or_create(task);
	if (!thread)
		return NULL;
	if (thread->phase == PHASE_UNKNOWN) {
		adopt_fill(&thread->wire, &process, task);
		birth_of_current(&thread->wire, task);
		if (__sync_val_compare_and_swap(&thread->phase, PHASE_UNKNOWN, PHASE_LIVE) ==
			PHASE_UNKNOWN) {
			adopt_count(thread, task, NULL);
			emit_adopted(thread, task, bpf_ktime_get_boot_ns());
		}
	}
	return thread;
}

static __always_inline void probe_begin(struct task_struct *task, struct thread_state *thread,
	__u64 name, __u64 timebox, __u64 token)
{
	struct span_state *state =
		bpf_task_storage_get(&spans, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	struct wire_span *span;
	__u64 now;

	if (!state)
		return count(WIRE_COUNTER_SPAN_STORAGE_FAILED);
	if (state->depth >= WIRE_SPANS_MAX) {
		state->depth++;
		return count(WIRE_COUNTER_SPAN_TOO_DEEP);
	}
	span = &state->slots[state->depth & (WIRE_SPANS_MAX - 1)];
	now = bpf_ktime_get_boot_ns();
	spans_write_begin(state);
	span->begin_ns = now;
	span->timebox_ns = timebox;
	span->token = token;
	span->data_count = 0;
	read_name(span->name, name);
	state->depth++;
	spans_write_end(state);
	span_started(thread, span, task, now);
}

/* One more than the index of the innermost open span that began with this token, or 0. */
static __always_inline __u32 span_find(const struct span_state *state, __u64 token)
{
	for (__u32 depth = WIRE_SPANS_MAX; depth; depth--)
		if (depth <= state->depth && state->slots[depth - 1].token == token)
			return depth;
	return 0;
}

static __always_inline void probe_end(
	struct task_struct *task, struct thread_state *thread, __u64 token)
{
	struct span_state *state = bpf_task_storage_get(&spans, task, NULL, 0);
	__u32 found;

	if (!state || !state->depth)
		return count(WIRE_COUNTER_SPAN_END_UNMATCHED);
	if (state->depth > WIRE_SPANS_MAX) {
		state->depth--;
		return;
	}
	found = span_find(state, token);
	if (!found)
		return count(WIRE_COUNTER_SPAN_END_UNMATCHED);
	/* Those within it were left without an end: longjmp, or a missing TW_END. */
	if (found < state->depth)
		__sync_fetch_and_add(&counters[WIRE_COUNTER_SPAN_ABANDONED], state->depth - found);
	spans_close_to(state, thread, task, found - 1, bpf_ktime_get_boot_ns());
}

/* Keys are padded with NULs, so whole words compare. */
static __always_inline bool same_key(const char *a, const char *b)
{
	const __u64 *x = (const void *)a, *y = (const void *)b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2];
}
_Static_assert(WIRE_KEY_BYTES == 3 * sizeof(__u64), "same_key compares three words");

/* The item of this key, or a new one; NULL when all are taken. */
static __always_inline struct wire_data *data_item(struct wire_span *span, const char *key)
{
	for (__u32 i = 0; i < WIRE_DATA_MAX; i++) {
		if (i >= span->data_count) {
			span->data_count = i + 1;
			return &span->data[i];
		}
		if (same_key(span->data[i].key, key))
			return &span->data[i];
	}
	count(WIRE_COUNTER_DATA_FULL);
	return NULL;
}

static __always_inline void probe_data(
	struct task_struct *task, __u32 kind, __u64 key_address, __u64 value)
{
	struct span_state *state = bpf_task_storage_get(&spans, task, NULL, 0);
	struct wire_span *span;
	struct wire_data *item;
	char key[WIRE_KEY_BYTES] __attribute__((aligned(8))) = {};
	int result;

	if (!state || !state->depth || state->depth > WIRE_SPANS_MAX)
		return count(WIRE_COUNTER_DATA_WITHOUT_SPAN);
	result = read_text(key, sizeof(key), key_address);
	if (result == TEXT_UNREADABLE)
		return count(WIRE_COUNTER_DATA_UNREADABLE);
	if (result == TEXT_CUT)
		count(WIRE_COUNTER_DATA_TRUNCATED);
	span = &state->slots[(state->depth - 1) & (WIRE_SPANS_MAX - 1)];
	spans_write_begin(state);
	item = data_item(span, key);
	if (item) {
		__builtin_memcpy(item->key, key, sizeof(key));
		item->kind = kind;
		item->number = kind == WIRE_DATA_INT ? (__s64)value : 0;
		item->text[0] = '\0';
		result = kind == WIRE_DATA_STRING ? read_text(item->text, sizeof(item->text), value)
						  : TEXT_WHOLE;
		if (result == TEXT_CUT)
			count(WIRE_COUNTER_DATA_TRUNCATED);
		if (result == TEXT_UNREADABLE)
			count(WIRE_COUNTER_DATA_UNREADABLE);
	}
	spans_write_end(state);
}

static __always_inline void probe_spawn(struct task_struct *task, __u64 name)
{
	struct creator_state *creator =
		bpf_task_storage_get(&creators, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!creator)
		return count(WIRE_COUNTER_SPAN_STORAGE_FAILED);
	read_name(creator->spawn_name, name);
	creator->flags |= CREATOR_SPAWN;
}

SEC("uprobe")
int on_usdt(struct pt_regs *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread_state *thread = own_thread(task);
	__u32 index = bpf_get_attach_cookie(ctx);
	struct wire_site *site;
	__u64 first, second;

	if (!thread) {
		use_kernel_stack(ctx);
		return 0;
	}
	site = bpf_map_lookup_elem(&usdt_sites, &index);
	if (!site)
		return 0;
	first = argument(ctx, &site->args[0]);
	second = argument(ctx, &site->args[1]);
	switch (site->probe) {
	case WIRE_PROBE_BEGIN:
		probe_begin(task, thread, first, second, argument(ctx, &site->args[2]));
		break;
	case WIRE_PROBE_END:
		probe_end(task, thread, first);
		break;
	case WIRE_PROBE_DATA_INT:
		probe_data(task, WIRE_DATA_INT, first, second);
		break;
	case WIRE_PROBE_DATA_STR:
		probe_data(task, WIRE_DATA_STRING, first, second);
		break;
	case WIRE_PROBE_SPAWN:
		probe_spawn(task, first);
		break;
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
