// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_model_event.c - the contract's words, and ages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/event.h"

static void words_are_the_contracts(void **state)
{
	(void)state;
	assert_string_equal(event_type_name(EVENT_STARTED), "started");
	assert_string_equal(event_type_name(EVENT_NAMED), "named");
	assert_string_equal(event_type_name(EVENT_FINISHED), "finished");
	assert_string_equal(event_type_name(EVENT_TIMEBOX), "timebox");
	assert_string_equal(instance_name(INSTANCE_THREAD), "thread");
	assert_string_equal(instance_name(INSTANCE_SPAN), "span");
	assert_string_equal(name_source_name(SOURCE_COMM), "comm");
	assert_string_equal(name_source_name(SOURCE_SYMBOL), "symbol");
	assert_string_equal(name_source_name(SOURCE_TYPE), "type");
	assert_string_equal(name_source_name(SOURCE_SPAWN), "spawn");
	assert_string_equal(name_source_name(SOURCE_SPAN), "span");
}

static void numbers_without_a_word_are_unknown(void **state)
{
	(void)state;
	assert_string_equal(event_type_name(99), "unknown");
	assert_string_equal(instance_name(99), "unknown");
	assert_string_equal(name_source_name(0), "unknown");
}

static void age_never_wraps(void **state)
{
	struct event event = {.boot_ns = 10, .start_ns = 4};

	(void)state;
	assert_int_equal(event_age_ns(&event), 6);
	event.start_ns = 11;
	assert_int_equal(event_age_ns(&event), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_the_contracts),
		cmocka_unit_test(numbers_without_a_word_are_unknown),
		cmocka_unit_test(age_never_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
