/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * python_text.c - strings of CPython as UTF-8, and the names of classes; see python_object.h.
 *
 * Refuses strings that are not compact: since 3.3 only old C code makes them, and subclasses of
 * str, which no name is.
 */
#include "target/python_object.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define STATE_KIND_SHIFT 2 /* unicode state: interned 2 bits, kind 3, compact, ascii */
#define STATE_KIND_MASK	 7u
#define STATE_COMPACT	 (1u << 5)
#define STATE_ASCII	 (1u << 6)

#define UNITS_MAX	(1u << 20) /* more is no name, but memory that is no str */
#define UNITS_AT_ONCE	128u
#define UTF8_BYTES_MAX	4
#define REPLACEMENT	0xfffdu
#define SURROGATE_FIRST 0xd800u
#define SURROGATE_LAST	0xdfffu
#define CODE_LAST	0x10ffffu

/* Where the characters of a string are. */
struct units {
	uint64_t address, count;
	uint32_t bytes; /* of each: 1, 2 or 4 */
};

static int units_of(struct python *python, uint64_t object, struct units *out)
{
	const struct python_offsets *offsets = python->layout->offsets;
	struct units units;
	uint32_t state;

	if (!python_is(python, object, PYTHON_TEXT) ||
		python_word(python, object + PYTHON_COUNT, &units.count) ||
		python_read(python, object + PYTHON_TEXT_STATE, &state, sizeof(state)) ||
		units.count > UNITS_MAX || !(state & STATE_COMPACT))
		return -EFAULT;
	units.bytes = state >> STATE_KIND_SHIFT & STATE_KIND_MASK;
	if ((units.bytes != 1 && units.bytes != 2 && units.bytes != 4) ||
		(state & STATE_ASCII && units.bytes != 1))
		return -EFAULT;
	units.address =
		object + (state & STATE_ASCII ? offsets->ascii_bytes : offsets->compact_bytes);
	*out = units;
	return 0;
}

static uint32_t unit_at(const uint8_t *from, uint32_t bytes)
{
	uint32_t code = 0;

	memcpy(&code, from, bytes);
	return !code || (code >= SURROGATE_FIRST && code <= SURROGATE_LAST) || code > CODE_LAST
		       ? REPLACEMENT
		       : code;
}

static size_t encode(uint32_t code, char out[UTF8_BYTES_MAX])
{
	static const uint8_t first[UTF8_BYTES_MAX + 1] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t bytes = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = bytes; --i; code >>= 6)
		out[i] = (char)(0x80 | (code & 0x3f));
	out[0] = (char)(first[bytes] | code);
	return bytes;
}

int python_text(struct python *python, uint64_t object, char *out, size_t bytes)
{
	uint8_t units_read[UNITS_AT_ONCE * sizeof(uint32_t)];
	char made[PYTHON_TEXT_BYTES_MAX], one[UTF8_BYTES_MAX];
	struct units units;
	size_t used = 0, fits = 0;

	if (bytes < 2 || bytes > sizeof(made) || units_of(python, object, &units))
		return -EFAULT;
	for (uint64_t i = 0; i < units.count; i++) {
		uint64_t left = units.count - i;
		size_t length;

		if (i % UNITS_AT_ONCE == 0 &&
			python_read(python, units.address + i * units.bytes, units_read,
				(left < UNITS_AT_ONCE ? left : UNITS_AT_ONCE) * units.bytes))
			return -EFAULT;
		length = encode(
			unit_at(units_read + i % UNITS_AT_ONCE * units.bytes, units.bytes), one);
		if (used + length >= bytes) {
			made[fits] = '~';
			used = fits + 1;
			break;
		}
		memcpy(made + used, one, length);
		used += length;
		/* Up to here there is room for the "~" that a cut needs. */
		if (used + 1 < bytes)
			fits = used;
	}
	memcpy(out, made, used);
	out[used] = '\0';
	return 0;
}

/* "module.name" of a type that C code made. */
static int static_class_name(struct python *python, uint64_t class, struct python_class_name *out)
{
	char text[PYTHON_NAME_BYTES], *dot;
	uint64_t address;

	if (python_word(python, class + PYTHON_TYPE_NAME, &address) ||
		target_read_text(python->target, address, text, sizeof(text)) || !text[0])
		return -EFAULT;
	dot = strrchr(text, '.');
	if (dot)
		*dot = '\0';
	snprintf(out->module, sizeof(out->module), "%s", dot ? text : "");
	snprintf(out->name, sizeof(out->name), "%s", dot ? dot + 1 : text);
	return 0;
}

int python_class_name(struct python *python, uint64_t class, struct python_class_name *out)
{
	struct python_class_name found = {0};
	uint64_t flags, name, dict, module;
	int err;

	if (!python_is_class(python, class) ||
		python_word(python, class + PYTHON_TYPE_FLAGS, &flags))
		return -EFAULT;
	if (!(flags & PYTHON_IS_HEAP_TYPE))
		return static_class_name(python, class, out);
	if (python_word(python, class + python->layout->offsets->heap_qualname, &name) ||
		python_text(python, name, found.name, sizeof(found.name)))
		return -EFAULT;
	if (python_word(python, class + PYTHON_TYPE_DICT, &dict))
		return -EFAULT;
	err = python_dict_get(python, dict, "__module__", &module);
	/* It may be anything the program likes; what is no text is no module. */
	if (!err && python_is(python, module, PYTHON_TEXT))
		err = python_text(python, module, found.module, sizeof(found.module));
	if (err && err != -ENOENT)
		return err;
	*out = found;
	return 0;
}
