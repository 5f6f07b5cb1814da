/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * eh_row.c - runs the instructions of one function: see eh_frame.h. DWARF 5, 6.4.2.
 *
 * Only what a wire_frame_rule can say is followed: the CFA, rbp and the return address. An
 * instruction that is not known ends it without a rule, since those behind it cannot be read.
 */
#include <dwarf.h>
#include <errno.h>

#include "target/eh_bytes.h"

#define REGISTER_RBP   6
#define REGISTER_RSP   7
#define REGISTER_RA    16
#define WORD_BYTES     8
#define REMEMBERED_MAX 8
#define ADVANCE_MASK   0x3f /* operand within the byte of an instruction */

enum place {
	PLACE_SAME,
	PLACE_AT_CFA,
	PLACE_OTHER, /* in a form that is not understood */
};

struct saved {
	enum place place;
	int64_t offset; /* AT_CFA */
};

struct row {
	uint64_t cfa_register;
	int64_t cfa_offset;
	bool cfa_known;
	struct saved rbp, ra;
};

struct machine {
	const struct eh_function *function;
	uint64_t location, wanted;
	struct row row, initial, remembered[REMEMBERED_MAX];
	size_t depth;
	bool past; /* the row is that of `wanted` */
};

static struct saved *saved_of(struct row *row, uint64_t number)
{
	if (number == REGISTER_RBP)
		return &row->rbp;
	return number == REGISTER_RA ? &row->ra : NULL;
}

static void save(struct machine *machine, uint64_t number, enum place place, int64_t units)
{
	struct saved *saved = saved_of(&machine->row, number);

	if (!saved)
		return;
	*saved = (struct saved){.place = place};
	if (place == PLACE_AT_CFA &&
		__builtin_mul_overflow(units, machine->function->data_unit, &saved->offset))
		saved->place = PLACE_OTHER;
}

static void restore(struct machine *machine, uint64_t number)
{
	struct saved *saved = saved_of(&machine->row, number);

	if (saved)
		*saved = *saved_of(&machine->initial, number);
}

/* false: no row can be told from here on. */
static bool advance(struct machine *machine, uint64_t units)
{
	uint64_t bytes;

	if (__builtin_mul_overflow(units, machine->function->code_unit, &bytes) ||
		bytes > UINT64_MAX - machine->location)
		return false;
	if (machine->location + bytes > machine->wanted)
		machine->past = true;
	else
		machine->location += bytes;
	return true;
}

static bool advance_by(struct machine *machine, struct eh_bytes *code, size_t bytes)
{
	uint32_t units = 0;

	return take(code, &units, bytes) && advance(machine, units);
}

static bool define_cfa(struct machine *machine, bool with_register, bool with_offset, bool factored,
	struct eh_bytes *code)
{
	struct row *row = &machine->row;
	uint64_t offset;

	if (with_register && !take_unsigned(code, &row->cfa_register))
		return false;
	if (with_register && with_offset)
		row->cfa_known = true;
	if (!with_offset)
		return true;
	if (!factored) {
		if (!take_unsigned(code, &offset))
			return false;
		row->cfa_offset = (int64_t)offset;
		return true;
	}
	return take_signed(code, &row->cfa_offset) &&
	       !__builtin_mul_overflow(
		       row->cfa_offset, machine->function->data_unit, &row->cfa_offset);
}

static bool skip_block(struct eh_bytes *code)
{
	uint64_t bytes;

	return take_unsigned(code, &bytes) && skip(code, bytes);
}

/* Instructions that say where one register is. */
static bool execute_register(struct machine *machine, uint8_t operation, struct eh_bytes *code)
{
	uint64_t number, operand = 0;
	int64_t units = 0;

	if (!take_unsigned(code, &number))
		return false;
	switch (operation) {
	case DW_CFA_offset_extended:
		if (!take_unsigned(code, &operand))
			return false;
		save(machine, number, operand > INT64_MAX ? PLACE_OTHER : PLACE_AT_CFA,
			(int64_t)operand);
		return true;
	case DW_CFA_offset_extended_sf:
		if (!take_signed(code, &units))
			return false;
		save(machine, number, PLACE_AT_CFA, units);
		return true;
	case DW_CFA_restore_extended:
		restore(machine, number);
		return true;
	case DW_CFA_same_value:
		save(machine, number, PLACE_SAME, 0);
		return true;
	case DW_CFA_undefined:
		save(machine, number, PLACE_OTHER, 0);
		return true;
	case DW_CFA_expression:
	case DW_CFA_val_expression:
		save(machine, number, PLACE_OTHER, 0);
		return skip_block(code);
	default: /* DW_CFA_register, DW_CFA_val_offset, DW_CFA_val_offset_sf: one operand */
		save(machine, number, PLACE_OTHER, 0);
		return take_unsigned(code, &operand);
	}
}

static bool execute_state(struct machine *machine, bool remember)
{
	if (remember) {
		if (machine->depth == REMEMBERED_MAX)
			return false;
		machine->remembered[machine->depth++] = machine->row;
		return true;
	}
	if (!machine->depth)
		return false;
	machine->row = machine->remembered[--machine->depth];
	return true;
}

static bool execute_extended(struct machine *machine, uint8_t operation, struct eh_bytes *code)
{
	uint64_t ignored;

	switch (operation) {
	case DW_CFA_nop:
		return true;
	case DW_CFA_advance_loc1:
		return advance_by(machine, code, 1);
	case DW_CFA_advance_loc2:
		return advance_by(machine, code, 2);
	case DW_CFA_advance_loc4:
		return advance_by(machine, code, 4);
	case DW_CFA_remember_state:
	case DW_CFA_restore_state:
		return execute_state(machine, operation == DW_CFA_remember_state);
	case DW_CFA_def_cfa:
	case DW_CFA_def_cfa_sf:
		return define_cfa(machine, true, true, operation == DW_CFA_def_cfa_sf, code);
	case DW_CFA_def_cfa_register:
		return define_cfa(machine, true, false, false, code);
	case DW_CFA_def_cfa_offset:
	case DW_CFA_def_cfa_offset_sf:
		return define_cfa(
			machine, false, true, operation == DW_CFA_def_cfa_offset_sf, code);
	case DW_CFA_def_cfa_expression:
		machine->row.cfa_known = false;
		return skip_block(code);
	case DW_CFA_GNU_args_size:
		return take_unsigned(code, &ignored);
	case DW_CFA_offset_extended:
	case DW_CFA_offset_extended_sf:
	case DW_CFA_restore_extended:
	case DW_CFA_same_value:
	case DW_CFA_undefined:
	case DW_CFA_register:
	case DW_CFA_expression:
	case DW_CFA_val_expression:
	case DW_CFA_val_offset:
	case DW_CFA_val_offset_sf:
		return execute_register(machine, operation, code);
	default:
		return false;
	}
}

static bool execute(struct machine *machine, struct eh_bytes code)
{
	uint64_t operand;
	uint8_t byte;

	while (!machine->past && take(&code, &byte, sizeof(byte))) {
		uint8_t number = byte & ADVANCE_MASK;
		bool good = true;

		switch (byte & ~ADVANCE_MASK) {
		case DW_CFA_advance_loc:
			good = advance(machine, number);
			break;
		case DW_CFA_offset:
			good = take_unsigned(&code, &operand) && operand <= INT64_MAX;
			save(machine, number, PLACE_AT_CFA, (int64_t)operand);
			break;
		case DW_CFA_restore:
			restore(machine, number);
			break;
		default:
			good = execute_extended(machine, byte, &code);
		}
		if (!good)
			return false;
	}
	return true;
}

int eh_function_rule(
	const struct eh_function *function, uint64_t vaddr, struct wire_frame_rule *out)
{
	struct machine machine = {
		.function = function, .location = function->start, .wanted = vaddr};
	struct wire_frame_rule rule = {0};
	const struct row *row = &machine.row;

	if (vaddr < function->start || vaddr - function->start >= function->bytes ||
		!execute(&machine, function->common) || machine.past)
		return -ENOENT;
	machine.initial = machine.row;
	if (!execute(&machine, function->own))
		return -ENOENT;
	if (!row->cfa_known || row->ra.place != PLACE_AT_CFA || row->ra.offset != -WORD_BYTES ||
		row->rbp.place == PLACE_OTHER || row->cfa_offset != (int32_t)row->cfa_offset ||
		row->rbp.offset != (int32_t)row->rbp.offset ||
		(row->cfa_register != REGISTER_RBP && row->cfa_register != REGISTER_RSP))
		return -ENOENT;
	rule.cfa_offset = (int32_t)row->cfa_offset;
	if (row->cfa_register == REGISTER_RBP)
		rule.flags |= WIRE_FRAME_CFA_RBP;
	if (row->rbp.place == PLACE_AT_CFA) {
		rule.flags |= WIRE_FRAME_RBP_SAVED;
		rule.rbp_offset = (int32_t)row->rbp.offset;
	}
	*out = rule;
	return 0;
}
