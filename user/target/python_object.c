/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * python_object.c - types and attributes of CPython objects; see python_object.h.
 *
 * Input: memory, read a line at a time. Refuses objects that do not have the type they should.
 */
#include "target/python_object.h"

#include <errno.h>
#include <string.h>

#include "target/target_internal.h"

#define INLINE_BYTES 16u /* tp_basicsize of a class with inline values: it has nothing else */
#define WORD	     8u

#define HAS_INLINE_VALUES (1ull << 2) /* Py_TPFLAGS_INLINE_VALUES */
#define HAS_MANAGED_DICT  (1ull << 4) /* Py_TPFLAGS_MANAGED_DICT */

bool python_open(struct target *target, struct python *out)
{
	struct python_layout *layout = target_python(target);

	if (!layout)
		return false;
	out->target = target;
	out->layout = layout;
	python_forget(out);
	return true;
}

void python_forget(struct python *python)
{
	for (size_t i = 0; i < PYTHON_LINES; i++)
		python->lines[i].read = false;
}

/* The line that holds an address, or NULL. */
static const struct python_line *line_of(struct python *python, uint64_t address)
{
	uint64_t start = address - address % PYTHON_LINE_BYTES;
	struct python_line *line = &python->lines[start / PYTHON_LINE_BYTES % PYTHON_LINES];

	if (line->read && line->address == start)
		return line;
	line->address = start;
	line->read = !target_read(python->target, start, line->bytes, sizeof(line->bytes));
	return line->read ? line : NULL;
}

int python_read(struct python *python, uint64_t address, void *out, size_t bytes)
{
	for (size_t done = 0; done < bytes;) {
		uint64_t from = address + done, into = from % PYTHON_LINE_BYTES;
		size_t left = bytes - done, in_line = PYTHON_LINE_BYTES - into;
		size_t take = left < in_line ? left : in_line;
		const struct python_line *line = line_of(python, from);

		if (!line)
			return -EFAULT;
		memcpy((char *)out + done, line->bytes + into, take);
		done += take;
	}
	return 0;
}

int python_word(struct python *python, uint64_t address, uint64_t *out)
{
	uint64_t value;

	if (python_read(python, address, &value, sizeof(value)))
		return -EFAULT;
	*out = value;
	return 0;
}

int python_type_of(struct python *python, uint64_t object, uint64_t *type)
{
	return object ? python_word(python, object + PYTHON_OBJECT_TYPE, type) : -EFAULT;
}

bool python_is(struct python *python, uint64_t object, enum python_type type)
{
	uint64_t is;

	return !python_type_of(python, object, &is) && is == python->layout->types[type];
}

bool python_is_class(struct python *python, uint64_t object)
{
	uint64_t meta, metameta, flags;

	if (python_type_of(python, object, &meta))
		return false;
	if (meta == python->layout->types[PYTHON_TYPE])
		return true;
	/* A metaclass, which is a class made by type itself in all but contrived programs. */
	return !python_type_of(python, meta, &metameta) &&
	       metameta == python->layout->types[PYTHON_TYPE] &&
	       !python_word(python, meta + PYTHON_TYPE_FLAGS, &flags) && flags & PYTHON_IS_TYPE;
}

/* An attribute among values that have no dict; their keys are the class'. */
static int inline_value(
	struct python *python, uint64_t class, uint64_t values, const char *key, uint64_t *value)
{
	uint64_t keys;

	if (python_word(python, class + python->layout->offsets->heap_keys, &keys))
		return -EFAULT;
	return python_values_get(python, keys, values, key, value);
}

/* 3.13: the values lie behind the object's head. They serve the dict too, while it has no other. */
static int inline_attribute(
	struct python *python, uint64_t object, uint64_t class, const char *key, uint64_t *value)
{
	struct {
		uint8_t capacity, size, embedded, valid;
		uint32_t unused;
	} head;
	uint64_t bytes;

	_Static_assert(sizeof(head) == WORD, "the head of PyDictValues is one word");
	if (python_word(python, class + PYTHON_TYPE_BYTES, &bytes) || bytes != INLINE_BYTES ||
		python_read(python, object + bytes, &head, sizeof(head)) || !head.valid)
		return -EFAULT;
	return inline_value(python, class, object + bytes + sizeof(head), key, value);
}

/* A class whose instances have their dict in front of the object. */
static int managed_attribute(struct python *python, uint64_t object, uint64_t class, uint64_t flags,
	const char *key, uint64_t *value)
{
	uint64_t dict, values = 0;

	if (!(flags & PYTHON_IS_HEAP_TYPE) || python_word(python, object - 3 * WORD, &dict))
		return -EFAULT;
	switch (python->layout->offsets->instance) {
	case PYTHON_VALUES_BEFORE:
		if (python_word(python, object - 4 * WORD, &values))
			return -EFAULT;
		break;
	case PYTHON_VALUES_TAGGED:
		values = dict & 1 ? dict + 1 : 0;
		break;
	case PYTHON_VALUES_INLINE:
		if (!dict && flags & HAS_INLINE_VALUES)
			return inline_attribute(python, object, class, key, value);
		break;
	case PYTHON_DICT_POINTER:
		return -EFAULT;
	}
	if (values)
		return inline_value(python, class, values, key, value);
	/* Without one, no attribute was ever set. */
	return dict ? python_dict_get(python, dict, key, value) : -ENOENT;
}

int python_attribute(struct python *python, uint64_t object, const char *key, uint64_t *value)
{
	uint64_t class, flags, dict;
	int64_t offset;

	if (python_type_of(python, object, &class) || !python_is_class(python, class) ||
		python_word(python, class + PYTHON_TYPE_FLAGS, &flags))
		return -EFAULT;
	/* Before 3.11 the bit means something else. */
	if (python->layout->offsets->instance != PYTHON_DICT_POINTER && flags & HAS_MANAGED_DICT)
		return managed_attribute(python, object, class, flags, key, value);
	/* Negative: of an object of variable size, which no thread is. */
	if (python_read(python, class + PYTHON_TYPE_DICT_OFFSET, &offset, sizeof(offset)) ||
		offset < 0 || (offset && python_word(python, object + offset, &dict)))
		return -EFAULT;
	return offset && dict ? python_dict_get(python, dict, key, value) : -ENOENT;
}
