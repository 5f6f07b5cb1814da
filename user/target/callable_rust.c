/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * callable_rust.c - what a thread of Rust's std was to call.
 *
 * Input: the vtable of the Box<dyn FnOnce()> that the thread was given. The closure in the box is
 * std's own (std::thread::Builder::spawn_unchecked_<F, T>::{closure}); F is the program's. With
 * v0 mangling the symbol of `call` tells it; with the older one only that of `drop`, which the
 * compiler may have merged with that of another closure: it counts only when no other vtable of
 * the file has it. Refuses names that say nothing but std.
 */
#include "target/callable.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "target/build_id.h"
#include "target/module_internal.h"
#include "target/target_internal.h"

#define WORD_BYTES	     CALLABLE_WORD_BYTES
#define ALIGN_MAX	     4096u
#define OBJECT_BYTES_MAX     (1u << 30)
#define NAME_BYTES_MAX	     (8u << 10)
#define DATA_WORDS_MAX	     64u /* of a closure that is searched for a function pointer */
#define PLACE_NAME_BYTES_MAX 230
#define BOXED_CLOSURE	     "alloc::boxed::Box<dyn "

static bool is_plausible(struct target *target, const struct rust_vtable *vtable)
{
	return vtable->align && vtable->align <= ALIGN_MAX &&
	       !(vtable->align & (vtable->align - 1)) && vtable->size <= OBJECT_BYTES_MAX &&
	       vtable->size % vtable->align == 0 && callable_is_code(target, vtable->call) &&
	       (!vtable->drop || callable_is_code(target, vtable->drop));
}

int rust_vtable_read(struct target *target, uint64_t address, struct rust_vtable *out)
{
	struct rust_vtable vtable;

	if (!address || address % WORD_BYTES ||
		target_read(target, address, &vtable, sizeof(vtable)))
		return -EFAULT;
	if (!is_plausible(target, &vtable))
		return -EINVAL;
	*out = vtable;
	return 0;
}

/* A closure with its code. */
struct box {
	uint64_t data;
	struct rust_vtable vtable;
};

/* The box that the thread's argument leads to. */
static int find_box(struct target *target, const struct wire_callable *callable, struct box *out)
{
	size_t count = callable->object_count < RUST_BOX_WORDS_MAX ? callable->object_count
								   : RUST_BOX_WORDS_MAX;
	struct box box;

	if (callable->inner_count >= sizeof(box.vtable) / WORD_BYTES) {
		memcpy(&box.vtable, callable->inner, sizeof(box.vtable));
		for (size_t i = 1; i < count && is_plausible(target, &box.vtable); i++) {
			if (callable->object[i] != callable->inner_address)
				continue;
			box.data = callable->object[i - 1];
			*out = box;
			return 0;
		}
	}
	for (size_t i = 1; i < count; i++) {
		if (rust_vtable_read(target, callable->object[i], &box.vtable))
			continue;
		box.data = callable->object[i - 1];
		*out = box;
		return 0;
	}
	return -ENOENT;
}

/* The end of the first generic argument that begins at `at`, or NULL. */
static const char *argument_end(const char *at)
{
	int depth = 0;

	for (; *at; at++) {
		if (at[0] == '-' && at[1] == '>')
			at++;
		else if (strchr("<([{", *at))
			depth++;
		else if (strchr(">)]}", *at) && !depth--)
			return *at == '>' ? at : NULL;
		else if (*at == ',' && !depth)
			return at;
	}
	return NULL;
}

/* F of std's `...spawn_unchecked_<F, T>::{closure...`. */
static bool find_spawned(const char *whole, char *out, size_t bytes)
{
	static const char *const spawns[] = {"spawn_unchecked_<", "spawn_unchecked<"};

	if (!strstr(whole, "std::thread::"))
		return false;
	for (size_t i = 0; i < sizeof(spawns) / sizeof(spawns[0]); i++) {
		const char *at = strstr(whole, spawns[i]), *end;

		at = at ? at + strlen(spawns[i]) : NULL;
		end = at ? argument_end(at) : NULL;
		if (!end || end == at || (size_t)(end - at) >= bytes)
			continue;
		memcpy(out, at, end - at);
		out[end - at] = '\0';
		return true;
	}
	return false;
}

/* TYPE of `<TYPE as core::ops::function::FnOnce<...>>::call_once...`. */
static bool find_called(const char *whole, char *out, size_t bytes)
{
	const char *as = strstr(whole, " as core::ops::function::Fn");

	if (whole[0] != '<' || !as || (size_t)(as - whole - 1) >= bytes || as == whole + 1)
		return false;
	memcpy(out, whole + 1, as - whole - 1);
	out[as - whole - 1] = '\0';
	return true;
}

/* TYPE of `core::ptr::drop_in_place<TYPE>`. */
static bool find_dropped(const char *whole, char *out, size_t bytes)
{
	static const char drop[] = "core::ptr::drop_in_place<";
	const char *at = whole + sizeof(drop) - 1, *end;

	if (strncmp(whole, drop, sizeof(drop) - 1))
		return false;
	end = argument_end(at);
	if (!end || end == at || (size_t)(end - at) >= bytes)
		return false;
	memcpy(out, at, end - at);
	out[end - at] = '\0';
	return true;
}

/* The demangled name of the function that starts there. */
static bool whole_name(struct target *target, uint64_t address, char *out, size_t bytes)
{
	const char *mangled = callable_symbol(target, address);

	if (!mangled)
		return false;
	demangle_full(mangled, out, bytes);
	return *out && out[strlen(out) - 1] != '~'; /* not cut */
}

/* Whether the file has exactly one vtable with this function: it is then of one type. */
static bool is_of_one(struct target *target, uint64_t function)
{
	struct target_place place;

	return !target_place_of(target, function, &place) &&
	       module_count_pointers(place.module, place.vaddr) == 1;
}

/* What std was given to spawn, by the vtable of std's own closure. */
static bool spawned_type(struct target *target, const struct rust_vtable *vtable, char *out,
	size_t bytes, bool *heuristic)
{
	char whole[NAME_BYTES_MAX];

	*heuristic = !is_of_one(target, vtable->call);
	if (whole_name(target, vtable->call, whole, sizeof(whole)) &&
		find_spawned(whole, out, bytes))
		return true;
	*heuristic = true;
	return vtable->drop && whole_name(target, vtable->drop, whole, sizeof(whole)) &&
	       find_spawned(whole, out, bytes) && is_of_one(target, vtable->drop);
}

/* The type in a box, by its vtable. */
static bool boxed_type(
	struct target *target, const struct rust_vtable *vtable, char *out, size_t bytes)
{
	char whole[NAME_BYTES_MAX];

	if (whole_name(target, vtable->call, whole, sizeof(whole)) &&
		find_called(whole, out, bytes))
		return true;
	return vtable->drop && whole_name(target, vtable->drop, whole, sizeof(whole)) &&
	       find_dropped(whole, out, bytes) && is_of_one(target, vtable->drop);
}

/* Reads the closure as long as the process lives. Returns how many words it has. */
static size_t read_data(struct target *target, const struct box *box, uint64_t *words)
{
	size_t count = box->vtable.size / WORD_BYTES;

	if (!count || count > DATA_WORDS_MAX ||
		target_read(target, box->data, words, count * WORD_BYTES))
		return 0;
	return count;
}

/* F is a function pointer: the one word of the closure at which a function starts. */
static int name_pointer(struct target *target, const struct box *box, struct callable_name *out)
{
	uint64_t words[DATA_WORDS_MAX];
	size_t count = read_data(target, box, words), found = 0;
	struct callable_name name;

	for (size_t i = 0; i < count; i++)
		if (callable_is_code(target, words[i]) && found++)
			return -ENOENT;
	for (size_t i = 0; found && i < count; i++) {
		if (callable_function(target, words[i], false, &name))
			continue;
		name.heuristic = true;
		*out = name;
		return 0;
	}
	return -ENOENT;
}

/* F is a boxed closure: the one word of std's closure that is the vtable of a box. */
static bool find_boxed(struct target *target, const struct box *box, char *out, size_t bytes)
{
	uint64_t words[DATA_WORDS_MAX];
	size_t count = read_data(target, box, words), found = 0;
	struct rust_vtable vtable = {0}, inner;

	for (size_t i = 0; i < count; i++) {
		if (rust_vtable_read(target, words[i], &inner))
			continue;
		if (found++)
			return false;
		vtable = inner;
	}
	return found && boxed_type(target, &vtable, out, bytes);
}

static int name_of_type(
	const char *type, uint32_t source, bool heuristic, struct callable_name *out)
{
	struct callable_name name = {.source = source, .heuristic = heuristic};

	callable_type(type, &name);
	*out = name;
	return 0;
}

/* Stripped, or of a name that all of std's closures have: where it is tells it apart. */
static int name_of_place(struct target *target, uint64_t address, struct callable_name *out)
{
	struct callable_name name = {.source = WIRE_SOURCE_SYMBOL};
	struct target_place place;

	if (target_place_of(target, address, &place))
		return -ENOENT;
	snprintf(name.text, sizeof(name.text), "%.*s+0x%" PRIx64, PLACE_NAME_BYTES_MAX,
		module_basename(place.module), place.vaddr);
	build_id_text(&place.module->build_id, name.build_id);
	*out = name;
	return 0;
}

/* fn(), extern "C" fn(), unsafe fn(). */
static bool is_pointer(const char *type)
{
	const char *function = strstr(type, "fn(");

	return function == type ||
	       (function > type && function[-1] == ' ' &&
		       (!strncmp(type, "extern ", 7) || !strncmp(type, "unsafe ", 7)));
}

int callable_rust_name(
	struct target *target, const struct wire_callable *callable, struct callable_name *out)
{
	char type[NAME_BYTES_MAX], boxed[NAME_BYTES_MAX];
	struct box box;
	bool heuristic;

	if (find_box(target, callable, &box))
		return -ENOENT;
	if (!spawned_type(target, &box.vtable, type, sizeof(type), &heuristic))
		return name_of_place(target, box.vtable.call, out);
	if (is_pointer(type))
		return name_pointer(target, &box, out)
			       ? name_of_type(type, WIRE_SOURCE_TYPE, true, out)
			       : 0;
	if (strncmp(type, BOXED_CLOSURE, sizeof(BOXED_CLOSURE) - 1))
		return name_of_type(type, WIRE_SOURCE_SYMBOL, heuristic, out);
	if (find_boxed(target, &box, boxed, sizeof(boxed)))
		return name_of_type(boxed, WIRE_SOURCE_SYMBOL, true, out);
	return name_of_type(type, WIRE_SOURCE_TYPE, true, out);
}
