// SPDX-License-Identifier: GPL-2.0-only
/*
 * series.c - keeps an exposition valid and small, whatever the names are.
 *
 * Input: metrics rows. Names that read the same once escaped become one row, since two samples
 * with equal labels make the whole file invalid. When the rows need more than max_series
 * samples, those that came last are summed under routine="other".
 *
 * Counters must not go backwards when rows are summed, so a row that was once summed must stay
 * so. Therefore the choice hangs only on things that never shrink: the order of first
 * appearance, the states ever seen (a sample each), and the number of processes.
 */
#include "out/series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "out/utf8.h"

/* Samples of a row: instances and oldest age; three counters. */
#define GAUGE_SERIES   2
#define COUNTER_SERIES 3
#define ROW_SERIES_MAX (GAUGE_SERIES + COUNTER_SERIES + WIRE_STATE_COUNT)

static int compare_labels(const void *left, const void *right)
{
	const struct metrics_row *a = left, *b = right;
	int order = strcmp(a->process, b->process);

	return order ? order : strcmp(a->routine, b->routine);
}

static int compare_order(const void *left, const void *right)
{
	const struct metrics_row *const *a = left, *const *b = right;

	return (*a)->order < (*b)->order ? -1 : (*a)->order > (*b)->order;
}

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static void add_row(struct metrics_row *sum, const struct metrics_row *row)
{
	sum->started = add_saturated(sum->started, row->started);
	sum->finished = add_saturated(sum->finished, row->finished);
	sum->timebox_exceeded = add_saturated(sum->timebox_exceeded, row->timebox_exceeded);
	sum->instances = add_saturated(sum->instances, row->instances);
	if (row->oldest_ns > sum->oldest_ns)
		sum->oldest_ns = row->oldest_ns;
	for (size_t i = 0; i < WIRE_STATE_COUNT; i++)
		sum->states[i] = add_saturated(sum->states[i], row->states[i]);
	sum->has_counters |= row->has_counters;
	sum->states_seen |= row->states_seen;
	if (row->order < sum->order)
		sum->order = row->order;
}

/* Does escape_prometheus lose something of this unit? */
static bool is_replaced(const struct utf8_unit *unit)
{
	return unit->kind == UTF8_INVALID || (unit->kind == UTF8_HIDDEN && unit->code != '\n');
}

static bool is_faithful(const char *text)
{
	struct utf8_unit unit;

	while (utf8_next(&text, &unit)) {
		if (is_replaced(&unit))
			return false;
	}
	return true;
}

/* A copy with U+FFFD for what escape_prometheus would replace; NULL without memory. */
static char *replaced_copy(const char *text)
{
	char *copy = malloc(strlen(text) * strlen(UTF8_REPLACEMENT) + 1);
	if (!copy)
		return NULL;

	struct utf8_unit unit;
	char *at = copy;
	while (utf8_next(&text, &unit)) {
		if (is_replaced(&unit))
			at = stpcpy(at, UTF8_REPLACEMENT);
		else
			at = mempcpy(at, unit.start, unit.bytes);
	}
	*at = '\0';
	return copy;
}

/* Lets *label be what a reader of the exposition will see. */
static int make_readable(struct series_set *set, const char **label)
{
	if (is_faithful(*label))
		return 0;

	char **texts = reallocarray(set->texts, set->text_count + 1, sizeof(char *));
	if (!texts)
		return -ENOMEM;
	set->texts = texts;
	char *copy = replaced_copy(*label);
	if (!copy)
		return -ENOMEM;
	set->texts[set->text_count++] = copy;
	*label = copy;
	return 0;
}

/* Copies the rows and joins those whose labels read the same. */
static int copy_unique(struct series_set *set, const struct metrics_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		set->rows[i] = rows[i];
		int err = make_readable(set, &set->rows[i].process);
		if (!err)
			err = make_readable(set, &set->rows[i].routine);
		if (err)
			return err;
	}
	if (count > 1)
		qsort(set->rows, count, sizeof(*set->rows), compare_labels);
	for (size_t i = 0; i < count; i++) {
		if (set->count && compare_labels(&set->rows[set->count - 1], &set->rows[i]) == 0)
			add_row(&set->rows[set->count - 1], &set->rows[i]);
		else
			set->rows[set->count++] = set->rows[i];
	}
	return 0;
}

static size_t series_of(const struct metrics_row *row)
{
	return GAUGE_SERIES + (row->has_counters ? COUNTER_SERIES : 0) +
	       (size_t)__builtin_popcount(row->states_seen);
}

static size_t count_processes(const struct series_set *set)
{
	size_t count = 0;

	for (size_t i = 0; i < set->count; i++) {
		if (i == 0 || strcmp(set->rows[i - 1].process, set->rows[i].process) != 0)
			count++;
	}
	return count;
}

/* What does not fit is summed per process, unless that alone took half of the room. */
struct plan {
	size_t room; /* series left for rows of their own */
	bool per_process;
};

static struct plan make_plan(const struct series_set *set, size_t max_series)
{
	size_t needed = 0;

	for (size_t i = 0; i < set->count; i++)
		needed += series_of(&set->rows[i]);
	if (max_series == 0 || needed <= max_series)
		return (struct plan){.room = needed, .per_process = true};

	size_t processes = count_processes(set);
	bool per_process = processes == 1 || processes * ROW_SERIES_MAX <= max_series / 2;
	size_t reserved = (per_process ? processes : 1) * ROW_SERIES_MAX;
	return (struct plan){
		.room = max_series > reserved ? max_series - reserved : 0,
		.per_process = per_process,
	};
}

/* Marks in keep[] the rows that stay; ranked is scratch for as many pointers as rows. */
static void choose(
	struct series_set *set, const struct plan *plan, struct metrics_row **ranked, bool *keep)
{
	size_t used = 0;

	for (size_t i = 0; i < set->count; i++)
		ranked[i] = &set->rows[i];
	if (set->count > 1)
		qsort(ranked, set->count, sizeof(*ranked), compare_order);
	for (size_t i = 0; i < set->count; i++) {
		used += series_of(ranked[i]);
		if (used > plan->room) {
			set->folded = set->count - i;
			return;
		}
		keep[ranked[i] - set->rows] = true;
	}
}

static bool is_other(const char *label)
{
	return strcmp(label, SERIES_OTHER) == 0;
}

/* Builds the result: rows kept, behind those of each process its sum, at the end the sum of
 * all. Rows that are themselves called "other" join the sum they cannot be told from. */
static size_t fold(const struct series_set *set, const struct plan *plan, const bool *keep,
	struct metrics_row *out)
{
	struct metrics_row all = {
		.process = SERIES_OTHER, .routine = SERIES_OTHER, .order = UINT64_MAX};
	bool any_in_all = false;
	size_t filled = 0;

	for (size_t i = 0; i < set->count;) {
		const char *process = set->rows[i].process;
		bool own = plan->per_process && !is_other(process);
		struct metrics_row rest = {
			.process = process, .routine = SERIES_OTHER, .order = UINT64_MAX};
		bool any_in_rest = false;

		for (; i < set->count && strcmp(set->rows[i].process, process) == 0; i++) {
			const struct metrics_row *row = &set->rows[i];
			if (keep[i] && !is_other(row->routine)) {
				out[filled++] = *row;
			} else if (own || (keep[i] && !is_other(process))) {
				add_row(&rest, row);
				any_in_rest = true;
			} else {
				add_row(&all, row);
				any_in_all = true;
			}
		}
		if (any_in_rest)
			out[filled++] = rest;
	}
	if (any_in_all)
		out[filled++] = all;
	return filled;
}

static void free_pointer(void *pointer)
{
	free(*(void **)pointer);
}

int series_prepare(
	const struct metrics_row *rows, size_t count, size_t max_series, struct series_set *out)
{
	__attribute__((cleanup(series_release))) struct series_set set = {0};
	__attribute__((cleanup(free_pointer))) bool *keep = calloc(count + 1, sizeof(*keep));
	__attribute__((cleanup(free_pointer))) struct metrics_row **ranked =
		calloc(count + 1, sizeof(struct metrics_row *));
	/* At most one sum a process, and the sum of all. */
	__attribute__((cleanup(free_pointer))) struct metrics_row *result =
		calloc(2 * count + 1, sizeof(*result));

	set.rows = calloc(count + 1, sizeof(*set.rows));
	if (!keep || !ranked || !result || !set.rows)
		return -ENOMEM;

	int err = copy_unique(&set, rows, count);
	if (err)
		return err;
	struct plan plan = make_plan(&set, max_series);
	choose(&set, &plan, ranked, keep);
	size_t filled = fold(&set, &plan, keep, result);

	free(set.rows);
	set.rows = result;
	set.count = filled;
	result = NULL;
	*out = set;
	set = (struct series_set){0};
	return 0;
}

void series_release(struct series_set *set)
{
	for (size_t i = 0; i < set->text_count; i++)
		free(set->texts[i]);
	free(set->texts);
	free(set->rows);
	*set = (struct series_set){0};
}
