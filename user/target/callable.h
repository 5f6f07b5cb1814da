/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * callable.h - what the files that name callables share. Private to user/target.
 */
#ifndef TW_TARGET_CALLABLE_H
#define TW_TARGET_CALLABLE_H

#include "target/target.h"

#define CALLABLE_WORD_BYTES 8u

/* One word: as it was read at the thread's birth, else as it is in memory now. */
int callable_word(struct target *target, const struct wire_callable *callable, uint64_t address,
	uint64_t *out);

/* Whether the address lies in the code of a file. */
bool callable_is_code(struct target *target, uint64_t address);

/* The mangled name of the function that starts exactly there; NULL: none that is known. Good until
 * the maps are read again, which any reading of memory may do: the file may be gone then. */
const char *callable_symbol(struct target *target, uint64_t address);

/* Names a function by its start. `certain`: something else proves that a function starts there,
 * so that one without a symbol can be told by its place. -ENOENT: no function starts there. */
int callable_function(
	struct target *target, uint64_t address, bool certain, struct callable_name *out);

/* Fills in the names of a type, which is written as its language would. */
void callable_type(const char *whole, struct callable_name *out);

int callable_cpp_name(
	struct target *target, const struct wire_callable *callable, struct callable_name *out);
int callable_rust_name(
	struct target *target, const struct wire_callable *callable, struct callable_name *out);

#define RUST_BOX_WORDS_MAX 3 /* {data, vtable}; since 1.90 {thread, data, vtable} */

/* The first four words of a vtable of Rust's dyn FnOnce(). */
struct rust_vtable {
	uint64_t drop, size, align, call;
};
/* Reads one and checks that it can be one. */
int rust_vtable_read(struct target *target, uint64_t address, struct rust_vtable *out);

#endif
