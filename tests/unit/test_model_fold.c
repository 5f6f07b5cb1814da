// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_model_fold.c - which numbers of a name are an instance's, and which belong to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/fold.h"

struct row {
	enum name_source source;
	const char *name, *folded; /* folded NULL: stays */
};

static const struct row rows[] = {
	{SOURCE_COMM, "worker-17", "worker-*"},
	{SOURCE_SPAWN, "pool_1_thread_12", "pool_*_thread_*"},
	{SOURCE_COMM, "ThreadPoolExecutor-0_0", "ThreadPoolExecutor-*_*"},
	{SOURCE_COMM, "http-nio-8080-exec-3", "http-nio-*-exec-*"},
	{SOURCE_COMM, "kworker/0:1H", "kworker/*:*H"},
	{SOURCE_COMM, "kworker/u4:2", "kworker/u4:*"},
	{SOURCE_COMM, "kworker/1:0H-kblockd", "kworker/*:*H-kblockd"},
	{SOURCE_COMM, "Thread 7", "Thread *"},
	{SOURCE_COMM, "GC Thread#0", "GC Thread#*"},
	{SOURCE_COMM, "UV_WORKER[3]", "UV_WORKER[*]"},
	{SOURCE_COMM, "7", "*"},
	{SOURCE_COMM, "007-bond", "*-bond"},
	{SOURCE_COMM, "migration/1", "migration/*"},
	{SOURCE_COMM, "jbd2/sda1-8", "jbd2/sda1-*"},
	{SOURCE_SPAN, "order-17", "order-*"},
	{SOURCE_SPAN, "GET /user/12/cart", "GET /user/*/cart"},
	/* Glued to letters at the end: a thread's number, but part of a word for work. */
	{SOURCE_COMM, "worker17", "worker*"},
	{SOURCE_COMM, "kswapd0", "kswapd*"},
	{SOURCE_COMM, "eth0", "eth*"},
	{SOURCE_COMM, "rocksdb:low0", "rocksdb:low*"},
	{SOURCE_SPAWN, "sha256", "sha*"},
	{SOURCE_SPAN, "sha256", NULL},
	{SOURCE_SPAN, "utf8", NULL},
	{SOURCE_SPAN, "worker17", NULL},
	/* Glued to letters elsewhere. */
	{SOURCE_COMM, "http2-reader", NULL},
	{SOURCE_COMM, "dav1d-worker", NULL},
	{SOURCE_COMM, "i915/signal:0", "i915/signal:*"},
	{SOURCE_SPAWN, "3d-render", NULL},
	{SOURCE_SPAWN, "conn-7f3a", NULL},
	{SOURCE_SPAWN, "conn-7FA", NULL},
	{SOURCE_COMM, "bio_close_file", NULL},
	{SOURCE_COMM, "tokio-runtime-w", NULL},
	{SOURCE_COMM, "worker-*", NULL},
	{SOURCE_COMM, "", NULL},
	{SOURCE_COMM, "-", NULL},
	/* Names of code. */
	{SOURCE_SYMBOL, "worker2", NULL},
	{SOURCE_SYMBOL, "sha256_update", NULL},
	{SOURCE_SYMBOL, "main._omp_fn.0", NULL},
	{SOURCE_SYMBOL, "libfoo.so.6+0x1234", NULL},
	{SOURCE_TYPE, "main::{lambda()#1}", NULL},
	{SOURCE_TYPE, "std::tuple<int[4]>", NULL},
	/* Beyond ASCII, and no UTF-8 at all: bytes are letters, and stay. */
	{SOURCE_COMM, "线程-7", "线程-*"},
	{SOURCE_COMM, "线程7", "线程*"},
	{SOURCE_SPAN, "线程7", NULL},
	{SOURCE_COMM, "7线程", NULL},
	{SOURCE_COMM, "\xff-3-\x80", "\xff-*-\x80"},
	{SOURCE_COMM, "\xe7\xba-1", "\xe7\xba-*"},
	{SOURCE_COMM, "a\n\x1b[31m-4", "a\n\x1b[31m-*"},
	/* Arabic-Indic seven: not ours to read. */
	{SOURCE_COMM, "worker-\xd9\xa7", NULL},
};

static void names_fold_as_the_rule_says(void **state)
{
	char out[FOLD_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		/* On the heap, so that a read beyond the end is seen. */
		char *name = strdup(row->name);
		const char *folded = fold_numbers(name, row->source, out);

		assert_string_equal(folded, row->folded ? row->folded : row->name);
		assert_ptr_equal(folded, row->folded ? out : name);
		free(name);
	}
}

/* What is printed as folded once reads the same when folded again. */
static void folding_twice_changes_nothing(void **state)
{
	char once[FOLD_BYTES], twice[FOLD_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *folded = fold_numbers(rows[i].name, rows[i].source, once);

		assert_ptr_equal(fold_numbers(folded, rows[i].source, twice), folded);
	}
}

static void long_names_stay(void **state)
{
	char name[FOLD_BYTES + 1], out[FOLD_BYTES];

	(void)state;
	for (size_t i = 0; i < FOLD_BYTES; i++)
		name[i] = i % 2 ? '1' : '-';
	name[FOLD_BYTES] = '\0';
	assert_ptr_equal(fold_numbers(name, SOURCE_COMM, out), name);
	name[FOLD_BYTES - 1] = '\0';
	assert_ptr_equal(fold_numbers(name, SOURCE_COMM, out), out);
	assert_int_equal(strlen(out), FOLD_BYTES - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_fold_as_the_rule_says),
		cmocka_unit_test(folding_twice_changes_nothing),
		cmocka_unit_test(long_names_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
