// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_model_snapshot.c - snapshots own their strings, and grouping counts each thread once.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/snapshot.h"

#define NOW_NS 1000

/* A thread with at most two spans, in few words. */
struct row {
	uint32_t pid, tid;
	const char *birth;
	enum name_source source;
	bool heuristic;
	uint64_t start_ns;
	uint32_t state;
	const char *outer, *inner; /* NULL: none */
	uint64_t outer_ns, inner_ns;
};

static struct snapshot_thread make_thread(const struct row *row)
{
	struct snapshot_thread thread = {
		.pid = row->pid,
		.tid = row->tid,
		.process = row->pid == 1 ? "one" : "two",
		.comm = "comm",
		.birth = {row->birth, row->source, row->heuristic},
		.start_ns = row->start_ns,
		.state = row->state,
	};

	if (row->outer)
		thread.spans[thread.span_count++] =
			(struct snapshot_span){.name = row->outer, .begin_ns = row->outer_ns};
	if (row->inner)
		thread.spans[thread.span_count++] =
			(struct snapshot_span){.name = row->inner, .begin_ns = row->inner_ns};
	return thread;
}

static const struct row rows[] = {
	{2, 21, "pool", SOURCE_SYMBOL, false, 500, WIRE_STATE_SLEEPING, NULL, NULL, 0, 0},
	{1, 13, "worker", SOURCE_SYMBOL, true, 900, WIRE_STATE_RUNNING, NULL, NULL, 0, 0},
	{1, 11, "worker", SOURCE_SYMBOL, false, 100, WIRE_STATE_SLEEPING, NULL, NULL, 0, 0},
	{1, 12, "worker", SOURCE_SYMBOL, false, 50, WIRE_STATE_SLEEPING, "req", "sql", 700, 800},
	{1, 14, "worker", SOURCE_COMM, false, 100, WIRE_STATE_DISK, NULL, NULL, 0, 0},
	{1, 15, "beta", SOURCE_SPAWN, false, 2000, WIRE_STATE_SLEEPING, "req", NULL, 600, 0},
	{1, 16, "alpha", SOURCE_SPAWN, false, 100, WIRE_STATE_SLEEPING, "sql", NULL, 650, 0},
	{1, 17, "alpha", SOURCE_SPAWN, false, 2000, WIRE_STATE_SLEEPING, NULL, NULL, 0, 0},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

struct expected_group {
	uint32_t pid;
	const char *name;
	enum name_source source;
	bool heuristic;
	uint64_t threads, oldest_ns, running, sleeping, disk;
};

static const struct expected_group expected_groups[] = {
	{1, "sql", SOURCE_SPAN, false, 2, 350, 0, 2, 0},
	{1, "worker", SOURCE_SYMBOL, true, 2, 900, 1, 1, 0},
	{1, "alpha", SOURCE_SPAWN, false, 1, 0, 0, 1, 0},
	{1, "req", SOURCE_SPAN, false, 1, 400, 0, 1, 0},
	{1, "worker", SOURCE_COMM, false, 1, 900, 0, 0, 1},
	{2, "pool", SOURCE_SYMBOL, false, 1, 500, 0, 1, 0},
};
#define GROUPS (sizeof(expected_groups) / sizeof(expected_groups[0]))

static void check_groups(const struct snapshot *snapshot)
{
	assert_int_equal(snapshot->thread_count, ROWS);
	for (size_t i = 1; i < ROWS; i++)
		assert_true(snapshot->threads[i - 1].tid < snapshot->threads[i].tid);
	assert_int_equal(snapshot->routine_count, GROUPS);
	for (size_t i = 0; i < GROUPS; i++) {
		const struct routine_group *group = &snapshot->routines[i];
		const struct expected_group *expected = &expected_groups[i];
		assert_int_equal(group->pid, expected->pid);
		assert_string_equal(group->process, expected->pid == 1 ? "one" : "two");
		assert_string_equal(group->routine.text, expected->name);
		assert_int_equal(group->routine.source, expected->source);
		assert_int_equal(group->routine.heuristic, expected->heuristic);
		assert_int_equal(group->threads, expected->threads);
		assert_int_equal(group->oldest_ns, expected->oldest_ns);
		assert_int_equal(group->states[WIRE_STATE_RUNNING], expected->running);
		assert_int_equal(group->states[WIRE_STATE_SLEEPING], expected->sleeping);
		assert_int_equal(group->states[WIRE_STATE_DISK], expected->disk);
	}
	assert_int_equal(snapshot->span_group_count, 2);
	assert_string_equal(snapshot->span_groups[0].name, "req");
	assert_int_equal(snapshot->span_groups[0].instances, 2);
	assert_int_equal(snapshot->span_groups[0].oldest_ns, 400);
	assert_string_equal(snapshot->span_groups[1].name, "sql");
	assert_int_equal(snapshot->span_groups[1].instances, 2);
	assert_int_equal(snapshot->span_groups[1].oldest_ns, 350);
}

static void groups_do_not_depend_on_the_order(void **state)
{
	(void)state;
	for (size_t shift = 0; shift < ROWS; shift++) {
		struct snapshot *snapshot = snapshot_new(NOW_NS);
		assert_non_null(snapshot);
		for (size_t i = 0; i < ROWS; i++) {
			struct snapshot_thread thread = make_thread(&rows[(i * 3 + shift) % ROWS]);
			assert_int_equal(snapshot_add(snapshot, &thread), 0);
		}
		assert_int_equal(snapshot_group(snapshot), 0);
		check_groups(snapshot);
		snapshot_free(snapshot);
	}
}

static void many_threads_add_up(void **state)
{
	enum { THREADS = 5000, NAMES = 37 };
	struct snapshot *snapshot = snapshot_new(NOW_NS);
	uint64_t threads = 0, states = 0, instances = 0;

	(void)state;
	for (uint32_t i = 0; i < THREADS; i++) {
		char name[32];
		snprintf(name, sizeof(name), "routine-%u", i % NAMES);
		struct row row = {1, i + 1, name, SOURCE_SYMBOL, false, i, i % WIRE_STATE_COUNT,
			i % 3 == 0 ? name : NULL, NULL, i, 0};
		struct snapshot_thread thread = make_thread(&row);
		assert_int_equal(snapshot_add(snapshot, &thread), 0);
	}
	assert_int_equal(snapshot_group(snapshot), 0);
	for (size_t i = 0; i < snapshot->routine_count; i++) {
		threads += snapshot->routines[i].threads;
		for (size_t j = 0; j < WIRE_STATE_COUNT; j++)
			states += snapshot->routines[i].states[j];
	}
	for (size_t i = 0; i < snapshot->span_group_count; i++)
		instances += snapshot->span_groups[i].instances;
	assert_int_equal(threads, THREADS);
	assert_int_equal(states, THREADS);
	assert_int_equal(snapshot->routine_count, 2 * NAMES);
	assert_int_equal(snapshot->span_group_count, NAMES);
	assert_int_equal(instances, (THREADS + 2) / 3);
	snapshot_free(snapshot);
}

static void numbered_names_are_one_group(void **state)
{
	static const struct row numbered[] = {
		{1, 1, "pool-1", SOURCE_COMM, false, 100, 0, "job-1", NULL, 300, 0},
		{1, 2, "pool-2", SOURCE_COMM, true, 200, 0, NULL, NULL, 0, 0},
		{1, 3, "pool-3", SOURCE_COMM, false, 300, 0, NULL, NULL, 0, 0},
		{1, 4, "pool-4", SOURCE_SPAWN, false, 300, 0, "job-2", NULL, 400, 0},
		{1, 5, "pool-5", SOURCE_SYMBOL, false, 300, 0, NULL, NULL, 0, 0},
		{1, 6, "pool-6", SOURCE_SYMBOL, false, 300, 0, NULL, NULL, 0, 0},
	};
	struct snapshot *snapshot = snapshot_new(NOW_NS);

	(void)state;
	for (size_t i = 0; i < sizeof(numbered) / sizeof(*numbered); i++) {
		struct snapshot_thread thread = make_thread(&numbered[i]);
		thread.birth.full = "of one alone";
		assert_int_equal(snapshot_add(snapshot, &thread), 0);
	}
	snapshot->fold_numbers = true;
	assert_int_equal(snapshot_group(snapshot), 0);

	assert_int_equal(snapshot->routine_count, 4);
	assert_string_equal(snapshot->routines[0].routine.text, "job-*");
	assert_int_equal(snapshot->routines[0].threads, 2);
	assert_int_equal(snapshot->routines[0].oldest_ns, 700);
	assert_string_equal(snapshot->routines[1].routine.text, "pool-*");
	assert_int_equal(snapshot->routines[1].routine.source, SOURCE_COMM);
	assert_int_equal(snapshot->routines[1].threads, 2);
	assert_true(snapshot->routines[1].routine.heuristic);
	assert_null(snapshot->routines[1].routine.full);
	assert_string_equal(snapshot->routines[2].routine.text, "pool-5");
	assert_string_equal(snapshot->routines[2].routine.full, "of one alone");
	assert_int_equal(snapshot->span_group_count, 1);
	assert_string_equal(snapshot->span_groups[0].name, "job-*");
	assert_int_equal(snapshot->span_groups[0].instances, 2);
	/* Threads keep their own names. */
	assert_string_equal(snapshot->threads[1].birth.text, "pool-2");
	assert_string_equal(snapshot->threads[3].spans[0].name, "job-2");
	snapshot_free(snapshot);
}

static void strings_are_copies(void **state)
{
	char process[] = "process", comm[] = "comm", birth[] = "birth", site[] = "site",
	     wait[] = "wait", span[] = "span", key[] = "key", text[] = "text";
	char *borrowed[] = {process, comm, birth, site, wait, span, key, text};
	struct snapshot_thread thread = {
		.process = process,
		.comm = comm,
		.birth = {birth, SOURCE_SPAWN, false},
		.origin.call_site = site,
		.wait = wait,
		.span_count = 1,
		.spans = {{.name = span,
			.data_count = 2,
			.data = {{key, text, 0}, {key, NULL, 7}}}},
	};
	struct snapshot *snapshot = snapshot_new(NOW_NS);

	(void)state;
	assert_int_equal(snapshot_add(snapshot, &thread), 0);
	for (size_t i = 0; i < sizeof(borrowed) / sizeof(borrowed[0]); i++)
		memset(borrowed[i], '!', strlen(borrowed[i]));
	assert_int_equal(snapshot_group(snapshot), 0);

	const struct snapshot_thread *copy = &snapshot->threads[0];
	assert_string_equal(copy->process, "process");
	assert_string_equal(copy->comm, "comm");
	assert_string_equal(copy->birth.text, "birth");
	assert_string_equal(copy->origin.call_site, "site");
	assert_string_equal(copy->wait, "wait");
	assert_string_equal(copy->spans[0].name, "span");
	assert_string_equal(copy->spans[0].data[0].key, "key");
	assert_string_equal(copy->spans[0].data[0].text, "text");
	assert_null(copy->spans[0].data[1].text);
	assert_int_equal(copy->spans[0].data[1].number, 7);
	assert_string_equal(snapshot->routines[0].routine.text, "span");
	snapshot_free(snapshot);
}

static void a_string_longer_than_a_chunk_is_kept(void **state)
{
	enum { LONG_BYTES = 200 * 1000 };
	char *name = malloc(LONG_BYTES + 1);
	struct snapshot *snapshot = snapshot_new(NOW_NS);

	(void)state;
	assert_non_null(name);
	memset(name, 'n', LONG_BYTES);
	name[LONG_BYTES] = '\0';
	struct snapshot_thread thread = {
		.process = "p", .comm = "c", .birth = {name, SOURCE_SYMBOL, false}};
	assert_int_equal(snapshot_add(snapshot, &thread), 0);
	assert_string_equal(snapshot->threads[0].birth.text, name);
	assert_string_equal(snapshot->threads[0].process, "p");
	assert_null(snapshot->threads[0].wait);
	free(name);
	snapshot_free(snapshot);
}

static void limits_are_kept(void **state)
{
	struct snapshot *snapshot = snapshot_new(NOW_NS);
	struct snapshot_thread thread = {.process = "p"};

	(void)state;
	thread.state = WIRE_STATE_COUNT;
	assert_int_equal(snapshot_add(snapshot, &thread), -EINVAL);
	thread.state = 0;
	thread.span_count = WIRE_SPANS_MAX + 1;
	assert_int_equal(snapshot_add(snapshot, &thread), -EINVAL);
	thread.span_count = 1;
	thread.spans[0].data_count = WIRE_DATA_MAX + 1;
	assert_int_equal(snapshot_add(snapshot, &thread), -EINVAL);
	assert_int_equal(snapshot->thread_count, 0);
	/* Missing names are empty ones. */
	thread.spans[0].data_count = 0;
	assert_int_equal(snapshot_add(snapshot, &thread), 0);
	assert_string_equal(snapshot->threads[0].birth.text, "");
	assert_string_equal(snapshot->threads[0].spans[0].name, "");
	snapshot_free(snapshot);
}

static void empty_snapshots_group(void **state)
{
	struct snapshot *snapshot = snapshot_new(NOW_NS);

	(void)state;
	assert_int_equal(snapshot_group(snapshot), 0);
	assert_int_equal(snapshot->routine_count, 0);
	assert_int_equal(snapshot->span_group_count, 0);
	snapshot_free(snapshot);
	snapshot_free(NULL);
}

static void drops_are_replaced(void **state)
{
	struct drop_count drops[] = {{"a", 1}, {"b", 2}};
	struct snapshot *snapshot = snapshot_new(NOW_NS);

	(void)state;
	assert_int_equal(snapshot_set_drops(snapshot, drops, 2), 0);
	drops[1].count = 3;
	assert_int_equal(snapshot->drops[1].count, 2);
	assert_int_equal(snapshot_set_drops(snapshot, drops + 1, 1), 0);
	assert_int_equal(snapshot->drop_count, 1);
	assert_int_equal(snapshot->drops[0].count, 3);
	assert_int_equal(snapshot_set_drops(snapshot, NULL, 0), 0);
	assert_int_equal(snapshot->drop_count, 0);
	snapshot_free(snapshot);
}

static void states_have_names(void **state)
{
	(void)state;
	assert_string_equal(thread_state_name(WIRE_STATE_RUNNING), "running");
	assert_string_equal(thread_state_name(WIRE_STATE_SLEEPING), "sleeping");
	assert_string_equal(thread_state_name(WIRE_STATE_COUNT), "unknown");
	for (uint32_t i = 0; i < WIRE_STATE_COUNT; i++) {
		assert_string_not_equal(thread_state_name(i), "unknown");
		for (uint32_t j = 0; j < i; j++)
			assert_string_not_equal(thread_state_name(i), thread_state_name(j));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_do_not_depend_on_the_order),
		cmocka_unit_test(many_threads_add_up),
		cmocka_unit_test(numbered_names_are_one_group),
		cmocka_unit_test(strings_are_copies),
		cmocka_unit_test(a_string_longer_than_a_chunk_is_kept),
		cmocka_unit_test(limits_are_kept),
		cmocka_unit_test(empty_snapshots_group),
		cmocka_unit_test(drops_are_replaced),
		cmocka_unit_test(states_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
