/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_target_eh_frame.c - rules from .eh_frame: the same as libdw's, for all of a library, and
 * none of a section that is broken.
 */
#include <elfutils/libdw.h>
#include <dwarf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "target/eh_frame.h"
#include "target/reader.h"

#define RBP	   6
#define STEP	   7 /* addresses in a function that are compared */
#define CHANGES	   400
#define CHANGE_MAX 16

struct fixture {
	struct elf_file file;
	struct eh_frame frame;
	struct reader_cache *libdw;
	struct reader_question question;
	const char *path;
	size_t compared, ruled;
};

static void open_fixture(struct fixture *fixture, const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	*fixture = (struct fixture){.path = path, .libdw = reader_cache_new()};
	fixture->question.kind = READER_ASK_FRAME;
	assert_int_equal(
		elf_file_open((struct elf_source){.fd = fd, .size = (uint64_t)status.st_size},
			&fixture->file),
		0);
	assert_int_equal(eh_frame_open(&fixture->file, &fixture->frame), 0);
}

static void close_fixture(struct fixture *fixture)
{
	close(fixture->file.source.fd);
	eh_frame_close(&fixture->frame);
	elf_file_close(&fixture->file);
	reader_cache_free(fixture->libdw);
}

static bool is_simple(const struct frame_row *row)
{
	const struct frame_rule *rbp = &row->registers[RBP];
	const struct frame_rule *ra = &row->registers[DWARF_REGISTER_RA];

	return row->cfa.kind == RULE_REGISTER &&
	       (row->cfa.other == RBP || row->cfa.other == DWARF_REGISTER_SP) &&
	       (rbp->kind == RULE_AT_CFA || rbp->kind == RULE_SAME) && ra->kind == RULE_AT_CFA &&
	       ra->offset == -8;
}

static void compare_rule(
	struct fixture *fixture, const struct eh_function *function, uint64_t vaddr)
{
	struct wire_frame_rule rule;
	struct reader_answer answer;
	int err = eh_function_rule(function, vaddr, &rule);

	fixture->question.vaddr = vaddr;
	reader_cache_answer(fixture->libdw, &fixture->question,
		open(fixture->path, O_RDONLY | O_CLOEXEC), &answer);
	fixture->compared++;
	if (err) {
		/* libdw says "same" of what a signal frame or an expression tells otherwise. */
		assert_true(answer.err || !is_simple(&answer.row));
		return;
	}
	fixture->ruled++;
	assert_int_equal(answer.err, 0);
	assert_true(is_simple(&answer.row));
	assert_int_equal(rule.cfa_offset, answer.row.cfa.offset);
	assert_int_equal(!!(rule.flags & WIRE_FRAME_CFA_RBP), answer.row.cfa.other == RBP);
	assert_int_equal(!!(rule.flags & WIRE_FRAME_RBP_SAVED),
		answer.row.registers[RBP].kind == RULE_AT_CFA);
	if (rule.flags & WIRE_FRAME_RBP_SAVED)
		assert_int_equal(rule.rbp_offset, answer.row.registers[RBP].offset);
}

static bool compare_function(const struct eh_function *function, void *context)
{
	for (uint64_t at = 0; at < function->bytes; at += function->bytes / STEP + 1)
		compare_rule(context, function, function->start + at);
	return true;
}

static void compare_file(const char *path, size_t at_least)
{
	struct fixture fixture;

	open_fixture(&fixture, path);
	eh_frame_each(&fixture.frame, compare_function, &fixture);
	assert_true(fixture.compared > at_least);
	assert_true(fixture.ruled > fixture.compared / 10 * 9);
	close_fixture(&fixture);
}

static void test_says_what_libdw_says(void **state)
{
	(void)state;
	compare_file("/proc/self/exe", 1000);
	compare_file("/lib/x86_64-linux-gnu/libstdc++.so.6", 10000);
}

/* ---- broken ---- */

static bool ask_everything(const struct eh_function *function, void *context)
{
	struct wire_frame_rule rule;
	size_t *left = context;

	eh_function_rule(function, function->start, &rule);
	eh_function_rule(function, function->start + function->bytes - 1, &rule);
	return --*left;
}

/* Each change is small; sanitizers watch. */
static void test_survives_changes(void **state)
{
	struct fixture fixture;
	uint32_t random = 1;
	(void)state;

	open_fixture(&fixture, "/lib/x86_64-linux-gnu/libstdc++.so.6");
	for (size_t i = 0; i < CHANGES; i++) {
		size_t left = 64;

		for (size_t j = 0; j < CHANGE_MAX; j++) {
			random = random * 1664525u + 1013904223u;
			/* Where the visited entries are. */
			fixture.frame.section[(random >> 8) % 4096] = (uint8_t)random;
		}
		eh_frame_each(&fixture.frame, ask_everything, &left);
	}
	close_fixture(&fixture);
}

static void test_ends_where_bytes_do(void **state)
{
	struct fixture fixture;
	size_t left;
	(void)state;

	open_fixture(&fixture, "/lib/x86_64-linux-gnu/libstdc++.so.6");
	for (uint64_t bytes = 0; bytes < 512; bytes++) {
		/* A copy of its own, so that a read beyond it is seen. */
		struct eh_frame cut = {.section = malloc(bytes ? bytes : 1),
			.bytes = bytes,
			.vaddr = fixture.frame.vaddr};

		left = SIZE_MAX;
		memcpy(cut.section, fixture.frame.section, bytes);
		eh_frame_each(&cut, ask_everything, &left);
		eh_frame_close(&cut);
	}
	close_fixture(&fixture);
}

static void test_refuses_addresses_outside(void **state)
{
	const uint8_t code[] = {DW_CFA_def_cfa, 7, 8, DW_CFA_offset | 16, 1};
	const struct eh_function function = {.start = 100,
		.bytes = 10,
		.code_unit = 1,
		.data_unit = -8,
		.common = {code, code + sizeof(code)},
		.own = {code, code}};
	struct wire_frame_rule rule = {0};
	(void)state;

	assert_int_equal(eh_function_rule(&function, 99, &rule), -ENOENT);
	assert_int_equal(eh_function_rule(&function, 110, &rule), -ENOENT);
	assert_int_equal(eh_function_rule(&function, 109, &rule), 0);
	assert_int_equal(rule.cfa_offset, 8);
	assert_int_equal(rule.flags, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_says_what_libdw_says),
		cmocka_unit_test(test_survives_changes),
		cmocka_unit_test(test_ends_where_bytes_do),
		cmocka_unit_test(test_refuses_addresses_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
