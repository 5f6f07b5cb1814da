/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * demangle.c - C++ and Rust names for people.
 *
 * Input is any text. libiberty does the work, with its limit of recursion kept; what it leaves
 * unbounded is bounded here. A few hundred bytes can expand to gigabytes (substitutions that
 * double at each level), so that its output is cut off; three forms keep it busy without
 * output and are not demangled at all. Parameter lists are left out; long template arguments
 * are folded; a lambda's operator() and a Rust hash say nothing to people and are left out.
 */
#include "target/target.h"

#include <ctype.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#define FOLDED		       "<...>"
#define RAW_BYTES_MAX	       (16u << 10)
#define TEMPLATE_BYTES_MAX     40
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
static bool is_pack_bomb(const char *mangled)
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
	const char *mangled, struct raw_name *raw)
{
	raw->used = 0;
	raw->cut = false;
	if (!setjmp(raw->full)) {
		if (!demangler(mangled, DMGL_NO_OPTS, collect, raw))
			return false;
	}
	raw->text[raw->used] = '\0';
	return raw->used > 0;
}

static bool demangle_raw(const char *mangled, struct raw_name *raw)
{
	bool is_rust = !strncmp(mangled, "_R", 2), is_cpp = !strncmp(mangled, "_Z", 2);

	/* Rust's older form looks like C++, and ends in a hash that only Rust's leaves out. */
	if ((is_rust && !is_lifetime_bomb(mangled)) || is_cpp) {
		if (demangle_by(rust_demangle_callback, mangled, raw))
			return true;
	}
	return is_cpp && !is_pack_bomb(mangled) &&
	       demangle_by(cplus_demangle_v3_callback, mangled, raw);
}

/* Text that is built up to a bound. */
struct sink {
	char *out;
	size_t size, used;
	bool cut;
};

static void put(struct sink *sink, const char *text, size_t bytes)
{
	size_t room = sink->size - 1 - sink->used;

	if (bytes > room) {
		bytes = room;
		sink->cut = true;
	}
	memcpy(sink->out + sink->used, text, bytes);
	sink->used += bytes;
}

/* Ends the text; a cut one ends in "~", never within a character of UTF-8. */
static void finish(struct sink *sink)
{
	if (sink->cut && sink->size > 1) {
		if (sink->used == sink->size - 1)
			sink->used--;
		while (sink->used && ((unsigned char)sink->out[sink->used] & 0xc0) == 0x80)
			sink->used--;
		sink->out[sink->used++] = '~';
	}
	sink->out[sink->used] = '\0';
}

/* The length of "operator<", "operator->*" and the like at `at`, whose signs are no brackets;
 * 0 when it is none of them. Arguments of such a template come behind a space: it is counted. */
static size_t operator_length(const char *start, const char *at)
{
	static const char word[] = "operator";
	static const char *const signs[] = {
		"<=>", "<<=", ">>=", "->*", "<<", ">>", "<=", ">=", "->", "<", ">"};
	const size_t length = sizeof(word) - 1;

	if (strncmp(at, word, length) ||
		(at > start && (isalnum((unsigned char)at[-1]) || at[-1] == '_')))
		return 0;
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		size_t bytes = length + strlen(signs[i]);

		if (!strncmp(at + length, signs[i], strlen(signs[i])))
			return bytes + (at[bytes] == ' ');
	}
	return 0;
}

/* The bytes from '<' to behind its '>', or 0 when it has none. */
static size_t bracket_length(const char *open)
{
	size_t angles = 0, parens = 0;

	for (const char *at = open; *at;) {
		size_t skip = operator_length(open, at);

		if (skip || (at[0] == '-' && at[1] == '>')) {
			at += skip ? skip : 2;
			continue;
		}
		/* Within parentheses a sign may be a comparison. */
		if (*at == '(')
			parens++;
		else if (*at == ')' && !parens--)
			return 0;
		else if (*at == '<' && !parens)
			angles++;
		else if (*at == '>' && !parens && !--angles)
			return at + 1 - open;
		at++;
	}
	return 0;
}

/* A '<' behind a name or an operator opens template arguments, also behind Rust's "::"; any
 * other is Rust's "<Type as Trait>". */
static bool opens_arguments(const char *start, const char *at)
{
	if (at == start)
		return false;
	if (at[-1] == ' ')
		return at - start > 1 && strchr("<>=-*", at[-2]);
	return isalnum((unsigned char)at[-1]) || strchr("_:)]+-*/%^&|~!=", at[-1]) ||
	       (unsigned char)at[-1] >= 0x80;
}

static void put_folded(struct sink *sink, const struct raw_name *raw)
{
	const char *start = raw->text;

	for (const char *at = start; *at;) {
		size_t skip = operator_length(start, at), length;

		if (skip || *at != '<' || !opens_arguments(start, at)) {
			put(sink, at, skip ? skip : 1);
			at += skip ? skip : 1;
			continue;
		}
		length = bracket_length(at);
		if (!length) {
			put(sink, raw->cut ? FOLDED : at, strlen(raw->cut ? FOLDED : at));
			break;
		}
		if (length > TEMPLATE_BYTES_MAX + 2)
			put(sink, FOLDED, strlen(FOLDED));
		else
			put(sink, at, length);
		at += length;
	}
	sink->cut |= raw->cut;
}

/* What compilers call the function behind a lambda: the lambda itself is the better name. */
static void drop_lambda_call(struct raw_name *raw)
{
	static const char *const calls[] = {"::operator()", "::_FUN", "::__invoke"};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		size_t bytes = strlen(calls[i]), digits = 0;
		char *end = raw->text + raw->used - bytes;

		if (raw->cut || raw->used <= bytes || strcmp(end, calls[i]))
			continue;
		/* "{lambda()#1}", or clang's "$_0" for those in functions of its own file. */
		while (end - digits > raw->text && isdigit((unsigned char)end[-1 - (long)digits]))
			digits++;
		if (end[-1] != '}' && !(digits && end - digits >= raw->text + 2 &&
					      !strncmp(end - digits - 2, "$_", 2)))
			continue;
		*end = '\0';
		raw->used -= bytes;
		return;
	}
}

void demangle(const char *mangled, char *out, size_t bytes)
{
	struct sink sink = {.out = out, .size = bytes};
	struct raw_name raw;

	if (!bytes)
		return;
	if (demangle_raw(mangled, &raw)) {
		drop_lambda_call(&raw);
		put_folded(&sink, &raw);
	} else {
		put(&sink, mangled, strlen(mangled));
	}
	finish(&sink);
}
