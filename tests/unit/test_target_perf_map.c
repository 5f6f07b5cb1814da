/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_target_perf_map.c - names of code made at run time: the text of /tmp/perf-PID.map, and
 * the file of this very process, true and false ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/module_internal.h"

#define DEADLINE_S 60

static size_t add(struct perf_map *map, const char *text)
{
	return perf_map_add(map, text, strlen(text));
}

static void expect(
	const struct perf_map *map, uint64_t address, const char *name, uint64_t distance)
{
	uint64_t actual;
	const char *found = perf_map_look(map, address, &actual);

	if (!name) {
		assert_null(found);
		return;
	}
	if (!found || strcmp(found, name) != 0)
		fail_msg("%" PRIx64 " is %s", address, found ? found : "nothing");
	assert_int_equal(actual, distance);
}

static void finds_what_covers(void **state)
{
	struct perf_map_account account = {0};
	struct perf_map *map = perf_map_new(&account);

	(void)state;
	expect(map, 0x100, NULL, 0);
	assert_int_equal(add(map, "200 10 two\n100 10 one one\n300 ffffffffffff all"), 26);
	expect(map, 0xff, NULL, 0);
	expect(map, 0x10f, "one one", 0xf);
	expect(map, 0x110, NULL, 0);
	expect(map, 0x200, "two", 0);
	expect(map, 0x300, NULL, 0); /* that line is not whole yet */
	add(map, "0X1 1 odd\n180 8 between\n0x400 0x10 hex\n");
	expect(map, 0x187, "between", 7);
	expect(map, 0x400, "hex", 0);
	/* Memory is used again: the newest holds, also within and around an older one. */
	add(map, "104 4 inner\n1fe 20 around\n");
	expect(map, 0x103, "one one", 3);
	expect(map, 0x104, "inner", 0);
	expect(map, 0x108, "one one", 8);
	expect(map, 0x208, "around", 10);
	add(map, "100 4 one again\n");
	expect(map, 0x100, "one again", 0);
	expect(map, 0x10f, "one one", 0xf);
	assert_true(account.bytes_held > 0);
	perf_map_free(map);
	assert_int_equal(account.bytes_held, 0);
	perf_map_free(NULL);
}

static void passes_over_what_is_no_line(void **state)
{
	static const char text[] = "\n \n100\n100 10\n100 10 \n100 0 empty\nxyz 10 no\n"
				   "11112222333344445 10 long\n-1 10 no\n0x 10 no\n100 10 n\0l\n"
				   "ffffffffffffffff ffffffffffffffff end\n";
	struct perf_map_account account = {0};
	struct perf_map *map = perf_map_new(&account);

	(void)state;
	assert_int_equal(perf_map_add(map, text, sizeof(text) - 1), sizeof(text) - 1);
	expect(map, 0x100, NULL, 0);
	expect(map, 0, NULL, 0);
	expect(map, UINT64_MAX, "end", 0);
	assert_int_equal(account.refused, 0);
	perf_map_free(map);
}

/* More lines than are held: some names are missing then, and it is told. */
static void is_bounded(void **state)
{
	struct perf_map_account account = {0};
	struct perf_map *map = perf_map_new(&account);
	const size_t lines = (1u << 20) + 1, line_bytes = 12;
	char *text = malloc(lines * line_bytes + 1);

	(void)state;
	for (size_t i = 0; i < lines; i++)
		sprintf(text + i * line_bytes, "%07zx 1 n\n", i);
	assert_int_equal(perf_map_add(map, text, lines * line_bytes), lines * line_bytes);
	assert_int_equal(account.refused, 1);
	expect(map, lines - 2, "n", 0);
	expect(map, lines - 1, NULL, 0);
	perf_map_free(map);
	free(text);
}

struct made {
	char path[64];
	char *code;
	struct target *target;
};

static void write_map(const struct made *made, const char *mode, const char *format, ...)
{
	FILE *file = fopen(made->path, mode);
	va_list args;

	assert_non_null(file);
	va_start(args, format);
	vfprintf(file, format, args);
	va_end(args);
	fclose(file);
}

static struct made make_code(void **state)
{
	struct made made;

	snprintf(made.path, sizeof(made.path), "/tmp/perf-%d.map", (int)getpid());
	made.code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(made.code, MAP_FAILED);
	made.target = target_open(*state, getpid());
	assert_non_null(made.target);
	return made;
}

static void unmake(struct made *made)
{
	unlink(made->path);
	munmap(made->code, 4096);
	target_free(made->target);
}

static void expect_made(const struct made *made, uint64_t offset, const char *name)
{
	struct symbol symbol;

	assert_int_equal(
		target_symbolize(made->target, (uint64_t)(uintptr_t)made->code + offset, &symbol),
		0);
	assert_true(symbol.executable);
	assert_int_equal(symbol.resolved, name != NULL);
	assert_int_equal(symbol.may_be_told, name == NULL);
	if (name)
		assert_string_equal(symbol.text, name);
	else
		assert_memory_equal(symbol.text, "[anon]+0x", 9);
}

static void names_code_made_at_run_time(void **state)
{
	struct made made = make_code(state);
	uint64_t code = (uint64_t)(uintptr_t)made.code;
	char text[64];

	expect_made(&made, 0, NULL);
	write_map(&made, "w", "%" PRIx64 " 10 JS:*first a.js:1\n", code);
	expect_made(&made, 0, "JS:*first a.js:1");
	expect_made(&made, 0x20, NULL);
	write_map(&made, "a", "0x%" PRIx64 " 0x10 second", code + 0x20);
	expect_made(&made, 0x20, NULL); /* the line is not whole yet */
	write_map(&made, "a", "\n");
	expect_made(&made, 0x2f, "second");
	assert_int_equal(target_call_site(made.target, code + 0x22, text, sizeof(text)), 0);
	assert_string_equal(text, "second+0x2");
	write_map(&made, "w", "%" PRIx64 " 8 other\n", code + 0x30); /* anew, shorter */
	expect_made(&made, 0x30, "other");
	assert_int_equal(module_cache_perf_maps_refused(*state), 0);
	unmake(&made);
}

static void does_not_believe_a_file_of_someone_else(void **state)
{
	struct made made = make_code(state);
	uint64_t code = (uint64_t)(uintptr_t)made.code;
	struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	char other[80];

	write_map(&made, "w", "%" PRIx64 " 10 worker\n", code);
	assert_int_equal(utimensat(AT_FDCWD, made.path, old, 0), 0);
	expect_made(&made, 0, NULL); /* of an earlier process with this number */
	assert_int_equal(module_cache_perf_maps_refused(*state), 0);
	snprintf(other, sizeof(other), "%s.other", made.path);
	assert_int_equal(rename(made.path, other), 0);
	assert_int_equal(utimensat(AT_FDCWD, other, NULL, 0), 0);
	assert_int_equal(symlink(other, made.path), 0);
	expect_made(&made, 0, NULL);
	assert_int_equal(module_cache_perf_maps_refused(*state), 1);
	unlink(made.path);
	assert_int_equal(link(other, made.path), 0);
	expect_made(&made, 0, NULL);
	unlink(other);
	if (!geteuid()) {
		assert_int_equal(chown(made.path, 12345, 12345), 0);
		expect_made(&made, 0, NULL);
		assert_int_equal(chown(made.path, 0, 0), 0);
	}
	expect_made(&made, 0, "worker");
	assert_int_equal(module_cache_perf_maps_refused(*state), 1); /* once a process */
	unlink(made.path);
	assert_int_equal(mkfifo(made.path, 0600), 0); /* it must not block */
	expect_made(&made, 0x800, NULL);
	unmake(&made);
}

static int new_cache(void **state)
{
	*state = module_cache_new(8);
	return *state ? 0 : -1;
}

static int free_cache(void **state)
{
	module_cache_free(*state);
	return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, new_cache, free_cache)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_covers),
		cmocka_unit_test(passes_over_what_is_no_line),
		cmocka_unit_test(is_bounded),
		TEST(names_code_made_at_run_time),
		TEST(does_not_believe_a_file_of_someone_else),
	};

	alarm(DEADLINE_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
