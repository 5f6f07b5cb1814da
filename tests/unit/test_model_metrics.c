// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_model_metrics.c - totals are exact and never go backwards; gauges are of one round.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/metrics.h"

static struct wire_routine_stats stats_of(uint64_t started, uint64_t finished, uint64_t timebox)
{
	return (struct wire_routine_stats){.started = started,
		.finished = finished,
		.timebox_exceeded = timebox,
		.adopted = 1000};
}

/* The row of a key, or NULL. */
static const struct metrics_row *find_row(
	struct metrics *metrics, const char *process, const char *routine)
{
	size_t count;
	const struct metrics_row *rows = metrics_rows(metrics, &count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].process, process) == 0 && strcmp(rows[i].routine, routine) == 0)
			return &rows[i];
	}
	return NULL;
}

static void assert_totals(struct metrics *metrics, uint64_t started, uint64_t finished)
{
	const struct metrics_row *row = find_row(metrics, "p", "r");

	assert_non_null(row);
	assert_true(row->has_counters);
	assert_int_equal(row->started, started);
	assert_int_equal(row->finished, finished);
}

static void add_live(struct metrics *metrics, uint64_t started, uint64_t finished)
{
	struct wire_routine_stats stats = stats_of(started, finished, 0);
	assert_int_equal(metrics_add_live(metrics, "p", "r", &stats), 0);
}

static void harvest(struct metrics *metrics, uint64_t started, uint64_t finished)
{
	struct wire_routine_stats stats = stats_of(started, finished, 0);
	assert_int_equal(metrics_harvest(metrics, "p", "r", &stats), 0);
}

static void totals_keep_ended_processes(void **state)
{
	struct metrics *metrics = metrics_new();

	(void)state;
	metrics_begin(metrics);
	add_live(metrics, 10, 4); /* two processes of one name */
	add_live(metrics, 1, 1);
	assert_totals(metrics, 11, 5);

	metrics_begin(metrics);
	harvest(metrics, 12, 12); /* the first one ended */
	add_live(metrics, 2, 1);
	assert_totals(metrics, 14, 13);
	assert_totals(metrics, 14, 13); /* asking changes nothing */

	metrics_begin(metrics);
	add_live(metrics, 2, 2);
	assert_totals(metrics, 14, 14);

	metrics_begin(metrics);
	harvest(metrics, 3, 3);
	assert_totals(metrics, 15, 15);

	metrics_begin(metrics);
	assert_totals(metrics, 15, 15);
	metrics_free(metrics);
}

static void a_round_that_misses_a_process_is_not_a_step_back(void **state)
{
	struct metrics *metrics = metrics_new();

	(void)state;
	metrics_begin(metrics);
	add_live(metrics, 10, 5);
	assert_totals(metrics, 10, 5);
	metrics_begin(metrics);
	assert_totals(metrics, 10, 5);
	metrics_begin(metrics);
	harvest(metrics, 11, 11);
	assert_totals(metrics, 11, 11);
	metrics_free(metrics);
}

static void random_rounds_never_go_backwards(void **state)
{
	enum { ROUNDS = 500, PROCESSES = 8 };
	struct metrics *metrics = metrics_new();
	uint64_t live[PROCESSES] = {0}, harvested = 0, last = 0, random = 7;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t sum = harvested;
		metrics_begin(metrics);
		for (int i = 0; i < PROCESSES; i++) {
			random = random * UINT64_C(6364136223846793005) + 1;
			uint32_t dice = (uint32_t)(random >> 40);
			live[i] += dice % 100;
			sum += live[i];
			if (dice % 5 == 0) {
				harvest(metrics, live[i], 0);
				harvested += live[i];
				live[i] = 0;
			} else {
				add_live(metrics, live[i], 0);
			}
		}
		const struct metrics_row *row = find_row(metrics, "p", "r");
		assert_int_equal(row->started, sum);
		assert_true(row->started >= last);
		last = row->started;
	}
	metrics_free(metrics);
}

static void sums_saturate(void **state)
{
	struct metrics *metrics = metrics_new();

	(void)state;
	metrics_begin(metrics);
	harvest(metrics, UINT64_MAX - 1, 0);
	add_live(metrics, 5, 0);
	assert_totals(metrics, UINT64_MAX, 0);
	metrics_free(metrics);
}

static void add_thread(struct snapshot *snapshot, uint32_t tid, const char *birth, uint64_t start,
	uint32_t state, const char *span, uint64_t begin)
{
	struct snapshot_thread thread = {
		.pid = 1,
		.tid = tid,
		.process = "p",
		.birth = {birth, SOURCE_SYMBOL, false},
		.start_ns = start,
		.state = state,
		.span_count = span ? 1 : 0,
		.spans = {{.name = span, .begin_ns = begin}},
	};
	assert_int_equal(snapshot_add(snapshot, &thread), 0);
}

static struct snapshot *make_snapshot(void)
{
	struct snapshot *snapshot = snapshot_new(1000);

	add_thread(snapshot, 1, "r", 100, WIRE_STATE_SLEEPING, NULL, 0);
	add_thread(snapshot, 2, "r", 50, WIRE_STATE_RUNNING, "job", 700);
	add_thread(snapshot, 3, "r", 200, WIRE_STATE_SLEEPING, "job", 600);
	assert_int_equal(snapshot_group(snapshot), 0);
	return snapshot;
}

static void gauges_count_threads_once_and_instances_by_name(void **state)
{
	struct metrics *metrics = metrics_new();
	struct snapshot *snapshot = make_snapshot();

	(void)state;
	metrics_begin(metrics);
	assert_int_equal(metrics_add_snapshot(metrics, snapshot), 0);
	snapshot_free(snapshot); /* nothing of it is kept */

	const struct metrics_row *row = find_row(metrics, "p", "r");
	assert_non_null(row);
	assert_false(row->has_counters);
	assert_int_equal(row->instances, 3);
	assert_int_equal(row->oldest_ns, 950);
	assert_int_equal(row->states[WIRE_STATE_SLEEPING], 1);
	assert_int_equal(row->states[WIRE_STATE_RUNNING], 0);
	assert_int_equal(row->states_seen, 1u << WIRE_STATE_SLEEPING);
	row = find_row(metrics, "p", "job");
	assert_non_null(row);
	assert_int_equal(row->instances, 2);
	assert_int_equal(row->oldest_ns, 400);
	assert_int_equal(row->states[WIRE_STATE_SLEEPING], 1);
	assert_int_equal(row->states[WIRE_STATE_RUNNING], 1);
	metrics_free(metrics);
}

static void gauges_fold_as_the_snapshot_does(void **state)
{
	struct metrics *metrics = metrics_new();
	struct snapshot *snapshot = snapshot_new(1000);
	size_t count;

	(void)state;
	snapshot->fold_numbers = true;
	add_thread(snapshot, 1, "function1", 100, WIRE_STATE_SLEEPING, "job-1", 700);
	add_thread(snapshot, 2, "function1", 50, WIRE_STATE_SLEEPING, "job-2", 600);
	assert_int_equal(snapshot_group(snapshot), 0);
	metrics_begin(metrics);
	assert_int_equal(metrics_add_snapshot(metrics, snapshot), 0);
	snapshot_free(snapshot);

	metrics_rows(metrics, &count);
	assert_int_equal(count, 2);
	assert_int_equal(find_row(metrics, "p", "function1")->instances, 2);
	assert_int_equal(find_row(metrics, "p", "job-*")->instances, 2);
	assert_int_equal(find_row(metrics, "p", "job-*")->oldest_ns, 400);
	assert_int_equal(find_row(metrics, "p", "job-*")->states[WIRE_STATE_SLEEPING], 2);
	metrics_free(metrics);
}

static void gauges_are_forgotten_and_counted_keys_stay(void **state)
{
	struct metrics *metrics = metrics_new();
	struct snapshot *snapshot = make_snapshot();
	size_t count;

	(void)state;
	metrics_begin(metrics);
	add_live(metrics, 3, 0);
	assert_int_equal(metrics_add_snapshot(metrics, snapshot), 0);
	metrics_rows(metrics, &count);
	assert_int_equal(count, 2);
	uint64_t order = find_row(metrics, "p", "r")->order;

	metrics_begin(metrics);
	assert_null(find_row(metrics, "p", "job"));
	const struct metrics_row *row = find_row(metrics, "p", "r");
	assert_non_null(row);
	assert_int_equal(row->instances, 0);
	assert_int_equal(row->oldest_ns, 0);
	assert_int_equal(row->states[WIRE_STATE_SLEEPING], 0);
	assert_int_equal(row->states_seen, 1u << WIRE_STATE_SLEEPING);
	assert_int_equal(row->order, order);
	assert_int_equal(row->started, 3);
	snapshot_free(snapshot);
	metrics_free(metrics);
}

static void rows_are_sorted_and_complete(void **state)
{
	enum { ROWS = 20000 };
	struct metrics *metrics = metrics_new();
	struct wire_routine_stats stats = stats_of(1, 1, 1);
	size_t count;

	(void)state;
	assert_non_null(metrics);
	metrics_rows(metrics, &count);
	assert_int_equal(count, 0);
	for (int i = 0; i < ROWS; i++) {
		char process[32], routine[32];
		snprintf(process, sizeof(process), "process-%d", i * 7919 % 100);
		snprintf(routine, sizeof(routine), "routine-%d", i);
		assert_int_equal(metrics_harvest(metrics, process, routine, &stats), 0);
	}
	const struct metrics_row *rows = metrics_rows(metrics, &count);
	assert_int_equal(count, ROWS);
	for (size_t i = 1; i < count; i++) {
		int order = strcmp(rows[i - 1].process, rows[i].process);
		assert_true(order < 0 ||
			    (order == 0 && strcmp(rows[i - 1].routine, rows[i].routine) < 0));
		assert_int_equal(rows[i].timebox_exceeded, 1);
	}
	metrics_free(metrics);
	metrics_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(totals_keep_ended_processes),
		cmocka_unit_test(a_round_that_misses_a_process_is_not_a_step_back),
		cmocka_unit_test(random_rounds_never_go_backwards),
		cmocka_unit_test(sums_saturate),
		cmocka_unit_test(gauges_count_threads_once_and_instances_by_name),
		cmocka_unit_test(gauges_fold_as_the_snapshot_does),
		cmocka_unit_test(gauges_are_forgotten_and_counted_keys_stay),
		cmocka_unit_test(rows_are_sorted_and_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
