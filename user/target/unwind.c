/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unwind.c - see unwind.h. Registers that a call may change are unknown from the start: the
 * copy has their values of the moment of the call, not of the return.
 */
#include "target/unwind.h"

#include <string.h>

#define WORD_BYTES 8
#define BIT(n)	   (1u << (n))

/* rbx, rbp, rsp, r12 to r15 (System V ABI of x86-64), and the return address. */
#define PRESERVED                                                                           \
	(BIT(3) | BIT(6) | BIT(DWARF_REGISTER_SP) | BIT(12) | BIT(13) | BIT(14) | BIT(15) | \
		BIT(DWARF_REGISTER_RA))

static bool read_word(const struct unwind *unwind, uint64_t address, uint64_t *out)
{
	uint64_t into = address - unwind->stack_start;

	if (unwind->stack_bytes < WORD_BYTES || into > unwind->stack_bytes - WORD_BYTES)
		return false;
	memcpy(out, unwind->stack + into, WORD_BYTES);
	return true;
}

static bool read_register(const struct unwind *unwind, uint8_t number, uint64_t *out)
{
	*out = unwind->registers[number];
	return unwind->known & BIT(number);
}

bool unwind_begin(struct unwind *out, const struct wire_stack_copy *copy)
{
	uint64_t return_address;

	*out = (struct unwind){
		.known = PRESERVED,
		.stack = copy->stack,
		.stack_start = copy->registers[DWARF_REGISTER_SP],
		.stack_bytes = copy->bytes,
	};
	memcpy(out->registers, copy->registers, sizeof(out->registers));
	if (!read_word(out, out->stack_start, &return_address) ||
		return_address != copy->registers[DWARF_REGISTER_RA])
		return false;
	out->registers[DWARF_REGISTER_SP] += WORD_BYTES;
	return true;
}

uint64_t unwind_address(const struct unwind *unwind)
{
	return unwind->known & BIT(DWARF_REGISTER_RA) ? unwind->registers[DWARF_REGISTER_RA] : 0;
}

static bool find_cfa(const struct unwind *unwind, const struct frame_rule *rule, uint64_t *out)
{
	uint64_t base;

	if (!read_register(unwind, rule->other, &base))
		return false;
	*out = base + (int64_t)rule->offset;
	return rule->kind == RULE_REGISTER || read_word(unwind, *out, out);
}

static bool apply(const struct unwind *unwind, const struct frame_rule *rule, uint8_t number,
	uint64_t cfa, uint64_t *out)
{
	uint64_t base;

	switch ((enum rule_kind)rule->kind) {
	case RULE_SAME:
		return read_register(unwind, number, out);
	case RULE_AT_CFA:
		return read_word(unwind, cfa + (int64_t)rule->offset, out);
	case RULE_CFA:
		*out = cfa + (int64_t)rule->offset;
		return true;
	case RULE_AT_REGISTER:
		return read_register(unwind, rule->other, &base) &&
		       read_word(unwind, base + (int64_t)rule->offset, out);
	case RULE_REGISTER:
		return read_register(unwind, rule->other, out);
	case RULE_UNKNOWN:
	case RULE_UNDEFINED:
		break;
	}
	return false;
}

bool unwind_step(struct unwind *unwind, const struct frame_row *row)
{
	struct unwind caller = *unwind;
	uint64_t cfa;

	if (!find_cfa(unwind, &row->cfa, &cfa) || cfa <= unwind->registers[DWARF_REGISTER_SP])
		return false;
	caller.known = 0;
	for (uint8_t i = 0; i < DWARF_REGISTERS; i++)
		if (apply(unwind, &row->registers[i], i, cfa, &caller.registers[i]))
			caller.known |= BIT(i);
	caller.registers[DWARF_REGISTER_SP] = cfa;
	caller.known |= BIT(DWARF_REGISTER_SP);
	*unwind = caller;
	return unwind_address(&caller) != 0;
}
