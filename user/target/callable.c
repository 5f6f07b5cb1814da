/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * callable.c - names what a trampoline was to call.
 *
 * Input: the words that were read behind the trampoline's argument, and more memory of the
 * process as long as it lives. Refuses a function that does not start exactly where it should.
 */
#include "target/callable.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "target/python.h"
#include "target/shorten.h"
#include "target/target_internal.h"

#define FUNCTION_ALIGN 16u

static bool from_copy(
	const __u64 *words, size_t count, uint64_t start, uint64_t address, uint64_t *out)
{
	uint64_t at = address - start;

	if (!start || at % CALLABLE_WORD_BYTES || at / CALLABLE_WORD_BYTES >= count)
		return false;
	*out = words[at / CALLABLE_WORD_BYTES];
	return true;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

int callable_word(struct target *target, const struct wire_callable *callable, uint64_t address,
	uint64_t *out)
{
	if (!address)
		return -EFAULT;
	if (from_copy(callable->object, smaller(callable->object_count, WIRE_OBJECT_WORDS),
		    callable->object_address, address, out) ||
		from_copy(callable->inner, smaller(callable->inner_count, WIRE_INNER_WORDS),
			callable->inner_address, address, out))
		return 0;
	return target_read(target, address, out, sizeof(*out));
}

bool callable_is_code(struct target *target, uint64_t address)
{
	struct target_place place;

	return !target_place_of(target, address, &place) && place.executable;
}

const char *callable_symbol(struct target *target, uint64_t address)
{
	struct target_place place;
	const char *mangled;
	uint64_t distance;

	if (target_place_of(target, address, &place) || !place.executable)
		return NULL;
	mangled = module_function_at(place.module, place.vaddr, &distance);
	return mangled && !distance ? mangled : NULL;
}

int callable_function(
	struct target *target, uint64_t address, bool certain, struct callable_name *out)
{
	struct callable_name name = {.source = WIRE_SOURCE_SYMBOL};
	struct symbol symbol;

	if (target_symbolize(target, address, &symbol) || !symbol.executable)
		return -ENOENT;
	if (symbol.resolved ? symbol.distance != 0 : !certain)
		return -ENOENT;
	memcpy(name.text, symbol.text, sizeof(name.text));
	memcpy(name.full, symbol.full, sizeof(name.full));
	memcpy(name.build_id, symbol.build_id, sizeof(name.build_id));
	name.resolved = symbol.resolved;
	*out = name;
	return 0;
}

void callable_type(const char *whole, struct callable_name *out)
{
	struct sink sink = {.out = out->text, .size = sizeof(out->text)};

	shorten(whole, &sink);
	sink_finish(&sink);
	if (strcmp(out->text, whole))
		sink_copy(whole, out->full, sizeof(out->full));
	else
		out->full[0] = '\0';
	out->resolved = true;
}

/* GNU OpenMP and GLib put the function first. The argument of a pooled thread may be old stack
 * memory by now: a word without a symbol must at least look like a function of a file. */
static int function_name(
	struct target *target, const struct wire_callable *callable, struct callable_name *out)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	uint64_t address = callable->object[0];
	struct target_place place;
	uint8_t code[sizeof(endbr64)];
	bool plausible;
	int err;

	if (!callable->object_count || target_place_of(target, address, &place))
		return -ENOENT;
	plausible = place.executable && !target_read(target, address, code, sizeof(code)) &&
		    (address % FUNCTION_ALIGN == 0 || !memcmp(code, endbr64, sizeof(code)));
	err = callable_function(target, address, plausible, out);
	if (!err && !out->resolved)
		out->heuristic = true;
	return err;
}

int target_callable_name(
	struct target *target, const struct wire_callable *callable, struct callable_name *out)
{
	switch (callable->trampoline) {
	case WIRE_TRAMPOLINE_STD_THREAD:
		return callable_cpp_name(target, callable, out);
	case WIRE_TRAMPOLINE_RUST:
		return callable_rust_name(target, callable, out);
	case WIRE_TRAMPOLINE_FUNCTION:
		return function_name(target, callable, out);
	case WIRE_TRAMPOLINE_PYTHON:
		return python_thread_name(target, callable, out);
	default:
		return -ENOENT;
	}
}
