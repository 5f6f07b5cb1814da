/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * eh_frame.h - how callers' frames are found, by the .eh_frame section of a file.
 *
 * Private to user/target. A small reader for the few forms that a wire_frame_rule can say:
 * CFA by rsp or rbp, the return address just below the CFA, rbp kept or saved. What is in any
 * other form, or broken, has no rule. libdw (reader.h) knows all forms, but answers one question
 * at a time from another process; here a file with thousands of calls is done in milliseconds.
 */
#ifndef TW_TARGET_EH_FRAME_H
#define TW_TARGET_EH_FRAME_H

#include "bpf/wire.h"
#include "target/elf_file.h"

#define EH_FRAME_BYTES_MAX (128u << 20)

struct eh_bytes {
	const uint8_t *at, *end;
};

/* The code of one function (or a part of it), and the instructions that tell its frame; valid
 * as long as the eh_frame. */
struct eh_function {
	uint64_t start, bytes;
	uint64_t code_unit;
	int64_t data_unit;
	struct eh_bytes common, own;
};

struct eh_frame {
	uint8_t *section;
	uint64_t bytes;
	uint64_t vaddr;
};

/* 0, or -ENOENT: the file has no such section or it is too large; -EIO, -ENOMEM. */
int eh_frame_open(const struct elf_file *file, struct eh_frame *out);
void eh_frame_close(struct eh_frame *frame); /* a zeroed one is fine */

/* Calls visit for each function until it returns false. Stops silently where the section is
 * broken; leaves out what is in a form that is not understood. */
void eh_frame_each(const struct eh_frame *frame,
	bool (*visit)(const struct eh_function *function, void *context), void *context);

/* The rule while the instruction at this linked address runs. 0, or -ENOENT. */
int eh_function_rule(
	const struct eh_function *function, uint64_t vaddr, struct wire_frame_rule *out);

#endif
