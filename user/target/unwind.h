/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unwind.h - steps from a frame to its caller's, in a copy of registers and stack.
 *
 * Private to user/target. Pure: reads nothing but the copy. Rows come from hostile files: each
 * step must go up the stack, so that steps end, and what lies outside of the copy is unknown.
 */
#ifndef TW_TARGET_UNWIND_H
#define TW_TARGET_UNWIND_H

#include "target/reader.h"

struct unwind {
	uint64_t registers[DWARF_REGISTERS];
	uint32_t known; /* bit per register */
	const uint8_t *stack;
	uint64_t stack_start, stack_bytes;
};

/* The state at the return address of the call that `copy` was made within. false: the copy
 * does not reach that far. The copy must outlive `out`. */
bool unwind_begin(struct unwind *out, const struct wire_stack_copy *copy);

/* The address at which the frame goes on; 0: not known. */
uint64_t unwind_address(const struct unwind *unwind);

/* To the caller by the row for this frame. false: it is the outermost frame, or the caller
 * cannot be found; the state is then worth nothing. */
bool unwind_step(struct unwind *unwind, const struct frame_row *row);

#endif
