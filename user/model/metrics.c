// SPDX-License-Identifier: GPL-2.0-only
/*
 * metrics.c - totals and gauges per (process name, routine name).
 *
 * Input: counters of ended processes once, counters and threads of live ones each round.
 * Invariants: a total that was once returned is never followed by a smaller one, even when a
 * round lacks a process that was there before; sums saturate instead of wrapping. A process is
 * in a round either live or harvested: one that is given as both is counted twice for good.
 * Keys that were ever counted stay; keys that only held gauges leave with their round.
 *
 * A balanced tree (tsearch), not a hash: names are hostile, and a tree has no worst case to
 * aim at; it also gives the rows in order.
 */
#include "model/fold.h"
#include "model/metrics.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ENTRIES 64

struct totals {
	uint64_t started, finished, timebox_exceeded;
};

struct counted {
	struct metrics_row row; /* first: the tree compares rows */
	struct totals harvested;
	struct totals live;
	char text[]; /* process, NUL, routine, NUL */
};

struct metrics {
	void *tree; /* of struct counted, by process, then routine */
	struct counted **entries;
	struct metrics_row *rows; /* capacity elements, so that metrics_rows cannot fail */
	size_t count;
	size_t capacity;
	uint64_t next_order;
};

static int compare_rows(const void *left, const void *right)
{
	const struct metrics_row *a = left, *b = right;
	int order = strcmp(a->process, b->process);

	return order ? order : strcmp(a->routine, b->routine);
}

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

struct metrics *metrics_new(void)
{
	return calloc(1, sizeof(struct metrics));
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	tdestroy(metrics->tree, free);
	free(metrics->entries);
	free(metrics->rows);
	free(metrics);
}

static int reserve_entry(struct metrics *metrics)
{
	if (metrics->count < metrics->capacity)
		return 0;

	size_t capacity = metrics->capacity ? metrics->capacity * 2 : FIRST_ENTRIES;
	struct counted **entries =
		reallocarray(metrics->entries, capacity, sizeof(struct counted *));
	if (!entries)
		return -ENOMEM;
	metrics->entries = entries;
	struct metrics_row *rows = reallocarray(metrics->rows, capacity, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	metrics->rows = rows;
	metrics->capacity = capacity;
	return 0;
}

static struct counted *entry_new(const char *process, const char *routine)
{
	size_t process_bytes = strlen(process) + 1;
	size_t routine_bytes = strlen(routine) + 1;
	struct counted *entry = calloc(1, sizeof(*entry) + process_bytes + routine_bytes);

	if (!entry)
		return NULL;
	entry->row.process = memcpy(entry->text, process, process_bytes);
	entry->row.routine = memcpy(entry->text + process_bytes, routine, routine_bytes);
	return entry;
}

/* The entry of a key, made when there is none; NULL without memory. */
static struct counted *entry_get(struct metrics *metrics, const char *process, const char *routine)
{
	struct metrics_row key = {.process = process, .routine = routine};
	struct counted **found = tfind(&key, &metrics->tree, compare_rows);
	if (found)
		return *found;

	if (reserve_entry(metrics))
		return NULL;
	struct counted *entry = entry_new(process, routine);
	if (!entry)
		return NULL;
	if (!tsearch(entry, &metrics->tree, compare_rows)) {
		free(entry);
		return NULL;
	}
	entry->row.order = metrics->next_order++;
	metrics->entries[metrics->count++] = entry;
	return entry;
}

static void add_stats(struct totals *totals, const struct wire_routine_stats *stats)
{
	totals->started = add_saturated(totals->started, stats->started);
	totals->finished = add_saturated(totals->finished, stats->finished);
	totals->timebox_exceeded = add_saturated(totals->timebox_exceeded, stats->timebox_exceeded);
}

int metrics_harvest(struct metrics *metrics, const char *process, const char *routine,
	const struct wire_routine_stats *stats)
{
	struct counted *entry = entry_get(metrics, process, routine);
	if (!entry)
		return -ENOMEM;
	add_stats(&entry->harvested, stats);
	entry->row.has_counters = true;
	return 0;
}

int metrics_add_live(struct metrics *metrics, const char *process, const char *routine,
	const struct wire_routine_stats *stats)
{
	struct counted *entry = entry_get(metrics, process, routine);
	if (!entry)
		return -ENOMEM;
	add_stats(&entry->live, stats);
	entry->row.has_counters = true;
	return 0;
}

void metrics_begin(struct metrics *metrics)
{
	size_t kept = 0;

	for (size_t i = 0; i < metrics->count; i++) {
		struct counted *entry = metrics->entries[i];
		if (!entry->row.has_counters) {
			tdelete(entry, &metrics->tree, compare_rows);
			free(entry);
			continue;
		}
		entry->live = (struct totals){0};
		entry->row.instances = 0;
		entry->row.oldest_ns = 0;
		memset(entry->row.states, 0, sizeof(entry->row.states));
		metrics->entries[kept++] = entry;
	}
	metrics->count = kept;
}

/* The entry of a name as the snapshot folds it. */
static struct counted *entry_of(struct metrics *metrics, const struct snapshot *snapshot,
	const struct snapshot_thread *thread, const struct routine_name *routine)
{
	char out[FOLD_BYTES];
	const char *text = routine->text;

	if (snapshot->fold_numbers)
		text = fold_numbers(text, routine->source, out);
	return entry_get(metrics, thread->process, text);
}

static int add_instance(struct metrics *metrics, const struct snapshot *snapshot,
	const struct snapshot_thread *thread, const struct routine_name *routine, uint64_t since_ns)
{
	struct counted *entry = entry_of(metrics, snapshot, thread, routine);
	if (!entry)
		return -ENOMEM;
	entry->row.instances++;
	entry->row.oldest_ns = larger(entry->row.oldest_ns, snapshot_age_ns(snapshot, since_ns));
	return 0;
}

static int add_thread(struct metrics *metrics, const struct snapshot *snapshot,
	const struct snapshot_thread *thread)
{
	struct routine_name current = snapshot_thread_routine(thread);
	struct counted *entry = entry_of(metrics, snapshot, thread, &current);
	if (!entry)
		return -ENOMEM;
	entry->row.states[thread->state]++;
	entry->row.states_seen |= 1u << thread->state;

	int err = add_instance(metrics, snapshot, thread, &thread->birth, thread->start_ns);
	for (size_t i = 0; !err && i < thread->span_count; i++) {
		const struct snapshot_span *span = &thread->spans[i];
		struct routine_name name = {.text = span->name, .source = SOURCE_SPAN};
		err = add_instance(metrics, snapshot, thread, &name, span->begin_ns);
	}
	return err;
}

int metrics_add_snapshot(struct metrics *metrics, const struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->thread_count; i++) {
		int err = add_thread(metrics, snapshot, &snapshot->threads[i]);
		if (err)
			return err;
	}
	return 0;
}

struct collector {
	struct metrics_row *rows;
	size_t count;
};

static void collect_row(const void *node, VISIT visit, void *context)
{
	if (visit != postorder && visit != leaf) /* search.h's "postorder" is in order */
		return;

	struct counted *entry = *(struct counted *const *)node;
	struct metrics_row *row = &entry->row;
	const struct totals *harvested = &entry->harvested, *live = &entry->live;
	row->started = larger(row->started, add_saturated(harvested->started, live->started));
	row->finished = larger(row->finished, add_saturated(harvested->finished, live->finished));
	row->timebox_exceeded = larger(row->timebox_exceeded,
		add_saturated(harvested->timebox_exceeded, live->timebox_exceeded));

	struct collector *collector = context;
	collector->rows[collector->count++] = *row;
}

const struct metrics_row *metrics_rows(struct metrics *metrics, size_t *count)
{
	struct collector collector = {.rows = metrics->rows};

	twalk_r(metrics->tree, collect_row, &collector);
	*count = collector.count;
	return metrics->rows;
}
