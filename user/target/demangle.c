/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * demangle.c - C++ and Rust names for people.
 *
 * Input is any text. libiberty does the work, with its limit of recursion kept; what it leaves
 * unbounded is bounded here. A few hundred bytes can expand to gigabytes (substitutions that
 * double at each level), so that its output is cut off; three forms keep it busy without
 * output and are not demangled at all. What a short name leaves out is decided in shorten.c; a
 * Rust hash is no part of a name and is always left out.
 */
#include "target/demangle.h"

#include <ctype.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "target/shorten.h"
#include "target/target.h"

#define RAW_BYTES_MAX	       (16u << 10)
#define PACK_SUBSTITUTIONS_MAX 40
#define LIFETIME_DIGITS_MAX    2

struct raw_name {
	char text[RAW_BYTES_MAX];
	size_t used;
	bool cut;
	jmp_buf full;
};

/* libiberty gives its callback no way to say stop. It holds nothing on the heap while it calls
 * (its trees are on the stack; only a punycode identifier of Rust is not), so that jumping out
 * is safe. */
static void collect(const char *text, size_t bytes, void *context)
{
	struct raw_name *raw = context;
	size_t room = sizeof(raw->text) - 1 - raw->used;

	if (!bytes) /* then `text` may be NULL */
		return;
	if (bytes > room) {
		memcpy(raw->text + raw->used, text, room);
		raw->used += room;
		raw->cut = true;
		longjmp(raw->full, 1);
	}
	memcpy(raw->text + raw->used, text, bytes);
	raw->used += bytes;
}

/* Where a pack expansion is looked for in substitutions of substitutions, d_find_pack walks
 * them all, in silence: with so many of them that may take for ever. */
bool demangle_is_bomb(const char *mangled)
{
	size_t substitutions = 0;

	if (!strstr(mangled, "Dp") && !strstr(mangled, "sZ") && !strstr(mangled, "sP"))
		return false;
	for (const char *at = strchr(mangled, 'S'); at; at = strchr(at + 1, 'S'))
		substitutions += at[1] == '_' || isdigit((unsigned char)at[1]) ||
				 isupper((unsigned char)at[1]);
	return substitutions > PACK_SUBSTITUTIONS_MAX;
}

/* "FG" or "DG" and a number in base 62: that many lifetimes, counted one by one. */
static bool is_lifetime_bomb(const char *mangled)
{
	for (const char *at = strchr(mangled, 'G'); at; at = strchr(at + 1, 'G')) {
		size_t digits = 0;

		if (at == mangled || (at[-1] != 'F' && at[-1] != 'D'))
			continue;
		while (isalnum((unsigned char)at[1 + digits]))
			digits++;
		if (digits > LIFETIME_DIGITS_MAX && at[1 + digits] == '_')
			return true;
	}
	return false;
}

/* Whether `raw` holds the name, or the start of a name that was cut. */
static bool demangle_by(int (*demangler)(const char *, int, demangle_callbackref, void *),
	const char *mangled, int options, struct raw_name *raw)
{
	raw->used = 0;
	raw->cut = false;
	if (!setjmp(raw->full)) {
		if (!demangler(mangled, options, collect, raw))
			return false;
	}
	raw->text[raw->used] = '\0';
	return raw->used > 0;
}

/* `base`: the same without suffixes, which Rust's demangler does not understand. */
static bool demangle_raw(const char *mangled, const char *base, int options, struct raw_name *raw)
{
	bool is_rust = !strncmp(mangled, "_R", 2), is_cpp = !strncmp(mangled, "_Z", 2);

	/* Rust's older form looks like C++, and ends in a hash that only Rust's leaves out. */
	if ((is_rust && !is_lifetime_bomb(base)) || is_cpp) {
		if (demangle_by(rust_demangle_callback, base, options, raw))
			return true;
	}
	return is_cpp && !demangle_is_bomb(mangled) &&
	       demangle_by(cplus_demangle_v3_callback, mangled, options, raw);
}

void demangle(const char *mangled, char *out, size_t bytes)
{
	struct sink sink = {.out = out, .size = bytes};
	size_t base_length = shorten_base_length(mangled);
	char *base = strndup(mangled, base_length);
	struct raw_name raw;

	if (bytes && base && demangle_raw(base, base, DMGL_NO_OPTS, &raw)) {
		shorten(raw.text, &sink);
		shorten_suffixes(mangled + base_length, &sink);
		sink.cut |= raw.cut;
	} else if (bytes) {
		sink_put(&sink, mangled, base_length);
		shorten_suffixes(mangled + base_length, &sink);
	}
	if (bytes)
		sink_finish(&sink);
	free(base);
}

void demangle_full(const char *mangled, char *out, size_t bytes)
{
	struct sink sink = {.out = out, .size = bytes};
	char *base = strndup(mangled, shorten_base_length(mangled));
	struct raw_name raw;

	if (bytes && base && demangle_raw(mangled, base, DMGL_PARAMS | DMGL_ANSI, &raw)) {
		sink_put(&sink, raw.text, raw.used);
		sink.cut |= raw.cut;
		sink_finish(&sink);
	} else {
		sink_copy(mangled, out, bytes);
	}
	free(base);
}
