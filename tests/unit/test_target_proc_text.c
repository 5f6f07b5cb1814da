/* SPDX-License-Identifier: GPL-2.0-only */
/* test_target_proc_text.c - short files as text, start times behind hostile names, arrays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/array.h"
#include "target/proc_text.h"

#define TAIL "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20"

static void reads_and_cuts(void **state)
{
	char text[PROC_STAT_BYTES] = "x", cut[4] = "x";

	(void)state;
	assert_true(proc_text_read(AT_FDCWD, "/proc/self/stat", text, sizeof(text)));
	assert_true(proc_text_read(AT_FDCWD, "/proc/self/stat", cut, sizeof(cut)));
	assert_int_equal(strlen(cut), sizeof(cut) - 1);
	assert_memory_equal(cut, text, sizeof(cut) - 1);
	assert_false(proc_text_read(AT_FDCWD, "/proc/self/no such file", text, sizeof(text)));
	assert_string_equal(text, "");
	strcpy(text, "x");
	assert_false(proc_text_read(AT_FDCWD, "/dev/null", text, sizeof(text)));
	assert_string_equal(text, "");
	strcpy(text, "x");
	assert_false(proc_text_read(AT_FDCWD, "/proc/self", text, sizeof(text)));
	assert_string_equal(text, "");
}

static void counts_fields_behind_the_name(void **state)
{
	static const char *const good[] = {
		"1 (a) " TAIL, "1 (a) 2 (b) " TAIL, "1 (()) ( ) ) " TAIL, "1 (\n) " TAIL};
	static const char *const bad[] = {"", "1", "1 (a)", "1 (a) S 1 2 3", "1 a " TAIL,
		"1 (a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 x"};
	char text[PROC_STAT_BYTES];
	uint64_t ticks = 0, renamed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(proc_text_start_ticks(good[i], &ticks));
		assert_int_equal(ticks, 4711);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(proc_text_start_ticks(bad[i], &ticks));
	assert_int_equal(ticks, 4711);
	assert_true(proc_text_read(AT_FDCWD, "/proc/self/stat", text, sizeof(text)));
	assert_true(proc_text_start_ticks(text, &ticks));
	prctl(PR_SET_NAME, ") S 1 2 3 4 5");
	assert_true(proc_text_read(AT_FDCWD, "/proc/self/stat", text, sizeof(text)));
	assert_true(proc_text_start_ticks(text, &renamed));
	assert_int_equal(renamed, ticks);
}

static void arrays_grow(void **state)
{
	size_t room = 0;
	int *array = array_grow(NULL, &room, 1, sizeof(*array)), *more;

	(void)state;
	assert_non_null(array);
	assert_int_equal(room, ARRAY_FIRST);
	array[0] = 4711;
	assert_ptr_equal(array_grow(array, &room, ARRAY_FIRST, sizeof(*array)), array);
	more = array_grow(array, &room, 10 * ARRAY_FIRST, sizeof(*array));
	assert_non_null(more);
	assert_true(room >= 10 * ARRAY_FIRST);
	more[room - 1] = 1;
	assert_int_equal(more[0], 4711);
	free(more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_cuts),
		cmocka_unit_test(counts_fields_behind_the_name),
		cmocka_unit_test(arrays_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
