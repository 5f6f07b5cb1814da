/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_target_origin.c - lines and stacks of this very program, and what happens when the
 * process that runs libdw hangs, dies or is given broken files.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "target/module_debug.h"
#include "target/target.h"
#include "target/unwind.h"

#define MODULES	     64
#define BROKEN_FILES 24
#define BROKEN_BYTES 400
#define NOINLINE     __attribute__((noinline))

struct fixture {
	struct module_cache *cache;
	struct target *self;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->cache = module_cache_new(MODULES);
	fixture->self = target_open(fixture->cache, getpid());
	*state = fixture;
	return !fixture->self;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	target_free(fixture->self);
	module_cache_free(fixture->cache);
	free(fixture);
	return 0;
}

/* ---- lines ---- */

/* The asm keeps the compiler from taking two calls for one. */
static NOINLINE uint64_t return_address(void)
{
	__asm__ volatile("");
	return (uint64_t)__builtin_return_address(0);
}

static void test_line_of_a_call(void **state)
{
	struct fixture *fixture = *state;
	struct source_line line;
	uint64_t address = return_address();
	const uint32_t expected = __LINE__ - 1;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(target_source_line(fixture->self, address, &line), 0);
		assert_int_equal(line.line, expected);
		assert_string_equal(strrchr(line.file, '/'), "/test_target_origin.c");
	}
	assert_int_equal(module_cache_debug_refused(fixture->cache), 0);
}

static void test_no_line(void **state)
{
	struct fixture *fixture = *state;
	struct source_line line = {.line = 7};
	int on_stack;

	assert_int_equal(target_source_line(fixture->self, 0, &line), -ENOENT);
	assert_int_equal(target_source_line(fixture->self, 1, &line), -ENOENT);
	assert_int_equal(target_source_line(fixture->self, (uint64_t)&on_stack, &line), -ENOENT);
	assert_int_equal(line.line, 7);
}

/* ---- stacks ---- */

/* Leaves the registers as they are on entry of a function, in DWARF's order. */
__attribute__((naked, noinline)) static void take_registers(
	uint64_t *registers __attribute__((unused)))
{
	__asm__("mov %rbx, 3*8(%rdi)\n\t"
		"mov %rbp, 6*8(%rdi)\n\t"
		"mov %rsp, 7*8(%rdi)\n\t"
		"mov %r12, 12*8(%rdi)\n\t"
		"mov %r13, 13*8(%rdi)\n\t"
		"mov %r14, 14*8(%rdi)\n\t"
		"mov %r15, 15*8(%rdi)\n\t"
		"mov (%rsp), %rax\n\t"
		"mov %rax, 16*8(%rdi)\n\t"
		"ret");
}

/* What lies above the slot of the return address has not changed when it is copied. */
#if defined(__SANITIZE_ADDRESS__)
__attribute__((no_sanitize_address))
#endif
static NOINLINE void
take_copy(struct wire_stack_copy *copy)
{
	const volatile uint8_t *from;

	take_registers((uint64_t *)copy->registers);
	from = (const uint8_t *)copy->registers[DWARF_REGISTER_SP];
	copy->bytes = 2048;
	for (uint32_t i = 0; i < copy->bytes; i++)
		copy->stack[i] = from[i];
	memcpy(copy->stack, &copy->registers[DWARF_REGISTER_RA], 8);
}

static NOINLINE void inner(struct wire_stack_copy *copy)
{
	take_copy(copy);
	__asm__ volatile("");
}

static NOINLINE void outer(struct wire_stack_copy *copy)
{
	inner(copy);
	__asm__ volatile("");
}

static void test_unwinds_itself(void **state)
{
	static const char *const expected[] = {
		"take_copy+", "inner+", "outer+", "test_unwinds_itself+"};
	struct fixture *fixture = *state;
	struct wire_stack_copy *copy = calloc(1, sizeof(*copy));
	uint64_t frames[WIRE_STACK_FRAMES];
	char name[256];
	size_t count;

	outer(copy);
	count = target_unwind(fixture->self, copy, frames);
	assert_true(count >= 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(target_call_site(fixture->self, frames[i], name, sizeof(name)), 0);
		assert_memory_equal(name, expected[i], strlen(expected[i]));
	}
	assert_int_equal(target_check_stack(fixture->self, frames, count), count);
	free(copy);
}

static void test_false_frames_end_a_stack(void **state)
{
	struct fixture *fixture = *state;
	uint64_t good = return_address();
	uint64_t frames[] = {good, good, good + 1, good};
	uint64_t on_stack[] = {good, (uint64_t)&frames};

	assert_int_equal(target_check_stack(fixture->self, frames, 4), 2);
	assert_int_equal(target_check_stack(fixture->self, on_stack, 2), 1);
	assert_int_equal(target_check_stack(fixture->self, frames, 0), 0);
}

/* ---- the other process ---- */

static pid_t only_child(void)
{
	char path[64];
	int pid = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "r");
	if (file && fscanf(file, "%d", &pid) != 1)
		pid = 0;
	if (file)
		fclose(file);
	return pid;
}

static void test_a_reader_that_hangs_is_ended(void **state)
{
	struct fixture *fixture = *state;
	struct source_line line;
	uint64_t first = return_address(), second = return_address();
	pid_t reader;

	assert_int_equal(target_source_line(fixture->self, first, &line), 0);
	reader = only_child();
	assert_true(reader > 0);
	kill(reader, SIGSTOP);
	assert_int_equal(target_source_line(fixture->self, second, &line), -ENOENT);
	assert_int_equal(module_cache_debug_refused(fixture->cache), 1);
	assert_int_equal(kill(reader, 0), -1);
	/* What was known stays; this file is not asked about again. */
	assert_int_equal(target_source_line(fixture->self, first, &line), 0);
	assert_int_equal(target_source_line(fixture->self, second, &line), -ENOENT);
	assert_int_equal(module_cache_debug_refused(fixture->cache), 1);
}

static void test_a_reader_that_dies_is_replaced(void **state)
{
	struct fixture *fixture = *state;
	struct wire_stack_copy *copy = calloc(1, sizeof(*copy));
	uint64_t frames[WIRE_STACK_FRAMES];
	struct source_line line;
	pid_t reader;

	assert_int_equal(target_source_line(fixture->self, return_address(), &line), 0);
	reader = only_child();
	kill(reader, SIGKILL);
	assert_int_equal(target_source_line(fixture->self, return_address(), &line), -ENOENT);
	outer(copy);
	assert_true(target_unwind(fixture->self, copy, frames) >= 4);
	assert_int_not_equal(only_child(), reader);
	free(copy);
}

/* It has no descriptors but its socket, no rights, and cannot open anything. */
static void test_a_reader_is_shut_off(void **state)
{
	struct fixture *fixture = *state;
	struct source_line line;
	char path[64], text[4096] = "";
	FILE *status;
	size_t got;

	assert_int_equal(target_source_line(fixture->self, return_address(), &line), 0);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)only_child());
	status = fopen(path, "r");
	assert_non_null(status);
	got = fread(text, 1, sizeof(text) - 1, status);
	fclose(status);
	assert_true(got > 0);
	assert_non_null(strstr(text, "\nSeccomp:\t2\n"));
	assert_non_null(strstr(text, "\nNoNewPrivs:\t1\n"));
	if (!geteuid())
		assert_non_null(strstr(text, "\nUid:\t65534\t65534\t65534\t65534\n"));
}

/* ---- broken files ---- */

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* This program with some bytes of one section changed; a descriptor. */
static int broken_copy(struct module *self, const char *section, uint32_t *random)
{
	const Elf64_Shdr *header = elf_file_section(&self->file, NULL, SHT_PROGBITS, section);
	int fd = memfd_create("broken", MFD_CLOEXEC);
	off_t offset = 0;

	assert_non_null(header);
	while (offset < self->key.size) {
		char bytes[1 << 16];
		ssize_t got = pread(self->fd, bytes, sizeof(bytes), offset);

		assert_true(got > 0);
		assert_int_equal(pwrite(fd, bytes, got, offset), got);
		offset += got;
	}
	for (int i = 0; i < BROKEN_BYTES; i++) {
		uint8_t byte = next_random(random);

		assert_int_equal(pwrite(fd, &byte, 1,
					 header->sh_offset + next_random(random) % header->sh_size),
			1);
	}
	return fd;
}

static void test_broken_files_do_no_harm(void **state)
{
	static const char *const sections[] = {
		".debug_info", ".debug_line", ".debug_abbrev", ".eh_frame"};
	struct fixture *fixture = *state;
	uint32_t random = 1;
	uint64_t vaddr;
	struct module *self = target_module_at(fixture->self, return_address(), &vaddr);

	for (int i = 0; i < BROKEN_FILES; i++) {
		int fd = broken_copy(self, sections[i % 4], &random);
		struct module *module = module_open(fixture->cache, fd, "/broken");
		struct source_line line;
		struct frame_row row;

		assert_non_null(module);
		module_line(module, vaddr, &line);
		module_frame(module, vaddr, &row);
		module_put(module);
		close(fd);
	}
}

/* Cut short behind our back: the section is not there any more. */
static void test_a_file_that_shrinks(void **state)
{
	struct fixture *fixture = *state;
	uint32_t random = 1;
	uint64_t vaddr;
	struct module *self = target_module_at(fixture->self, return_address(), &vaddr);
	int fd = broken_copy(self, ".debug_aranges", &random);
	struct module *module = module_open(fixture->cache, fd, "/shrinking");
	struct source_line line;

	assert_non_null(module);
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(module_line(module, vaddr, &line), -ENOENT);
	module_put(module);
	close(fd);
}

/* ---- calls ---- */

static void test_tells_calls(void **state)
{
	static const struct {
		uint8_t bytes[8];
		size_t length;
		bool call;
	} cases[] = {
		{{0xe8, 1, 2, 3, 4}, 5, true},
		{{0xff, 0xd0}, 2, true},		   /* call *%rax */
		{{0xff, 0x50, 0x10}, 3, true},		   /* call *0x10(%rax) */
		{{0xff, 0x54, 0x24, 0x08}, 4, true},	   /* call *8(%rsp) */
		{{0xff, 0x15, 1, 2, 3, 4}, 6, true},	   /* call *x(%rip) */
		{{0xff, 0x14, 0xc5, 1, 2, 3, 4}, 7, true}, /* call *x(,%rax,8) */
		{{0xff, 0xe0}, 2, false},		   /* jmp *%rax */
		{{0xff, 0x25, 1, 2, 3, 4}, 6, false},	   /* jmp *x(%rip) */
		{{0x90, 0x90, 0x90, 0x90, 0x90}, 5, false},
	};
	struct module_cache *cache = module_cache_new(MODULES);
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t file[0x1000] = {0};
		Elf64_Ehdr *header = (void *)file;
		Elf64_Phdr *load = (void *)(file + sizeof(*header));
		int fd = memfd_create("calls", MFD_CLOEXEC);
		struct module *module;

		memcpy(header->e_ident, ELFMAG, SELFMAG);
		header->e_ident[EI_CLASS] = ELFCLASS64;
		header->e_ident[EI_DATA] = ELFDATA2LSB;
		header->e_ident[EI_VERSION] = EV_CURRENT;
		header->e_type = ET_DYN;
		header->e_machine = EM_X86_64;
		header->e_version = EV_CURRENT;
		header->e_phoff = sizeof(*header);
		header->e_ehsize = sizeof(*header);
		header->e_phentsize = sizeof(*load);
		header->e_phnum = 1;
		*load = (Elf64_Phdr){.p_type = PT_LOAD,
			.p_flags = PF_R | PF_X,
			.p_vaddr = 0x10000,
			.p_filesz = sizeof(file),
			.p_memsz = sizeof(file)};
		memset(file + 0x800, 0x90, 0x100);
		memcpy(file + 0x900 - cases[i].length, cases[i].bytes, cases[i].length);
		assert_int_equal(write(fd, file, sizeof(file)), sizeof(file));
		module = module_open(cache, fd, "/calls");
		assert_non_null(module);
		assert_int_equal(module_is_after_call(module, 0x10900), cases[i].call);
		assert_false(module_is_after_call(module, 3));
		assert_false(module_is_after_call(module, 0x10003));
		module_put(module);
		close(fd);
	}
	module_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_line_of_a_call, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unwinds_itself, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_false_frames_end_a_stack, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_reader_that_hangs_is_ended, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_reader_that_dies_is_replaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_reader_is_shut_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_broken_files_do_no_harm, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_file_that_shrinks, set_up, tear_down),
		cmocka_unit_test(test_tells_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
