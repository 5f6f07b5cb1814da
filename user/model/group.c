// SPDX-License-Identifier: GPL-2.0-only
/*
 * group.c - puts the threads and the open spans of a snapshot into the groups people read.
 *
 * Input: the threads of a snapshot, in any order. Names of one text and different sources are
 * different routines; of one text and source, a group is heuristic when any of its names is.
 * Each thread is in exactly one routine group, so that their threads add up. The result does
 * not depend on the order of adding. Strings of groups are those of the threads, or folded copies
 * of theirs in the snapshot's arena.
 */
#include "model/fold.h"
#include "model/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One instance on its way to its group. */
struct member {
	const struct snapshot_thread *thread;
	struct routine_name routine;
	uint64_t age_ns;
};

static int compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_threads(const void *left, const void *right)
{
	const struct snapshot_thread *a = left, *b = right;
	int order = compare_u64(a->pid, b->pid);

	if (!order)
		order = compare_u64(a->tid, b->tid);
	return order ? order : compare_u64(a->start_ns, b->start_ns);
}

static int compare_groups_of_members(const struct member *a, const struct member *b)
{
	int order = compare_u64(a->thread->pid, b->thread->pid);

	if (!order)
		order = strcmp(a->routine.text, b->routine.text);
	return order ? order : compare_u64(a->routine.source, b->routine.source);
}

static int compare_members(const void *left, const void *right)
{
	const struct member *a = left, *b = right;
	int order = compare_groups_of_members(a, b);

	/* Members of one group by thread, so that the group's first one is always the same. */
	return order ? order : compare_threads(a->thread, b->thread);
}

static int compare_routine_groups(const void *left, const void *right)
{
	const struct routine_group *a = left, *b = right;
	int order = compare_u64(a->pid, b->pid);

	if (!order)
		order = compare_u64(b->threads, a->threads);
	if (!order)
		order = strcmp(a->routine.text, b->routine.text);
	return order ? order : compare_u64(a->routine.source, b->routine.source);
}

static int compare_span_groups(const void *left, const void *right)
{
	const struct span_group *a = left, *b = right;
	int order = compare_u64(a->pid, b->pid);

	if (!order)
		order = compare_u64(b->instances, a->instances);
	return order ? order : strcmp(a->name, b->name);
}

static size_t count_spans(const struct snapshot *snapshot)
{
	size_t count = 0;

	for (size_t i = 0; i < snapshot->thread_count; i++)
		count += snapshot->threads[i].span_count;
	return count;
}

static void collect_threads(const struct snapshot *snapshot, struct member *members)
{
	for (size_t i = 0; i < snapshot->thread_count; i++) {
		const struct snapshot_thread *thread = &snapshot->threads[i];
		members[i] = (struct member){
			.thread = thread,
			.routine = snapshot_thread_routine(thread),
			.age_ns = snapshot_routine_age_ns(snapshot, thread),
		};
	}
}

static void collect_spans(const struct snapshot *snapshot, struct member *members)
{
	for (size_t i = 0; i < snapshot->thread_count; i++) {
		const struct snapshot_thread *thread = &snapshot->threads[i];
		for (size_t j = 0; j < thread->span_count; j++) {
			*members++ = (struct member){
				.thread = thread,
				.routine = {.text = thread->spans[j].name, .source = SOURCE_SPAN},
				.age_ns = snapshot_age_ns(snapshot, thread->spans[j].begin_ns),
			};
		}
	}
}

/* Folded names are kept once for each run of equal ones; threads of a pool come in runs. */
static int fold_names(struct snapshot *snapshot, struct member *members, size_t count)
{
	const char *last = "";
	char out[FOLD_BYTES];

	for (size_t i = 0; snapshot->fold_numbers && i < count; i++) {
		struct routine_name *routine = &members[i].routine;
		const char *folded = fold_numbers(routine->text, routine->source, out);

		if (folded == routine->text)
			continue;
		if (strcmp(folded, last) != 0)
			last = snapshot_keep(snapshot, folded);
		if (!last)
			return -ENOMEM;
		/* What is known of one name is not true of all that fold into it. */
		*routine = (struct routine_name){
			.text = last, .source = routine->source, .heuristic = routine->heuristic};
	}
	return 0;
}

static size_t sum_threads(const struct member *members, size_t count, struct routine_group *groups)
{
	size_t filled = 0;

	for (size_t i = 0; i < count; i++) {
		const struct member *member = &members[i];
		if (i == 0 || compare_groups_of_members(member - 1, member) != 0) {
			groups[filled++] = (struct routine_group){
				.pid = member->thread->pid,
				.process = member->thread->process,
				.routine = member->routine,
			};
		}
		struct routine_group *group = &groups[filled - 1];
		group->threads++;
		group->states[member->thread->state]++;
		group->routine.heuristic |= member->routine.heuristic;
		if (member->age_ns > group->oldest_ns)
			group->oldest_ns = member->age_ns;
	}
	return filled;
}

static size_t sum_spans(const struct member *members, size_t count, struct span_group *groups)
{
	size_t filled = 0;

	for (size_t i = 0; i < count; i++) {
		const struct member *member = &members[i];
		if (i == 0 || compare_groups_of_members(member - 1, member) != 0) {
			groups[filled++] = (struct span_group){
				.pid = member->thread->pid,
				.process = member->thread->process,
				.name = member->routine.text,
			};
		}
		struct span_group *group = &groups[filled - 1];
		group->instances++;
		if (member->age_ns > group->oldest_ns)
			group->oldest_ns = member->age_ns;
	}
	return filled;
}

static void sort(void *base, size_t count, size_t bytes, int (*compare)(const void *, const void *))
{
	/* qsort must not see the NULL of an empty array. */
	if (count > 1)
		qsort(base, count, bytes, compare);
}

static void free_members(struct member **members)
{
	free(*members);
}

static int group_threads(struct snapshot *snapshot, struct member *members)
{
	size_t count = snapshot->thread_count;

	collect_threads(snapshot, members);
	if (fold_names(snapshot, members, count))
		return -ENOMEM;
	sort(members, count, sizeof(*members), compare_members);
	snapshot->routine_count = sum_threads(members, count, snapshot->routines);
	sort(snapshot->routines, snapshot->routine_count, sizeof(*snapshot->routines),
		compare_routine_groups);
	return 0;
}

static int group_spans(struct snapshot *snapshot, struct member *members, size_t count)
{
	collect_spans(snapshot, members);
	if (fold_names(snapshot, members, count))
		return -ENOMEM;
	sort(members, count, sizeof(*members), compare_members);
	snapshot->span_group_count = sum_spans(members, count, snapshot->span_groups);
	sort(snapshot->span_groups, snapshot->span_group_count, sizeof(*snapshot->span_groups),
		compare_span_groups);
	return 0;
}

int snapshot_group(struct snapshot *snapshot)
{
	size_t threads = snapshot->thread_count;
	size_t spans = count_spans(snapshot);
	size_t most = (threads > spans ? threads : spans) + 1; /* calloc(0) may be NULL */

	__attribute__((cleanup(free_members))) struct member *members =
		calloc(most, sizeof(*members));
	struct routine_group *routines = calloc(threads + 1, sizeof(*routines));
	struct span_group *span_groups = calloc(spans + 1, sizeof(*span_groups));
	if (!members || !routines || !span_groups) {
		free(routines);
		free(span_groups);
		return -ENOMEM;
	}

	snapshot->routines = routines;
	snapshot->span_groups = span_groups;
	sort(snapshot->threads, threads, sizeof(*snapshot->threads), compare_threads);
	if (group_threads(snapshot, members) || group_spans(snapshot, members, spans))
		return -ENOMEM;
	return 0;
}
