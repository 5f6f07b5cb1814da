/* SPDX-License-Identifier: GPL-2.0-only */
/* test_target_libc.c - which files are a libc, and how it lays its threads out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <pthread.h>

#include "target/target.h"
#include "test_target_elf.h"

#define MUSL	      "/lib/ld-musl-x86_64.so.1"
#define START_ROUTINE "_thread_db_pthread_start_routine"

/* What is in the file must be what runs: the thread finds its start function there. */
static void *read_own_start(void *argument)
{
	const struct libc_layout *layout = argument;

	return *(void **)((char *)pthread_self() + layout->start_routine_offset);
}

static void knows_the_running_glibc(void **state)
{
	struct module_cache *cache = module_cache_new(4);
	struct libc_layout layout;
	struct module *module;
	uint64_t vaddr, bytes;
	pthread_t thread;
	Dl_info info;
	void *start;

	(void)state;
	assert_int_not_equal(dladdr((void *)gnu_get_libc_version, &info), 0);
	module = open_path(cache, info.dli_fname);
	assert_non_null(module);
	assert_int_equal(libc_layout_of(module, &layout), 0);
	assert_true(layout.glibc);
	assert_int_equal(module_symbol(module, "pthread_create", &vaddr, &bytes), 0);
	assert_int_equal(layout.pthread_create_offset, module_vaddr_to_offset(module, vaddr));
	assert_int_not_equal(layout.start_routine_offset, 0);
	assert_int_equal(pthread_create(&thread, NULL, read_own_start, &layout), 0);
	assert_int_equal(pthread_join(thread, &start), 0);
	/* A sanitizer starts threads by a function of its own, so that only this is sure: */
	assert_int_not_equal(dladdr(start, &info), 0);
	module_put(module);
	module_cache_free(cache);
}

static void knows_musl(void **state)
{
	struct module_cache *cache = module_cache_new(4);
	struct module *module = open_path(cache, MUSL);
	struct libc_layout layout;

	(void)state;
	if (!module) {
		module_cache_free(cache);
		skip();
	}
	assert_int_equal(libc_layout_of(module, &layout), 0);
	assert_false(layout.glibc);
	assert_int_not_equal(layout.pthread_create_offset, 0);
	assert_int_equal(layout.start_routine_offset, 0);
	module_put(module);
	module_cache_free(cache);
}

struct libc_case {
	const char *symbols[3]; /* functions in .symtab */
	uint32_t field[3];	/* of nptl_db; bits 0: no such symbol */
	bool needs_library;
	int expected;
	bool glibc;
	uint32_t start_routine;
};

static const struct libc_case libcs[] = {
	{{"pthread_create"}, {64, 1, 1592}, true, 0, true, 1592},
	{{"pthread_create"}, {64, 0, 8}, false, 0, true, 8},
	{{"pthread_create"}, {32, 1, 1592}, true, 0, true, 0},
	{{"pthread_create"}, {64, 2, 1592}, true, 0, true, 0},
	{{"pthread_create"}, {64, 1, 1593}, true, 0, true, 0},
	{{"pthread_create"}, {64, 1, 65536}, true, 0, true, 0},
	{{"pthread_create"}, {0}, false, 0, false, 0},			  /* musl */
	{{"pthread_create", "__libc_setup_tls"}, {0}, false, 0, true, 0}, /* static glibc */
	{{"pthread_create"}, {0}, true, -ENOENT, false, 0},		  /* an interceptor */
	{{"pthread_join"}, {64, 1, 1592}, false, -ENOENT, false, 0},
	{{"xpthread_create"}, {64, 1, 1592}, false, -ENOENT, false, 0},
};

static struct module *open_libc(struct module_cache *cache, const struct libc_case *libc)
{
	const Elf64_Dyn needed = {.d_tag = DT_NEEDED};
	struct image_symbol symbols[4];
	struct image image;
	size_t count = 0;

	for (; count < 3 && libc->symbols[count]; count++)
		symbols[count] = (struct image_symbol){libc->symbols[count],
			TEXT_VADDR + 16 * (count + 1), 16, STT_FUNC, STB_WEAK};
	if (libc->field[0])
		symbols[count++] = (struct image_symbol){
			START_ROUTINE, DATA_VADDR, 12, STT_OBJECT, STB_GLOBAL};
	image_init(&image);
	memcpy(image.bytes + DATA_OFFSET, libc->field, sizeof(libc->field));
	if (libc->needs_library)
		memcpy(image.bytes + DATA_OFFSET + 16, &needed, sizeof(needed));
	image.segments[2] =
		(Elf64_Phdr){.p_type = PT_DYNAMIC, .p_offset = DATA_OFFSET + 16, .p_filesz = 32};
	image.header.e_phnum = 3;
	image_symbols(&image, SHT_SYMTAB, symbols, count);
	return open_image(cache, &image);
}

static void tells_a_libc_from_others(void **state)
{
	struct module_cache *cache = module_cache_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(libcs) / sizeof(libcs[0]); i++) {
		struct module *module = open_libc(cache, &libcs[i]);
		struct libc_layout layout = {0};

		assert_int_equal(libc_layout_of(module, &layout), libcs[i].expected);
		assert_int_equal(layout.glibc, libcs[i].glibc);
		assert_int_equal(layout.start_routine_offset, libcs[i].start_routine);
		assert_int_equal(
			layout.pthread_create_offset, libcs[i].expected ? 0 : TEXT_OFFSET + 16);
		module_put(module);
	}
	module_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_running_glibc),
		cmocka_unit_test(knows_musl),
		cmocka_unit_test(tells_a_libc_from_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
