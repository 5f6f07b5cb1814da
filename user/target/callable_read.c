/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * callable_read.c - what a start function is, and the words behind its argument.
 *
 * For threads that were there before us, and for programs whose files do not tell their
 * trampolines. Refuses what only looks like a C++ object or a closure of Rust.
 */
#include "target/callable.h"

#include <errno.h>
#include <string.h>

#include "target/itanium.h"
#include "target/module_internal.h"
#include "target/rtti.h"
#include "target/target_internal.h"

#define RUST_STD_PATH "library/std/src/" /* in the places of panics, which strip keeps */
#define STATE_TYPE    "NSt6thread11_State_impl"

static bool is_std_thread(struct target *target, uint64_t start_arg)
{
	char type[CPP_NAME_BYTES_MAX];
	uint64_t vtable;

	return !target_read(target, start_arg, &vtable, sizeof(vtable)) &&
	       !rtti_type_name(target, vtable, type, sizeof(type)) &&
	       !strncmp(type, STATE_TYPE, sizeof(STATE_TYPE) - 1);
}

/* A box with a closure in the data of a file that says of itself that Rust's std is in it. */
static bool is_rust_thread(struct target *target, struct module *module, uint64_t start_arg)
{
	struct rust_vtable vtable;
	struct target_place place;
	uint64_t words[RUST_BOX_WORDS_MAX];

	if (start_arg % CALLABLE_WORD_BYTES || target_read(target, start_arg, words, sizeof(words)))
		return false;
	for (size_t i = 1; i < RUST_BOX_WORDS_MAX; i++)
		if (!rust_vtable_read(target, words[i], &vtable) &&
			!target_place_of(target, words[i], &place) && !place.executable)
			return module_has_text(module, RUST_STD_PATH);
	return false;
}

static uint32_t trampoline_in(
	struct target *target, struct module *module, uint64_t offset, uint64_t start_arg)
{
	struct trampoline_site sites[TRAMPOLINES_MAX];
	size_t count = trampolines_of(module, sites, TRAMPOLINES_MAX);

	for (size_t i = 0; i < count; i++)
		if (sites[i].file_offset == offset || sites[i].file_offset == TRAMPOLINE_ANYWHERE)
			return sites[i].kind;
	if (is_std_thread(target, start_arg))
		return WIRE_TRAMPOLINE_STD_THREAD;
	return is_rust_thread(target, module, start_arg) ? WIRE_TRAMPOLINE_RUST
							 : WIRE_TRAMPOLINE_NONE;
}

uint32_t target_trampoline(struct target *target, uint64_t start_fn, uint64_t start_arg)
{
	struct target_place place;
	uint32_t kind;

	if (target_place_of(target, start_fn, &place) || !place.executable)
		return WIRE_TRAMPOLINE_NONE;
	/* Reading memory may read the maps again, in which the file may be no more. */
	module_get(place.module);
	kind = trampoline_in(
		target, place.module, module_vaddr_to_offset(place.module, place.vaddr), start_arg);
	module_put(place.module);
	return kind;
}

static uint16_t read_words(struct target *target, uint64_t address, __u64 *words, size_t count)
{
	uint16_t read = 0;

	if (!address || address % CALLABLE_WORD_BYTES)
		return 0;
	while (read < count && !target_read(target, address + read * CALLABLE_WORD_BYTES,
				       words + read, sizeof(*words)))
		read++;
	return read;
}

/* The word of the object that leads on. */
static uint64_t inner_of(struct target *target, const struct wire_callable *callable)
{
	struct rust_vtable vtable;

	switch (callable->trampoline) {
	case WIRE_TRAMPOLINE_STD_THREAD:
		return callable->object_count > 1 ? callable->object[1] : 0;
	case WIRE_TRAMPOLINE_RUST:
		for (size_t i = 1; i < callable->object_count && i < RUST_BOX_WORDS_MAX; i++)
			if (!rust_vtable_read(target, callable->object[i], &vtable))
				return callable->object[i];
		return 0;
	default:
		return 0;
	}
}

int target_read_callable(
	struct target *target, uint32_t trampoline, uint64_t start_arg, struct wire_callable *out)
{
	struct wire_callable callable = {.trampoline = trampoline, .object_address = start_arg};

	/* Of Python's {function, bootstate} the bootstate counts, and what its func is bound to. */
	if (trampoline == WIRE_TRAMPOLINE_PYTHON &&
		target_read(target, start_arg + CALLABLE_WORD_BYTES, &callable.object_address,
			sizeof(callable.object_address)))
		return -EFAULT;
	callable.object_count =
		read_words(target, callable.object_address, callable.object, WIRE_OBJECT_WORDS);
	if (!callable.object_count)
		return -EFAULT;
	callable.inner_address = inner_of(target, &callable);
	callable.inner_count =
		read_words(target, callable.inner_address, callable.inner, WIRE_INNER_WORDS);
	*out = callable;
	return 0;
}
