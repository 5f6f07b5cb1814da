/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_target_itanium.c - parts, sizes and places of C++ types, from names of any content.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "target/itanium.h"

#define DEADLINE_S 60
#define OUT_BYTES  256

#define STRING "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"

/* Elements of a tuple, and where libstdc++ of GCC 12 puts the first of them; -1: not known. */
static const struct {
	const char *elements;
	long offset;
	size_t bytes; /* of the whole */
} tuples[] = {
	{"PFvvE", 0, 8},
	{"PFviEi", 8, 16},
	{"PFvcidPKcbEcidS1_b", 32, 40},
	{"PFvicEic", 8, 16},
	{"PFvciEci", 8, 16},
	{"M1WFvvEPS_", 8, 24},
	{"PFv" STRING "E" STRING, 32, 40},
	{"PFveEe", 16, 32},
	{"PFvSt10shared_ptrIiEES1_", 16, 24},
	{"PFv1BE1B", -1, 0},
	{"Z4mainEUlvE_", 0, 0},
	{"St5_BindIFM1WFviEPS0_St12_PlaceholderILi1EEEEi", 8, 32},
	{"St8functionIFvvEEi", 8, 40},
};

static size_t elements_of(struct cpp_tree *tree, cpp_node **out)
{
	cpp_node *invoker[1], *tuple[1];

	assert_true(cpp_is_named(tree->root, "std::thread::_State_impl"));
	assert_int_equal(cpp_arguments(tree->root, invoker, 1), 1);
	assert_true(cpp_is_named(invoker[0], "std::thread::_Invoker"));
	assert_int_equal(cpp_arguments(invoker[0], tuple, 1), 1);
	assert_true(cpp_is_named(tuple[0], "std::tuple"));
	return cpp_arguments(tuple[0], out, CPP_ELEMENTS_MAX);
}

static void places_the_first_element(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tuples) / sizeof(tuples[0]); i++) {
		char name[OUT_BYTES];
		cpp_node *elements[CPP_ELEMENTS_MAX];
		struct cpp_tree tree;
		size_t count;

		/* Within the name of a std::thread, substitutions have other numbers: each is
		 * written in a tuple of its own. */
		snprintf(name, sizeof(name), "St5tupleIJ%sEE", tuples[i].elements);
		if (cpp_parse(name, &tree))
			fail_msg("%s", name);
		count = cpp_arguments(tree.root, elements, CPP_ELEMENTS_MAX);
		assert_true(count > 0);
		if (cpp_tuple_offset(&tree, elements, count, 0) != tuples[i].offset ||
			cpp_tuple_layout(&tree, elements, count).bytes != tuples[i].bytes)
			fail_msg("%s: %ld of %zu", name,
				cpp_tuple_offset(&tree, elements, count, 0),
				cpp_tuple_layout(&tree, elements, count).bytes);
		cpp_free(&tree);
	}
}

static void takes_names_apart(void **state)
{
	static const char name[] =
		"NSt6thread11_State_implINS_8_InvokerISt5tupleIJM1WKFviEPS3_Z4mainEUlvE_"
		"DoFvvEPDoFvvEEEEEEE";
	cpp_node *elements[CPP_ELEMENTS_MAX];
	char text[OUT_BYTES];
	struct cpp_tree tree;

	(void)state;
	assert_int_equal(cpp_parse(name, &tree), 0);
	assert_int_equal(elements_of(&tree, elements), 5);
	assert_int_equal(cpp_kind_of(elements[0]), CPP_MEMBER_FUNCTION);
	assert_true(cpp_print(&tree, cpp_class_of_member(elements[0]), text, sizeof(text)));
	assert_string_equal(text, "W");
	assert_int_equal(cpp_kind_of(elements[1]), CPP_POINTER);
	assert_int_equal(cpp_kind_of(elements[2]), CPP_OTHER);
	assert_true(cpp_print(&tree, elements[2], text, sizeof(text)));
	assert_string_equal(text, "main::{lambda()#1}");
	assert_int_equal(cpp_kind_of(elements[3]), CPP_FUNCTION);
	assert_int_equal(cpp_kind_of(elements[4]), CPP_FUNCTION_POINTER);
	assert_false(cpp_is_named(tree.root, "thread::_State_impl"));
	assert_false(cpp_is_named(tree.root, "_State_impl"));
	assert_false(cpp_is_named(tree.root, "std::std::thread::_State_impl"));
	assert_false(cpp_is_named(tree.root, ""));
	assert_false(cpp_is_named(NULL, "std::thread"));
	/* A print that does not fit is cut, and is the last. */
	assert_false(cpp_print(&tree, elements[2], text, 8));
	assert_string_equal(text, "main::{");
	assert_false(cpp_print(&tree, elements[0], text, sizeof(text)));
	assert_string_equal(text, "");
	cpp_free(&tree);
}

static void look_at_all(const char *name)
{
	cpp_node *arguments[CPP_ELEMENTS_MAX], *inner[CPP_ELEMENTS_MAX];
	char text[OUT_BYTES];
	struct cpp_tree tree;
	size_t count;

	if (cpp_parse(name, &tree))
		return;
	count = cpp_arguments(tree.root, arguments, CPP_ELEMENTS_MAX);
	assert_in_range(count, 0, CPP_ELEMENTS_MAX);
	for (size_t i = 0; i < count; i++) {
		cpp_kind_of(arguments[i]);
		cpp_class_of_member(arguments[i]);
		cpp_scope_of(cpp_scope_of_local(arguments[i]));
		cpp_parameters(arguments[i], inner, CPP_ELEMENTS_MAX);
		cpp_result_of(arguments[i]);
		cpp_layout_of(&tree, arguments[i]);
		cpp_tuple_offset(
			&tree, inner, cpp_arguments(arguments[i], inner, CPP_ELEMENTS_MAX), 0);
	}
	cpp_tuple_offset(&tree, arguments, count, 0);
	cpp_print(&tree, tree.root, text, sizeof(text));
	assert_in_range(strlen(text), 0, sizeof(text) - 1);
	cpp_free(&tree);
}

/* Each change of each byte, and each end. */
static void stands_any_byte(void **state)
{
	static const char bytes[] = "_SDFGIEJNZKMPRTULX10tnv*\x80\xff";

	(void)state;
	for (size_t i = 0; i < sizeof(tuples) / sizeof(tuples[0]); i++) {
		char name[OUT_BYTES], changed[OUT_BYTES];
		size_t length =
			(size_t)snprintf(name, sizeof(name), "St5tupleIJ%sEE", tuples[i].elements);

		for (size_t at = 0; at < length; at++) {
			for (size_t b = 0; b < sizeof(bytes); b++) {
				strcpy(changed, name);
				changed[at] = bytes[b];
				look_at_all(changed);
			}
		}
	}
}

static void is_not_held_up(void **state)
{
	static char name[CPP_NAME_BYTES_MAX];

	(void)state;
	/* Deep, wide, and of substitutions that double at each level. */
	memset(name, 'P', sizeof(name) - 1);
	look_at_all(name);
	memcpy(name, "St5tupleIJ", 10);
	memset(name + 10, 'i', sizeof(name) - 11);
	strcpy(name + sizeof(name) - 3, "EE");
	look_at_all(name);
	strcpy(name, "St5tupleIJ1aIiiE");
	for (unsigned int i = 0; i < 30; i++)
		sprintf(name + strlen(name), "S0_IS%c_S%c_E",
			"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i + 1],
			"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i + 1]);
	strcat(name, "EE");
	look_at_all(name);
	/* std::_Bind of itself. */
	strcpy(name, "St5tupleIJ");
	for (unsigned int i = 0; i < 500; i++)
		strcat(name, "St5_BindIF");
	look_at_all(name);
}

#define BINDS 40

/* Each std::_Bind binds the one before twice to itself: 3^40 sizes, in a name of 600 bytes. */
static void works_out_sizes_once(void **state)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char name[2 * CPP_NAME_BYTES_MAX] = "St5tupleIJ";
	cpp_node *element[1];
	struct cpp_tree tree;

	(void)state;
	for (unsigned int i = 0; i < BINDS; i++)
		strcat(name, i ? "S0_IF" : "St5_BindIF");
	strcat(name, "PFviEiEE");
	for (unsigned int i = 1; i < BINDS; i++) {
		/* Substitutions are numbered in base 36; the first bind has number 4, each after it
		 * adds its function's type and itself. */
		unsigned int number = 2 * i + 2;
		char text[3] = {digits[number / 36], digits[number % 36], '\0'};
		const char *from = text + (number < 36);

		sprintf(name + strlen(name), "S%s_S%s_EE", from, from);
	}
	strcat(name, "EE");
	assert_int_equal(cpp_parse(name, &tree), 0);
	assert_int_equal(cpp_arguments(tree.root, element, 1), 1);
	assert_true(cpp_is_bind(element[0]));
	assert_int_equal(cpp_layout_of(&tree, element[0]).bytes, 0);
	cpp_free(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_the_first_element),
		cmocka_unit_test(takes_names_apart),
		cmocka_unit_test(stands_any_byte),
		cmocka_unit_test(is_not_held_up),
		cmocka_unit_test(works_out_sizes_once),
	};

	alarm(DEADLINE_S); /* a parser that hangs is a failure */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
