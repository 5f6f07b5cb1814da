/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_target_unwind.c - steps in a copied stack by given rows: right ones, hostile ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "target/unwind.h"

#define STACK_START 0x7ffd00001000ull
#define RBX	    3
#define RBP	    6
#define CALL_SITE   0x401234

static struct wire_stack_copy copy_new(void)
{
	struct wire_stack_copy copy = {.bytes = 256};

	copy.registers[DWARF_REGISTER_SP] = STACK_START;
	copy.registers[DWARF_REGISTER_RA] = CALL_SITE;
	copy.registers[RBX] = 0xb0b;
	copy.registers[RBP] = STACK_START + 0x40;
	copy.registers[0] = 0xdead;
	return copy;
}

static void poke(struct wire_stack_copy *copy, uint64_t offset, uint64_t value)
{
	memcpy(copy->stack + offset, &value, sizeof(value));
}

static struct frame_row row_by(uint8_t reg, int32_t offset)
{
	struct frame_row row = {.cfa = {.kind = RULE_REGISTER, .other = reg, .offset = offset}};

	for (size_t i = 0; i < DWARF_REGISTERS; i++)
		row.registers[i].kind = RULE_SAME;
	row.registers[DWARF_REGISTER_RA] = (struct frame_rule){.kind = RULE_AT_CFA, .offset = -8};
	return row;
}

static void test_begins_at_the_call_site(void **state)
{
	struct wire_stack_copy copy = copy_new();
	struct unwind unwind;
	(void)state;

	poke(&copy, 0, CALL_SITE);
	assert_true(unwind_begin(&unwind, &copy));
	assert_int_equal(unwind_address(&unwind), CALL_SITE);
	assert_int_equal(unwind.registers[DWARF_REGISTER_SP], STACK_START + 8);
	/* The stack does not hold what the registers say. */
	poke(&copy, 0, CALL_SITE + 1);
	assert_false(unwind_begin(&unwind, &copy));
	copy.bytes = 7;
	poke(&copy, 0, CALL_SITE);
	assert_false(unwind_begin(&unwind, &copy));
}

static void test_steps_by_stack_pointer_then_frame_pointer(void **state)
{
	struct wire_stack_copy copy = copy_new();
	struct unwind unwind;
	struct frame_row row = row_by(DWARF_REGISTER_SP, 0x20);
	(void)state;

	poke(&copy, 0, CALL_SITE);
	poke(&copy, 0x20, 0x402000); /* return address at CFA - 8 */
	poke(&copy, 0x18, 0xb1b);    /* rbx at CFA - 16 */
	row.registers[RBX] = (struct frame_rule){.kind = RULE_AT_CFA, .offset = -16};
	assert_true(unwind_begin(&unwind, &copy));
	assert_true(unwind_step(&unwind, &row));
	assert_int_equal(unwind_address(&unwind), 0x402000);
	assert_int_equal(unwind.registers[DWARF_REGISTER_SP], STACK_START + 0x28);
	assert_int_equal(unwind.registers[RBX], 0xb1b);

	row = row_by(RBP, 16);
	poke(&copy, 0x48, 0x403000);
	assert_true(unwind_step(&unwind, &row));
	assert_int_equal(unwind_address(&unwind), 0x403000);
	assert_int_equal(unwind.registers[DWARF_REGISTER_SP], STACK_START + 0x50);
}

static void test_finds_a_frame_address_in_memory(void **state)
{
	struct wire_stack_copy copy = copy_new();
	struct frame_row row = row_by(RBP, -8);
	struct unwind unwind;
	(void)state;

	row.cfa.kind = RULE_AT_REGISTER;
	row.registers[RBX] =
		(struct frame_rule){.kind = RULE_AT_REGISTER, .other = RBP, .offset = 0};
	poke(&copy, 0, CALL_SITE);
	poke(&copy, 0x38, STACK_START + 0x80);
	poke(&copy, 0x40, 0xb2b);
	poke(&copy, 0x78, 0x404000);
	assert_true(unwind_begin(&unwind, &copy));
	assert_true(unwind_step(&unwind, &row));
	assert_int_equal(unwind_address(&unwind), 0x404000);
	assert_int_equal(unwind.registers[RBX], 0xb2b);
}

static void test_ends_where_nothing_is_known(void **state)
{
	struct wire_stack_copy copy = copy_new();
	struct unwind begin, unwind;
	struct frame_row row;
	(void)state;

	poke(&copy, 0, CALL_SITE);
	assert_true(unwind_begin(&begin, &copy));
	/* The outermost frame has no caller. */
	row = row_by(DWARF_REGISTER_SP, 0x20);
	row.registers[DWARF_REGISTER_RA].kind = RULE_UNDEFINED;
	unwind = begin;
	assert_false(unwind_step(&unwind, &row));
	/* A return address of 0. */
	row = row_by(DWARF_REGISTER_SP, 0x20);
	unwind = begin;
	assert_false(unwind_step(&unwind, &row));
	/* rax has changed since the call: it tells nothing. */
	row = row_by(0, 0x20);
	unwind = begin;
	assert_false(unwind_step(&unwind, &row));
}

static void test_never_goes_down_nor_outside(void **state)
{
	static const int32_t offsets[] = {0, -8, -0x1000, INT32_MIN, 0x1000, INT32_MAX};
	struct wire_stack_copy copy = copy_new();
	struct unwind begin, unwind;
	(void)state;

	for (size_t i = 0; i < copy.bytes; i += 8)
		poke(&copy, i, CALL_SITE);
	assert_true(unwind_begin(&begin, &copy));
	for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
		struct frame_row row = row_by(DWARF_REGISTER_SP, offsets[i]);

		unwind = begin;
		assert_false(unwind_step(&unwind, &row));
		row.cfa.kind = RULE_AT_REGISTER;
		unwind = begin;
		assert_false(unwind_step(&unwind, &row));
	}
	/* At the very end of the address space. */
	begin.registers[RBP] = UINT64_MAX - 3;
	unwind = begin;
	struct frame_row row = row_by(RBP, 0);
	assert_false(unwind_step(&unwind, &row));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begins_at_the_call_site),
		cmocka_unit_test(test_steps_by_stack_pointer_then_frame_pointer),
		cmocka_unit_test(test_finds_a_frame_address_in_memory),
		cmocka_unit_test(test_ends_where_nothing_is_known),
		cmocka_unit_test(test_never_goes_down_nor_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
