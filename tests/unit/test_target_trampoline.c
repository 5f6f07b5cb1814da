/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_target_trampoline.c - start functions of run-time systems, and callables that lie.
 *
 * Files are Debian's, stripped of local symbols, and those of tests/workloads/callables.mk. The
 * lies are told by this very process about its own memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test_target_elf.h"
#include "test_target_fixture.h"

#define DEADLINE_S 60
#define LIBRARIES  "/usr/lib/x86_64-linux-gnu/"

static char callables[PATH_MAX];

struct file {
	const char *path; /* relative: a workload's */
	uint32_t kind;	  /* NONE: no trampoline is in it */
	bool anywhere;
	const char *symbol; /* of the start function; NULL: there is none */
};

static struct module *open_file(struct module_cache *cache, const char *path)
{
	char absolute[PATH_MAX + NAME_MAX];
	struct module *module;
	int fd;

	snprintf(absolute, sizeof(absolute), "%s%s", path[0] == '/' ? "" : callables, path);
	fd = open(absolute, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	module = module_open(cache, fd, absolute);
	close(fd);
	return module;
}

static void finds_start_functions(void **state)
{
	static const struct file files[] = {
		{LIBRARIES "libstdc++.so.6", WIRE_TRAMPOLINE_STD_THREAD, false, NULL},
		{LIBRARIES "libgomp.so.1", WIRE_TRAMPOLINE_FUNCTION, true, NULL},
		{LIBRARIES "libglib-2.0.so.0", WIRE_TRAMPOLINE_FUNCTION, false, NULL},
		{LIBRARIES "libc.so.6", WIRE_TRAMPOLINE_NONE, false, NULL},
		{"/usr/bin/python3.11", WIRE_TRAMPOLINE_PYTHON, false, NULL},
		{"callables_static", WIRE_TRAMPOLINE_STD_THREAD, false,
			"execute_native_thread_routine"},
		{"callables", WIRE_TRAMPOLINE_NONE, false, NULL},
		{"callables_static_stripped", WIRE_TRAMPOLINE_NONE, false, NULL},
		{"omp_threads_static", WIRE_TRAMPOLINE_FUNCTION, false, "gomp_thread_start"},
		{"rust_threads", WIRE_TRAMPOLINE_RUST, false, NULL},
		{"rust_threads_legacy", WIRE_TRAMPOLINE_RUST, false, NULL},
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct module *module = open_file(*state, files[i].path);
		struct trampoline_site sites[TRAMPOLINES_MAX];
		uint64_t vaddr, bytes;
		struct symbol symbol;

		if (!module) {
			assert_int_equal(files[i].path[0], '/'); /* not installed */
			continue;
		}
		assert_int_equal(trampolines_of(module, sites, TRAMPOLINES_MAX),
			files[i].kind != WIRE_TRAMPOLINE_NONE);
		assert_int_equal(trampolines_of(module, sites, 0), 0);
		if (files[i].kind != WIRE_TRAMPOLINE_NONE) {
			assert_int_equal(sites[0].kind, files[i].kind);
			assert_int_equal(
				sites[0].file_offset == TRAMPOLINE_ANYWHERE, files[i].anywhere);
		}
		if (files[i].symbol) {
			assert_int_equal(module_symbol(module, files[i].symbol, &vaddr, &bytes), 0);
			assert_int_equal(
				sites[0].file_offset, module_vaddr_to_offset(module, vaddr));
		}
		if (files[i].kind == WIRE_TRAMPOLINE_RUST) {
			assert_int_equal(
				module_symbolize(module, sites[0].file_offset, &symbol), 0);
			assert_non_null(strstr(symbol.text, "thread_start"));
		}
		module_put(module);
	}
}

/* Without symbols the code tells the very function that the symbol told. */
static void finds_the_same_when_stripped(void **state)
{
	struct module *whole = open_file(*state, "libpasser.so");
	struct module *stripped = open_file(*state, "libpasser.so_stripped");
	struct trampoline_site by_name, by_code;
	uint64_t vaddr, bytes;

	assert_int_equal(module_symbol(whole, "pythread_wrapper", &vaddr, &bytes), 0);
	assert_int_equal(module_symbol(stripped, "pythread_wrapper", &vaddr, &bytes), -ENOENT);
	assert_int_equal(trampolines_of(whole, &by_name, 1), 1);
	assert_int_equal(trampolines_of(stripped, &by_code, 1), 1);
	assert_int_equal(by_code.file_offset, by_name.file_offset);
	assert_int_equal(by_code.kind, WIRE_TRAMPOLINE_PYTHON);
	module_put(whole);
	module_put(stripped);
}

/* ---- lies ---- */

__attribute__((noinline)) static int a_function(int value)
{
	__asm__ volatile("" : "+r"(value));
	return value;
}

static struct wire_callable callable_of(uint32_t trampoline, const void *object, size_t words)
{
	struct wire_callable callable = {
		.trampoline = trampoline, .object_address = (uintptr_t)object};

	callable.object_count = (uint16_t)words;
	memcpy(callable.object, object, words * sizeof(uint64_t));
	return callable;
}

static void names_only_a_start(void **state)
{
	struct target *target = target_open(*state, getpid());
	char *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t words[1] = {(uintptr_t)a_function};
	struct callable_name name = {.text = "untouched"};
	struct wire_callable callable = callable_of(WIRE_TRAMPOLINE_FUNCTION, words, 1);
	const uint64_t others[] = {0, 1, UINT64_MAX, words[0] + 1, (uintptr_t)words,
		(uintptr_t)code, (uintptr_t)code + 4096};

	assert_int_equal(target_callable_name(target, &callable, &name), 0);
	assert_string_equal(name.text, "a_function");
	assert_true(name.resolved && !name.heuristic && name.source == WIRE_SOURCE_SYMBOL);
	strcpy(name.text, "untouched");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		callable.object[0] = others[i];
		assert_int_equal(target_callable_name(target, &callable, &name), -ENOENT);
	}
	callable.object_count = 0;
	assert_int_equal(target_callable_name(target, &callable, &name), -ENOENT);
	callable.trampoline = WIRE_TRAMPOLINE_NONE;
	assert_int_equal(target_callable_name(target, &callable, &name), -ENOENT);
	assert_string_equal(name.text, "untouched");
	munmap(code, 4096);
	target_free(target);
}

/* An object with a vtable and a type_info, as C++ would have made them. */
struct forgery {
	uint64_t object[8];
	uint64_t inner[16];
	uint64_t type_word;
	uint64_t vtable[4];
	uint64_t type[2];
	char name[256];
};

static void forge(struct forgery *forgery, const char *name)
{
	memset(forgery, 0, sizeof(*forgery));
	snprintf(forgery->name, sizeof(forgery->name), "%s", name);
	forgery->type[1] = (uintptr_t)forgery->name;
	forgery->type_word = (uintptr_t)forgery->type;
	for (size_t i = 0; i < 8; i++)
		forgery->object[i] = (uintptr_t)forgery->object;
	forgery->object[0] = (uintptr_t)forgery->vtable;
}

#define STATE_OF(callable) "NSt6thread11_State_implINS_8_InvokerISt5tupleIJ" callable "EEEEEE"

static void stands_forged_objects(void **state)
{
	static const char *const names[] = {
		"",
		"*",
		"NSt6thread11_State_impl",
		STATE_OF(""),
		STATE_OF("PFvvE"),
		STATE_OF("M1WFvvEPS3_"),
		STATE_OF("M1WFvvES3_"),
		STATE_OF("St8functionIFvvEE"),
		STATE_OF("St13packaged_taskIFvvEE"),
		STATE_OF("St17reference_wrapperIFvvEE"),
		STATE_OF("St17reference_wrapperI1WE"),
		STATE_OF("St5_BindIFPFviEiEE"),
		STATE_OF("St5_BindIFM1WFvvEPS4_EE"),
		STATE_OF("St5_BindIE"),
		STATE_OF("St5_Bind"),
		STATE_OF("PFv1WES3_"),
		"NSt6thread11_State_implINS_8_InvokerISt5tupleIJMNSt13__future_base17_Async_state_"
		"implINS1_IS2_IJPFviEiEEEEvEEFvvEPS9_EEEEEE",
	};
	struct target *target = target_open(*state, getpid());
	struct forgery forgery;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct wire_callable callable;
		struct callable_name name;

		for (size_t words = 0; words <= 8; words++) {
			int err;

			forge(&forgery, names[i]);
			callable = callable_of(WIRE_TRAMPOLINE_STD_THREAD, forgery.object, words);
			callable.inner_address = (uintptr_t)forgery.inner;
			callable.inner_count = UINT16_MAX;
			err = target_callable_name(target, &callable, &name);
			/* No word is a function: a type at best, and then it says so. */
			assert_true(err == -ENOENT ||
				    (name.source == WIRE_SOURCE_TYPE && name.resolved));
			target_trampoline(target, (uintptr_t)a_function, callable.object_address);
		}
	}
	/* The function where it must be is told, also by a type that was made up. */
	forge(&forgery, STATE_OF("PFviEi"));
	forgery.object[2] = (uintptr_t)a_function;
	{
		struct wire_callable callable =
			callable_of(WIRE_TRAMPOLINE_STD_THREAD, forgery.object, 8);
		struct callable_name name;

		assert_int_equal(target_callable_name(target, &callable, &name), 0);
		assert_string_equal(name.text, "a_function");
		assert_false(name.heuristic);
		assert_int_equal(
			target_trampoline(target, (uintptr_t)a_function, (uintptr_t)forgery.object),
			WIRE_TRAMPOLINE_STD_THREAD);
	}
	target_free(target);
}

static void stands_forged_boxes(void **state)
{
	struct target *target = target_open(*state, getpid());
	uint64_t code = (uintptr_t)a_function;
	uint64_t vtables[][4] = {{0, 0, 1, code}, {code, 8, 8, code}, {code, 8, 3, code},
		{code, 7, 8, code}, {1, 8, 8, code}, {0, UINT64_MAX - 7, 8, code}, {0, 8, 0, code},
		{0, 8, 8, 0}};

	for (size_t i = 0; i < sizeof(vtables) / sizeof(vtables[0]); i++) {
		uint64_t box[3] = {(uintptr_t)box, (uintptr_t)vtables[i], 0};
		struct wire_callable callable = callable_of(WIRE_TRAMPOLINE_RUST, box, 3);
		struct callable_name name;
		int err = target_callable_name(target, &callable, &name);

		/* Code that is not std's has no name as such; its place is true. */
		assert_int_equal(err, i < 2 ? 0 : -ENOENT);
		assert_true(err || (!name.resolved && strstr(name.text, "+0x")));
		assert_int_equal(
			target_trampoline(target, code, (uintptr_t)box), WIRE_TRAMPOLINE_NONE);
	}
	target_free(target);
}

static void reads_only_what_is_there(void **state)
{
	struct target *target = target_open(*state, getpid());
	struct wire_callable callable;
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t *last = (uint64_t *)(pages + 4096) - 2;

	munmap(pages + 4096, 4096);
	last[0] = 1;
	assert_int_equal(target_read_callable(
				 target, WIRE_TRAMPOLINE_STD_THREAD, (uintptr_t)last, &callable),
		0);
	assert_int_equal(callable.object_count, 2);
	assert_int_equal(callable.inner_count, 0);
	assert_int_equal(callable.object[0], 1);
	assert_int_equal(
		target_read_callable(target, WIRE_TRAMPOLINE_STD_THREAD, 0, &callable), -EFAULT);
	assert_int_equal(target_read_callable(target, WIRE_TRAMPOLINE_FUNCTION,
				 (uintptr_t)pages + 4096, &callable),
		-EFAULT);
	assert_int_equal(target_read_callable(
				 target, WIRE_TRAMPOLINE_PYTHON, (uintptr_t)(last + 1), &callable),
		-EFAULT);
	munmap(pages, 4096);
	target_free(target);
}

#define SHARED_BYTES   (4u << 20)
#define SHARED_SYMBOLS (500u << 10)

/* Half a million symbols, each with the same 4 MiB for a name: looked through whole, they would
 * take minutes. */
static void is_not_kept_busy_by_names(void **state)
{
	Elf64_Sym *symbols = calloc(SHARED_SYMBOLS, sizeof(*symbols));
	char *text = malloc(SHARED_BYTES);
	struct trampoline_site site;
	struct module *module;
	struct image image;
	unsigned int table;

	assert_true(symbols && text);
	for (size_t i = 0; i < SHARED_SYMBOLS; i++)
		symbols[i] = (Elf64_Sym){.st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC),
			.st_shndx = 1,
			.st_value = TEXT_VADDR};
	memset(text, '6', SHARED_BYTES);
	memcpy(text, "_ZN3std3sys", strlen("_ZN3std3sys"));
	image_init(&image);
	table = image_section(
		&image, ".symtab", SHT_SYMTAB, symbols, SHARED_SYMBOLS * sizeof(*symbols));
	image.sections[table].sh_entsize = sizeof(*symbols);
	image.sections[table].sh_link =
		image_section(&image, ".strtab", SHT_STRTAB, text, SHARED_BYTES);
	module = open_image(*state, &image);
	assert_non_null(module);
	assert_int_equal(trampolines_of(module, &site, 1), 0);
	module_put(module);
	free(symbols);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_WITH_CACHE(finds_start_functions),
		TEST_WITH_CACHE(finds_the_same_when_stripped),
		TEST_WITH_CACHE(names_only_a_start),
		TEST_WITH_CACHE(stands_forged_objects),
		TEST_WITH_CACHE(stands_forged_boxes),
		TEST_WITH_CACHE(reads_only_what_is_there),
		TEST_WITH_CACHE(is_not_kept_busy_by_names),
	};
	char self[PATH_MAX];

	assert_true(realpath("/proc/self/exe", self) != NULL);
	snprintf(callables, sizeof(callables), "%s/../../callables/", dirname(self));
	alarm(DEADLINE_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
