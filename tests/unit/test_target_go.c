/* SPDX-License-Identifier: GPL-2.0-only */
/* test_target_go.c - which files are Go programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test_target_elf.h"

/* Is a file of this type with one section, of this name and type, a Go program? */
static bool is_go(uint16_t file_type, const char *section, uint32_t section_type)
{
	struct module_cache *cache = module_cache_new(1);
	struct module *module;
	struct image image;
	bool result;

	image_init(&image);
	image.header.e_type = file_type;
	image_section(&image, section, section_type, "note", sizeof("note"));
	module = open_image(cache, &image);
	assert_non_null(module);
	result = module_is_go(module);
	module_put(module);
	module_cache_free(cache);
	return result;
}

static void a_program_says_so_itself(void **state)
{
	(void)state;
	assert_true(is_go(ET_EXEC, ".note.go.buildid", SHT_NOTE));
	assert_true(is_go(ET_EXEC, ".go.buildinfo", SHT_PROGBITS));
}

static void others_are_not(void **state)
{
	(void)state;
	assert_false(is_go(ET_EXEC, ".note.gnu.build-id", SHT_NOTE));
	assert_false(is_go(ET_EXEC, ".go.buildinfo", SHT_NOBITS));
	assert_false(is_go(ET_EXEC, ".note.go.buildid.", SHT_NOTE));
}

/* Without an interpreter this type is a library. */
static void a_library_is_none(void **state)
{
	(void)state;
	assert_false(is_go(ET_DYN, ".note.go.buildid", SHT_NOTE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_says_so_itself),
		cmocka_unit_test(others_are_not),
		cmocka_unit_test(a_library_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
