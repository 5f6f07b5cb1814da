/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * target_origin.c - where in the source an address is, and the stack behind it.
 *
 * Input: return addresses that the kernel saw, or a copy of the stack. Refuses to guess: a
 * frame counts only when it lies in mapped code right behind a call instruction, and the first
 * that does not ends the stack.
 */
#include <errno.h>

#include "target/creating.h"
#include "target/module_debug.h"
#include "target/unwind.h"

int target_source_line(struct target *target, uint64_t return_address, struct source_line *out)
{
	uint64_t vaddr;
	/* The call is the instruction before; it may be the last of its line. */
	struct module *module =
		return_address ? target_module_at(target, return_address - 1, &vaddr) : NULL;

	return module ? module_line(module, vaddr, out) : -ENOENT;
}

static bool is_return_address(struct target *target, uint64_t address)
{
	uint64_t vaddr;
	struct module *module = address ? target_module_at(target, address - 1, &vaddr) : NULL;

	return module && module_is_after_call(module, vaddr + 1);
}

bool target_creates_for_caller(struct target *target, uint64_t return_address)
{
	uint64_t vaddr, distance;
	struct module *module =
		return_address ? target_module_at(target, return_address - 1, &vaddr) : NULL;
	const char *function = module ? module_function_at(module, vaddr, &distance) : NULL;

	return function && creates_for_caller(function);
}

size_t target_check_stack(struct target *target, const uint64_t *frames, size_t count)
{
	size_t good = 0;

	while (good < count && is_return_address(target, frames[good]))
		good++;
	return good;
}

size_t target_unwind(struct target *target, const struct wire_stack_copy *copy,
	uint64_t frames[static WIRE_STACK_FRAMES])
{
	struct unwind unwind;
	size_t count = 0;
	bool more = unwind_begin(&unwind, copy);

	while (more && count < WIRE_STACK_FRAMES) {
		uint64_t address = unwind_address(&unwind), vaddr;
		struct module *module =
			address ? target_module_at(target, address - 1, &vaddr) : NULL;
		struct frame_row row;

		if (!module || !module_is_after_call(module, vaddr + 1))
			break;
		frames[count++] = address;
		more = !module_frame(module, vaddr, &row) && unwind_step(&unwind, &row);
	}
	return count;
}
