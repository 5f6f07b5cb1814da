/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * state.bpf.c - the one definition of the words that all programs share.
 */
#include "bpf/state.bpf.h"

const volatile __u32 cfg_whole_system = 0;
const volatile __u32 cfg_events = 0;
const volatile __u32 cfg_attached = 0;
const volatile struct wire_layout cfg_layout = {};
const volatile __u32 cfg_origin_wake_bytes = 0;
const volatile __u32 cfg_origin_stacks = WIRE_ORIGIN_NONE;
const volatile __u32 cfg_cgroup_count = 0;
const volatile __u64 cfg_cgroups[WIRE_CGROUPS_MAX] = {};
const volatile __u32 cfg_wake = 1;
const volatile __u32 cfg_wake_bytes = RING_DEFAULT / 8;

__u64 counters[WIRE_COUNTER_COUNT] = {};
__u32 name_count = 0;
__u32 fallback_used = 0;
__u32 frame_rules_told = 0;
__u64 timeboxes_begun = 0;
__u64 attached_ns = 0;
__u64 next_deadline_ns = 0;
__u32 origin_stack_count = 0;
__u32 want_wait = 0;
__u32 watch_flags = 0;
__u32 announce_adopted = 0;
__u64 identify_address = 0;

char LICENSE[] SEC("license") = "GPL";
