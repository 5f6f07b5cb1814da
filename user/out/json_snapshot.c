// SPDX-License-Identifier: GPL-2.0-only
/*
 * json_snapshot.c - a snapshot as one JSON line (docs/json.md).
 *
 * Input: a grouped snapshot. `routines`, `spans` and `drops` are always there, maybe empty;
 * `thread_list` only when options ask for threads. Fields that are not known are left out.
 */
#include "out/json_parts.h"

static void put_states(struct json_writer *json, const uint64_t *states)
{
	json_key(json, "states");
	json_object_begin(json);
	for (uint32_t i = 0; i < WIRE_STATE_COUNT; i++)
		json_put_known_u64(json, thread_state_name(i), states[i]);
	json_object_end(json);
}

static void put_routines(struct json_writer *json, const struct snapshot *snapshot)
{
	json_key(json, "routines");
	json_array_begin(json);
	for (size_t i = 0; i < snapshot->routine_count; i++) {
		const struct routine_group *group = &snapshot->routines[i];
		json_object_begin(json);
		json_put_u64(json, "pid", group->pid);
		json_put_known_text(json, "process", group->process);
		json_put_routine(json, &group->routine);
		json_put_u64(json, "threads", group->threads);
		json_put_u64(json, "oldest_ns", group->oldest_ns);
		put_states(json, group->states);
		json_object_end(json);
	}
	json_array_end(json);
}

static void put_span_groups(struct json_writer *json, const struct snapshot *snapshot)
{
	json_key(json, "spans");
	json_array_begin(json);
	for (size_t i = 0; i < snapshot->span_group_count; i++) {
		const struct span_group *group = &snapshot->span_groups[i];
		json_object_begin(json);
		json_put_u64(json, "pid", group->pid);
		json_put_known_text(json, "process", group->process);
		json_put_known_text(json, "routine", group->name);
		json_put_u64(json, "instances", group->instances);
		json_put_u64(json, "oldest_ns", group->oldest_ns);
		json_object_end(json);
	}
	json_array_end(json);
}

static void put_thread_spans(struct json_writer *json, const struct snapshot *snapshot,
	const struct snapshot_thread *thread)
{
	json_key(json, "spans");
	json_array_begin(json);
	for (size_t i = 0; i < thread->span_count; i++) {
		const struct snapshot_span *span = &thread->spans[i];
		json_object_begin(json);
		json_put_known_text(json, "routine", span->name);
		json_put_known_u64(json, "start_ns", span->begin_ns);
		json_put_u64(json, "age_ns", snapshot_age_ns(snapshot, span->begin_ns));
		json_put_known_u64(json, "timebox_ns", span->timebox_ns);
		json_put_data(json, span->data, span->data_count);
		json_object_end(json);
	}
	json_array_end(json);
}

static void put_thread(struct json_writer *json, const struct snapshot *snapshot,
	const struct snapshot_thread *thread)
{
	struct routine_name routine = snapshot_thread_routine(thread);

	json_object_begin(json);
	json_put_known_u64(json, "pid", thread->pid);
	json_put_known_u64(json, "tid", thread->tid);
	json_put_known_u64(json, "ns_pid", thread->ns_pid);
	json_put_known_u64(json, "ns_tid", thread->ns_tid);
	json_put_known_text(json, "process", thread->process);
	json_put_known_text(json, "comm", thread->comm);
	json_put_routine(json, &routine);
	json_put_known_u64(json, "start_ns", thread->start_ns);
	json_put_u64(json, "age_ns", snapshot_age_ns(snapshot, thread->start_ns));
	json_put_text(json, "state", thread_state_name(thread->state));
	json_put_u64(json, "cpu_ns", thread->cpu_ns);
	json_put_known_text(json, "wait", thread->wait);
	if (thread->detached || thread->joinable)
		json_put_bool(json, "detached", thread->detached);
	json_put_origin(json, &thread->origin);
	json_put_confinement(json, &thread->confinement);
	if (thread->span_count) {
		const struct snapshot_span *innermost = &thread->spans[thread->span_count - 1];
		json_put_known_text(json, "birth", thread->birth.text);
		put_thread_spans(json, snapshot, thread);
		json_put_data(json, innermost->data, innermost->data_count);
	}
	json_object_end(json);
}

int json_snapshot(FILE *out, const struct out_options *options, const struct snapshot *snapshot)
{
	struct json_writer json = {.out = out};

	json_line_begin(&json, "snapshot", options, snapshot->boot_ns);
	json_put_u64(&json, "threads", snapshot->thread_count);
	put_routines(&json, snapshot);
	put_span_groups(&json, snapshot);
	json_put_drops(&json, snapshot->drops, snapshot->drop_count);
	if (options->threads) {
		json_key(&json, "thread_list");
		json_array_begin(&json);
		for (size_t i = 0; i < snapshot->thread_count; i++)
			put_thread(&json, snapshot, &snapshot->threads[i]);
		json_array_end(&json);
	}
	return json_line_end(&json);
}
