/* SPDX-License-Identifier: GPL-2.0-only */
/* test_target_usdt_arg.c - arguments of probe sites: each form accepted, each form refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/target.h"

struct accepted {
	const char *text;
	struct wire_arg arg;
};

#define NONE WIRE_NO_REG

static const struct accepted accepted[] = {
	{"8@%rdi", {0, WIRE_ARG_REG, 112, NONE, 0, 8}},
	{"-4@%edi", {0, WIRE_ARG_REG, 112, NONE, 0, -4}},
	{"1@%dil", {0, WIRE_ARG_REG, 112, NONE, 0, 1}},
	{"-2@%di", {0, WIRE_ARG_REG, 112, NONE, 0, -2}},
	{"8@%r15", {0, WIRE_ARG_REG, 0, NONE, 0, 8}},
	{"8@%r14", {0, WIRE_ARG_REG, 8, NONE, 0, 8}},
	{"8@%r13", {0, WIRE_ARG_REG, 16, NONE, 0, 8}},
	{"8@%r12", {0, WIRE_ARG_REG, 24, NONE, 0, 8}},
	{"8@%rbp", {0, WIRE_ARG_REG, 32, NONE, 0, 8}},
	{"8@%rbx", {0, WIRE_ARG_REG, 40, NONE, 0, 8}},
	{"8@%r11", {0, WIRE_ARG_REG, 48, NONE, 0, 8}},
	{"8@%r10", {0, WIRE_ARG_REG, 56, NONE, 0, 8}},
	{"8@%r9", {0, WIRE_ARG_REG, 64, NONE, 0, 8}},
	{"4@%r8d", {0, WIRE_ARG_REG, 72, NONE, 0, 4}},
	{"2@%r8w", {0, WIRE_ARG_REG, 72, NONE, 0, 2}},
	{"1@%r8b", {0, WIRE_ARG_REG, 72, NONE, 0, 1}},
	{"8@%rax", {0, WIRE_ARG_REG, 80, NONE, 0, 8}},
	{"1@%al", {0, WIRE_ARG_REG, 80, NONE, 0, 1}},
	{"8@%rcx", {0, WIRE_ARG_REG, 88, NONE, 0, 8}},
	{"8@%rdx", {0, WIRE_ARG_REG, 96, NONE, 0, 8}},
	{"1@%sil", {0, WIRE_ARG_REG, 104, NONE, 0, 1}},
	{"8@%rsp", {0, WIRE_ARG_REG, 152, NONE, 0, 8}},
	{"-4@$5", {5, WIRE_ARG_CONST, NONE, NONE, 0, -4}},
	{"-4@$-5", {-5, WIRE_ARG_CONST, NONE, NONE, 0, -4}},
	{"4@$-1", {0xffffffff, WIRE_ARG_CONST, NONE, NONE, 0, 4}},
	{"-1@$255", {-1, WIRE_ARG_CONST, NONE, NONE, 0, -1}},
	{"8@$0x7fffffffffffffff", {INT64_MAX, WIRE_ARG_CONST, NONE, NONE, 0, 8}},
	{"-8@$-9223372036854775808", {INT64_MIN, WIRE_ARG_CONST, NONE, NONE, 0, -8}},
	{"8@$0", {0, WIRE_ARG_CONST, NONE, NONE, 0, 8}},
	{"8@-16(%rbp)", {-16, WIRE_ARG_MEMORY, 32, NONE, 0, 8}},
	{"8@(%rax)", {0, WIRE_ARG_MEMORY, 80, NONE, 0, 8}},
	{"-4@0x10(%rsp)", {16, WIRE_ARG_MEMORY, 152, NONE, 0, -4}},
	{"4@8(%rax,%rcx,4)", {8, WIRE_ARG_MEMORY, 80, 88, 4, 4}},
	{"4@(%rax,%rcx)", {0, WIRE_ARG_MEMORY, 80, 88, 1, 4}},
	{"4@-8(,%rcx,8)", {-8, WIRE_ARG_MEMORY, NONE, 88, 8, 4}},
	{"   8@%rdi", {0, WIRE_ARG_REG, 112, NONE, 0, 8}},
};

static void accepts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		const char *text = accepted[i].text;
		struct wire_arg arg;

		if (usdt_parse_arg(&text, &arg) != 1)
			fail_msg("refused: %s", text);
		assert_memory_equal(&arg, &accepted[i].arg, sizeof(arg));
		assert_string_equal(text, "");
		assert_int_equal(usdt_parse_arg(&text, &arg), 0);
	}
}

static const char *const refused[] = {"8", "@", "8@", "@%rdi", "3@%rdi", "0@%rdi", "16@%rdi",
	"-16@%rdi", "8@rdi", "8@%", "8@%rd", "8@%rdix", "8@%ah", "8@%rip", "8@%xmm0", "4f@%xmm0",
	"8@$", "8@$name", "8@$-", "8@$0x", "8@$010", "8@$99999999999999999999", "8@name(%rip)",
	"8@8+name(%rip)", "8@16(%rip)", "8@%fs:16(%rax)", "8@1234", "8@()", "8@(,)", "8@8()",
	"8@(%rax", "8@(%rax,", "8@(%rax,%rcx,", "8@(%rax,%rcx,3)", "8@(%rax,%rcx,4", "8@(%eax)",
	"8@(%rax,%ecx)", "8@(,,4)", "8@%rdi,8@%rsi", "8@%rdi8@%rsi", "8@ %rdi", "--8@%rdi",
	"8@--4(%rax)", "8@\t%rdi", "8@(%rax)x"};

static void refuses_and_leaves_all_as_it_was(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct wire_arg before, arg;
		const char *text = refused[i];

		memset(&before, 0x5a, sizeof(before));
		arg = before;
		if (usdt_parse_arg(&text, &arg) != -EINVAL)
			fail_msg("accepted: %s", refused[i]);
		assert_ptr_equal(text, refused[i]);
		assert_memory_equal(&arg, &before, sizeof(arg));
	}
}

static void goes_through_a_list(void **state)
{
	const char *text = "8@%rdi -4@$7 8@-8(%rbp) ";
	struct wire_arg args[3];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(usdt_parse_arg(&text, &args[i]), 1);
	assert_int_equal(usdt_parse_arg(&text, &args[0]), 0);
	assert_int_equal(args[0].reg_offset, 112);
	assert_int_equal(args[1].value, 7);
	assert_int_equal(args[2].value, -8);
}

/* Reads nothing behind the end of the text: the sanitizer watches. */
static void stands_every_start_of_a_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		for (size_t length = 0; length <= strlen(accepted[i].text); length++) {
			char *copy = strndup(accepted[i].text, length);
			const char *text = copy;
			struct wire_arg arg;

			assert_in_range(usdt_parse_arg(&text, &arg) + 1000, 1000 - EINVAL, 1001);
			free(copy);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts),
		cmocka_unit_test(refuses_and_leaves_all_as_it_was),
		cmocka_unit_test(goes_through_a_list),
		cmocka_unit_test(stands_every_start_of_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
