/* SPDX-License-Identifier: GPL-2.0-only */
/* test_target_kallsyms.c - names of kernel functions, over texts in the form of kallsyms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "target/kallsyms.h"

static struct kallsyms *read_text(const char *text)
{
	FILE *in = fmemopen((void *)text, strlen(text), "r");
	struct kallsyms *symbols = kallsyms_read(in);

	fclose(in);
	assert_non_null(symbols);
	return symbols;
}

static void names_functions_and_nothing_else(void **state)
{
	struct kallsyms *symbols = read_text("ffffffff81000300 D some_data\n"
					     "ffffffff81000100 T do_wait\n"
					     "ffffffff81000200 d alias_data\n"
					     "ffffffff81000200 t futex_wait\t[module]\n"
					     "garbage\n"
					     "ffffffff81000280 T\n"
					     "ffffffff81000400 W weak_one\n"
					     "ffffffff81000500 T last\n");

	(void)state;
	assert_null(kallsyms_name(symbols, 0));
	assert_null(kallsyms_name(symbols, 0xffffffff810000ff));
	assert_string_equal(kallsyms_name(symbols, 0xffffffff81000100), "do_wait");
	assert_string_equal(kallsyms_name(symbols, 0xffffffff810001ff), "do_wait");
	assert_string_equal(kallsyms_name(symbols, 0xffffffff81000200), "futex_wait");
	assert_string_equal(kallsyms_name(symbols, 0xffffffff810002ff), "futex_wait");
	assert_null(kallsyms_name(symbols, 0xffffffff81000300));
	assert_string_equal(kallsyms_name(symbols, 0xffffffff81000401), "weak_one");
	assert_null(kallsyms_name(symbols, 0xffffffff81000500));
	kallsyms_free(symbols);
}

static void knows_nothing_when_addresses_are_hidden(void **state)
{
	struct kallsyms *symbols = read_text("0000000000000000 T do_wait\n"
					     "0000000000000000 T schedule\n");

	(void)state;
	assert_null(kallsyms_name(symbols, 0));
	assert_null(kallsyms_name(symbols, 0xffffffff81000100));
	kallsyms_free(symbols);
	kallsyms_free(NULL);
}

static void opens_the_running_kernels(void **state)
{
	struct kallsyms *symbols = kallsyms_open();

	(void)state;
	if (!symbols)
		skip();
	assert_null(kallsyms_name(symbols, 1));
	kallsyms_free(symbols);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_functions_and_nothing_else),
		cmocka_unit_test(knows_nothing_when_addresses_are_hidden),
		cmocka_unit_test(opens_the_running_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
