/* SPDX-License-Identifier: GPL-2.0-only */
/* test_target_maps.c - the parser of /proc/PID/maps over texts, kernel's and hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "target/maps.h"

/* Parses a copy that ends exactly where the text does, so that the sanitizer sees an overrun. */
static struct maps parse(const char *text, size_t bytes)
{
	char *copy = malloc(bytes ? bytes : 1);
	struct maps maps;

	assert_non_null(copy);
	memcpy(copy, text, bytes);
	assert_int_equal(maps_parse(copy, bytes, &maps), 0);
	free(copy);
	return maps;
}

static const char usual[] =
	"55d0c0000000-55d0c0001000 r--p 00000000 08:01 123456                     /usr/bin/a b "
	"(deleted)\n"
	"55d0c0001000-55d0c0003000 r-xp 00001000 08:01 123456                     /usr/bin/a b "
	"(deleted)\n"
	"55d0c1000000-55d0c1021000 rw-p 00000000 00:00 0                          [heap]\n"
	"7f0000000000-7f0000001000 rwxp 00000000 00:00 0 \n"
	"7f0000002000-7f0000003000 rwxs 00000000 fd:102 18446744073709551615 /x\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";

static void reads_what_the_kernel_writes(void **state)
{
	struct maps maps = parse(usual, sizeof(usual) - 1);
	const struct maps_entry *e = maps.entries;

	(void)state;
	assert_int_equal(maps.count, 6);
	assert_true(e[1].mapping.start == 0x55d0c0001000 && e[1].mapping.end == 0x55d0c0003000);
	assert_int_equal(e[1].mapping.file_offset, 0x1000);
	assert_true(e[1].mapping.executable && !e[0].mapping.executable);
	assert_int_equal(e[1].inode, 123456);
	assert_int_equal(e[1].device, makedev(8, 1));
	assert_string_equal(e[1].mapping.path, "/usr/bin/a b (deleted)");
	assert_ptr_equal(e[0].mapping.path, e[1].mapping.path);
	assert_string_equal(e[2].mapping.path, "[heap]");
	assert_string_equal(e[3].mapping.path, "");
	assert_true(e[3].mapping.executable && e[3].inode == 0);
	assert_true(e[4].inode == UINT64_MAX && e[4].device == makedev(0xfd, 0x102));
	assert_true(e[5].mapping.start == 0xffffffffff600000);
	assert_null(e[1].mapping.module);
	maps_clear(&maps);
	assert_int_equal(maps.count, 0);
}

static void finds_the_mapping_of_an_address(void **state)
{
	struct maps maps = parse(usual, sizeof(usual) - 1);

	(void)state;
	assert_null(maps_find(&maps, 0));
	assert_null(maps_find(&maps, 0x55d0bfffffff));
	assert_ptr_equal(maps_find(&maps, 0x55d0c0000000), &maps.entries[0]);
	assert_ptr_equal(maps_find(&maps, 0x55d0c0000fff), &maps.entries[0]);
	assert_ptr_equal(maps_find(&maps, 0x55d0c0001000), &maps.entries[1]);
	assert_null(maps_find(&maps, 0x55d0c0003000));
	assert_ptr_equal(maps_find(&maps, 0xffffffffff600fff), &maps.entries[5]);
	assert_null(maps_find(&maps, UINT64_MAX));
	maps_clear(&maps);
}

static const char *const broken[] = {"", "\n", "x\n", "1000\n", "1000-2000\n", "1000-2000 r-xp\n",
	"1000-2000 r-xp 0\n", "1000-2000 r-xp 0 8:1\n", "1000-2000 r-xp 0 8:1 \n",
	"1000-2000 r-x 0 8:1 5 /a\n", "2000-1000 r-xp 0 8:1 5 /a\n", "1000-1000 r-xp 0 8:1 5 /a\n",
	"-2000 r-xp 0 8:1 5 /a\n", "1000-10000000000000000 r-xp 0 8:1 5 /a\n",
	"1000-2000 r-xp 0 8:1 5x /a\n", "1000-2000 r-xp 0 8:1 123456789012345678901 /a\n",
	"1000-2000 r-xp 0 8:1 5 /a", "G000-2000 r-xp 0 8:1 5 /a\n", "1000-2000 r-xp 0 8 1 5 /a\n"};

static void skips_what_the_kernel_does_not_write(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct maps maps = parse(broken[i], strlen(broken[i]));

		if (maps.count)
			fail_msg("accepted: %s", broken[i]);
		maps_clear(&maps);
	}
}

static void goes_on_behind_a_broken_line(void **state)
{
	static const char text[] = "1000-2000 r-xp 0 8:1 5 /a\n"
				   "garbage\n"
				   "1800-3000 r-xp 0 8:1 5 /overlaps\n"
				   "2000-3000 r-xp 0 8:1 5 /with\0zero\n"
				   "500-600 r-xp 0 8:1 5 /goes back\n"
				   "2000-3000 r-xp 0 8:1 6 /b\n"
				   "3000-4000 r-xp 0 8:1 7 /cut";
	struct maps maps = parse(text, sizeof(text) - 1);

	(void)state;
	assert_int_equal(maps.count, 2);
	assert_string_equal(maps.entries[0].mapping.path, "/a");
	assert_string_equal(maps.entries[1].mapping.path, "/b");
	maps_clear(&maps);
}

/* Any cut and any changed byte gives entries that ascend, with paths that end. */
static void stands_any_text(void **state)
{
	(void)state;
	for (size_t at = 0; at < 2 * sizeof(usual); at++) {
		char text[sizeof(usual)];
		size_t bytes = at < sizeof(usual) ? at : sizeof(usual) - 1;
		uint64_t lowest = 0;
		struct maps maps;

		memcpy(text, usual, sizeof(usual));
		if (at >= sizeof(usual))
			text[at - sizeof(usual)] ^= 0x10;
		maps = parse(text, bytes);
		for (size_t i = 0; i < maps.count; i++) {
			assert_true(maps.entries[i].mapping.start >= lowest);
			assert_true(maps.entries[i].mapping.end > maps.entries[i].mapping.start);
			assert_in_range(strlen(maps.entries[i].mapping.path), 0, sizeof(usual));
			lowest = maps.entries[i].mapping.end;
		}
		maps_clear(&maps);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_the_kernel_writes),
		cmocka_unit_test(finds_the_mapping_of_an_address),
		cmocka_unit_test(skips_what_the_kernel_does_not_write),
		cmocka_unit_test(goes_on_behind_a_broken_line),
		cmocka_unit_test(stands_any_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
