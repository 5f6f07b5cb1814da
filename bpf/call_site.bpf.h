/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * call_site.bpf.h - from where a run-time system was asked for a thread.
 *
 * pthread_create returns into libstdc++ for each std::thread of a program. The call that its
 * author wrote is some frames further out, past functions that most often have no frame
 * pointer. User space tells what call frame information says of their return addresses
 * (`frame_rules`, by place in a file); here these rules are followed, while the creator is
 * within the call and its stack cannot change. An address without a rule is where the author's
 * code begins: the walk ends there. `frames` remembers per image what an address has, so that
 * each costs one look-up.
 *
 * A walk that cannot go on although there may be a rule keeps the address that it reached, and
 * is counted.
 */
#ifndef TW_CALL_SITE_BPF_H
#define TW_CALL_SITE_BPF_H

#include "bpf/callable.bpf.h"

#define FRAME_RULES_MAX 131072
#define FRAMES_KNOWN	16384
#define FRAMES_WALKED	24 /* std::async without optimisation has 13 */
#define WORD_BYTES	8

/* What was found at a return address. `told`: how many times user space had told rules by then;
 * that there is none counts only until it tells more. */
struct frame_known {
	struct wire_frame_rule rule;
	__u32 found;
	__u32 told;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, FRAME_RULES_MAX);
	__type(key, struct wire_place);
	__type(value, struct wire_frame_rule);
} frame_rules SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FRAMES_KNOWN);
	__type(key, struct wire_start);
	__type(value, struct frame_known);
} frames SEC(".maps") __weak;

extern __u32 frame_rules_told;

struct frame_walk {
	struct task_struct *task;
	struct wire_start at; /* start_fn is the return address that was reached */
	__u64 sp, bp;	      /* when that returns */
	bool inner;	      /* not known to be at its end */
};

/* false: the mappings were busy, nothing is known. */
static __noinline bool frame_rule_at(
	struct task_struct *task, const struct wire_start *key, struct frame_known *out)
{
	struct frame_known *known = bpf_map_lookup_elem(&frames, key);
	struct mapping_at at = {.address = key->start_fn};
	struct wire_frame_rule *rule;

	out->told = READ_ONCE(frame_rules_told);
	if (known && (known->found || known->told == out->told)) {
		out->found = known->found;
		out->rule = known->rule;
		return true;
	}
	if (!find_mapping(task, &at))
		return false;
	rule = at.place.inode ? bpf_map_lookup_elem(&frame_rules, &at.place) : NULL;
	out->found = rule != NULL;
	if (rule)
		out->rule = *rule;
	bpf_map_update_elem(&frames, key, out, BPF_ANY);
	return true;
}

static long frame_outwards(__u32 index, void *context)
{
	struct frame_walk *walk = context;
	struct frame_known known = {};
	__u64 cfa, bp, return_address = 0;

	walk->inner = true;
	if (!frame_rule_at(walk->task, &walk->at, &known))
		return 1;
	if (!known.found) {
		walk->inner = false;
		return 1;
	}
	cfa = (known.rule.flags & WIRE_FRAME_CFA_RBP ? walk->bp : walk->sp) +
	      (__s64)known.rule.cfa_offset;
	bp = walk->bp;
	/* Callers are further up; a rule that says otherwise is from a broken file. */
	if (cfa <= walk->sp ||
		bpf_probe_read_user(
			&return_address, sizeof(return_address), (void *)(cfa - WORD_BYTES)) ||
		((known.rule.flags & WIRE_FRAME_RBP_SAVED) &&
			bpf_probe_read_user(
				&bp, sizeof(bp), (void *)(cfa + (__s64)known.rule.rbp_offset))) ||
		!return_address)
		return 1;
	walk->at.start_fn = return_address;
	walk->sp = cfa;
	walk->bp = bp;
	return 0;
}

/* The return address of the outermost call that rules lead to, from the call of pthread_create
 * which the current task is in. */
static __noinline __u64 call_site_outwards(
	const struct creator_state *creator, struct task_struct *current)
{
	struct frame_walk walk = {
		.task = current,
		.at = {.process = process_of(current), .start_fn = creator->call_site},
		.sp = creator->stack_pointer + WORD_BYTES,
		.bp = creator->frame_pointer,
	};

	bpf_loop(FRAMES_WALKED, frame_outwards, &walk, 0);
	if (walk.inner)
		count(WIRE_COUNTER_CALL_SITES_INNER);
	return walk.at.start_fn;
}

#endif
